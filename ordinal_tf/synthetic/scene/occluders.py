"""What stands between a synthetic person and the camera."""

import cv2
import numpy as np

from ordinal_tf.synthetic.scene import noise


def draw_occluders(
    rng,
    image,
    person,
    *,
    chance=0.35,
    count=(1, 2),
    size=(0.08, 0.4),
    cover=0.35,
):
    """Puts things in front of a person.

    Args:
        rng: `np.random.Generator`.
        image: `(S, S, 3)` float32.
        person: `(S, S)` bool, the pixels that show the person.
        chance: probability that there is anything.
        count: (least, most) things.
        size: (least, most) of a thing, in sides of the person's box.
        cover: the largest share of the person that may be hidden; a thing
            that would hide more is left out.

    Returns:
        A new image, and `(S, S)` bool: what the things cover.
    """
    hidden = np.zeros(person.shape, bool)
    if rng.random() >= chance or not person.any():
        return image, hidden
    rows, columns = np.flatnonzero(person.any(1)), np.flatnonzero(person.any(0))
    low = np.array([columns[0], rows[0]])
    high = np.array([columns[-1], rows[-1]]) + 1
    area = np.count_nonzero(person)
    image = image.copy()
    for _ in range(rng.integers(count[0], count[1] + 1)):
        side = rng.uniform(*size) * (high - low).max()
        middle = low + rng.random(2) * (high - low)
        shape = _thing(rng, person.shape, middle, side)
        if np.count_nonzero((hidden | shape) & person) > cover * area:
            continue
        if shape.any():
            hidden |= shape
            image[shape] = _paint(rng, shape)
    return image, hidden


def _thing(rng, shape, middle, side):
    """`(S, S)` bool, one thing of about `side` pixels."""
    mask = np.zeros(shape, np.uint8)
    kind = rng.choice(["bar", "block", "ball", "leaves", "rails"])
    angle = rng.normal(0, 0.15) + (rng.random() < 0.5) * np.pi / 2
    along = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-along[1], along[0]])
    if kind == "bar" or kind == "rails":
        width = side * rng.uniform(0.08, 0.25)
        for k in range(1 if kind == "bar" else int(rng.integers(2, 5))):
            start = middle + across * (k * side * 0.5)
            _quad(mask, start, along * 2 * max(shape), across * width / 2)
    elif kind == "block":
        stretch = rng.uniform(0.5, 1.0, 2) * side / 2
        _quad(mask, middle, along * stretch[0], across * stretch[1])
    elif kind == "ball":
        centre = np.round(middle).astype(int).tolist()
        cv2.circle(mask, centre, max(1, round(side / 2)), 1, -1)
    else:
        for _ in range(int(rng.integers(15, 50))):
            centre = np.round(middle + rng.normal(0, side / 4, 2)).astype(int)
            axes = np.maximum(side * rng.uniform(0.02, 0.12, 2), 1).astype(int)
            turn = float(rng.uniform(0, 180))
            cv2.ellipse(
                mask, centre.tolist(), axes.tolist(), turn, 0, 360, 1, -1
            )
    return mask.astype(bool)


def _quad(mask, middle, along, across):
    corners = [middle - along - across, middle + along - across]
    corners += [middle + along + across, middle - along + across]
    cv2.fillConvexPoly(mask, np.round(corners).astype(np.int32), 1)


def _paint(rng, shape):
    """Colours `(N, 3)` of a thing's pixels: uneven, lit from one side."""
    rows, columns = np.nonzero(shape)
    zoom = rng.uniform(0.2, 1.5)
    tone = noise.field(rng, columns * zoom, rows * zoom)
    x = (columns - columns.min()) / max(np.ptp(columns), 1)
    y = (rows - rows.min()) / max(np.ptp(rows), 1)
    slope = rng.uniform(-0.5, 0.5, 2)
    shade = 1 + slope[0] * (x - 0.5) + slope[1] * (y - 0.5)
    shade += rng.uniform(0.02, 0.3) * tone
    colour = noise.colour(rng, value=(20, 230), saturation=(0, 0.8))
    return np.clip(colour * shade[:, None], 0, 255).astype(np.float32)
