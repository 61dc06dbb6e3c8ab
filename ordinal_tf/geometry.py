"""Crop geometry: a box, rotation and mirror as one affine map.

A crop shows a square box of the image on a square of `size` pixels. One
matrix maps image pixels to crop pixels, its inverse maps back, and the same
matrix samples the picture, so points and pixels cannot disagree. Pixel
centres lie on integers: the crop's left edge is at -0.5.
"""

import numpy as np
from keras import ops

# Side of a person's box, in extents of the keypoints.
BOX_MARGIN = 1.25
_LEAST_SIDE = 8.0  # Pixels.


def crop_matrix(box, size, *, rotation=0.0, mirror=False):
    """Affine map from image pixels to crop pixels.

    The image is turned about the box centre, scaled so that the box fills
    the crop, then mirrored left-right. Augmentation in scale is a box of
    another side. The original truncates boxes to whole pixels
    (`transform` of `tests/official/boxes.py`); this map keeps their
    fractions on purpose.

    Args:
        box: `(..., 3)` centre x, centre y and side in image pixels.
        size: int, side of the crop in pixels.
        rotation: `(...)` radians; positive turns the picture clockwise on
            the screen (x towards y).
        mirror: `(...)` bool, flip the crop left-right.

    Returns:
        `(..., 2, 3)` float32: crop = A @ (x, y, 1).
    """
    box = ops.cast(box, "float32")
    cx, cy, side = box[..., 0], box[..., 1], box[..., 2]
    scale = size / side
    flip = ops.where(mirror, -1.0, 1.0)
    # Any of the three may be one for all or one each: both rows of the
    # matrix need the leading axes of all.
    rotation = ops.cast(rotation, "float32") + ops.zeros_like(scale * flip)
    cos, sin = scale * ops.cos(rotation), scale * ops.sin(rotation)
    centre = (size - 1) / 2
    row_x = ops.stack([cos, -sin, -cos * cx + sin * cy], axis=-1)
    row_x = row_x * flip[..., None]
    row_y = ops.stack([sin, cos, -sin * cx - cos * cy], axis=-1)
    offset = np.array([[0, 0, centre], [0, 0, centre]], "float32")
    return ops.stack([row_x, row_y], axis=-2) + offset


def invert_affine(matrix):
    """Inverse of `(..., 2, 3)` affine maps, same shape and dtype."""
    linear, offset = matrix[..., :2], matrix[..., 2]
    a, b = linear[..., 0, 0], linear[..., 0, 1]
    c, d = linear[..., 1, 0], linear[..., 1, 1]
    det = a * d - b * c
    row_x = ops.stack([d / det, -b / det], axis=-1)
    row_y = ops.stack([-c / det, a / det], axis=-1)
    inverse = ops.stack([row_x, row_y], axis=-2)
    back = -ops.sum(inverse * offset[..., None, :], axis=-1)
    return ops.concatenate([inverse, back[..., None]], axis=-1)


def compose_affine(outer, inner):
    """One `(..., 2, 3)` affine map: first `inner`, then `outer`."""
    linear = ops.matmul(outer[..., :2], inner[..., :2])
    moved = ops.matmul(outer[..., :2], inner[..., 2:]) + outer[..., 2:]
    return ops.concatenate([linear, moved], axis=-1)


def apply_affine(matrix, points):
    """Maps `(..., K, 2)` points x, y with `(..., 2, 3)` matrices."""
    linear, offset = matrix[..., :2], matrix[..., 2]
    moved = ops.matmul(points, ops.swapaxes(linear, -1, -2))
    return moved + offset[..., None, :]


def box_around(keypoints, mask, *, margin=BOX_MARGIN):
    """Square box around the known keypoints.

    Args:
        keypoints: `(..., K, 2)` pixels; anything where not masked.
        mask: `(..., K)` bool, at least one True.
        margin: the box side is this times the longer side of their extent,
            and at least 8 pixels, for a person seen as a point.

    Returns:
        `(..., 3)` float32 centre x, centre y, side.
    """
    keypoints = ops.cast(keypoints, "float32")
    mask = ops.convert_to_tensor(mask)[..., None]
    low = ops.min(ops.where(mask, keypoints, np.inf), axis=-2)
    high = ops.max(ops.where(mask, keypoints, -np.inf), axis=-2)
    side = margin * ops.max(high - low, axis=-1, keepdims=True)
    side = ops.maximum(side, _LEAST_SIDE)
    return ops.concatenate([(low + high) / 2, side], axis=-1)
