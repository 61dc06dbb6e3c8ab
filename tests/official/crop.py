"""The published crop: whole-pixel box, zero padding, Torch's resize.

Our own crop samples the picture once through `geometry.crop_matrix`, which
keeps the box's fractions, is half-pixel centred and antialiases differently.
Networks trained on one crop lose a little on the other; parity tests use
this one.
"""

import math

import numpy as np

from tests.official import boxes


def crop_box(center, scale, rotation_deg, size):
    """Corners of the region that the crop reads, and the rotation's margin.

    Args:
        center, scale, rotation_deg, size: as in `boxes.get_transform`.

    Returns:
        x, y of the first corner (inclusive) and of the second (exclusive),
        `(2,)` int32, 1-based; and the margin in pixels, which the corners
        include only where there is a rotation.
    """
    corners = boxes.lua_box(center, scale, size)
    first, second = corners[:2], corners[2:]
    diagonal = np.linalg.norm((second - first).astype(np.float32))
    margin = math.floor(diagonal / 2 - (second[0] - first[0]) / 2)
    if rotation_deg != 0:
        first, second = first - margin, second + margin
    return first, second, margin


def cut_patch(image, first, second):
    """The pixels between two corners, zero where outside the image.

    Args:
        image: `(H, W, C)`.
        first, second: x, y corners, 1-based, inclusive and exclusive.

    Returns:
        `(second - first)` rows and columns of the image's dtype.
    """
    height, width = image.shape[:2]
    (x1, y1), (x2, y2) = np.asarray(first) - 1, np.asarray(second) - 1
    patch = np.zeros((y2 - y1, x2 - x1, *image.shape[2:]), image.dtype)
    top, bottom = max(y1, 0), min(y2, height)
    left, right = max(x1, 0), min(x2, width)
    if top < bottom and left < right:
        inside = image[top:bottom, left:right]
        patch[top - y1 : bottom - y1, left - x1 : right - x1] = inside
    return patch


def rotate(image, angle):
    """Turns an image about its middle, bilinear, zero outside.

    Args:
        image: `(H, W, C)` float.
        angle: radians; positive turns the picture anticlockwise on the
            screen, since each output pixel reads the input at +angle.

    Returns:
        `(H, W, C)` float32.

    Source: `image.rotate` of torch/image.
    """
    height, width = image.shape[:2]
    middle_y, middle_x = (height - 1) / 2, (width - 1) / 2
    dy = np.arange(height)[:, None] - middle_y
    dx = np.arange(width)[None, :] - middle_x
    cos, sin = math.cos(angle), math.sin(angle)
    x = middle_x + cos * dx - sin * dy
    y = middle_y + cos * dy + sin * dx
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    result = np.zeros(image.shape, np.float64)
    for row, column in ((0, 0), (0, 1), (1, 0), (1, 1)):
        weight_y = np.abs(1 - row - (y - top))
        weight_x = np.abs(1 - column - (x - left))
        at_y, at_x = top + row, left + column
        inside = (at_y >= 0) & (at_y < height) & (at_x >= 0) & (at_x < width)
        at_y, at_x = at_y.clip(0, height - 1), at_x.clip(0, width - 1)
        weight = np.where(inside, weight_y * weight_x, 0.0)
        result += weight[..., None] * image[at_y, at_x]
    return result.astype(np.float32)


def resize_weights(source, target):
    """Matrix `(target, source)` float32 of Torch's one-dimensional resize.

    Enlarging interpolates with the corner pixels aligned: output i reads
    i * (source - 1) / (target - 1). Shrinking averages exact areas. Both in
    float32 coordinates.

    Source: `image.scale`, mode "bilinear", of torch/image.
    """
    if source == target:
        return np.eye(target, dtype=np.float32)
    weights = np.zeros((target, source), np.float32)
    if target > source:
        step = np.float32(source - 1) / np.float32(target - 1)
        for i in range(target - 1):
            position = np.float32(i) * step
            low = int(position)
            weights[i, low] += 1 - (position - low)
            weights[i, min(low + 1, source - 1)] += position - low
        weights[-1, -1] = 1
        return weights
    step = np.float32(source) / np.float32(target)
    pixels = np.arange(source, dtype=np.float32)
    for i in range(target):
        start, end = np.float32(i) * step, np.float32(i + 1) * step
        cover = np.minimum(pixels + 1, end) - np.maximum(pixels, start)
        cover = np.maximum(cover, 0)
        weights[i] = cover / cover.sum()
    return weights


def resize(image, size):
    """Separable resize to `(size, size, C)` float32, x first, then y."""
    height, width = image.shape[:2]
    image = image.astype(np.float32)
    rows = np.einsum("ow,hwc->hoc", resize_weights(width, size), image)
    return np.einsum("oh,hwc->owc", resize_weights(height, size), rows)


def crop(image, center, scale, rotation_deg, size=256):
    """The network input that the published code makes of an image.

    After a rotation it keeps rows and columns margin to length - margin,
    1-based and inclusive: one more than symmetric, shifted by one.

    Args:
        image: `(H, W, C)` float in 0..1 (bytes / 255).
        center, scale, rotation_deg, size: as in `boxes.get_transform`.

    Returns:
        `(size, size, C)` float32.

    Raises:
        ValueError: the margin of a rotated box is below a pixel, which the
            original cannot cut either.

    Source: `crop` in `img.lua`.
    """
    first, second, margin = crop_box(center, scale, rotation_deg, size)
    patch = cut_patch(image, first, second)
    if rotation_deg != 0:
        if margin < 1:
            raise ValueError(
                "A rotated crop needs a box whose half diagonal exceeds its "
                "half side by a pixel. "
                f"Received: scale={scale}, a box of {200 * scale:g} px."
            )
        patch = rotate(patch, math.radians(rotation_deg))
        height, width = patch.shape[:2]
        patch = patch[margin - 1 : height - margin, margin - 1 : width - margin]
    return resize(patch, size)
