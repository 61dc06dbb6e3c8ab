"""Clothes and hair cut from the body's own surface, lifted off it.

A garment is a part of the mesh in which a field, in mm, is positive: the
distance from its nearest hem, roughly. The field is made on the mean body at
rest; whatever the shape and the pose, the garment is the same.
"""

import dataclasses

import numpy as np

from ordinal_tf.synthetic.body import model as bodies
from ordinal_tf.synthetic.body.anatomy import ANKLE_MM, WRIST_MM, anatomy

# Where a limb is not part of a garment's cut.
_FAR_MM = 200.0
# Beyond a hem by more than the longest edge of the mesh.
_RIM_MM = 60.0
# Height of hairline, cap and so on over how far forward, both mm.
_HAIRLINE = (
    (-100, -45, -12, 8, 30, 55, 85, 112, 140),
    (1512, 1518, 1535, 1578, 1598, 1602, 1640, 1652, 1652),
)


@dataclasses.dataclass(frozen=True, eq=False)
class Fabric:
    """What a garment is made of; colours are linear light from 0 to 1.

    Attributes:
        tile: `(T, T, 3)` float32, repeated over the surface; columns go
            around the body, rows along it.
        tile_mm: float, side of a tile.
        gloss: float, strength of the highlight.
        rough: float, how much the surface's direction varies.
        badge: `(D, D, 4)` float32 colour and coverage, drawn on chest and
            back; or None.
    """

    tile: np.ndarray
    tile_mm: float = 250.0
    gloss: float = 0.02
    rough: float = 0.1
    badge: np.ndarray | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class Garment:
    """A garment's cut; lengths are mm on the mean body.

    Attributes:
        kind: one of `KINDS`.
        fabric: `Fabric`.
        reach_mm: how far it goes along the limbs: sleeves from the shoulder
            (negative: none), legs and socks from the hip, gloves from the
            shoulder; hem height of skirts and long hair.
        hem_mm: height of the edge at the waist.
        neck_mm: (half width, depth) of the neckline.
        open_mm: half width of the opening in front; 0 for none.
        loose_mm: distance from the skin.
        flare_mm: more distance at the hem.
        fold_mm: height of folds.
        fold_seed: int, chooses the folds.
        smooth: one of "tight", "loose", "shoe": how little of the skin's
            shape shows.
    """

    kind: str
    fabric: Fabric
    reach_mm: float = 0.0
    hem_mm: float = 0.0
    neck_mm: tuple[float, float] = (75.0, 0.0)
    open_mm: float = 0.0
    loose_mm: float = 4.0
    flare_mm: float = 0.0
    fold_mm: float = 0.0
    fold_seed: int = 0
    smooth: str = "tight"


def cover(body, garment):
    """How far inside a garment each vertex is.

    Args:
        body: `model.Body`.
        garment: `Garment`.

    Returns:
        `(V,)` float32 mm, positive inside.
    """
    anat = anatomy(body)
    field = KINDS[garment.kind](anat, garment)
    own = body.vertex_layer == bodies.LAYERS.index(source(garment))
    if garment.kind == "cap":
        own |= body.vertex_layer == bodies.LAYERS.index("hair")
    if garment.kind == "skirt":
        # Hips and thighs would show when a leg is lifted.
        thighs = np.minimum(_waist(anat, garment), 90 - anat.along_leg)
        field = np.where(own, field, thighs)
    else:
        field = np.where(own, field, -_FAR_MM)
    return field.astype(np.float32)


def source(garment):
    """The layer of the body that a garment is cut from."""
    return {"skirt": "skirt", "long_hair": "hair"}.get(garment.kind, "skin")


def smoothing(garment):
    """How the skin below a garment is smoothed, or None."""
    # Helper meshes have no skin to forget.
    return garment.smooth if source(garment) == "skin" else None


def lift_of(anat, garment, field):
    """`(V,)` float32 mm from the skin; 0 far outside of the garment."""
    near = np.flatnonzero(field > -_RIM_MM)
    at, field = anat.at[near], field[near]
    lift = np.full(len(near), garment.loose_mm, np.float32)
    name = smoothing(garment)
    if name is not None:
        lift += anat.rise[name][near]
    if garment.flare_mm:
        # Towards the hem of sleeves, legs and skirts.
        lift += garment.flare_mm * np.exp(-np.abs(field) / 60)
    if garment.fold_mm:
        lift += _folds(at, garment)
    if garment.kind in ("hair", "bun", "cap", "gloves"):
        # No rim: thin where it starts.
        lift *= np.clip(field / 22, 0.08, 1)
    if garment.kind == "bun":
        gap = np.linalg.norm(at - np.float32([0, 1622, -78]), axis=1)
        lift += 52 * np.exp(-((gap / 34) ** 4))
    if garment.kind == "cap":
        lift += _brim(at, garment)
    if garment.kind == "shoes":
        # A sole below and around.
        lift += 9 * np.clip(1 - at[:, 1] / 14, 0, 1)
    full = np.zeros(len(anat.at), np.float32)
    full[near] = lift
    return full


def _brim(at, garment):
    """`(V,)` mm that a cap stands out above the brows."""
    height = at[:, 1] - (garment.hem_mm + 9)
    ahead = np.clip((at[:, 2] - 90) / 15, 0, 1)
    ahead *= np.clip((62 - np.abs(at[:, 0])) / 15, 0, 1)
    return garment.reach_mm * ahead * np.exp(-((height / 9) ** 4))


