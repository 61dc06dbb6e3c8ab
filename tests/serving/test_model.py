"""Loading a version and running its signatures, without a server."""

import shutil

import grpc
import numpy as np
import pytest
import tensorflow as tf

from ordinal_tf.serving import errors, model
from tests.serving import tiny


@pytest.fixture(scope="module")
def loaded(folder):
    loaded = model.load(folder, "tiny", threads=1)
    yield loaded
    loaded.session.close()


def test_signatures(loaded):
    assert set(loaded.signatures) == {"serving_default", "photo", "photos"}
    boxes = loaded.signatures["photo"].inputs["boxes"]
    assert (boxes.dtype, boxes.shape.as_list()) == (tf.float32, [None, 3])
    # Told to clients, but nothing to call.
    assert "__saved_model_init_op" in loaded.protos


def test_run_equals_the_function_that_was_exported(loaded, folder):
    image = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), np.uint8)
    found = loaded.run(loaded.signatures["serving_default"], {"image": image})
    function = tf.saved_model.load(str(folder / "3")).signatures[
        "serving_default"
    ]
    for name, value in function(image=tf.constant(image)).items():
        np.testing.assert_allclose(found[name], value, rtol=1e-6)


def test_what_the_graph_refuses(loaded):
    inputs = {
        "photo": np.array([b"GIF89a"], object),
        "boxes": np.ones((1, 3), np.float32),
    }
    with pytest.raises(errors.ServingError) as caught:
        loaded.run(loaded.signatures["photo"], inputs)
    assert caught.value.code == grpc.StatusCode.INVALID_ARGUMENT
    assert "\n" not in caught.value.message


def test_half_copied_folders(folder, tmp_path):
    def copy(name):
        shutil.copytree(folder, tmp_path / name)
        return tmp_path / name

    graph = copy("graph") / "3" / "saved_model.pb"
    graph.write_bytes(graph.read_bytes()[:-100])
    copy("none").joinpath("3", "saved_model.pb").unlink()
    for name in ("graph", "none"):
        with pytest.raises(ValueError, match=f"{name}/3 cannot be loaded: ."):
            model.load(tmp_path / name, "tiny")
    with pytest.raises(ValueError, match="empty holds no version of 'tiny'"):
        model.load(tmp_path / "empty", "tiny")


def test_no_signature(tmp_path):
    tf.saved_model.save(tf.Module(), str(tmp_path / "m" / "1"), signatures={})
    with pytest.raises(ValueError, match="no signature"):
        model.load(tmp_path / "m", "m")


def test_the_highest_version_is_served(tmp_path):
    for number in (9, 10):
        tiny.export(tmp_path / str(number), offset=number)
    loaded = model.load(tmp_path, "tiny")
    found = loaded.run(
        loaded.signatures["serving_default"], {"image": tiny.crop(1)}
    )
    assert loaded.version == 10 and (found["pose"] == 10).all()
    loaded.session.close()
