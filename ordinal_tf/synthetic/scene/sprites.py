"""Small pictures of things, drawn once and kept.

Parts are polygons in the thing's own coordinates: x from 0 to its width in
heights, y from 0 to 1 upwards.
"""

import functools

import cv2
import numpy as np

from ordinal_tf.synthetic.scene import noise

VARIANTS = 12  # Of each kind.
_HEIGHT = 96
_LEVELS = 5
_SHIFT = 4  # Binary places of corners, for OpenCV.
_ROUND = np.linspace(0, 2 * np.pi, 16, endpoint=False)
_RING = np.stack([np.cos(_ROUND), np.sin(_ROUND)], axis=-1) / 2


@functools.cache
def sprite(kind, number):
    """Sprite `number`, from 0, of a kind, in several sizes.

    Returns:
        Tuple of `(H, W, 4)` uint8 RGB, times opacity, and opacity; each half
        as high as the one before it.
    """
    rng = np.random.default_rng((list(KINDS).index(kind), number))
    draw, ratio = KINDS[kind]
    width = rng.uniform(*ratio)
    canvas = np.zeros((_HEIGHT, max(3, round(width * _HEIGHT)), 4), np.uint8)
    for points, colour in draw(rng, width):
        pixels = np.asarray(points) * [_HEIGHT, -_HEIGHT] + [0, _HEIGHT]
        corners = np.round((pixels - 0.5) * (1 << _SHIFT)).astype(np.int32)
        colour = [*np.clip(colour, 0, 255).tolist(), 255]
        cv2.fillPoly(canvas, [corners], colour, cv2.LINE_AA, _SHIFT)
    return _sizes(_painted(rng, canvas.astype(np.float32)))


@functools.cache
def shadow():
    """A soft dark disc, in the form of `sprite`."""
    y, x = np.mgrid[-1:1:64j, -8:8:512j]
    dark = np.zeros((64, 512, 4), np.float32)
    dark[..., 3] = 120 * np.clip(1.6 - np.hypot(x / 6, y) * 1.6, 0, 1)
    return _sizes(dark)


def _painted(rng, picture):
    """Uneven paint, and light from above and from one side."""
    rows, columns = picture.shape[:2]
    y, x = np.mgrid[:rows, :columns].astype(np.float32)
    zoom = rng.uniform(0.3, 2.5)
    tone = 1 + rng.uniform(0.05, 0.4) * noise.field(rng, x * zoom, y * zoom)
    slope = rng.uniform((-0.4, -0.5), (0.4, 0.1))
    tone += slope[0] * (x / columns - 0.5) + slope[1] * (y / rows - 0.5)
    return picture * np.stack([tone, tone, tone, np.ones_like(tone)], -1)


