"""Keras' own ONNX and OpenVINO exports of the network for inference.

Run where these packages are installed; docs/litert.md names them.
"""

import keras
import numpy as np
import pytest

from ordinal_tf.export import fold
from ordinal_tf.models import hourglass
from tests import tiny

# The converters warn of their own imports and calls.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(0)
    plain = hourglass.build_volume_network(z_resolutions=(1, 4), **tiny.WIDTHS)
    lean = fold.for_inference(plain, input_size=32)
    lean(np.zeros((1, 32, 32, 3)))  # Keras exports what has run once.
    return lean


@pytest.fixture(scope="module")
def image():
    return np.random.default_rng(0).uniform(size=(1, 32, 32, 3)).astype("f4")


def test_onnx(network, image, tmp_path):
    pytest.importorskip("tf2onnx")
    runtime = pytest.importorskip("onnxruntime")
    path = str(tmp_path / "network.onnx")
    network.export(path, format="onnx", verbose=False)
    session = runtime.InferenceSession(path)
    name = session.get_inputs()[0].name
    agree(session.run(None, {name: image}), network(image))


def test_openvino(network, image, tmp_path):
    openvino = pytest.importorskip("openvino")
    path = str(tmp_path / "network.xml")
    network.export(path, format="openvino", verbose=False)
    options = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(path, "CPU", options)
    found = compiled(image)
    agree([found[i] for i in range(2)], network(image))


def agree(found, expected):
    for one, other in zip(found, expected, strict=True):
        scale = np.abs(other).max()
        np.testing.assert_allclose(one, other, atol=1e-5 * scale)
