"""The rewritten networks against the ones they were made from."""

import keras
import numpy as np
import pytest
from keras import layers

from ordinal_tf.export import fold
from ordinal_tf.models import hourglass, lifting


def norms(network):
    return [
        layer
        for layer in network.layers
        if isinstance(layer, layers.BatchNormalization)
    ]


def shake(network, seed=0):
    """Gives the batch norms the statistics of a trained network."""
    rng = np.random.default_rng(seed)
    for norm in norms(network):
        width = norm.gamma.shape
        norm.set_weights(
            [
                rng.uniform(0.5, 1.5, width),
                rng.normal(0, 0.3, width),
                rng.normal(0, 0.3, width),
                rng.uniform(0.5, 2.0, width),
            ]
        )
    return network


@pytest.fixture(scope="module")
def volume():
    keras.utils.set_random_seed(0)
    return shake(
        hourglass.build_volume_network(
            z_resolutions=(1, 4),
            stem_features=4,
            front_features=8,
            features=8,
            out_features=16,
            order=1,
            modules=1,
        )
    )


@pytest.fixture(scope="module")
def image():
    return np.random.default_rng(1).uniform(size=(2, 32, 32, 3)).astype("f4")


def test_folded_volume_network(volume, image):
    before = volume(image)
    lean = fold.for_inference(volume, input_size=32)
    # Per residual block the first of three norms stays; the stem's and both
    # behind each hourglass go.
    blocks = sum(layer.name.endswith("_conv3") for layer in volume.layers)
    assert len(norms(lean)) == blocks > 10
    assert len(norms(volume)) == 3 * blocks + 1 + 2 * 2
    assert not any(
        isinstance(layer, layers.UpSampling2D) for layer in lean.layers
    )
    for plain, folded, same in zip(
        before, lean(image), volume(image), strict=True
    ):
        scale = np.abs(plain).max()
        np.testing.assert_allclose(folded, plain, atol=1e-4 * scale)
        # The original is untouched.
        np.testing.assert_array_equal(same, plain)


def test_every_norm_of_the_reconstruction_goes():
    network = shake(lifting.build_reconstruction(width=16))
    lean = fold.for_inference(network)
    assert not norms(lean)
    vector = np.random.default_rng(2).normal(size=(5, 51)).astype("f4")
    np.testing.assert_allclose(lean(vector), network(vector), atol=1e-4)


def test_by_hand():
    """One number through `3 x + 1`, then a norm of known statistics."""
    x = keras.Input((1,))
    y = layers.Dense(1, name="dense")(x)
    y = layers.BatchNormalization(epsilon=0.0, name="norm")(y)
    network = keras.Model(x, y)
    dense = [np.array([[3.0]]), np.array([1.0])]
    dense = [np.array([[3.0]]), np.array([1.0])]
    network.get_layer("dense").set_weights(dense)
    gamma, beta, mean, variance = 2.0, 5.0, 4.0, 0.25
    statistics = [np.array([x]) for x in (gamma, beta, mean, variance)]
    network.get_layer("norm").set_weights(statistics)
    lean = fold.for_inference(network)
    kernel, bias = lean.get_layer("dense").get_weights()
    # scale = 2 / 0.5 = 4; bias = (1 - 4) * 4 + 5.
    assert kernel.item() == 12.0 and bias.item() == -7.0
    assert [layer.name for layer in lean.layers][1:] == ["dense"]


@pytest.mark.parametrize("case", ["shared", "result", "activation", "pooled"])
def test_norms_that_must_stay(case):
    x = keras.Input((8, 8, 3))
    options = {"activation": "relu"} if case == "activation" else {}
    y = layers.Conv2D(4, 3, padding="same", **options)(x)
    source = layers.MaxPooling2D(1)(y) if case == "pooled" else y
    z = layers.BatchNormalization()(source)
    if case == "shared":
        z = layers.Add()([y, z])
    network = shake(keras.Model(x, [z, y] if case == "result" else z))
    lean = fold.for_inference(network)
    assert len(norms(lean)) == 1
    image = np.random.default_rng(3).normal(size=(1, 8, 8, 3)).astype("f4")
    for plain, same in zip(
        keras.tree.flatten(network(image)),
        keras.tree.flatten(lean(image)),
        strict=True,
    ):
        np.testing.assert_allclose(same, plain, atol=1e-5)


@pytest.mark.parametrize(
    "layer",
    [
        layers.Conv2D(4, 3, use_bias=False),
        layers.DepthwiseConv2D(3, depth_multiplier=1, use_bias=False),
        layers.DepthwiseConv2D(3),
    ],
    ids=["no_bias", "depthwise_no_bias", "depthwise"],
)
def test_norms_of_the_encoders_kinds_of_layer_go(layer):
    x = keras.Input((8, 8, 3))
    layer = type(layer).from_config(layer.get_config())
    network = shake(keras.Model(x, layers.BatchNormalization()(layer(x))))
    lean = fold.for_inference(network)
    assert not norms(lean)
    image = np.random.default_rng(3).normal(size=(1, 8, 8, 3)).astype("f4")
    np.testing.assert_allclose(lean(image), network(image), atol=1e-5)


@pytest.mark.parametrize(
    ("precision", "atol"), [("bfloat16", 0.05), ("float16", 0.01)]
)
def test_half_precision(volume, image, precision, atol):
    lean = fold.for_inference(volume, input_size=32, precision=precision)
    kept = {layer.name for layer in volume.layers if "volume" in layer.name}
    for layer in lean.layers:
        if isinstance(layer, layers.Conv2D):
            dtype = "float32" if layer.name in kept else precision
            assert layer.kernel.dtype == dtype, layer.name
            assert layer.compute_dtype == dtype, layer.name
    plain, half = volume(image)[-1], lean(image)[-1]
    assert half.dtype == "float32"
    difference = np.abs(plain - half).max() / np.abs(plain).max()
    # Rounding shows, and stays what that many bits allow.
    assert 1e-5 < difference < atol
