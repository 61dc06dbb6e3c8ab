"""Made-up pictures of several people, for training the finder.

Each is a picture of any shape in the middle of a black square, as the finder
sees photographs. It is divided into cells, each a part of a photograph with
one labelled person, at any size, cut off or not, or of one without people.
"""

import cv2
import numpy as np

from ordinal_tf import boxes, skeleton

# Rows and columns of cells, and how often.
_GRIDS = (
    ((1, 1), 0.38),
    ((1, 2), 0.12),
    ((2, 1), 0.1),
    ((2, 2), 0.22),
    ((1, 3), 0.06),
    ((3, 3), 0.12),
)
_EMPTY = 0.08  # Share of cells without people.
_MOST_ASPECT = 1.8
# Side of the person, in sides of the cell.
_SIDES = (0.18, 1.6)
# Around the joints, in extents: hands, feet and clothes go on beyond them.
_BEYOND = 0.08
# How often something is in front.
_HIDING = 0.3
# Fewer joints, or less of the person's rectangle, and perhaps nobody sees it.
_FEWEST, _LEAST_SHARE, _THINNEST = 4, 0.15, 3
_LEAST_OF_OTHERS = 0.5  # The share where there are no joints to tell.
MOST = 16  # People of a picture; more are left out.
# How probable others are who perhaps are there, and surely. Who shares more
# with a person, or lies within, is that person, or a part.
_PERHAPS, _SURE, _SAME, _WITHIN = 0.15, 0.5, 0.3, 0.5
# What a row of `people` means: nothing, a person, or perhaps a person.
NOBODY, PERSON, PERHAPS = 0, 1, 2


def draw(rng, size, photo):
    """One picture.

    Args:
        rng: `np.random.Generator`.
        size: int, S.
        photo: function of a generator and "person" or "empty" to RGB, joints
            `(K, 2)` with their mask `(K,)`, or None and None, and rows `(N,
            5)`, as returned, of others in it.

    Returns:
        uint8 `(S, S, 3)` and float32 `(MOST, 5)`: left, top, right and bottom
        in pixels, and what the row means.
    """
    aspect = np.exp(rng.uniform(-1, 1) * np.log(_MOST_ASPECT))
    width, height = (
        (size, size / aspect) if aspect > 1 else (size * aspect, size)
    )
    width, height = round(width), round(height)
    left, top = (size - width) // 2, (size - height) // 2
    canvas = np.zeros((size, size, 3), np.uint8)
    people = []
    shares = np.array([share for _, share in _GRIDS])
    rows, columns = _GRIDS[rng.choice(len(_GRIDS), p=shares / shares.sum())][0]
    xs = left + _edges(rng, width, columns)
    ys = top + _edges(rng, height, rows)
    for i in range(rows):
        for j in range(columns):
            cell = (xs[j], ys[i], xs[j + 1], ys[i + 1])
            kind = "empty" if rng.random() < _EMPTY else "person"
            people += _fill(rng, canvas, cell, *photo(rng, kind))
    table = np.zeros((MOST, 5), np.float32)
    for row, person in enumerate(people[:MOST]):
        table[row] = person
    return canvas, table


def add_found(table, rectangles, chance, sure=_SURE):
    """Adds people whom a finder finds beside those of a picture.

    Args:
        table: `(MOST, 5)`, see `draw`. Changed.
        rectangles, chance: `(N, 4)` and `(N,)`, the surest first, see
            `finding.candidates`.
        sure: float, who is more probable is a person; perhaps one who is less.
    """
    for rectangle, likely in zip(rectangles, chance, strict=True):
        people = table[table[:, 4] == PERSON, :4]
        free = np.flatnonzero(table[:, 4] == NOBODY)
        if likely < _PERHAPS or not len(free):
            return
        within = boxes.overlaps(rectangle[None], people, of_first=True)
        same = boxes.overlaps(rectangle[None], people)
        if (within <= _WITHIN).all() and (same <= _SAME).all():
            kind = PERSON if likely > sure else PERHAPS
            table[free[0]] = [*rectangle, kind]


def _edges(rng, length, count):
    inner = (np.arange(1, count) + rng.uniform(-0.2, 0.2, count - 1)) / count
    return np.round(np.r_[0, inner, 1] * length).astype(int)


