"""Colours of skin and cloth, and how rough and glossy they are.

Arrays of samples have their samples last: `(3, P)` colours, linear.
"""

import numpy as np

from ordinal_tf.synthetic.body import model as bodies
from ordinal_tf.synthetic.body.anatomy import anatomy
from ordinal_tf.synthetic.clothes import fabrics

_NOISE_MM = 2.2  # Side of a texel of the noise.
_TILES_OFF = 64
_BADGE_MM, _BADGE_TOP_MM = 190, 1335


def tints(body, look, outfit):
    """`(N, 3)` linear colours of the skin; ones where cloth has its own."""
    paint = {name: body.paint == i for i, name in enumerate(bodies.PAINT)}
    colour = np.tile(look.skin, (len(body.vertices), 1))
    x, y, z = body.vertices.T
    if look.beard:
        chin = np.clip((1512 - y) / 14, 0, 1) * np.clip((y - 1435) / 20, 0, 1)
        chin *= np.clip((z - 45) / 25, 0, 1) * (np.abs(x) < 75)
        colour += (look.beard * chin)[:, None] * (look.brows - colour)
    colour[paint["lips"]] = look.lips
    colour[paint["brows"]] = look.brows
    colour[paint["scalp"]] = look.scalp
    eyes = body.vertex_layer == bodies.LAYERS.index("eyes")
    colour[eyes] = 0.55
    colour[paint["iris"]] = look.iris
    tint = np.ones((len(outfit.start), 3), np.float32)
    tint[outfit.parts[0]] = colour[outfit.start[outfit.parts[0]]]
    return tint


def cloth(outfit, part, texture):
    """`(3, P)` linear colours from the fabrics' tiles; ones for skin."""
    tiles = [np.ones((1, 1, 3), np.float32)]
    tiles += [fabric.tile for fabric in outfit.fabrics[1:]]
    sides = np.array([len(tile) for tile in tiles], np.int32)
    first = np.cumsum([0, *sides**2], dtype=np.int32)[:-1]
    per_mm = sides / [1.0, *(f.tile_mm for f in outfit.fabrics[1:])]
    per_mm, side = per_mm.astype(np.float32)[part], sides[part]
    # Whole tiles away from 0, because int32 rounds towards it.
    away = (sides * _TILES_OFF).astype(np.float32)[part]
    u, v = texture
    column = (u * per_mm + away).astype(np.int32) & (side - 1)
    row = (v * per_mm + away).astype(np.int32) & (side - 1)
    every = np.concatenate([tile.reshape(-1, 3) for tile in tiles]).T
    return np.take(every, first[part] + row * side + column, 1)


def add_badges(albedo, body, outfit, part, samples):
    """Paints prints on chests and backs into `albedo` `(3, P)`."""
    for i, fabric in enumerate(outfit.fabrics):
        if fabric is None or fabric.badge is None:
            continue
        chosen = np.flatnonzero(part == i)
        rest = outfit.vary(anatomy(body).at)
        rest = rest[samples.corners[chosen]]
        x, y, z = np.einsum("pk,pkc->cp", samples.weights[chosen], rest)
        side = len(fabric.badge)
        # As one reads it: the person's left is on the right in front.
        across = np.where(z > 0, x, -x)
        column = np.floor((across / _BADGE_MM + 0.5) * side).astype(np.int32)
        row = np.floor((_BADGE_TOP_MM - y) / _BADGE_MM * side).astype(np.int32)
        inside = (column >= 0) & (column < side) & (row >= 0) & (row < side)
        badge = fabric.badge[row[inside], column[inside]].T
        chosen = chosen[inside]
        under = albedo[:, chosen]
        albedo[:, chosen] = under + badge[3] * (badge[:3] - under)


def noise(texture, hair):
    """`(4, P)` smooth noise on the surface; drawn out where it is hair."""
    usual = np.float32(1 / _NOISE_MM)
    u = texture[0] * np.where(hair, np.float32(2), usual)
    v = texture[1] * np.where(hair, np.float32(0.1), usual)
    table = fabrics.noise_table(0)
    last = len(table) - 1
    row, column = v.astype(np.int32) & last, u.astype(np.int32) & last
    return np.take(table.reshape(-1, 4).T, row * len(table) + column, 1)


def surface(outfit):
    """Per part: gloss, how rough, and how uneven the colour is."""
    skin = (0.05, 0.03, 0.04)
    values = [
        skin if f is None else (f.gloss, f.rough, 0.04 + 0.3 * f.rough**2)
        for f in outfit.fabrics
    ]
    return np.array(values, np.float32).T
