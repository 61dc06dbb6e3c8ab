"""The fast gradient against that of Keras' own layer."""

import keras
import numpy as np
import pytest

from ordinal_tf.models import depthwise

tf = pytest.importorskip("tensorflow")
if keras.backend.backend() != "tensorflow":
    pytest.skip("The gradient is TensorFlow's.", allow_module_level=True)


def gradients(layer, x, weights, *, traced):
    """Output and gradients with respect to input and kernel, float32."""

    def run(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=True)
            loss = tf.reduce_sum(weights * tf.cast(y, "float32"))
        return y, *tape.gradient(loss, [x, layer.kernel.value])

    if traced:  # Sides known only when it runs, as where crops grow.
        run = tf.function(
            run, input_signature=[tf.TensorSpec([None, None, None, 3])]
        )
    return [tf.cast(value, "float32").numpy() for value in run(x)]


@pytest.mark.parametrize("kernel", [3, 5, 7])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [(8, 6), (7, 9)])
@pytest.mark.parametrize("traced", [False, True])
def test_same_as_keras(kernel, stride, size, traced):
    options = {"strides": stride, "padding": "same", "use_bias": False}
    layers = [
        kind(kernel, **options)
        for kind in (depthwise.DepthwiseConv, keras.layers.DepthwiseConv2D)
    ]
    x = tf.random.stateless_normal((2, *size, 3), (1, 2))
    for layer in layers:
        layer.build(x.shape)
    layers[1].set_weights(layers[0].get_weights())
    weights = tf.random.stateless_normal(layers[1](x).shape, (3, 4))
    found = [gradients(one, x, weights, traced=traced) for one in layers]
    for fast, plain in zip(*found, strict=True):
        np.testing.assert_allclose(fast, plain, atol=1e-4)


def test_half_precision_sums_in_full():
    """bfloat16 has 8 bits: a sum of ones in it stops at 256."""
    layer = depthwise.DepthwiseConv(
        5, padding="same", use_bias=False, dtype="mixed_bfloat16"
    )
    x = tf.ones((4, 32, 32, 3))
    layer.build(x.shape)
    y, dx, dkernel = gradients(layer, x, tf.ones(x.shape), traced=False)
    assert layer(x, training=True).dtype == "bfloat16"
    # Of the middle of the kernel: every pixel of every picture once.
    np.testing.assert_array_equal(dkernel[2, 2], 4096.0)
    assert dx.shape == y.shape


def test_without_training_it_is_keras_own():
    layer = depthwise.DepthwiseConv(5, padding="same", use_bias=False)
    x = tf.random.stateless_normal((1, 6, 6, 2), (5, 6))
    again = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(layer)
    )
    again.build(x.shape)
    again.set_weights([np.ones((5, 5, 2, 1), "f4")])
    np.testing.assert_allclose(again(x), again(x, training=True), rtol=1e-5)
    assert "IdentityN" not in _ops(tf.function(lambda x: again(x)), x)


def _ops(function, x):
    graph = function.get_concrete_function(x).graph
    return {operation.type for operation in graph.get_operations()}
