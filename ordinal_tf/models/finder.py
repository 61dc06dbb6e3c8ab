"""Where people are: a head on the ImageNet encoder, for whole pictures.

It is a network of its own and knows nothing of the pose network, so that every
model finds the same people. Its encoder keeps the weights that ImageNet taught
it; only the head was trained (`tools.dev.build_finder`), and only its weights
ship beside the encoder's.
"""

import math
import pathlib

import keras
import numpy as np
from keras import layers

from ordinal_tf.models import encoder, norm

VARIANT = "lite0"
STRIDE = 16  # Pixels of the picture per cell of the answer.
# Levels of the encoder that the head reads, by stride: 8, 16 and 32.
LEVELS = (2, 3, 4)
_FEATURES, _BLOCKS, _MOMENTUM = 96, 2, 0.97
# A person's sides as first guessed, in cells: half of 80 pixels.
_GUESS = 2.5
_RARE = -4.0  # Logit of a cell before training: people are rare.
_FOLDER = pathlib.Path(__file__).resolve().parent / "finder_weights"
WEIGHTS = _FOLDER / f"{VARIANT}.npz"


def _block(x, name):
    """A 3x3 convolution that adds to what there is."""
    y = layers.Conv2D(
        _FEATURES, 3, padding="same", use_bias=False, name=f"{name}_conv"
    )(x)
    y = norm.BatchNorm(momentum=_MOMENTUM, name=f"{name}_bn")(y)
    y = layers.ReLU(name=f"{name}_relu")(y)
    return layers.Add(name=f"{name}_add")([x, y])


def _side(x, name, step=1):
    x = layers.Conv2D(
        _FEATURES, step, step, use_bias=False, name=f"{name}_side"
    )(x)
    return norm.BatchNorm(momentum=_MOMENTUM, name=f"{name}_side_bn")(x)


def build_head(inputs):
    """The head as a function of the encoder's features.

    Args:
        inputs: features with strides 8, 16 and 32, see `encoder.encoder`.

    Returns:
        `(B, H, W, 5)` with stride 16: the logit of a person's middle, and the
        logarithms of how far the person goes left, up, right and down from
        here, in cells.
    """
    fine, middle, coarse = inputs
    x = _side(coarse, "finder_coarse")
    x = layers.ReLU(name="finder_coarse_in")(x)
    for i in range(_BLOCKS):
        x = _block(x, f"finder_coarse_{i}")
    x = layers.UpSampling2D(2, interpolation="nearest", name="finder_up")(x)
    sides = [_side(middle, "finder_middle"), _side(fine, "finder_fine", 2)]
    x = layers.Add(name="finder_all")([x, *sides])
    x = layers.ReLU(name="finder_in")(x)
    for i in range(_BLOCKS):
        x = _block(x, f"finder_{i}")
    centre = layers.Conv2D(
        1,
        1,
        bias_initializer=keras.initializers.Constant(_RARE),
        name="finder_centre",
    )(x)
    extent = layers.Conv2D(
        4,
        1,
        bias_initializer=keras.initializers.Constant(math.log(_GUESS)),
        name="finder_extent",
    )(x)
    return layers.Concatenate(name="finder_answer")([centre, extent])


def build_finder(size=None):
    """Encoder and head as one network.

    Args:
        size: int, side of the pictures, divisible by 32; None takes any.

    Returns:
        `keras.Model` of `(B, S, S, 3)` in [0, 1], see `build_head`. Its
        weights are drawn by chance.
    """
    pixels = keras.Input((size, size, 3), name="image")
    levels = encoder.encoder(pixels, VARIANT, name="finder_encoder")
    answer = build_head([levels[level] for level in LEVELS])
    return keras.Model(pixels, answer, name="finder")


def shipped():
    """The finder that the package ships.

    Returns:
        `keras.Model`, see `build_finder`, of pictures of any size.
    """
    network = build_finder()
    encoder.load_imagenet(network, VARIANT, name="finder_encoder")
    with np.load(WEIGHTS, allow_pickle=False) as arrays:
        assign(network, {key: arrays[key] for key in arrays.files})
    return network


def assign(network, arrays):
    """Sets the head's variables.

    Args:
        network: `keras.Model` with the layers of `build_head`.
        arrays: dict, `LAYER/VARIABLE` to an array.

    Raises:
        ValueError: a variable without an array, or one of another shape.
    """
    for key, variable in head_variables(network).items():
        if key not in arrays or arrays[key].shape != tuple(variable.shape):
            raise ValueError(
                f"These weights are of another finder; they differ in {key}."
            )
        variable.assign(arrays[key].astype("float32"))


def head_variables(network):
    """Dict of the head's variables by `LAYER/VARIABLE`."""
    return {
        f"{layer.name}/{variable.name}": variable
        for layer in network.layers
        if layer.name.startswith("finder_")
        and not layer.name.startswith("finder_encoder_")
        for variable in layer.variables
    }
