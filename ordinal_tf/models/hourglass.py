"""Stacked hourglass, coarse to fine, and the paper's three kinds of output.

Blocks are functions of tensors; builders string them into `keras.Model`s.
Layer names follow from the block names alone.
"""

import math

import keras
from keras import layers, ops

from ordinal_tf.models import encoder as encoders
from ordinal_tf.models import norm

BN_EPSILON = 1e-5  # Torch's default; Keras' own is 1e-3.
BN_MOMENTUM = 0.9  # Torch writes the same as a step of 0.1.


def scale_pixels(image):
    """uint8 pixels to the network's input range, float32 in [0, 1]."""
    return ops.cast(image, "float32") / 255.0


def _norm_relu(x, name):
    x = norm.BatchNorm(
        momentum=BN_MOMENTUM, epsilon=BN_EPSILON, name=f"{name}_bn"
    )(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def _conv(x, filters, size, name, **kwargs):
    return layers.Conv2D(
        filters,
        size,
        padding=kwargs.pop("padding", "same"),
        kernel_initializer="he_normal",
        name=name,
        **kwargs,
    )(x)


def conv_norm_relu(x, filters, *, name):
    """1x1 convolution, batch norm, ReLU (`lin` of the original)."""
    return _norm_relu(_conv(x, filters, 1, f"{name}_conv"), name)


def residual_block(x, filters, *, name):
    """Pre-activation bottleneck: 1x1 halves, 3x3 keeps, 1x1 restores.

    Args:
        x: `(B, H, W, C)` features.
        filters: int, output channels; even.
        name: str, prefix of every layer in the block.

    Returns:
        `(B, H, W, filters)` features: the branch plus the raw input, which
        passes a 1x1 convolution where the number of channels changes.

    Source: Newell et al. 2016, arXiv:1603.06937, Fig. 4.
    """
    if filters % 2:
        raise ValueError(
            f"`filters` of block {name!r} must be even, because the 3x3 "
            f"works on half of them. Received: filters={filters}."
        )
    skip = x
    if x.shape[-1] != filters:
        skip = _conv(x, filters, 1, f"{name}_skip")
    widths = (filters // 2, filters // 2, filters)
    for i, (width, size) in enumerate(zip(widths, (1, 3, 1), strict=True), 1):
        x = _norm_relu(x, f"{name}_{i}")
        x = _conv(x, width, size, f"{name}_conv{i}")
    return layers.Add(name=f"{name}_add")([skip, x])


def hourglass(x, features, out_features, *, order, modules, name):
    """Recursive hourglass: one branch at this resolution, one at the half.

    Args:
        x: `(B, H, W, C)` features, H and W divisible by `2 ** order`.
        features: int, width of the inner blocks.
        out_features: int, width of the result.
        order: int, how many times the resolution is halved.
        modules: int, residual blocks of either branch before they meet.
        name: str, prefix of every layer.

    Returns:
        `(B, H, W, out_features)` features.

    Source: `hourglass` of hg-stacked-2, where `modules` is 3.
    """
    up = x
    for i in range(1, modules + 1):
        width = features if i < modules else out_features
        up = residual_block(up, width, name=f"{name}_up{i}")
    low = layers.MaxPooling2D(2, name=f"{name}_pool")(x)
    for i in range(1, modules + 1):
        low = residual_block(low, features, name=f"{name}_low{i}")
    if order > 1:
        low = hourglass(
            low,
            features,
            out_features,
            order=order - 1,
            modules=modules,
            name=f"{name}_inner",
        )
    else:
        low = residual_block(low, out_features, name=f"{name}_inner")
    low = residual_block(low, out_features, name=f"{name}_last")
    low = layers.UpSampling2D(2, name=f"{name}_double")(low)
    return layers.Add(name=f"{name}_add")([up, low])


def _front(image, stem_features, front_features, features):
    """Image to features at a quarter of its side, and the tensor to reuse.

    Returns:
        `(B, S/4, S/4, features)`, and the first pooled
        `(B, S/4, S/4, front_features)`, which the second stack sees again.
    """
    # Torch pads 3 on all sides; "same" would pad 2 left and 3 right.
    x = layers.ZeroPadding2D(3, name="stem_pad")(image)
    x = _conv(x, stem_features, 7, "stem_conv", strides=2, padding="valid")
    x = _norm_relu(x, "stem")
    x = residual_block(x, front_features, name="front1")
    pooled = layers.MaxPooling2D(2, name="front_pool")(x)
    x = residual_block(pooled, front_features, name="front2")
    x = residual_block(x, front_features, name="front3")
    return residual_block(x, features, name="front4"), pooled


def encoded_hourglass(image, variant, features, *, name):
    """The first hourglass with a pre-trained encoder for its way down.

    Args:
        image: `(B, S, S, 3)` in [0, 1], S divisible by 32.
        variant: str, see `encoder.VARIANTS`.
        features: int, width of the way up.
        name: str, prefix of the way up's layers; the encoder's is "encoder".

    Returns:
        `(B, S/4, S/4, features)`, and the encoder's own features of that
        size, which the second stack sees again.
    """
    levels = encoders.encoder(image, variant)[1:]
    x = residual_block(levels[-1], features, name=f"{name}_inner")
    for i, level in reversed(list(enumerate(levels[:-1], start=1))):
        x = layers.UpSampling2D(2, name=f"{name}_double{i}")(x)
        up = residual_block(level, features, name=f"{name}_up{i}")
        x = layers.Add(name=f"{name}_add{i}")([up, x])
        x = residual_block(x, features, name=f"{name}_last{i}")
    return x, levels[0]


def _first_hourglass(image, encoder, stem_features, front_features, **inner):
    """Features of the first hourglass, and those that the second sees again.

    Args:
        image, encoder, stem_features, front_features: see
            `build_volume_network`.
        **inner: `features`, `out_features`, `order` and `modules`.
    """
    if encoder:
        width = inner["features"]
        return encoded_hourglass(image, encoder, width, name="hg1")
    x, previous = _front(
        image, stem_features, front_features, inner["features"]
    )
    return hourglass(x, **inner, name="hg1"), previous


def _check(input_size, order, stacks, encoder):
    if encoder and input_size % 32:
        raise ValueError(
            "`input_size` must be divisible by 32, as often as the encoder "
            f"halves it. Received: input_size={input_size}."
        )
    if input_size % (4 * 2**order):
        raise ValueError(
            f"`input_size` must be divisible by {4 * 2**order}: the stem "
            f"quarters it and an hourglass of order {order} halves it "
            f"{order} times. Received: input_size={input_size}."
        )
    if not stacks:
        raise ValueError("`z_resolutions` is empty: name one per stack.")


def build_volume_network(
    *,
    joints=17,
    input_size=256,
    z_resolutions=(1, 64),
    stem_features=64,
    front_features=128,
    features=256,
    out_features=512,
    order=4,
    modules=3,
    encoder="",
):
    """Coarse-to-fine network: one volume of logits per stack.

    Args:
        joints: int, K.
        input_size: int, S; heatmaps have the side S / 4. The weights do not
            depend on it.
        z_resolutions: depth bins of each stack's volume; 1 is a 2D heatmap.
        stem_features, front_features, features, out_features: widths of the
            first convolution, the blocks before the first hourglass, the
            inner blocks and the hourglass outputs.
        order: int, halvings in an hourglass.
        modules: int, residual blocks per branch.
        encoder: str, see `encoder.VARIANTS`, the pre-trained way down of the
            first hourglass (`stem_features` and `front_features` are then
            without use), or "": the paper's.

    Returns:
        `keras.Model`, `(B, S, S, 3)` in [0, 1] to a list with a
        `(B, S/4, S/4, K * D)` tensor per stack, channel `k * D + d`; where
        there is one stack Keras returns its tensor alone.
        The defaults are the original: 26,904,401 learnable parameters.

    Raises:
        ValueError: `input_size` does not halve evenly; no stack.

    Source: Pavlakos et al. 2018, section 4.2; hg-stacked-2.
    """
    _check(input_size, order, z_resolutions, encoder)
    # Any side will do that halves evenly, so a training may begin with small
    # crops and an export fix its own.
    image = keras.Input((None, None, 3), name="image")
    inner = dict(features=features, out_features=out_features)
    inner.update(order=order, modules=modules)
    x, previous = _first_hourglass(
        image, encoder, stem_features, front_features, **inner
    )
    outputs = []
    for stack, bins in enumerate(z_resolutions, start=1):
        last = stack == len(z_resolutions)
        if stack > 1:
            x = hourglass(x, **inner, name=f"hg{stack}")
        x = conv_norm_relu(x, out_features, name=f"lin{stack}a")
        width = out_features if last else features
        x = conv_norm_relu(x, width, name=f"lin{stack}b")
        volume = _conv(x, joints * bins, 1, f"volume{stack}")
        outputs.append(volume)
        if not last:
            # The first stack meets the pooled front again, each later one
            # the features of the stack before.
            both = layers.Concatenate(name=f"concat{stack}")([x, previous])
            previous = x
            merged = both.shape[-1]
            back = _conv(volume, merged, 1, f"back{stack}")
            x = _conv(both, merged, 1, f"merge{stack}")
            x = layers.Add(name=f"merge{stack}_add")([x, back])
    return keras.Model(image, outputs, name="volume_network")


def build_regression_network(
    *,
    joints=17,
    per_joint=1,
    input_size=256,
    stem_features=64,
    front_features=128,
    features=256,
    out_features=512,
    order=4,
    modules=3,
    encoder="",
):
    """One hourglass and a fully connected layer: depths or coordinates.

    The paper does not say what stands between the two; here the features are
    averaged to 8 x 8 cells (fewer where the map is smaller), which keeps the
    layer below two million weights.

    Args:
        joints: int, K.
        per_joint: 1 for ordinal depths, 3 for x, y (crop sides from the crop
            centre) and depth.
        input_size, stem_features, front_features, features, out_features,
            order, modules, encoder: as in `build_volume_network`.

    Returns:
        `keras.Model`, `(B, S, S, 3)` in [0, 1] to `(B, K, per_joint)`
        float32.

    Raises:
        ValueError: `input_size` does not halve evenly; `per_joint` is
            neither 1 nor 3.

    Source: Pavlakos et al. 2018, section 4.2.
    """
    _check(input_size, order, (1,), encoder)
    if per_joint not in (1, 3):
        raise ValueError(f"`per_joint` is 1 or 3. Received: {per_joint}.")
    image = keras.Input((input_size, input_size, 3), name="image")
    x, _ = _first_hourglass(
        image,
        encoder,
        stem_features,
        front_features,
        features=features,
        out_features=out_features,
        order=order,
        modules=modules,
    )
    x = conv_norm_relu(x, out_features, name="lin1a")
    side = math.gcd(input_size // 4, 8)
    x = layers.AveragePooling2D(input_size // 4 // side, name="pool")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(joints * per_joint, dtype="float32", name="regress")(x)
    x = layers.Reshape((joints, per_joint), dtype="float32", name="joints")(x)
    return keras.Model(image, x, name="regression_network")
