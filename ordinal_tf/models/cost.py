"""What a network costs: parameters and operations, counted from its layers."""

import keras
import numpy as np
from keras import layers


def parameters(network):
    """Numbers of weights: those that are trained, and all."""

    def count(variables):
        return sum(int(np.prod(variable.shape)) for variable in variables)

    return count(network.trainable_variables), count(network.weights)


def flops(network, input_shape):
    """Floating-point operations of one example, forwards.

    Those of convolutions and dense layers, a multiplication and an addition
    each; what is done element by element is some percent more.

    Args:
        network: functional `keras.Model` with one input.
        input_shape: tuple of ints, without the batch.

    Returns:
        int.
    """
    fixed = keras.models.clone_model(
        network, input_tensors=keras.Input(input_shape)
    )
    total = 0
    for layer in fixed.layers:
        if isinstance(layer, layers.DepthwiseConv2D):
            places = np.prod(layer.output.shape[1:])
            total += 2 * places * np.prod(layer.kernel.shape[:2])
        elif isinstance(layer, (layers.Conv2D, layers.Dense)):
            # All but the last axis of the kernel meets each output.
            places = np.prod(layer.output.shape[1:])
            total += 2 * places * np.prod(layer.kernel.shape[:-1])
    return int(total)