def _sizes(picture):
    picture[..., :3] = np.minimum(picture[..., :3], picture[..., 3:])
    levels = [np.clip(np.round(picture), 0, 255).astype(np.uint8)]
    while len(levels) < _LEVELS:
        high, wide = (max(1, side // 2) for side in levels[-1].shape[:2])
        small = cv2.resize(
            levels[-1], (wide, high), interpolation=cv2.INTER_AREA
        )
        levels.append(small)
    for level in levels:
        level.setflags(write=False)
    return tuple(levels)


# Parts.


def _quad(left, right, low, high):
    return np.array([[left, low], [right, low], [right, high], [left, high]])


def _disc(x, y, width, height):
    return _RING * [width, height] + [x, y]


def _leaves(rng, width, low, count):
    """Ragged blobs of one green, lit from above, above `low`."""
    green = noise.near(rng, np.float32([75, 100, 50]), 30)
    parts = []
    for _ in range(count):
        across, high = rng.normal(0, 0.4, 2).clip(-0.8, 0.8)
        wide, tall = rng.uniform(0.12, 0.3) * width, 0.22 * (1 - low)
        x = width * (0.5 + 0.45 * across)
        y = low + (1 - low) * (0.5 + 0.45 * high)
        ragged = 1 + 0.4 * rng.uniform(-1, 1, (len(_RING), 1))
        shade = 0.8 + 0.4 * high + rng.uniform(-0.2, 0.2)
        blob = _RING * [wide, tall] * ragged + [x, y]
        parts.append((blob, green * np.float32(shade)))
    return parts


# Things: functions that return their parts, the farthest first.


def _tree(rng, width):
    bark = noise.near(rng, np.float32([75, 60, 45]), 20)
    thick, middle = rng.uniform(0.015, 0.045), width / 2
    parts = [(_quad(middle - thick, middle + thick, 0, 0.7), bark)]
    for _ in range(4):  # Branches.
        tip = middle + rng.uniform(-0.4, 0.4) * width
        low = rng.uniform(0.3, 0.5)
        ends = [
            [middle, low],
            [tip, rng.uniform(0.6, 0.9)],
            [middle, low + 0.05],
        ]
        parts.append((np.array(ends), bark))
    bare = rng.random() < 0.15
    leaves = _leaves(rng, width, rng.uniform(0.15, 0.45), 0 if bare else 60)
    return parts + leaves


def _bush(rng, width):
    return _leaves(rng, width, 0.0, 70)


def _house(rng, width):
    """A front with rows of windows, and a darker side."""
    paint = noise.colour(rng, value=(70, 225), saturation=(0, 0.35))
    corner = rng.uniform(0.5, 1.0) * width
    parts = [
        (_quad(0, corner, 0, 1), paint),
        (_quad(corner, width, 0, 1), paint * np.float32(0.7)),
    ]
    if rng.random() < 0.3:  # Bricks, planks, plates.
        for y in np.arange(0, 1, rng.uniform(0.03, 0.12)):
            line = _quad(0, width, y, y + 0.008)
            parts.append((line, paint * np.float32(0.6)))
    glass = noise.colour(rng, value=(25, 150), saturation=(0, 0.25))
    rows, columns = rng.integers(0, 6), rng.integers(2, 8)
    wide, tall = rng.uniform(0.4, 0.75), rng.uniform(0.4, 0.7)
    pitch = corner / columns, 0.93 / max(rows, 1)
    for column in range(columns):
        for row in range(rows):
            left = (column + 0.5 - wide / 2) * pitch[0]
            low = 0.04 + (row + 0.5 - tall / 2) * pitch[1]
            pane = _quad(
                left, left + wide * pitch[0], low, low + tall * pitch[1]
            )
            parts.append((pane, glass * np.float32(rng.uniform(0.7, 1.3))))
    return parts


def _pole(rng, width):
    paint = noise.colour(rng, value=(40, 200), saturation=(0, 0.2))
    thick, middle = rng.uniform(0.008, 0.04), width / 2
    parts = [
        (_quad(middle - thick, middle, 0, 1), paint),
        (_quad(middle, middle + thick, 0, 1), paint * np.float32(0.65)),
    ]
    if rng.random() < 0.5:  # A sign, or a lamp.
        wide, low = rng.uniform(0.1, 0.5) * width, rng.uniform(0.7, 0.93)
        sign = _quad(middle - wide, middle + wide, low, 1)
        parts.append((sign, noise.colour(rng)))
    return parts


def _rail(rng, width):
    """Posts with bars between: a fence, a barrier, parallel bars."""
    paint = noise.colour(rng, value=(40, 230), saturation=(0, 0.5))
    thick = rng.uniform(0.02, 0.05)
    parts = [
        (_quad(0, width, y - thick, y), paint)
        for y in np.linspace(1, 0, rng.integers(1, 5), endpoint=False)
    ]
    for x in np.linspace(0, width - thick, rng.integers(2, 24)):
        post = _quad(x, x + thick, 0, 1)
        parts.append((post, paint * np.float32(0.85)))
    return parts


def _board(rng, width):
    """A sheet with something written or painted on it."""
    parts = [(_quad(0, width, 0, 1), noise.colour(rng, saturation=(0, 0.65)))]
    ink = noise.colour(rng, value=(10, 250), saturation=(0, 0.6))
    x = 0.1 * width
    while x < 0.85 * width:
        wide = rng.uniform(0.05, 0.4)
        low, high = np.sort(rng.uniform(0.15, 0.85, 2))
        parts.append((_quad(x, min(x + wide, 0.9 * width), low, high), ink))
        x += wide + rng.uniform(0.03, 0.25)
    return parts


def _mat(rng, width):
    """A low block: its front, and its top in the light."""
    paint = noise.colour(rng, value=(60, 230), saturation=(0.1, 0.75))
    edge = rng.uniform(0, 0.2, 2)
    low = rng.uniform(0.55, 0.85)
    top = [[0, low], [width, low], [width - edge[0], 1], [edge[1], 1]]
    parts = [
        (np.array(top), paint * np.float32(1.25)),
        (_quad(0, width, 0, low), paint * np.float32(0.8)),
    ]
    if rng.random() < 0.5:
        parts.append((_quad(0, width, 0.1, 0.25), noise.colour(rng)))
    return parts


def _car(rng, width):
    paint = noise.colour(rng, value=(30, 220), saturation=(0, 0.55))
    glass, tyre = np.float32([50, 60, 70]), np.float32([30, 30, 30])
    hull = [[0, 0.15], [1, 0.15], [1, 0.48], [0.8, 0.6], [0.02, 0.6]]
    roof = [[0.08, 0.58], [0.76, 0.58], [0.6, 1], [0.2, 1]]
    panes = [[0.13, 0.6], [0.7, 0.6], [0.57, 0.94], [0.23, 0.94]]
    return [
        (np.array(roof) * [width, 1], paint),
        (np.array(panes) * [width, 1], glass),
        (_quad(0.4 * width, 0.43 * width, 0.5, 0.95), paint),
        (np.array(hull) * [width, 1], paint * np.float32(0.9)),
        (_disc(0.2 * width, 0.21, 0.42, 0.42), tyre),
        (_disc(0.8 * width, 0.21, 0.42, 0.42), tyre),
    ]


def _ball(rng, width):
    paint = noise.colour(rng, saturation=(0, 0.65))
    parts = [
        (_disc(width / 2, 0.5, 0.98 - k, 0.98 - k), paint * np.float32(0.6 + k))
        for k in (0.0, 0.12, 0.24, 0.36)
    ]
    return parts


def _figure(rng, x, low, tall):
    """A person as one sees them from the corner of the eye."""
    skin = np.float32([215, 165, 135]) * np.float32(rng.uniform(0.35, 1.05))
    shirt, legs = (noise.colour(rng, saturation=(0, 0.55)) for _ in range(2))
    hair = noise.near(rng, np.float32([60, 45, 35]), 30)
    stance = rng.uniform(0.01, 0.08, 2)
    parts = []
    for side, step in zip((-1, 1), stance, strict=True):
        foot, hip = side * (0.04 + step), side * 0.05
        leg = [
            [foot - 0.03, 0],
            [foot + 0.03, 0],
            [hip + 0.05, 0.5],
            [hip - 0.05, 0.5],
        ]
        parts.append((np.array(leg), legs * np.float32(1 - 0.08 * side)))
        elbow = np.array(
            [side * rng.uniform(0.14, 0.24), rng.uniform(0.6, 0.75)]
        )
        hand = elbow + [
            side * rng.uniform(-0.12, 0.1),
            rng.uniform(-0.17, 0.17),
        ]
        sleeve = [
            [side * 0.09, 0.82],
            [side * 0.13, 0.78],
            elbow,
            elbow + [0, 0.05],
        ]
        arm = [
            elbow,
            elbow + [0, 0.05],
            hand + [0.02, 0.02],
            hand - [0.01, 0.02],
        ]
        parts += [(np.array(arm), skin), (np.array(sleeve), shirt)]
    trunk = [
        [-0.09, 0.45],
        [0.09, 0.45],
        [0.11, 0.8],
        [0.05, 0.84],
        [-0.05, 0.84],
        [-0.11, 0.8],
    ]
    parts += [
        (np.array(trunk), shirt),
        (_quad(-0.025, 0.025, 0.8, 0.88), skin * np.float32(0.8)),
        (_disc(0, 0.935, 0.105, 0.13), hair),
        (_disc(rng.uniform(-0.02, 0.02), 0.92, 0.085, 0.11), skin),
    ]
    return [(np.asarray(p) * tall + [x, low], colour) for p, colour in parts]


def _bystander(rng, width):
    return _figure(rng, width / 2, 0.0, 1.0)


def _crowd(rng, width):
    """Rows of people, the nearer ones lower."""
    parts = [(_quad(0, width, 0, 0.9), noise.colour(rng, value=(30, 110)))]
    rows = 4
    for row in range(rows)[::-1]:
        tall = 1.5 / rows
        low = row / rows - rng.uniform(0.1, 0.5) / rows
        for x in np.arange(0.1, width - 0.05, rng.uniform(0.3, 0.5) * tall):
            x = x + rng.normal(0, 0.06) * tall
            parts += _figure(
                rng, x, low + rng.normal(0, 0.04) * tall, tall * 0.8
            )
    return parts


# What draws each kind, and its width in heights. Their order decides what
# they look like: new ones go to the end.
KINDS = {
    "tree": (_tree, (0.5, 1.0)),
    "bush": (_bush, (1.0, 3.0)),
    "house": (_house, (0.5, 3.0)),
    "pole": (_pole, (0.2, 0.4)),
    "rail": (_rail, (1.0, 4.0)),
    "board": (_board, (1.0, 4.0)),
    "mat": (_mat, (1.0, 4.0)),
    "car": (_car, (2.3, 2.9)),
    "ball": (_ball, (1.0, 1.0)),
    "bystander": (_bystander, (0.6, 0.6)),
    "crowd": (_crowd, (1.5, 4.0)),
}
