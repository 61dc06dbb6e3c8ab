"""LiteRT files of a tiny network, run with the interpreter of devices."""

import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf

from ordinal_tf.export import fold
from ordinal_tf.inference import signatures
from ordinal_tf.litert import lite_file, lite_report, tflite
from ordinal_tf.models import hourglass, lifting

pytest.importorskip("ai_edge_litert")
pytest.importorskip("litert_quantizer")

SIZE, BINS = 32, 4
OPTIONS = {"kind": "volume", "depth_bins": BINS, "depth_scale": 0.7}


@pytest.fixture(scope="module")
def networks(crops):
    keras.utils.set_random_seed(5)
    network = hourglass.build_volume_network(
        input_size=SIZE,
        z_resolutions=(1, BINS),
        stem_features=8,
        front_features=8,
        features=8,
        out_features=8,
        order=1,
        modules=1,
    )
    # An untrained volume has peaks as sharp as a rounding error; a trained
    # one's logits are a few units apart.
    last = network.get_layer("volume2")
    kernel, bias = last.get_weights()
    volume = network(crops.astype(np.float32) / 255.0)[-1]
    last.set_weights([2.0 * kernel / np.std(volume), bias])
    lifter = lifting.build_reconstruction(width=16)
    return (
        fold.for_inference(network, input_size=SIZE),
        fold.for_inference(lifter),
    )


@pytest.fixture(scope="module")
def crops():
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (6, 5, 5, 3)).astype(np.float32)
    return tf.cast(tf.image.resize(coarse, (SIZE, SIZE)), tf.uint8).numpy()


@pytest.fixture(scope="module")
def live(networks, crops):
    chain = signatures.chain(*networks, mirror=True, **OPTIONS)
    return {k: v.numpy() for k, v in chain(tf.constant(crops)).items()}


@pytest.fixture(scope="module")
def exact(networks):
    chain = signatures.chain(*networks, mirror=True, **OPTIONS)
    return tflite.convert(chain, SIZE)


def variant(exact, networks, name, crops):
    network = networks[0]
    return tflite.quantize(
        exact,
        name,
        network=network.name,
        last=network.output_names[-1],
        calibration=crops,
    )


def test_float32_is_the_network(exact, live, crops):
    """With the mirrored pass, which the file does in one batch of two."""
    found = lite_report.outputs_of(lite_file.open_model(exact), crops)
    assert set(found) == set(live)
    for name, atol in (("keypoints", 0.02), ("pose", 0.5), ("score", 1e-3)):
        np.testing.assert_allclose(found[name], live[name], atol=atol)


@pytest.mark.parametrize("name", ["float16", "dynamic", "int8"])
def test_variants_are_smaller_and_near(exact, networks, live, crops, name):
    data = variant(exact, networks, name, crops)
    assert len(data) < len(exact)
    found = lite_report.outputs_of(lite_file.open_model(data, threads=2), crops)
    limit = {"float16": 1e-3, "dynamic": 0.03, "int8": 0.15}[name]
    # Continuous in the volume, unlike the best cell of an untrained network.
    difference = np.abs(found["ordinal_depth"] - live["ordinal_depth"])
    assert 0 < difference.max() < limit
    assert np.isfinite(found["pose"]).all()


def weights(data):
    """Dict of dtype to the number of constants in a file."""
    from ai_edge_litert import interpreter

    engine = interpreter.Interpreter(model_content=data)
    return {str(np.dtype(t["dtype"])) for t in engine.get_tensor_details()}


def test_number_formats(exact, networks, crops):
    assert "int8" not in weights(exact) and "float16" not in weights(exact)
    half = variant(exact, networks, "float16", crops)
    assert "float16" in weights(half) and "int8" not in weights(half)
    eight = variant(exact, networks, "dynamic", crops)
    # The reconstruction network keeps 16 bits.
    assert {"int8", "float16"} <= weights(eight)


def test_info_lies_behind_the_model(exact, crops, tmp_path):
    info = {"joints": ["pelvis", "knee"], "input_size": SIZE}
    data = lite_file.with_info(exact, info)
    assert data.startswith(exact) and lite_file.with_info(exact, info) == data
    path = tmp_path / "m.tflite"
    path.write_bytes(data)
    assert lite_file.read_info(path) == info
    with zipfile.ZipFile(path) as archive:
        assert archive.read("labels.txt") == b"pelvis\nknee\n"
        assert archive.testzip() is None
    # The interpreter does not mind, from the file as from memory.
    plain = lite_file.open_model(exact)(crops[0])
    for model in (path, data):
        for name, value in lite_file.open_model(model)(crops[0]).items():
            np.testing.assert_array_equal(value, plain[name])


def test_files_without_info(exact, tmp_path):
    path = tmp_path / "m.tflite"
    path.write_bytes(exact)
    with pytest.raises(ValueError, match=r"has no model\.json inside"):
        lite_file.read_info(path)


def test_missing_packages(monkeypatch):
    monkeypatch.setattr(tflite.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match="ai-edge-litert"):
        tflite.check_installed()
