"""The encoder against published facts, its weights against pictures."""

import keras
import numpy as np
import pytest

from ordinal_tf.models import encoder, hourglass
from tests.numerics import assert_close


@pytest.mark.parametrize(
    ("variant", "parameters"),
    # tensorflow/tpu, efficientnet/lite/README.md: 4.7, 5.4 and 6.1 million.
    [("lite0", 4_652_008), ("lite1", 5_416_680), ("lite2", 6_092_072)],
)
def test_classifier_has_the_published_size(variant, parameters):
    network = encoder.classifier(variant)
    norms = [
        layer
        for layer in network.layers
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    statistics = sum(2 * layer.gamma.shape[0] for layer in norms)
    assert network.count_params() - statistics == parameters


def test_levels():
    image = keras.Input((64, 64, 3))
    levels = encoder.encoder(image, "lite0")
    assert [level.shape[1:] for level in levels] == [
        (32, 32, 16),
        (16, 16, 24),
        (8, 8, 40),
        (4, 4, 112),
        (2, 2, 320),
    ]


def test_pixels_are_scaled_as_in_the_training():
    """(x - 127) / 128 of 8-bit pixels, whatever comes after."""
    image = keras.Input((32, 32, 3))
    network = keras.Model(image, encoder.encoder(image, "lite0"))
    scaled = network.get_layer("encoder_pixels")
    bytes_ = np.array([[[[0, 127, 255]]]], "float32")
    assert_close(scaled(bytes_ / 255), [[[[-127 / 128, 0, 1]]]], atol=1e-6)


def test_unknown_variant():
    with pytest.raises(ValueError, match="lite0, lite1, lite2.*'b0'"):
        encoder.stages("b0")


@pytest.mark.parametrize("variant", ["lite0", "lite2"])
def test_shipped_weights_fit(variant):
    image = keras.Input((32, 32, 3))
    network = keras.Model(image, encoder.encoder(image, variant))
    before = network.get_layer("encoder_stem").kernel.numpy()
    encoder.load_imagenet(network, variant)
    kernel = network.get_layer("encoder_stem").kernel.numpy()
    assert np.abs(kernel - before).max() > 0.1
    # Filters of edges, whose weights nearly cancel, not noise around zero.
    sums = np.abs(kernel.sum((0, 1))).mean() / np.abs(kernel).sum((0, 1)).mean()
    assert sums < 0.6


def test_weights_that_the_package_lacks():
    network = keras.Sequential([keras.layers.ReLU()])
    with pytest.raises(ValueError, match="'lite1', only of lite0, lite2"):
        encoder.load_imagenet(network, "lite1")


@pytest.mark.parametrize("fault", ["missing", "more", "shape"])
def test_weights_of_another_encoder(fault):
    image = keras.Input((32, 32, 3))
    network = keras.Model(image, encoder.encoder(image, "lite0"))
    arrays = {
        f"{layer.name.removeprefix('encoder_')}/{variable.name}": np.zeros(
            variable.shape
        )
        for layer in network.layers
        for variable in layer.variables
    }
    encoder.assign(network, arrays)
    if fault == "missing":
        del arrays["stem/kernel"]
    elif fault == "more":
        arrays["head/kernel"] = np.zeros(3)
    else:
        arrays["stem/kernel"] = np.zeros((3, 3, 3, 31))
    with pytest.raises(ValueError, match="stem/kernel|head/kernel"):
        encoder.assign(network, arrays)


def test_encoded_network_keeps_the_papers_structure():
    """One volume a stack; the second stack sees the first one's heatmaps."""
    network = hourglass.build_volume_network(
        z_resolutions=(1, 4),
        features=8,
        out_features=8,
        order=1,
        modules=1,
        encoder="lite0",
    )
    image = np.random.default_rng(0).uniform(size=(1, 32, 32, 3))
    heatmaps, volume = network(image.astype("f4"))
    assert heatmaps.shape == (1, 8, 8, 17) and volume.shape == (1, 8, 8, 68)
    names = {layer.name for layer in network.layers}
    assert {"hg1_inner_add", "hg2_add", "back1", "merge1"} <= names
    assert "stem_conv" not in names


@pytest.mark.parametrize("per_joint", [1, 3])
def test_heads_can_have_it_too(per_joint):
    network = hourglass.build_regression_network(
        per_joint=per_joint,
        input_size=32,
        features=8,
        out_features=8,
        order=1,
        encoder="lite0",
    )
    assert network.output_shape == (None, 17, per_joint)
    assert network.get_layer("encoder_stem").filters == 32
