"""Boxes and point transforms as the published code computes them.

The counterpart of our own is `geometry.crop_matrix`: one affine map that
keeps fractions of pixels, with pixel centres on integers. The functions here
cut or round to whole pixels, and place heatmap cell k over k to k + 1.
"""

import math

import numpy as np


def get_transform(center, scale, rotation_deg, size, *, dtype=np.float64):
    """Matrix from image to crop, on 0-based columns (x, y, 1).

    Args:
        center: x, y of the box centre in pixels.
        scale: side of the box / 200.
        rotation_deg: degrees; positive turns the picture anticlockwise on
            the screen, against the sense of `geometry.crop_matrix`.
        size: side of the crop.
        dtype: of the matrix; Torch's default is float32.

    Returns:
        `(3, 3)`.

    Source: `getTransform` in `img.lua`.
    """
    side = 200 * scale
    zoom = size / side
    matrix = np.array(
        [
            [zoom, 0, size * (0.5 - center[0] / side)],
            [0, zoom, size * (0.5 - center[1] / side)],
            [0, 0, 1],
        ],
        dtype,
    )
    if rotation_deg == 0:
        return matrix
    cos = math.cos(math.radians(-rotation_deg))
    sin = math.sin(math.radians(-rotation_deg))
    turn = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]], dtype)
    away, back = np.eye(3, dtype=dtype), np.eye(3, dtype=dtype)
    away[:2, 2], back[:2, 2] = -size / 2, size / 2
    return back @ turn @ away @ matrix


def transform(
    point_1based,
    center,
    scale,
    rotation_deg,
    size,
    *,
    invert=False,
    dtype=np.float64,
):
    """Maps a 1-based point to the crop and cuts to whole pixels.

    It adds 1e-4 and truncates toward zero, which for negative coordinates
    is not floor: a box that straddles pixel 0 is one pixel narrower.
    `geometry.apply_affine` keeps the fraction.

    Args:
        point_1based: x, y; 1-based.
        center, scale, rotation_deg, size, dtype: as in `get_transform`.
        invert: map from the crop to the image.

    Returns:
        `(2,)` int32 x, y; 1-based.

    Source: `transform` in `img.lua`.
    """
    matrix = get_transform(center, scale, rotation_deg, size, dtype=dtype)
    if invert:
        matrix = np.linalg.inv(matrix)
    x, y = point_1based
    column = np.array([x - 1, y - 1, 1], dtype)
    moved = (matrix @ column)[:2] + dtype(1e-4)
    return np.trunc(moved).astype(np.int32) + 1


def lua_box(center, scale, size=256):
    """Corners of the box that the Lua crop cuts out.

    Returns:
        `(4,)` int32 x1, y1, x2, y2; 1-based, the first corner inclusive and
        the second exclusive.
    """
    corners = [
        transform((p, p), center, scale, 0, size, invert=True)
        for p in (1, size + 1)
    ]
    return np.concatenate(corners)


def matlab_box(center, scale, size=256):
    """The box of the MATLAB code, which rounds where the Lua code truncates.

    Halves round away from zero. The two boxes differ by a pixel in most
    cases, though both mean the same square.

    Returns:
        `(4,)` int32 x1, y1, x2, y2; 1-based, corners as in `lua_box`.

    Source: `getHGbbox.m`.
    """
    inverse = np.linalg.inv(get_transform(center, scale, 0, size))
    corners = inverse @ np.array([[0, 0, 1], [size, size, 1]]).T + 1e-4
    corners = corners[:2].T.reshape(-1)
    rounded = np.sign(corners) * np.floor(np.abs(corners) + 0.5)
    return rounded.astype(np.int32) + 1


def keypoints_in_image(preds_1based, box_1based, cells=64):
    """Image pixels of decoded heatmap cells.

    A cell stands for its centre. The code divides x2 - x1 + 1 by the number
    of cells though x2 is exclusive already: every point is off by up to a
    pixel, which `volumes.to_crop` with `geometry.invert_affine` is not.

    Args:
        preds_1based: `(2 or more, K)` x, y in the first rows; 1-based cells.
        box_1based: `(4,)` from `matlab_box`.
        cells: int, side of the heatmap.

    Returns:
        `(2, K)` pixels, 1-based.

    Source: `maxLocation.m`.
    """
    x1, y1, x2, y2 = (int(v) for v in box_1based)
    step = np.array([[x2 - x1 + 1], [y2 - y1 + 1]]) / cells
    start = np.array([[x1], [y1]])
    return start + (np.asarray(preds_1based)[:2] - 0.5) * step
