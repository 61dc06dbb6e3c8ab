"""The PyTorch baseline is the same network."""

import json

import keras
import numpy as np
import pytest

from configs import lite
from ordinal_tf.models import build, encoder, hourglass
from tools.dev import _torch_twin


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(0)
    network = hourglass.build_volume_network(
        z_resolutions=(1, 4),
        stem_features=4,
        front_features=8,
        features=8,
        out_features=8,
        order=1,
        modules=1,
    )
    rng = np.random.default_rng(0)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            width = layer.gamma.shape
            layer.set_weights([rng.uniform(0.5, 1.5, width) for _ in range(4)])
    return network


def test_description_is_in_order_and_whole(network):
    arrays = _torch_twin.describe(network)
    plan = json.loads(str(arrays["plan"]))
    known = set()
    for row in plan:
        assert set(row["inputs"]) <= known, row["name"]
        known.add(row["name"])
    assert plan[-1]["inputs"] == ["volume2"]
    weights = sum(value.size for key, value in arrays.items() if "/" in key)
    assert weights == network.count_params()


def test_the_encoder_is_described_whole():
    network = hourglass.build_volume_network(features=8, encoder="lite0")
    arrays = _torch_twin.describe(network)
    plan = json.loads(str(arrays["plan"]))
    known = {*_torch_twin._KINDS, "InputLayer", "Add", "Concatenate", "Result"}
    assert {row["kind"] for row in plan} <= known
    weights = sum(value.size for key, value in arrays.items() if "/" in key)
    assert weights == network.count_params()


def test_lite_is_the_same():
    config = lite.get_config().model
    network = build.build_image_network(config)
    encoder.load_imagenet(network, config.encoder)
    assert_same_volume(network, 64)


def test_the_papers_network_is_the_same(network):
    assert_same_volume(network, 32)


def assert_same_volume(network, size):
    torch = pytest.importorskip("torch")
    twin = _torch_twin.build(_torch_twin.describe(network))
    twin = twin.to(memory_format=torch.channels_last)  # As it is timed.
    image = np.random.default_rng(1).uniform(size=(2, size, size, 3))
    image = image.astype(np.float32)
    with torch.inference_mode():
        found = twin(torch.from_numpy(image.transpose(0, 3, 1, 2))).numpy()
    expected = np.asarray(network(image)[-1])
    np.testing.assert_allclose(
        found.transpose(0, 2, 3, 1),
        expected,
        atol=1e-4 * np.abs(expected).max(),
    )


def test_unknown_layers_are_refused():
    row = {"name": "a", "kind": "LSTM", "inputs": [], "options": {}}
    with pytest.raises(ValueError, match="LSTM"):
        _torch_twin._step(row, {})
