"""Counted costs against arithmetic and the operations of a graph."""

import keras
import pytest
import tensorflow as tf

from ordinal_tf.models import build, cost


def test_by_hand():
    x = inputs = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(8, 3, strides=2, padding="same")(x)
    x = keras.layers.DepthwiseConv2D(5, padding="same")(x)
    x = keras.layers.Conv2D(4, 1, groups=2, name="fixed")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    network = keras.Model(inputs, keras.layers.Dense(2)(x))
    network.get_layer("fixed").trainable = False
    convolution = 5 * 6 * 8 * 2 * 27
    depthwise = 5 * 6 * 8 * 2 * 25
    pointwise = 5 * 6 * 4 * 2 * 4
    total = convolution + depthwise + pointwise + 2 * 2 * 4
    assert cost.flops(network, (10, 12, 3)) == total
    every = (27 * 8 + 8) + (25 * 8 + 8) + (4 * 4 + 4) + (4 * 2 + 2)
    assert cost.parameters(network) == (every - 20, every)


@pytest.mark.parametrize("encoder", ["", "lite0"])
def test_as_tensorflow_counts(encoder):
    model = {
        "name": "volume",
        "input_size": 64,
        "z_resolutions": (1, 4),
        "stem_features": 8,
        "front_features": 8,
        "features": 16,
        "out_features": 16,
        "order": 2,
        "modules": 1,
        "encoder": encoder,
    }
    network = build.build_image_network(model)
    function = tf.function(lambda x: network(x, training=False))
    graph = function.get_concrete_function(tf.TensorSpec((1, 64, 64, 3))).graph
    counted = 0
    for operation in graph.get_operations():
        if operation.type not in ("Conv2D", "DepthwiseConv2dNative"):
            continue
        depthwise = operation.type != "Conv2D"
        kernel = operation.inputs[1].shape[: 2 if depthwise else 3]
        places = operation.outputs[0].shape.num_elements()
        counted += 2 * places * kernel.num_elements()
    assert cost.flops(network, (64, 64, 3)) == counted > 1e6
