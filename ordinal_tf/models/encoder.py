"""EfficientNet-Lite, the way down of the first hourglass.

Trained on ImageNet it knows pictures before it has seen a person; its weights
ship with the package (`weights`, made by `tools.dev.build_encoder`).

Source: Tan and Le 2019, arXiv:1905.11946; the "lite" variants (no squeeze and
excitation, ReLU6, stem and head of fixed width) are of tensorflow/tpu,
models/official/efficientnet/lite.
"""

import math
import pathlib

import keras
import numpy as np
from keras import layers

from ordinal_tf.models import depthwise, norm

# Of the original training, which the weights were made for.
BN_EPSILON = 1e-3
BN_MOMENTUM = 0.99
PIXEL_MEAN, PIXEL_SCALE = 127.0, 128.0

# Multipliers of the stages' widths and repeats.
VARIANTS = {"lite0": (1.0, 1.0), "lite1": (1.0, 1.1), "lite2": (1.1, 1.2)}
# Blocks, kernel, stride, expansion and width of each stage of Lite0.
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
_STEM = 32
_WEIGHTS = pathlib.Path(__file__).resolve().parent / "encoder_weights"


def stages(variant):
    """Blocks, kernel, stride, expansion and width of each of the 7 stages.

    Raises:
        ValueError: unknown variant.
    """
    if variant not in VARIANTS:
        raise ValueError(
            f"`encoder` must be one of {', '.join(VARIANTS)}. Received: "
            f"{variant!r}."
        )
    wide, deep = VARIANTS[variant]
    found = []
    for i, (blocks, kernel, stride, expansion, width) in enumerate(_STAGES):
        # The first and the last stage are never repeated, in any variant.
        if 0 < i < len(_STAGES) - 1:
            blocks = math.ceil(deep * blocks)
        found.append((blocks, kernel, stride, expansion, _whole(wide * width)))
    return tuple(found)


def _whole(width):
    """The multiple of 8 nearest to a width, at most a tenth below it."""
    near = max(8, int(width + 4) // 8 * 8)
    return near + 8 if near < 0.9 * width else near


def encoder(pixels, variant, *, name="encoder"):
    """Features of a picture at a half to a thirty-second of its side.

    Args:
        pixels: `(B, S, S, 3)` in [0, 1], S divisible by 32.
        variant: str, a key of `VARIANTS`.
        name: str, prefix of every layer.

    Returns:
        list of features with strides 2, 4, 8, 16 and 32. The widths of Lite0
        are 16, 24, 40, 112 and 320.
    """
    x = layers.Rescaling(
        255.0 / PIXEL_SCALE, -PIXEL_MEAN / PIXEL_SCALE, name=f"{name}_pixels"
    )(pixels)
    x = layers.Conv2D(
        _STEM, 3, 2, padding="same", use_bias=False, name=f"{name}_stem"
    )(x)
    x = _norm(x, f"{name}_stem", relu=True)
    levels = []
    for i, (blocks, kernel, stride, expansion, width) in enumerate(
        stages(variant), start=1
    ):
        if stride == 2:
            levels.append(x)
        for j in range(1, blocks + 1):
            x = _block(
                x,
                width,
                kernel=kernel,
                stride=stride if j == 1 else 1,
                expansion=expansion,
                name=f"{name}_{i}_{j}",
            )
    return [*levels, x]


def _block(x, width, *, kernel, stride, expansion, name):
    """Inverted residual: widen, filter each channel, project, linear."""
    skip, inner = x, expansion * x.shape[-1]
    if expansion != 1:
        x = layers.Conv2D(inner, 1, use_bias=False, name=f"{name}_expand")(x)
        x = _norm(x, f"{name}_expand", relu=True)
    x = depthwise.DepthwiseConv(
        kernel, stride, padding="same", use_bias=False, name=f"{name}_depthwise"
    )(x)
    x = _norm(x, f"{name}_depthwise", relu=True)
    x = layers.Conv2D(width, 1, use_bias=False, name=f"{name}_project")(x)
    x = _norm(x, f"{name}_project", relu=False)
    if x.shape == skip.shape:
        x = layers.Add(name=f"{name}_add")([skip, x])
    return x


def _norm(x, name, *, relu):
    x = norm.BatchNorm(
        momentum=BN_MOMENTUM, epsilon=BN_EPSILON, name=f"{name}_bn"
    )(x)
    return layers.ReLU(6.0, name=f"{name}_relu")(x) if relu else x


def load_imagenet(model, variant, *, name="encoder"):
    """Gives a model's encoder the weights that ImageNet taught it.

    Args:
        model: `keras.Model` that holds an `encoder` of that variant and name.

    Raises:
        ValueError: the package ships no weights of this variant.
    """
    path = _WEIGHTS / f"{variant}.npz"
    if not path.is_file():
        shipped = sorted(found.stem for found in _WEIGHTS.glob("*.npz"))
        raise ValueError(
            f"The package ships no ImageNet weights of {variant!r}, only of "
            f"{', '.join(shipped)}; tools.dev.build_encoder makes them."
        )
    with np.load(path, allow_pickle=False) as arrays:
        assign(model, {key: arrays[key] for key in arrays.files}, name=name)


def assign(model, arrays, *, name="encoder"):
    """Sets the variables of an encoder.

    Args:
        model: `keras.Model`.
        arrays: dict, `LAYER/VARIABLE` (without the encoder's name, such as
            "stem/kernel") to an array.

    Raises:
        ValueError: a variable without an array, an array without a variable,
            or one of another shape.
    """
    variables = {
        f"{layer.name[len(name) + 1 :]}/{variable.name}": variable
        for layer in model.layers
        if layer.name.startswith(f"{name}_")
        for variable in layer.variables
    }
    unlike = sorted(set(variables) ^ set(arrays)) or [
        key
        for key, variable in variables.items()
        if tuple(variable.shape) != arrays[key].shape
    ]
    if unlike:
        raise ValueError(
            "These weights are of another encoder; they differ in "
            f"{', '.join(unlike[:5])}."
        )
    for key, variable in variables.items():
        variable.assign(arrays[key].astype("float32"))


def classifier(variant):
    """The network that the weights were trained as, to prove them.

    Args:
        variant: str, a key of `VARIANTS`.

    Returns:
        `keras.Model`, `(B, 224, 224, 3)` in [0, 1] to logits `(B, 1000)`.
    """
    pixels = keras.Input((224, 224, 3), name="image")
    x = encoder(pixels, variant)[-1]
    x = layers.Conv2D(1280, 1, use_bias=False, name="encoder_head")(x)
    x = _norm(x, "encoder_head", relu=True)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    logits = layers.Dense(1000, name="encoder_classes")(x)
    return keras.Model(pixels, logits, name=f"efficientnet_{variant}")
