"""Crops of large pictures that decode no more than they need.

The one way from pictures to crops, of training, evaluation and the exported
graph. A crop is made in two steps. `decode_window` decodes the part of the
picture that the crop shows, at a half, a quarter or an eighth of the
resolution where the crop needs no more. `render` then turns, scales and
mirrors it and changes its colours. `crop_boxes` is both, for the people of a
picture; training takes the steps one by one, for padded batches.

Where training warps on the CPU, OpenCV does what `render` does, to one level,
in a tenth of the time; a graph that is exported cannot call it.
"""

import functools

import cv2
import numpy as np
import tensorflow as tf

from ordinal_tf.data.pipeline import pictures, transforms
from ordinal_tf.data.pipeline.core import geometry

RATIOS = (1, 2, 4, 8)  # At which JPEG decodes for less.
_OTHER = len(RATIOS)  # Branch of pictures that take a longer way.
# Pixels decoded beyond those that are sampled: the last column of a partial
# JPEG lacks its neighbours' chroma.
_SPARE = 2
# Crops made at once: enough to keep the cores busy, few in memory.
_AT_ONCE = 2
_STILL = (1.0, 1.0, 1.0, 0.0)  # Colours as they are.


def crop_boxes(picture, boxes, size):
    """Cuts people out of a picture, in a graph.

    Args:
        picture: `pictures.Picture`.
        boxes: `(P, 3)` float32 centre x, centre y and side, in pixels of the
            photograph as people see it.
        size: int, side of the crops.

    Returns:
        uint8 `(P, size, size, 3)`, black outside of the picture.
    """
    matrix = geometry.compose_affine(
        geometry.crop_matrix(boxes, size), picture.to_photo
    )
    count = tf.shape(boxes)[0]
    windows = plan_windows(
        tf.fill([count], picture.jpeg),
        tf.tile(picture.shape[None], [count, 1]),
        matrix,
        size,
    )

    def crop(window):
        pixels = decode_window(picture.data, window, lambda: picture.pixels)
        matrix = window["matrix"][None]
        return render(pixels[None], matrix, tf.constant([_STILL]), size)[0]

    return tf.map_fn(
        crop,
        windows,
        fn_output_signature=tf.TensorSpec((size, size, 3), tf.uint8),
        parallel_iterations=_AT_ONCE,
    )


