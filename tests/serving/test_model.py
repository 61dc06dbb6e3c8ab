"""Loading a version and running its signatures, without a server."""

import shutil

import grpc
import numpy as np
import pytest
import tensorflow as tf

from ordinal_tf.serving import errors, model


@pytest.fixture(scope="module")
def loaded(exported):
    loaded = model.load(exported, threads=1)
    yield loaded
    loaded.close()


def test_signatures(loaded):
    assert set(loaded.signatures) == {"serving_default", "photo", "photos"}
    boxes = loaded.signatures["photo"].inputs["boxes"]
    assert (boxes.dtype, boxes.shape) == (tf.float32, (None, 3))
    # Told to clients, but nothing to call.
    assert "__saved_model_init_op" in loaded.signature_defs


def test_run_equals_the_function_that_was_exported(loaded, exported):
    image = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), np.uint8)
    found = loaded.run("serving_default", {"image": image})
    function = tf.saved_model.load(str(exported)).signatures["serving_default"]
    for name, value in function(image=tf.constant(image)).items():
        np.testing.assert_allclose(found[name], value, rtol=1e-6)


def test_what_the_graph_refuses(loaded):
    inputs = {
        "photo": np.array([b"GIF89a"], object),
        "boxes": np.ones((1, 3), np.float32),
    }
    with pytest.raises(errors.ServingError) as caught:
        loaded.run("photo", inputs)
    assert caught.value.code == grpc.StatusCode.INVALID_ARGUMENT
    assert "\n" not in caught.value.message


def test_half_copied_folders(exported, tmp_path):
    def copy(name):
        shutil.copytree(exported, tmp_path / name)
        return tmp_path / name

    graph = copy("graph") / "saved_model.pb"
    graph.write_bytes(graph.read_bytes()[:-100])
    copy("none").joinpath("saved_model.pb").unlink()
    for name in ("graph", "none", "missing"):
        with pytest.raises(ValueError, match=f"{name} cannot be loaded: ."):
            model.load(tmp_path / name)


def test_no_signature(tmp_path):
    tf.saved_model.save(tf.Module(), str(tmp_path / "m"), signatures={})
    with pytest.raises(ValueError, match="no signature"):
        model.load(tmp_path / "m")


def test_example_input():
    spec = model.Spec(tf.uint8, (None, 4, None, 3), "x:0")
    found = model.example_input(spec)
    assert (found.shape, found.dtype) == ((1, 4, 1, 3), np.uint8)
