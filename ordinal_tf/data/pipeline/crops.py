"""Crops of large encoded pictures that decode no more than they need.

A crop is made in two steps. `decode_window` decodes the part of the picture
that the crop shows, at a half, a quarter or an eighth of the resolution where
the crop needs no more. `render` then turns, scales and mirrors it and changes
its colours, for a batch of padded windows: on the CPU by OpenCV, or on an
accelerator by TensorFlow, whose own kernel on the CPU takes ten times as long.
"""

import functools

import cv2
import numpy as np
import tensorflow as tf

from ordinal_tf.data.pipeline import transforms
from ordinal_tf.data.pipeline.core import geometry

RATIOS = (1, 2, 4, 8)  # At which JPEG decodes for less.
_OTHER = len(RATIOS)  # Branch of pictures that take a longer way.
# Pixels decoded beyond those that are sampled: the last column of a partial
# JPEG lacks its neighbours' chroma.
_SPARE = 2


def plan_windows(data, shape, matrix, size):
    """Which part of its picture each crop shows, at which resolution.

    Where the crop shrinks the picture, neighbouring samples would skip pixels
    and alias. JPEG decodes at a half, a quarter or an eighth for less; what
    is left of the shrinkage beyond an eighth is box-averaged.

    Args:
        data: `(B,)` strings, the encoded pictures.
        shape: `(B, 2)` int32, their heights and widths.
        matrix: `(B, 2, 3)` float32, image pixels to crop pixels.
        size: int, side of the crops.

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
    factor = tf.maximum(factor, 1)
    start, stop = _extent(inverse, shape, ratio * factor, size)
    jpeg = tf.strings.substr(data, 0, 3) == b"\xff\xd8\xff"
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


def _extent(inverse, shape, whole, size):
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
    start = tf.clip_by_value(tf.cast(low, tf.int32) - _SPARE, 0, limit - 1)
    stop = tf.cast(high, tf.int32) + _SPARE
    return start, tf.clip_by_value(stop, start + 1, limit)


def decode_window(data, window):
    """Decodes one window of a picture.

    Args:
        data: scalar string; JPEG, PNG, BMP or GIF.
        window: dict of one row of `plan_windows`.

    Returns:
        uint8 `(h, w, 3)`.
    """
    part, factor = window["part"], window["factor"]

    def jpeg(ratio):
        return tf.image.decode_and_crop_jpeg(
            data, part, channels=3, ratio=ratio, dct_method="INTEGER_ACCURATE"
        )

    def whole():
        image = tf.io.decode_image(data, 3, expand_animations=False)
        begin, extent = (
            tf.pad(part[:2], [[0, 1]]),
            tf.concat([part[2:], [3]], 0),
        )
        return tf.slice(image, begin, extent)

    def other():
        is_jpeg = tf.strings.substr(data, 0, 3) == b"\xff\xd8\xff"
        # JPEGs come here only for more than the least ratio.
        image = tf.cond(is_jpeg, lambda: jpeg(RATIOS[-1]), whole)
        mean = transforms.box_average(image, factor)
        return tf.cast(tf.round(mean), tf.uint8)

    # One level of branches, for each costs as much as a tenth of a picture.
    ratios = [functools.partial(jpeg, ratio) for ratio in RATIOS]
    image = tf.switch_case(window["branch"], [*ratios, other])
    return tf.ensure_shape(image, [None, None, 3])


def render_on_cpu(window, matrix, scales, size):
    """What `render` makes, in a graph, by OpenCV.

    A batch a call, for calling Python from a graph takes as long as warping.
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

    crops = tf.numpy_function(
        warp, [window, matrix, scales], tf.uint8, stateful=False
    )
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
