"""The fused pass against Keras' own layer and the definition."""

import keras
import numpy as np
import pytest

from ordinal_tf.models import norm


def pair(**options):
    layers = norm.BatchNorm, keras.layers.BatchNormalization
    return [layer(momentum=0.8, epsilon=1e-3, **options) for layer in layers]


@pytest.mark.parametrize("shape", [(4, 5, 6, 3), (1, 2, 2, 3)])
def test_same_as_keras_while_training(shape):
    x = np.random.default_rng(0).normal(2.0, 3.0, shape).astype("f4")
    outputs, layers = [], pair()
    for layer in layers:
        outputs.append(keras.ops.convert_to_numpy(layer(x, training=True)))
    np.testing.assert_allclose(*outputs, atol=1e-5)
    mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
    if keras.backend.backend() == "tensorflow":
        count = x[..., 0].size
        variance = variance * count / (count - 1)  # Unbiased, as Torch's.
    fused = layers[0]
    np.testing.assert_allclose(fused.moving_mean, 0.2 * mean, rtol=1e-4)
    np.testing.assert_allclose(
        fused.moving_variance, 0.8 + 0.2 * variance, rtol=1e-4
    )


@pytest.mark.parametrize("case", ["inference", "frozen"])
def test_statistics_of_the_past_otherwise(case):
    x = np.random.default_rng(1).normal(size=(2, 3, 3, 4)).astype("f4")
    fused, plain = pair()
    for layer in (fused, plain):
        layer.build(x.shape)
        layer.set_weights([np.arange(1.0, 5.0) + i for i in range(4)])
        layer.trainable = case != "frozen"
    training = case == "frozen"
    gamma, beta, mean, variance = (np.arange(1.0, 5.0) + i for i in range(4))
    expected = (x - mean) / np.sqrt(variance + 1e-3) * gamma + beta
    for layer in (fused, plain):
        np.testing.assert_allclose(layer(x, training=training), expected, 1e-4)
        np.testing.assert_array_equal(layer.moving_mean, mean)


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_keeps_exact_statistics(dtype):
    x = np.random.default_rng(2).normal(size=(2, 4, 4, 3)).astype("f4")
    layer = norm.BatchNorm(dtype=dtype)
    y = layer(x, training=True)
    assert keras.backend.standardize_dtype(y.dtype) == dtype[6:]
    assert layer.moving_mean.dtype == "float32"


def test_gradient_is_that_of_keras():
    tf = pytest.importorskip("tensorflow")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("The tape is TensorFlow's.")
    x = tf.random.stateless_normal((2, 3, 3, 2), (3, 3))
    weights = tf.random.stateless_normal(x.shape, (4, 4))
    found = []
    for layer in pair():
        layer.build(x.shape)
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(weights * layer(x, training=True))
        variables = [layer.gamma.value, layer.beta.value]
        found.append(tape.gradient(loss, [x, *variables]))
    for fused, plain in zip(*found, strict=True):
        np.testing.assert_allclose(fused, plain, atol=1e-4)
