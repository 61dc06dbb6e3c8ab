"""What stands about in places: trees, houses, bystanders, mats, bars.

Each thing is a small flat picture (`sprites`) that stands upright on the
floor, farther away than the person, and is as large as it would be there.
"""

import cv2
import numpy as np

from ordinal_tf import vectors
from ordinal_tf.synthetic import chance
from ordinal_tf.synthetic.scene import cameras, sprites

# Kinds of sprites, how often each is chosen, and how high it is, mm.
_OUTDOORS = (
    ("tree", 2, (2500, 12000)),
    ("bush", 1, (400, 2500)),
    ("house", 1, (2500, 14000)),
    ("pole", 1, (1500, 9000)),
    ("rail", 1, (600, 2200)),
    ("board", 1, (600, 1600)),
    ("mat", 0.7, (200, 1200)),
    ("car", 0.7, (1350, 1900)),
    ("bystander", 0.7, (1300, 1900)),
    ("crowd", 0.4, (4000, 5500)),
)
_INDOORS = (
    ("pole", 1, (1500, 4000)),
    ("rail", 1, (700, 2600)),
    ("board", 1, (500, 2200)),
    ("house", 1, (800, 2400)),  # Shelves and cabinets.
    ("mat", 1.5, (200, 1300)),
    ("ball", 0.7, (200, 700)),
    ("bystander", 0.7, (1300, 1900)),
    ("crowd", 0.4, (3500, 4500)),
)
# Gap between the person and a thing, mm; people keep away.
_GAP_MM = {False: (600, 6e4), True: (500, 2500)}
_ALOOF_MM = {"crowd": 4000, "bystander": 1500}
# The air's light replaces that of things at this distance, mm.
_MIST_MM = 9e4
_MIST = np.float32([190, 198, 205])


def draw_things(rng, image, camera, count, *, indoors, bystanders=True):
    """Puts things behind whoever stands at the origin.

    Args:
        rng: `np.random.Generator`.
        image: `(S, S, 3)` float32 RGB, 0 to 255. Not modified.
        camera: `cameras.Camera`; world y up, floor at 0, mm.
        count: int; those that the camera does not see are left out.
        indoors: bool, things as in gyms, and not far away.
        bystanders: bool, people too.

    Returns:
        `(S, S, 3)` float32.
    """
    size = len(image)
    canvas = np.clip(image, 0, 255).astype(np.uint8)
    eye = cameras.place(camera)
    person = np.hypot(eye[0], eye[2])
    choice = _INDOORS if indoors else _OUTDOORS
    light = rng.uniform(0.6, 1.15)
    # All chance at once: what is out of sight does not shift the rest's.
    kinds = chance.index(rng, [often for _, often, _ in choice], count)
    gaps = np.exp(rng.uniform(*np.log(_GAP_MM[indoors]), count))
    rank, column = rng.random(count), rng.uniform(-0.1, 1.1, count) * size
    numbers = rng.integers(sprites.VARIANTS, size=count)
    gains = light * rng.uniform(0.75, 1.2, (count, 3)).astype(np.float32)
    mirrored = rng.random(count) < 0.5
    keep = [_ALOOF_MM.get(choice[kind][0], 0.0) for kind in kinds]
    away = person + np.maximum(gaps, keep)
    for k in np.argsort(-away):
        kind, _, (least, most) = choice[kinds[k]]
        if kind in _ALOOF_MM and not bystanders:
            continue
        height = least * (most / least) ** rank[k]
        ends = _stand(camera, eye, column[k], away[k], height, size)
        if ends is None:
            continue
        share = 1 - np.exp(-away[k] / _MIST_MM)
        foot, up = ends
        shadow = sprites.shadow()
        _paste(canvas, shadow, foot - 0.06 * up, 0.12 * up, False, None, 0.0)
        sprite = sprites.sprite(kind, int(numbers[k]))
        _paste(canvas, sprite, foot, up, mirrored[k], gains[k], share)
    return canvas.astype(np.float32)


def _stand(camera, eye, column, distance, height, size):
    """Foot of a thing in pixels and the way up to its top; None if unseen."""
    matrix = camera.intrinsics
    middle = (size - 1) / 2
    ray = camera.rotation.T @ [
        (column - matrix[0, 2]) / matrix[0, 0],
        (middle - matrix[1, 2]) / matrix[1, 1],
        1.0,
    ]
    flat = np.hypot(ray[0], ray[2])
    if flat < 0.1:  # The camera looks straight down.
        return None
    foot = eye + ray / flat * distance
    ends = np.array([[foot[0], 0, foot[2]], [foot[0], height, foot[2]]])
    seen = cameras.to_camera(ends, camera)
    if seen[:, 2].min() < 300:
        return None
    foot, top = vectors.project(seen, matrix)
    up = top - foot
    return (foot, up) if 9 < up @ up < (8 * size) ** 2 else None


def _paste(canvas, levels, foot, up, mirrored, gains, share):
    """Blends a sprite into `canvas`, its lowest row at the foot.

    Without `gains` on its colours it only darkens.
    """
    level = 0
    height = len(levels[0])
    while level + 1 < len(levels) and up @ up < (0.6 * height) ** 2:
        level += 1
        height = len(levels[level])
    sprite = levels[level]
    width = sprite.shape[1]
    # Columns: one pixel to the right, one down, the top left corner.
    right = np.array([-up[1], up[0]]) / height * (-1 if mirrored else 1)
    matrix = np.stack([right, -up / height], axis=1)
    corner = foot + up - width / 2 * right
    rectangle = np.array([[0, 0], [width, 0], [0, height], [width, height]])
    box = corner + rectangle @ matrix.T
    low = np.maximum(np.floor(box.min(0)), 0).astype(int)
    high = np.minimum(np.ceil(box.max(0)) + 1, len(canvas)).astype(int)
    if np.any(high <= low):
        return
    moved = np.append(matrix, (corner - low)[:, None], axis=1)
    seen = cv2.warpAffine(sprite, moved, tuple((high - low).tolist()))
    # In bytes and inside OpenCV: ten times as fast as floats in NumPy.
    alpha = cv2.cvtColor(cv2.extractChannel(seen, 3), cv2.COLOR_GRAY2RGB)
    window = slice(low[1], high[1]), slice(low[0], high[0])
    mixed = cv2.multiply(canvas[window], cv2.bitwise_not(alpha), scale=1 / 255)
    if gains is not None:
        front = cv2.cvtColor(seen, cv2.COLOR_RGBA2RGB)
        front = cv2.LUT(front, _scaled(gains * (1 - share)))
        mixed = cv2.add(mixed, front)
    if share > 0.02:
        mixed = cv2.add(mixed, cv2.LUT(alpha, _scaled(_MIST * share / 255)))
    canvas[window] = mixed


def _scaled(factors):
    """Table `(1, 256, 3)` of bytes times a factor for each channel."""
    table = np.arange(256, dtype=np.float32)[:, None] * factors
    return np.clip(np.round(table), 0, 255).astype(np.uint8)[None]