def shrink(picture, least):
    """A picture decoded whole, at the resolution that looking at it needs.

    Args:
        picture: `pictures.Picture`.
        least: int, pixels that the longer side keeps, where it has them.

    Returns:
        `pictures.Picture` of pixels; its `to_photo` has the scale.
    """
    ratios = tf.constant(RATIOS)
    level = tf.reduce_sum(
        tf.cast(tf.reduce_max(picture.shape) >= least * ratios[1:], tf.int32)
    )
    ratio = ratios[level]
    shape = -(-picture.shape // ratio)
    window = {
        "part": tf.concat(
            [[0, 0], tf.where(picture.jpeg, shape, picture.shape)], axis=0
        ),
        "branch": tf.where(picture.jpeg, level, _OTHER),
        "factor": ratio,
    }
    pixels = decode_window(picture.data, window, lambda: picture.pixels)
    scale = tf.cast(ratio, tf.float32)
    # Reduced pixel u covers the pixels from `ratio * u` on.
    half = (scale - 1.0) / 2.0
    enlarge = tf.stack([[scale, 0.0, half], [0.0, scale, half]])
    return picture._replace(
        jpeg=tf.constant(False),
        data=tf.constant(b""),
        pixels=pixels,
        shape=shape,
        to_photo=geometry.compose_affine(picture.to_photo, enlarge),
    )


def plan_windows(jpeg, shape, matrix, size, shown=None):
    """Which part of its picture each crop shows, at which resolution.

    Where the crop shrinks the picture, neighbouring samples would skip pixels
    and alias. JPEG decodes at a half, a quarter or an eighth for less; what
    is left of the shrinkage beyond an eighth is box-averaged.

    Args:
        jpeg: `(B,)` bool, which pictures are JPEG.
        shape: `(B, 2)` int32, their heights and widths.
        matrix: `(B, 2, 3)` float32, image pixels to crop pixels.
        size: int, side of the crops.
        shown: `(B, 4)` float32 left, top, right and bottom, beyond which
            nothing of the picture is shown; to a pixel that is decoded. All
            of it by default.

    Returns:
        dict: `part` `(B, 4)` int32, top, left, height and width of the window
        in the pixels that are decoded; `branch` `(B,)` int32, an index of
        `RATIOS`, or behind them; `factor` `(B,)` int32, of the averaging that
        follows; `matrix` `(B, 2, 3)`, window pixels to crop pixels.
    """
    inverse = geometry.invert_affine(matrix)
    # Length of one crop pixel's step in the image, any direction.
    step = tf.sqrt(tf.abs(tf.linalg.det(inverse[:, :, :2]))) + 0.25
    level = sum(tf.cast(step >= ratio, tf.int32) for ratio in RATIOS[1:])
    ratio = tf.gather(RATIOS, level)
    factor = tf.cast(step / tf.cast(ratio, tf.float32), tf.int32)
    # Beyond that there is nothing left to average.
    shorter = tf.reduce_min(shape, axis=1) // ratio
    factor = tf.maximum(tf.minimum(factor, shorter), 1)
    start, stop = _extent(inverse, shape, ratio * factor, size, shown)
    # Other formats are decoded whole, and averaged by ratio and factor.
    grain = tf.where(jpeg, factor, ratio * factor)[:, None]
    decoded = tf.where(jpeg, ratio, 1)[:, None]
    begin = start * grain
    end = tf.minimum(stop * grain, -(-shape // decoded))
    whole = tf.cast(ratio * factor, tf.float32)[:, None]
    # Reduced pixel u covers the pixels from `whole * u` on.
    corner = whole * tf.cast(start[:, ::-1], tf.float32) + (whole - 1.0) / 2.0
    offset = matrix[:, :, 2] + tf.linalg.matvec(matrix[:, :, :2], corner)
    linear = matrix[:, :, :2] * whole[:, :, None]
    direct = tf.logical_and(jpeg, factor == 1)
    return {
        "part": tf.concat([begin, end - begin], axis=1),
        "branch": tf.where(direct, level, _OTHER),
        "factor": grain[:, 0],
        "matrix": tf.concat([linear, offset[:, :, None]], axis=2),
    }


def _extent(inverse, shape, whole, size, shown):
    """First and last (excluded) rows and columns, in reduced pixels."""
    last = size - 1.0
    corners = tf.constant([[[0, 0], [last, 0], [0, last], [last, last]]])
    corners = tf.repeat(corners, tf.shape(inverse)[0], axis=0)
    corners = geometry.apply_affine(inverse, corners)[:, :, ::-1]  # y, x.
    scale = tf.cast(whole, tf.float32)[:, None]
    half = (scale - 1.0) / 2.0
    low = tf.floor((tf.reduce_min(corners, axis=1) - half) / scale)
    high = tf.floor((tf.reduce_max(corners, axis=1) - half) / scale) + 2.0
    limit = -(-shape // whole[:, None])
    # At least one pixel, so that there is something to decode; a crop beside
    # the picture does not show it.
    low, high = low - _SPARE, high + _SPARE
    if shown is not None:
        low = tf.maximum(low, tf.round(shown[:, 1::-1] / scale))
        high = tf.minimum(high, tf.round(shown[:, :1:-1] / scale))
    start = tf.clip_by_value(tf.cast(low, tf.int32), 0, limit - 1)
    return start, tf.clip_by_value(tf.cast(high, tf.int32), start + 1, limit)


def decode_window(data, window, whole=None):
    """Decodes one window of a picture.

    Args:
        data: scalar string, JPEG, or what `whole` decodes.
        window: dict of one row of `plan_windows`.
        whole: function without arguments that returns the uint8 `(H, W, 3)`
            pixels of a picture that is no JPEG; decodes `data` as PNG by
            default.

    Returns:
        uint8 `(h, w, 3)`.
    """
    part, factor = window["part"], window["factor"]
    whole = whole or (lambda: tf.io.decode_png(data, channels=3))

    def jpeg(ratio):
        # The default inverse DCT is off by up to eight levels.
        return tf.image.decode_and_crop_jpeg(
            data, part, channels=3, ratio=ratio, dct_method="INTEGER_ACCURATE"
        )

    def cut():
        begin = tf.pad(part[:2], [[0, 1]])
        return tf.slice(whole(), begin, tf.concat([part[2:], [3]], axis=0))

    def other():
        # JPEGs come here only for more than the least ratio.
        image = tf.cond(pictures.is_jpeg(data), lambda: jpeg(RATIOS[-1]), cut)
        return box_average(image, factor)

    # One level of branches, for each costs as much as a tenth of a picture.
    ratios = [functools.partial(jpeg, ratio) for ratio in RATIOS]
    image = tf.switch_case(window["branch"], [*ratios, other])
    return tf.ensure_shape(image, [None, None, 3])


def box_average(image, factor):
    """Means over `factor` x `factor` blocks; the ragged edge is repeated.

    Takes uint8 `(H, W, 3)` and an int32 scalar, and returns uint8
    `(ceil(H / factor), ceil(W / factor), 3)`, rounded.
    """

    def average():
        shape = tf.shape(image)[:2]
        rest = tf.math.floormod(-shape, factor)
        # Repeats the last row and column, so that the border does not darken.
        rows = tf.minimum(tf.range(shape[0] + rest[0]), shape[0] - 1)
        columns = tf.minimum(tf.range(shape[1] + rest[1]), shape[1] - 1)
        padded = tf.cond(
            tf.reduce_any(rest > 0),
            lambda: tf.gather(tf.gather(image, rows, axis=0), columns, axis=1),
            lambda: image,
        )
        # Takes bytes: in float32 a large picture would fill the memory.
        mean = tf.raw_ops.ResizeArea(
            images=padded[None],
            size=(shape + rest) // factor,
            align_corners=False,
        )[0]
        return tf.cast(tf.round(mean), tf.uint8)

    return tf.cond(factor > 1, average, lambda: image)


def render_on_cpu(window, matrix, scales, size):
    """What `render` makes, in a graph, by OpenCV, to one level.

    A batch a call, for calling Python from a graph takes as long as warping.

    Args:
        window, matrix, scales, size: see `render`.

    Returns:
        uint8 `(B, size, size, 3)`.
    """

    def warp(windows, matrices, scales):
        crops = np.empty((len(windows), size, size, 3), np.uint8)
        for i, crop in enumerate(crops):
            # Four channels, for OpenCV warps them in half the time of three.
            image = cv2.cvtColor(windows[i], cv2.COLOR_RGB2RGBA)
            image = cv2.warpAffine(image, matrices[i], (size, size))
            image = cv2.cvtColor(image, cv2.COLOR_RGBA2RGB)
            weights = np.zeros((3, 4), np.float32)
            np.fill_diagonal(weights, scales[i, :3])
            weights[:, 3] = scales[i, 3]
            cv2.transform(image, weights, dst=crop)
        return crops

    given = [window, matrix, scales]
    crops = tf.numpy_function(warp, given, tf.uint8, stateful=False)
    return tf.ensure_shape(crops, [None, size, size, 3])


def render(window, matrix, scales, size):
    """Crops of a batch of windows: one bilinear interpolation, then colour.

    Args:
        window: uint8 `(B, h, w, 3)`, padded with zeros at bottom and right.
        matrix: `(B, 2, 3)` float32, window pixels to crop pixels.
        scales: `(B, 4)` float32, see `transforms.random_colour`.
        size: int, side of the crops.

    Returns:
        uint8 `(B, size, size, 3)`; black outside the windows, before the
        colours are changed.
    """
    inverse = tf.reshape(geometry.invert_affine(matrix), [-1, 6])
    crops = tf.raw_ops.ImageProjectiveTransformV3(
        images=tf.cast(window, tf.float32),
        transforms=tf.pad(inverse, [[0, 0], [0, 2]]),
        output_shape=tf.constant([size, size]),
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )
    return transforms.colour(crops, scales)
