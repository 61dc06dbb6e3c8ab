"""Boxes around people: which can be cropped, and how much two overlap."""

import numpy as np

# Pixels of box sides and, upwards, centres: beyond, crops leave float32.
SMALLEST, LARGEST = 0.01, 1e6
# Nobody can be seen in less.
_PERSON = 2.0
# A box this many times the picture's size shows nothing but its border.
_TIMES = 100.0
# Side of a box, in longer sides of a rectangle drawn tightly around a person.
OF_RECTANGLE = 1.08


def square(left, top, right, bottom):
    """The box `[cx, cy, side]` of a tight rectangle around a person."""
    side = OF_RECTANGLE * max(right - left, bottom - top)
    return [(left + right) / 2, (top + bottom) / 2, side]


def rectangles(boxes):
    """Rectangles `(P, 4)` of boxes `(P, 3)` centre x, centre y, side."""
    boxes = np.asarray(boxes, np.float64).reshape(-1, 3)
    half = boxes[:, 2:] / 2
    return np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], axis=1)


def overlaps(first, second, *, of_first=False):
    """Intersection over union of rectangles.

    Args:
        first: `(P, 4)` left, top, right, bottom.
        second: `(Q, 4)`.
        of_first: bool, over the first's area instead.

    Returns:
        `(P, Q)` in [0, 1]; 0 where one is not finite.
    """
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    both = np.maximum(high - low, 0).prod(-1)
    whole = _areas(first)[:, None]
    if not of_first:
        whole = whole + _areas(second)[None] - both
    return np.nan_to_num(both / np.maximum(whole, 1e-9))


def _areas(rectangles):
    return np.maximum(rectangles[:, 2:] - rectangles[:, :2], 0).prod(1)


def check_boxes(boxes, width, height):
    """Boxes as float32 `(P, 3)`: centre x, centre y and side in pixels.

    Args:
        boxes: array-like, rows of three numbers, or empty.
        width, height: of their picture, in pixels.

    Raises:
        ValueError: wrong shape, not finite, too small for a person, far
            larger than the picture or outside it.
    """
    try:
        boxes = np.asarray(boxes, np.float32)
    except (ValueError, TypeError):
        raise ValueError(
            f"Boxes must be rows of centre x, centre y, side. Received: "
            f"{boxes}."
        ) from None
    boxes = boxes.reshape(0, 3) if boxes.size == 0 else boxes
    if boxes.ndim != 2 or boxes.shape[1] != 3:
        raise ValueError(
            "Boxes must be rows of centre x, centre y, side. Received shape: "
            f"{boxes.shape}."
        )
    for cx, cy, side in boxes.tolist():
        row = f"[{cx:g}, {cy:g}, {side:g}]"
        if not (np.isfinite([cx, cy, side]).all() and side > SMALLEST):
            raise ValueError(
                f"The box {row} must be finite, with a side above {SMALLEST}."
            )
        if side < _PERSON:
            raise ValueError(
                f"The box {row} has a side of {side:g} pixels, in which nobody "
                "can be seen; boxes are pixels of the picture, not shares of "
                "its size."
            )
        if side > _TIMES * max(width, height):
            raise ValueError(
                f"The box {row} is far larger than the picture of {width} x "
                f"{height} pixels."
            )
        half = side / 2
        right, bottom = cx + half, cy + half
        left, top = cx - half, cy - half
        if right < 0 or bottom < 0 or left > width - 1 or top > height - 1:
            raise ValueError(
                f"The box {row} lies outside the picture of {width} x "
                f"{height} pixels."
            )
    return boxes
