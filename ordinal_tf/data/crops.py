"""Crops of large encoded pictures that decode no more than they need.

A crop is made in two steps. `decode_window` decodes the part of the picture
that the crop shows, at a half, a quarter or an eighth of the resolution where
the crop needs no more. `render` then turns, scales and mirrors it and changes
its colours: on the CPU one picture at a time, by OpenCV; or on an accelerator
a batch of padded windows at once, by TensorFlow. TensorFlow's own kernel on
the CPU takes ten times as long as OpenCV's.
"""

import functools

import cv2
import numpy as np
import tensorflow as tf

from ordinal_tf import geometry
from ordinal_tf.data import transforms

RATIOS = (1, 2, 4, 8)  # At which JPEG decodes for less.
# Pixels decoded beyond those that are sampled: the last column of a partial
# JPEG lacks its neighbours' chroma.
_SPARE = 2


def plan_windows(matrix, size):
    """Which part of its picture each crop shows, at which resolution.

    Where the crop shrinks the picture, neighbouring samples would skip pixels
    and alias. JPEG decodes at a half, a quarter or an eighth for less; the
    rest of the whole factor below the shrinkage is box-averaged.

    Args:
        matrix: `(B, 2, 3)` float32, image pixels to crop pixels.
        size: int, side of the crop.

    Returns:
        dict: `low` and `high` `(B, 2)` int32, the window in x and y, `high`
        not included, in reduced pixels and perhaps beyond the picture;
        `level` `(B,)` int32, an index of `RATIOS`, and `factor` `(B,)` int32,
        which together say how many pixels a reduced one is wide; `matrix`
        `(B, 2, 3)`, window pixels to crop pixels.
    """
    inverse = geometry.invert_affine(matrix)
    # Length of one crop pixel's step in the image, any direction.
    step = tf.sqrt(tf.abs(tf.linalg.det(inverse[:, :, :2]))) + 0.25
    level = sum(tf.cast(step >= ratio, tf.int32) for ratio in RATIOS[1:])
    ratio = tf.gather(tf.constant(RATIOS, tf.float32), level)
    factor = tf.maximum(tf.floor(step / ratio), 1.0)
    whole = (ratio * factor)[:, None]
    last = size - 1.0
    corners = tf.constant([[0, 0], [last, 0], [0, last], [last, last]])
    corners = tf.broadcast_to(corners, [tf.shape(matrix)[0], 4, 2])
    corners = geometry.apply_affine(inverse, corners)
    # Reduced pixel u covers the pixels from `whole * u` on.
    half = (whole - 1.0) / 2.0
    low = (tf.reduce_min(corners, axis=1) - half) / whole
    high = (tf.reduce_max(corners, axis=1) - half) / whole
    low = tf.maximum(tf.cast(tf.floor(low), tf.int32) - _SPARE, 0)
    high = tf.cast(tf.floor(high), tf.int32) + 2 + _SPARE
    start = whole * tf.cast(low, tf.float32) + half
    offset = matrix[:, :, 2] + tf.linalg.matvec(matrix[:, :, :2], start)
    linear = matrix[:, :, :2] * whole[:, :, None]
    return {
        "low": low,
        "high": high,
        "level": level,
        "factor": tf.cast(factor, tf.int32),
        "matrix": tf.concat([linear, offset[:, :, None]], axis=2),
    }


def decode_window(data, window):
    """Decodes one window of a picture.

    Args:
        data: scalar string; JPEG, PNG, BMP or GIF.
        window: dict of one row of `plan_windows`.

    Returns:
        uint8 `(h, w, 3)` reduced pixels; one black pixel where the window
        lies outside the picture.
    """
    low, high = window["low"][::-1], window["high"][::-1]  # y, x
    level, factor = window["level"], window["factor"]

    def part(shape, grain, decode):
        start = low * grain
        extent = tf.minimum(high * grain, shape) - start
        return tf.cond(
            tf.reduce_all(extent > 0),
            lambda: _averaged(decode(start, extent), grain),
            lambda: tf.zeros([1, 1, 3], tf.uint8),
        )

    def jpeg(ratio):
        def decode(start, extent):
            return tf.image.decode_and_crop_jpeg(
                data,
                tf.concat([start, extent], axis=0),
                channels=3,
                ratio=ratio,
                dct_method="INTEGER_FAST",
            )

        shape = tf.image.extract_jpeg_shape(data)[:2]
        return part(-(-shape // ratio), factor, decode)

    def other():
        image = tf.io.decode_image(data, 3, expand_animations=False)

        def decode(start, extent):
            begin, size = tf.pad(start, [[0, 1]]), tf.concat([extent, [3]], 0)
            return tf.slice(image, begin, size)

        return part(tf.shape(image)[:2], factor * 2**level, decode)

    is_jpeg = tf.strings.substr(data, 0, 3) == b"\xff\xd8\xff"
    ratios = [functools.partial(jpeg, ratio) for ratio in RATIOS]
    branch = tf.where(is_jpeg, level, len(RATIOS))
    image = tf.switch_case(branch, [*ratios, other])
    return tf.ensure_shape(image, [None, None, 3])


def _averaged(image, factor):
    """Means over `factor` x `factor` blocks, uint8."""

    def average():
        mean = transforms.box_average(image, factor)
        return tf.cast(tf.round(mean), tf.uint8)

    return tf.cond(factor > 1, average, lambda: image)


def render_one(window, matrix, scales, size):
    """One crop on the CPU, in a graph: see `render`.

    Args:
        window: uint8 `(h, w, 3)`.
        matrix: `(2, 3)`.
        scales: `(4,)`.
        size: int.
    """

    def warp(window, matrix, scales):
        # Four channels, because OpenCV warps them in half the time of three.
        image = cv2.cvtColor(window, cv2.COLOR_RGB2RGBA)
        image = cv2.warpAffine(image, matrix.astype(np.float64), (size, size))
        image = cv2.cvtColor(image, cv2.COLOR_RGBA2RGB)
        weights = np.zeros((3, 4), np.float32)
        np.fill_diagonal(weights, scales[:3])
        weights[:, 3] = scales[3]
        return cv2.transform(image, weights)

    crop = tf.numpy_function(
        warp, [window, matrix, scales], tf.uint8, stateful=False
    )
    return tf.ensure_shape(crop, [size, size, 3])


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