def _folds(at, garment):
    """`(V,)` mm, creases in a few directions, bent and of uneven height."""
    rng = np.random.default_rng(garment.fold_seed)
    total = np.zeros(len(at), np.float32)
    for _ in range(3):
        wave = rng.normal(size=3) * [0.7, 1.0, 0.7]
        wave *= 2 * np.pi / rng.uniform(110, 260) / np.linalg.norm(wave)
        bend = rng.normal(size=3) * 0.013
        phase = rng.uniform(0, 2 * np.pi, 3)
        warp = 1.3 * np.sin(at @ bend.astype(np.float32) + phase[0])
        crease = np.abs(np.sin(at @ wave.astype(np.float32) / 2 + warp))
        total += 0.65 - crease
    return total * np.float32(garment.fold_mm / 1.5)


# Fields: functions of (anatomy, garment), to (V,) mm.


def _neckline(anat, garment):
    """Outside of the hole for the neck."""
    width, depth = garment.neck_mm
    x, y, z = anat.at.T
    radius = np.hypot(x, z - 5)
    # Lower in front than behind, the more so the deeper it is cut.
    edge = 1418 - 0.3 * z - depth * np.clip(z / 60, 0, 1)
    return np.maximum(radius - width, edge - y)


def _arms_to(anat, reach):
    """Arms as far as `reach` along them; everything else is inside."""
    return np.where(anat.arm > 0.02, reach - anat.along_arm, _FAR_MM)


def _armhole(anat, reach):
    """The trunk without the arms; `reach` below 0 narrows the straps."""
    x, y, _ = np.abs(anat.at).T
    strap = 128 + reach + 0.42 * np.maximum(1400 - y, 0) - x
    above = np.where(y > 1270, strap, _FAR_MM)
    return np.minimum(above, (0.45 - anat.arm) * 140)


def _top(anat, garment):
    y = anat.at[:, 1]
    field = _neckline(anat, garment)
    if garment.reach_mm > 0:
        field = np.minimum(field, _arms_to(anat, garment.reach_mm))
    else:
        field = np.minimum(field, _armhole(anat, garment.reach_mm))
    hem = np.where(anat.arm > 0.3, _FAR_MM, y - garment.hem_mm)
    field = np.minimum(field, hem)
    if garment.open_mm:
        x, _, z = anat.at.T
        gap = np.abs(x) - garment.open_mm * (0.6 + 0.4 * (y - 900) / 500)
        field = np.minimum(field, np.where(z > -10, gap, _FAR_MM))
    return np.where(anat.head > 0.5, -_FAR_MM, field)


def _waist(anat, garment):
    """Below the waist's edge, without the arms."""
    field = garment.hem_mm - anat.at[:, 1]
    return np.where(anat.arm > 0.05, -_FAR_MM, field)


def _bottom(anat, garment):
    legs = np.where(anat.leg > 0.02, garment.reach_mm - anat.along_leg, _FAR_MM)
    return np.minimum(_waist(anat, garment), legs)


def _briefs(anat, garment):
    x, y, z = anat.at.T
    back = np.clip(-z / 60, -0.6, 1)
    line = 815 + garment.reach_mm + (0.62 - 0.3 * back) * np.abs(x) - 18 * back
    return np.minimum(_waist(anat, garment), y - line)


def _bodysuit(anat, garment):
    field = np.minimum(_neckline(anat, garment), _arms_to(anat, WRIST_MM - 5))
    legs = np.where(anat.leg > 0.02, ANKLE_MM - 12 - anat.along_leg, _FAR_MM)
    return np.where(anat.head > 0.5, -_FAR_MM, np.minimum(field, legs))


def _skirt(anat, garment):
    y = anat.at[:, 1]
    return np.minimum(garment.hem_mm - y, y - garment.reach_mm)


def _below_on_leg(anat, garment):
    on_leg = anat.leg > 0.6
    return np.where(on_leg, anat.along_leg - garment.reach_mm, -_FAR_MM)


def _gloves(anat, garment):
    on_arm = anat.arm > 0.6
    return np.where(on_arm, anat.along_arm - garment.reach_mm, -_FAR_MM)


def _cap(anat, garment):
    _, y, z = anat.at.T
    edge = garment.hem_mm - 0.16 * (110 - z)
    return np.where(anat.head > 0.5, y - edge, -_FAR_MM)


def _hair(anat, garment):
    x, y, z = anat.at.T
    edge = np.interp(z, *_HAIRLINE) + garment.hem_mm * np.clip(z / 60, 0, 1)
    # Ears stand out of the hair.
    ear = (np.abs(x) > 74) & (y < 1605)
    return np.where((anat.head > 0.5) & ~ear, y - edge, -_FAR_MM)


def _long_hair(anat, garment):
    _, y, z = anat.at.T
    # The kit's strands hang over the face too: those are cut off.
    face = np.where(y < 1640, 52 - z, _FAR_MM)
    return np.minimum(y - garment.reach_mm, face)


# What there is, and the field of each.
KINDS = {
    "bodysuit": _bodysuit,
    "top": _top,
    "bottom": _bottom,
    "briefs": _briefs,
    "skirt": _skirt,
    "socks": _below_on_leg,
    "shoes": _below_on_leg,
    "gloves": _gloves,
    "cap": _cap,
    "hair": _hair,
    "bun": _hair,
    "long_hair": _long_hair,
}
