"""Networks rewritten for inference: fewer operations, other number formats."""

import collections

import keras
import numpy as np
from keras import layers, ops

PRECISIONS = ("float32", "bfloat16", "float16")
_LINEAR = (layers.Conv2D, layers.DepthwiseConv2D, layers.Dense)


def for_inference(network, *, input_size=None, precision="float32"):
    """A copy of a network that computes the same with less.

    Batch norms go where the layer before can do them itself: at inference
    each is `x * scale + shift` per channel, and behind a convolution or a
    dense layer both fit into that layer's weights. Behind an addition or a
    pooling there are none, and it stays. Doubling a map is done by one
    resize, where Keras takes several operations.

    Args:
        network: functional `keras.Model`. Not modified.
        input_size: int, side of the pictures from here on, for networks that
            take any; None leaves the input as it is.
        precision: "float32", or "bfloat16" or "float16": the convolutions
            then keep their weights and compute in that type, except those
            whose result is the network's.

    Returns:
        `keras.Model`; with float32 the same as `network` but for rounding.
    """
    norms = _foldable(network)
    gone = {norm.name for norm in norms.values()}
    results = {id(output) for output in network.outputs}

    def copy(layer):
        config = layer.get_config()
        if layer.name in norms:
            config["use_bias"] = True
        if precision != "float32" and id(layer.output) not in results:
            config["dtype"] = _policy(layer, precision)
        return type(layer).from_config(config)

    def call(layer, *args, **kwargs):
        if layer.name in gone:
            return args[0]
        if isinstance(layer, layers.UpSampling2D):
            return _resize(layer, *args)
        return layer(*args, **kwargs)

    image = None
    if input_size is not None:
        image = keras.Input((input_size, input_size, 3), name="image")
    lean = keras.models.clone_model(
        network, input_tensors=image, clone_function=copy, call_function=call
    )
    for layer in lean.layers:
        weights = []
        if layer.weights:
            original = network.get_layer(layer.name)
            weights = original.get_weights()
            if layer.name in norms:
                weights = _folded(original, norms[layer.name])
        layer.set_weights(weights)
    return lean


def _foldable(network):
    """Dict from a layer's name to the batch norm that it can take over."""
    users = collections.Counter(id(output) for output in network.outputs)
    makers = {}
    for layer in network.layers:
        if not isinstance(layer, layers.InputLayer):
            users.update(map(id, keras.tree.flatten(layer.input)))
        if isinstance(layer, _LINEAR):
            if layer.activation is keras.activations.linear:
                makers[id(layer.output)] = layer
    return {
        makers[id(layer.input)].name: layer
        for layer in network.layers
        if isinstance(layer, layers.BatchNormalization)
        # Whoever else reads that layer needs it as it was.
        and id(layer.input) in makers
        and users[id(layer.input)] == 1
    }


def _folded(layer, norm):
    """Kernel and bias of a layer that does its batch norm too."""
    kernel, *bias = layer.get_weights()
    gamma, beta, mean, variance = norm.get_weights()
    scale = gamma / np.sqrt(variance + norm.epsilon)
    shift = (sum(bias) - mean) * scale + beta
    if isinstance(layer, layers.DepthwiseConv2D):
        # (y, x, channel, 1): what a channel becomes stands in the third.
        scale = scale[:, None]
    return [kernel * scale, shift]


def _policy(layer, precision):
    if isinstance(layer, layers.Dense):
        return "float32"
    # The statistics of what norms remain are few and stay exact.
    stored = isinstance(layer, layers.Conv2D | layers.DepthwiseConv2D)
    return precision if stored else f"mixed_{precision}"


def _resize(layer, x):
    if layer.interpolation != "nearest" or None in x.shape[1:]:
        return layer(x)
    size = tuple(
        side * factor
        for side, factor in zip(x.shape[1:3], layer.size, strict=True)
    )
    return ops.image.resize(x, size, interpolation="nearest")