def _fill(rng, canvas, cell, image, joints, mask, others):
    """Shows a part of a photograph in a cell; rows of the people there."""
    x0, y0, x1, y1 = cell
    size = np.array([x1 - x0, y1 - y0])
    shape = np.array(image.shape[1::-1])
    if joints is None:
        middle, side = shape / 2, shape.max() * 0.8
    else:
        low, high = joints[mask].min(0), joints[mask].max(0)
        middle, side = (low + high) / 2, max((high - low).max(), 8)
    wanted = np.exp(rng.uniform(*np.log(_SIDES))) * size.max() / side
    scale = max(wanted, *(size / shape))
    start = middle - rng.uniform(0.05, 0.95, 2) * size / scale
    start = np.clip(start, 0, np.maximum(shape - size / scale, 0))
    start = np.floor(start).astype(int)
    stop = np.minimum(np.ceil(start + size / scale).astype(int), shape)
    part = image[start[1] : stop[1], start[0] : stop[0]]
    shrinks = (stop - start > size).all()
    part = cv2.resize(
        part,
        tuple(size.tolist()),
        interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR,
    )
    ratio = size / (stop - start)
    mirror = rng.random() < 0.5
    if mirror:
        part = part[:, ::-1]
    part = _coloured(rng, part)
    hidden = _hide(rng, part) if rng.random() < _HIDING else None
    canvas[y0:y1, x0:x1] = part

    def moved(points):
        points = (points - start + 0.5) * ratio - 0.5
        if mirror:
            points = np.stack([size[0] - 1 - points[:, 0], points[:, 1]], -1)
        return points

    rows = [
        _other(moved(row[:4].reshape(2, 2)), row[4], size - 1) for row in others
    ]
    if joints is not None:
        rows.append(_person(moved(joints), mask, size - 1, hidden))
    return [row + [x0, y0, x0, y0, 0] for row in rows if row is not None]


def _other(corners, kind, last):
    """Row of a rectangle in a cell; None where the cell does not show it."""
    low, high = corners.min(0), corners.max(0)
    return _within_cell(low, high, last, kind, _LEAST_OF_OTHERS)


def _within_cell(low, high, last, kind, least_share):
    """Row of what a cell shows of a rectangle; None where that is nothing."""
    whole = (high - low).prod()
    low, high = np.clip(low, 0, last), np.clip(high, 0, last)
    left = np.maximum(high - low, 0).prod()
    if not left:
        return None
    if left < least_share * whole or (high - low).min() < _THINNEST:
        kind = PERHAPS
    return np.array([*low, *high, kind])


def _hide(rng, image):
    """Draws a thing before what the cell shows, as tables and walls are.

    Returns:
        `(4,)` left, top, right and bottom of what is hidden.
    """
    height, width = image.shape[:2]
    colour = rng.uniform(20, 235, 3)
    slope = rng.uniform(-60, 60) * np.linspace(-0.5, 0.5, width)
    shade = colour + slope[:, None] + rng.normal(0, 6, (height, width, 1))
    if rng.random() < 0.6:  # What is low hides the legs of all.
        left, right = 0, width
        top, bottom = round(rng.uniform(0.4, 0.85) * height), height
    else:
        left = round(rng.uniform(-0.2, 0.9) * width)
        right = left + round(rng.uniform(0.1, 0.4) * width)
        top, bottom = round(rng.uniform(0, 0.6) * height), height
    left, right = max(left, 0), min(right, width)
    part = np.clip(shade[top:bottom, left:right], 0, 255)
    image[top:bottom, left:right] = part.astype(np.uint8)
    return np.array([left, top, right, bottom])


def _person(points, mask, last, hidden=None):
    """Row of a person in a cell; None of whom the cell does not show.

    Args:
        points: `(K, 2)` joints, pixels of the cell.
        mask: `(K,)` bool, which are labelled.
        last: `(2,)` the cell's last column and row.
        hidden: `(4,)` of `_hide`, or None.
    """
    inside = mask & ((points >= 0) & (points <= last)).all(1)
    if hidden is not None:
        behind = (points >= hidden[:2]) & (points < hidden[2:])
        inside &= ~behind.all(1)
    kind = PERSON if inside.sum() >= _FEWEST else PERHAPS
    # Between two joints a body may fill the cell.
    seen = points[mask]
    if inside.any():
        seen = np.concatenate(
            [points[inside], _cut_bones(points, mask, inside, last)]
        )
    low, high = seen.min(0), seen.max(0)
    beyond = _BEYOND * max((high - low).max(), 4)
    low, high = low - beyond, high + beyond
    if hidden is not None and hidden[0] == 0 and hidden[2] > last[0]:
        high[1] = min(high[1], hidden[1])
    return _within_cell(low, high, last, kind, _LEAST_SHARE)


def _cut_bones(points, mask, inside, last):
    """Where bones leave the cell: what of them shows belongs to the person.

    Bones to joints that are hidden end where they are seen.
    """
    ends = []
    for bone in skeleton.H36M17.bones:
        for a, b in (bone, bone[::-1]):
            out = ((points[b] < 0) | (points[b] > last)).any()
            if inside[a] and mask[b] and out:
                step = points[b] - points[a]
                edge = np.where(step > 0, last, 0)
                with np.errstate(divide="ignore", invalid="ignore"):
                    share = (edge - points[a]) / step
                share = np.where(step == 0, np.inf, share).min()
                ends.append(points[a] + share * step)
    return np.reshape(ends, (-1, 2))


def _coloured(rng, image):
    image = image.astype(np.float32)
    if rng.random() < 0.08:
        image[:] = image.mean(-1, keepdims=True)
    gain = rng.uniform(0.75, 1.25) * rng.uniform(0.92, 1.08, 3)
    image = image * gain + rng.uniform(-12, 12)
    return np.clip(image, 0, 255).astype(np.uint8)
