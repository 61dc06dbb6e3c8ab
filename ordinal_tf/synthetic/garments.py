"""Clothes and hair cut from the body's own surface, lifted off it.

A garment is a part of the mesh in which a field, in mm, is positive: the
distance from its nearest hem, roughly. Triangles are cut where the field is
zero, so hems are as fine as one could wish. The field is made on the mean
body at rest; whatever the shape and the pose, the garment is the same.
"""

import dataclasses
import functools

import numpy as np
from scipy import sparse

from ordinal_tf.synthetic import body as bodies

KINDS = (
    "bodysuit",
    "top",
    "bottom",
    "briefs",
    "skirt",
    "socks",
    "shoes",
    "gloves",
    "cap",
    "hair",
    "bun",
    "long_hair",
)
# What a surface is made of, for the light.
MATERIALS = ("skin", "eyes", "cloth", "hair")
# Skin this far inside a garment is left out: it could only poke through.
_HIDDEN_MM = 28.0
# Where a limb is not part of a garment's cut.
_FAR_MM = 200.0
# Rounds of averaging with the neighbours that turn skin into cloth.
_ROUNDS = {"tight": 1, "loose": 6}
# A shoe forgets more: standard deviation, mm.
_SHOE_MM = 13.0
_ARM = (
    "shoulder01",
    "upperarm01",
    "upperarm02",
    "lowerarm01",
    "lowerarm02",
    "wrist",
)
_LEG = ("upperleg01", "upperleg02", "lowerleg01", "lowerleg02", "foot", "toes")
# Along the limbs, mm from the shoulder and from the hip, on the mean body.
ELBOW_MM, WRIST_MM = 243.0, 448.0
KNEE_MM, ANKLE_MM = 398.0, 816.0
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


@dataclasses.dataclass(frozen=True, eq=False)
class Anatomy:
    """Where each vertex lies on the mean body.

    Attributes:
        at: `(V, 3)` float32 mm, at rest.
        arm, leg, head: `(V,)` share of the bones of these parts.
        along_arm: `(V,)` mm from the shoulder, where `arm` is not 0.
        along_leg: `(V,)` mm from the hip, where `leg` is not 0.
        texture: `(V, 2)` mm around and along the body.
        smoother: `{name: (V, V)}` sparse, averages over neighbours.
        rise: `{name: (V,)}` mm that each takes away where skin bulges.
        faces: for each of `body.LAYERS`, `(F, 3)` int32.
    """

    at: np.ndarray
    arm: np.ndarray
    leg: np.ndarray
    head: np.ndarray
    along_arm: np.ndarray
    along_leg: np.ndarray
    texture: np.ndarray
    smoother: dict
    rise: dict
    faces: tuple[np.ndarray, ...]


@dataclasses.dataclass(frozen=True, eq=False)
class Outfit:
    """The mesh of a dressed person: N vertices that follow the body's.

    Vertex i lies between body vertices `start[i]` and `end[i]`, `lift` along
    their normal.

    Attributes:
        start, end: `(N,)` int32.
        share: `(N,)` float32, of `end`.
        lift: `(N,)` float32 mm.
        parts: slices of the vertices by piece: skin first, then garments.
        smooth: for each part, a name in `Anatomy.smoother`, or None.
        faces: `(F, 3)` int32.
        face_part: `(F,)` uint8 index into `parts`.
        face_material: `(F,)` uint8 index into `MATERIALS`.
        face_open: `(F,)` bool, may be seen from behind.
        texture: `(N, 2)` float32 mm.
        fabrics: for each part, its `Fabric`; None for the skin.
    """

    start: np.ndarray
    end: np.ndarray
    share: np.ndarray
    lift: np.ndarray
    parts: tuple[slice, ...]
    smooth: tuple[str | None, ...]
    faces: np.ndarray
    face_part: np.ndarray
    face_material: np.ndarray
    face_open: np.ndarray
    texture: np.ndarray
    fabrics: tuple[Fabric | None, ...]

    def vary(self, values):
        """Body values `(V, ...)` at the outfit's vertices, `(N, ...)`."""
        share = self.share.reshape(-1, *(1,) * (values.ndim - 1))
        start = np.take(values, self.start, 0)
        return start + share * (np.take(values, self.end, 0) - start)


@functools.cache
def anatomy(body):
    """`Anatomy` of a `body.Body`."""
    at = body.vertices
    arm, along_arm = _along(body, _ARM, first=1)
    for name in ("finger1", "finger2", "finger3", "finger4", "finger5"):
        share, mm = _along(body, [f"{name}-{i}" for i in (1, 2, 3)])
        along_arm = np.where(
            share + arm > 0,
            (arm * along_arm + share * (mm + WRIST_MM + 60))
            / np.maximum(arm + share, 1e-6),
            along_arm,
        )
        arm = arm + share
    leg, along_leg = _along(body, _LEG)
    foot = _share(body, ("foot", "toes"))
    # Shoes and socks end at a height: the heel is no nearer to the shin.
    along_leg += foot * np.maximum(ANKLE_MM + 71 - at[:, 1] - along_leg, 0)
    head = _share(body, ("head",), sides=("",))
    normal = _normals(at, body.faces)
    skin = body.vertex_layer == 0
    region = (along_arm < WRIST_MM + 15) & (along_leg < ANKLE_MM + 25)
    region &= skin & (head < 0.5)
    smoother = {
        name: _smoother(body, region, rounds)
        for name, rounds in _ROUNDS.items()
    }
    feet = skin & (foot + leg > 0.5) & (at[:, 1] < 180)
    smoother["shoe"] = _shoe_smoother(at, normal, feet)
    return Anatomy(
        at=at,
        arm=arm,
        leg=leg,
        head=head,
        along_arm=along_arm,
        along_leg=along_leg,
        texture=_texture(body, arm, along_arm, leg, along_leg),
        smoother=smoother,
        rise={
            # Averaged, too, or every bulge would come back.
            name: matrix
            @ np.maximum(
                ((at - matrix @ at) * _unit(matrix @ normal)).sum(1), 0
            )
            for name, matrix in smoother.items()
        },
        faces=tuple(
            np.ascontiguousarray(body.faces[body.face_layer == i])
            for i in range(len(bodies.LAYERS))
        ),
    )


def cover(body, garment):
    """How far inside a garment each vertex is.

    Args:
        body: `body.Body`.
        garment: `Garment`.

    Returns:
        `(V,)` float32 mm, positive inside.

    Raises:
        ValueError: an unknown kind.
    """
    if garment.kind not in _FIELDS:
        raise ValueError(
            f"A garment is one of {', '.join(KINDS)}. Received: "
            f"{garment.kind!r}."
        )
    mind = anatomy(body)
    field = _FIELDS[garment.kind](mind, garment)
    own = body.vertex_layer == bodies.LAYERS.index(_source(garment))
    if garment.kind == "cap":
        own |= body.vertex_layer == bodies.LAYERS.index("hair")
    if garment.kind == "skirt":
        # Hips and thighs would show when a leg is lifted.
        thighs = np.minimum(_waist(mind, garment), 90 - mind.along_leg)
        field = np.where(own, field, thighs)
    else:
        field = np.where(own, field, -_FAR_MM)
    return field.astype(np.float32)


@functools.lru_cache(maxsize=4)
def dress(body, garments):
    """Cuts garments from the body and drops what they hide.

    Args:
        body: `body.Body`.
        garments: tuple of `Garment`, from the skin outwards.

    Returns:
        `Outfit`.
    """
    mind = anatomy(body)
    fields = [cover(body, garment) for garment in garments]
    faces = dict(zip(bodies.LAYERS, mind.faces, strict=True))
    pieces = [_shown(np.concatenate([faces["skin"], faces["eyes"]]), fields)]
    for i, (garment, field) in enumerate(zip(garments, fields, strict=True)):
        a, b, c = (field > 0)[faces[_source(garment)].T]
        inside = faces[_source(garment)][a | b | c]
        pieces.append(_shown(inside, fields[i + 1 :]))
    return _assemble(body, mind, garments, fields, pieces)


def _source(garment):
    """The layer of the body that a garment is cut from."""
    return {"skirt": "skirt", "long_hair": "hair"}.get(garment.kind, "skin")


def _shown(faces, fields):
    """Faces less those that lie well inside one of the garments."""
    if not fields:
        return faces
    a, b, c = faces.T
    hidden = np.zeros(len(faces), bool)
    for field in fields:
        deep = field > _HIDDEN_MM
        hidden |= deep[a] & deep[b] & deep[c]
    return faces[~hidden]


def _assemble(body, mind, garments, fields, pieces):
    """`Outfit` of the skin and the garments; `pieces` are their faces."""
    vertices, faces, part, parts, count = [], [], [], [], 0
    for i, piece in enumerate(pieces):
        if i:
            nodes, ends, share, cut = _cut(piece, fields[i - 1])
        else:
            nodes, cut = _compact(piece, len(body.vertices))
            ends, share = nodes, np.zeros(len(nodes), np.float32)
        if i:
            garment, field = garments[i - 1], fields[i - 1]
            lift = _lift(mind, garment, field)
            lift = lift[nodes] + share * (lift[ends] - lift[nodes])
        else:
            lift = np.zeros(len(nodes), np.float32)
        vertices.append((nodes, ends, share, lift))
        faces.append(cut + count)
        part.append(np.full(len(cut), i, np.uint8))
        parts.append(slice(count, count + len(nodes)))
        count += len(nodes)
    start, end, share, lift = (
        np.concatenate(column) for column in zip(*vertices, strict=True)
    )
    faces, part = np.concatenate(faces), np.concatenate(part)
    eyes = body.vertex_layer[start[faces[:, 0]]] == bodies.LAYERS.index("eyes")
    of_part = [MATERIALS.index("skin")] + [
        MATERIALS.index(
            "hair" if "hair" in g.kind or g.kind == "bun" else "cloth"
        )
        for g in garments
    ]
    material = np.array(of_part, np.uint8)[part]
    material[eyes] = MATERIALS.index("eyes")
    texture = mind.texture[start]
    texture = texture + share[:, None] * (mind.texture[end] - texture)
    return Outfit(
        start=start.astype(np.int32),
        end=end.astype(np.int32),
        share=share.astype(np.float32),
        lift=lift.astype(np.float32),
        parts=tuple(parts),
        smooth=(None, *(_smooth(garment) for garment in garments)),
        faces=faces.astype(np.int32),
        face_part=part,
        face_material=material,
        face_open=part > 0,
        texture=texture,
        fabrics=(None, *(garment.fabric for garment in garments)),
    )


def _smooth(garment):
    # Helper meshes have no skin to forget.
    return garment.smooth if _source(garment) == "skin" else None


def place(outfit, body, vertices, normals):
    """Where the outfit's vertices are on a posed body.

    Args:
        outfit: `Outfit`.
        body: `body.Body`.
        vertices, normals: `(V, 3)` float32 mm of the posed body, any axes.

    Returns:
        `(N, 3)` float32 mm.
    """
    mind = anatomy(body)
    placed = np.empty((len(outfit.start), 3), np.float32)
    smoothed = {None: (vertices, normals)}
    both = np.concatenate([vertices, normals], 1)
    for part, name in zip(outfit.parts, outfit.smooth, strict=True):
        if name not in smoothed:
            mean = mind.smoother[name] @ both
            smoothed[name] = mean[:, :3], _unit(mean[:, 3:])
        at, normal = smoothed[name]
        start, end = outfit.start[part], outfit.end[part]
        share = outfit.share[part, None]
        lift = outfit.lift[part, None]
        first = np.take(at, start, 0) + lift * np.take(normal, start, 0)
        last = np.take(at, end, 0) + lift * np.take(normal, end, 0)
        placed[part] = first + share * (last - first)
    return placed


def _compact(faces, count):
    """The vertices that faces use, and the faces renumbered to them."""
    used = np.zeros(count, bool)
    used[faces] = True
    nodes = np.flatnonzero(used)
    number = np.zeros(count, np.int32)
    number[nodes] = np.arange(len(nodes), dtype=np.int32)
    return nodes, number[faces]


def _cut(faces, field):
    """The part of a mesh in which a field is positive.

    Returns:
        `(N,)` first and second body vertex of each new vertex, `(N,)` share
        of the second, `(F, 3)` faces of new vertices.
    """
    inside = field > 0
    nodes, faces = _compact(faces, len(field))
    value, inside = field[nodes], inside[nodes]
    a, b, c = inside.astype(np.int8)[faces.T]
    count = a + b + c
    whole = faces[count == 3]
    # The corner that is alone on its side comes first.
    one, two = faces[count == 1], faces[count == 2]
    one = _turned(one, inside[one].argmax(1))
    two = _turned(two, (~inside[two]).argmax(1))
    alone = np.concatenate([one, two])
    edges = np.concatenate([alone[:, [0, 1]], alone[:, [0, 2]]])
    low, high = edges.min(1), edges.max(1)
    key = low.astype(np.int64) * len(nodes) + high
    unique, number = np.unique(key, return_inverse=True)
    first, last = np.divmod(unique, len(nodes))
    # Zero at the hem, by linear interpolation.
    share = value[first] / (value[first] - value[last])
    number = number.astype(np.int32) + len(nodes)
    left, right = number[: len(alone)], number[len(alone) :]
    ones, k = slice(None, len(one)), len(one)
    corner = np.stack([one[:, 0], left[ones], right[ones]], 1)
    quad_a = np.stack([two[:, 1], two[:, 2], right[k:]], 1)
    quad_b = np.stack([two[:, 1], right[k:], left[k:]], 1)
    faces = np.concatenate([whole, corner, quad_a, quad_b])
    start = np.concatenate([nodes, nodes[first]])
    end = np.concatenate([nodes, nodes[last]])
    share = np.concatenate([np.zeros(len(nodes)), share]).astype(np.float32)
    used, faces = _compact(faces, len(start))
    return start[used], end[used], share[used], faces


def _turned(faces, first):
    """Faces whose corners start at number `first`, in the same sense."""
    order = (first[:, None] + np.arange(3)) % 3
    return np.take_along_axis(faces, order, 1)


def _lift(mind, garment, field):
    """`(V,)` float32 mm from the skin; 0 far outside of the garment."""
    near = np.flatnonzero(field > -_FAR_MM / 2)
    at, field = mind.at[near], field[near]
    lift = np.full(len(near), garment.loose_mm, np.float32)
    name = _smooth(garment)
    if name is not None:
        lift += mind.rise[name][near]
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
    full = np.zeros(len(mind.at), np.float32)
    full[near] = lift
    return full


def _brim(at, garment):
    """`(V,)` mm that a cap stands out above the brows."""
    height = at[:, 1] - (garment.hem_mm + 9)
    ahead = np.clip((at[:, 2] - 75) / 40, 0, 1)
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


# The fields, one for each kind: (anatomy, garment) to (V,) mm.


def _neckline(mind, garment):
    """Outside of the hole for the neck."""
    width, depth = garment.neck_mm
    x, y, z = mind.at.T
    radius = np.hypot(x, z - 5)
    # Lower in front than behind, the more so the deeper it is cut.
    edge = 1418 - 0.3 * z - depth * np.clip(z / 60, 0, 1)
    return np.maximum(radius - width, edge - y)


def _arms_to(mind, reach):
    """Arms as far as `reach` along them; everything else is inside."""
    return np.where(mind.arm > 0.02, reach - mind.along_arm, _FAR_MM)


def _armhole(mind, reach):
    """The trunk without the arms; `reach` below 0 narrows the straps."""
    x, y, _ = np.abs(mind.at).T
    strap = 128 + reach + 0.42 * np.maximum(1400 - y, 0) - x
    above = np.where(y > 1270, strap, _FAR_MM)
    return np.minimum(above, (0.45 - mind.arm) * 140)


def _top(mind, garment):
    y = mind.at[:, 1]
    field = _neckline(mind, garment)
    if garment.reach_mm > 0:
        field = np.minimum(field, _arms_to(mind, garment.reach_mm))
    else:
        field = np.minimum(field, _armhole(mind, garment.reach_mm))
    hem = np.where(mind.arm > 0.3, _FAR_MM, y - garment.hem_mm)
    field = np.minimum(field, hem)
    if garment.open_mm:
        x, _, z = mind.at.T
        gap = np.abs(x) - garment.open_mm * (0.6 + 0.4 * (y - 900) / 500)
        field = np.minimum(field, np.where(z > -10, gap, _FAR_MM))
    return np.where(mind.head > 0.5, -_FAR_MM, field)


def _waist(mind, garment):
    """Below the waist's edge, without the arms."""
    field = garment.hem_mm - mind.at[:, 1]
    return np.where(mind.arm > 0.05, -_FAR_MM, field)


def _bottom(mind, garment):
    legs = np.where(mind.leg > 0.02, garment.reach_mm - mind.along_leg, _FAR_MM)
    # Feet are long: trousers end at the ankle whatever their reach.
    return np.minimum(_waist(mind, garment), legs)


def _briefs(mind, garment):
    x, y, z = mind.at.T
    back = np.clip(-z / 60, -0.6, 1)
    line = 815 + garment.reach_mm + (0.62 - 0.3 * back) * np.abs(x) - 18 * back
    return np.minimum(_waist(mind, garment), y - line)


def _bodysuit(mind, garment):
    field = np.minimum(_neckline(mind, garment), _arms_to(mind, WRIST_MM - 5))
    legs = np.where(mind.leg > 0.02, ANKLE_MM - 12 - mind.along_leg, _FAR_MM)
    return np.where(mind.head > 0.5, -_FAR_MM, np.minimum(field, legs))


def _skirt(mind, garment):
    y = mind.at[:, 1]
    return np.minimum(garment.hem_mm - y, y - garment.reach_mm)


def _below_on_leg(mind, garment):
    on_leg = mind.leg > 0.6
    return np.where(on_leg, mind.along_leg - garment.reach_mm, -_FAR_MM)


def _gloves(mind, garment):
    on_arm = mind.arm > 0.6
    return np.where(on_arm, mind.along_arm - garment.reach_mm, -_FAR_MM)


def _cap(mind, garment):
    _, y, z = mind.at.T
    edge = garment.hem_mm - 0.16 * (110 - z)
    return np.where(mind.head > 0.5, y - edge, -_FAR_MM)


def _hair(mind, garment):
    x, y, z = mind.at.T
    edge = np.interp(z, *_HAIRLINE) + garment.hem_mm * np.clip(z / 60, 0, 1)
    # Ears stand out of the hair.
    ear = (np.abs(x) > 74) & (y < 1605)
    return np.where((mind.head > 0.5) & ~ear, y - edge, -_FAR_MM)


def _long_hair(mind, garment):
    _, y, z = mind.at.T
    # The kit's strands hang over the face too: those are cut off.
    face = np.where(y < 1640, 52 - z, _FAR_MM)
    return np.minimum(y - garment.reach_mm, face)


_FIELDS = {
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


# Anatomy.


def _share(body, names, sides=(".L", ".R")):
    """`(V,)` sum of the weights of some bones."""
    chosen = [body.bones.index(name + side) for name in names for side in sides]
    return (body.bone_weight * np.isin(body.bone_index, chosen)).sum(1)


def _along(body, names, first=0):
    """Share of a chain of bones, and mm along it from bone number `first`."""
    total = np.zeros(len(body.vertices), np.float32)
    mm = np.zeros_like(total)
    for side in (".L", ".R"):
        bones = [body.bones.index(name + side) for name in names]
        # The chain's bones follow one another; toes are fixed to the foot.
        begin = -np.linalg.norm(
            body.tails[bones[:first]] - body.heads[bones[:first]], axis=-1
        ).sum()
        for bone in bones:
            axis = body.tails[bone] - body.heads[bone]
            length = np.linalg.norm(axis)
            weight = (body.bone_weight * (body.bone_index == bone)).sum(1)
            place = (body.vertices - body.heads[bone]) @ (axis / length)
            mm += weight * (begin + place)
            total += weight
            begin += length
    return total, mm / np.maximum(total, 1e-6)


def _texture(body, arm, along_arm, leg, along_leg):
    """`(V, 2)` mm: around the trunk or limb from its front, and along it.

    Both sides go the same way around, so there is no seam.
    """
    x, y, z = body.vertices.T
    trunk = np.stack([125 * np.arctan2(np.abs(x), z + 5), 1400 - y], 1)
    out = np.abs(x)
    middle = np.interp(y, [70, 490, 880], [183, 143, 105])
    depth = np.interp(y, [70, 490, 880], [10, 31, 0])
    around = 65 * np.arctan2(np.abs(out - middle), z - depth)
    legs = np.stack([around, 517 + along_leg], 1)
    line = np.array([164.0, -180.0]) / 243
    across = (out - 172) * -line[1] + (y - 1340) * line[0]
    around = 45 * np.arctan2(np.abs(across), z - 20)
    arms = np.stack([around, along_arm], 1)
    arm, leg = arm[:, None], leg[:, None]
    rest = np.maximum(1 - arm - leg, 0)
    return (rest * trunk + leg * legs + arm * arms).astype(np.float32)


def _smoother(body, region, rounds):
    """Sparse `(V, V)`: rounds of averaging over neighbours in a region."""
    faces = body.faces[region[body.faces].all(1)]
    pairs = np.concatenate(
        [faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]
    )
    count = len(body.vertices)
    ones = np.ones(len(pairs), np.float32)
    near = sparse.csr_matrix((ones, pairs.T), shape=(count, count))
    near = ((near + near.T) > 0).astype(np.float32)
    degree = np.asarray(near.sum(1)).ravel()
    # Half stays where it is; outside of the region, all of it.
    keep = np.where(degree > 0, 0.5, 1.0)
    step = sparse.diags(keep) + sparse.diags(0.5 / np.maximum(degree, 1)) @ near
    power = sparse.identity(count)
    for _ in range(rounds):
        power = step @ power
    # Far neighbours that hardly count only cost time.
    power.data[power.data < 2e-3] = 0
    power.eliminate_zeros()
    total = np.asarray(power.sum(1)).ravel()
    return (sparse.diags(1 / total) @ power).tocsr().astype(np.float32)


def _shoe_smoother(at, normal, feet):
    """Sparse `(V, V)`: a mean over the skin nearby that looks the same way.

    Toes would survive the averaging over neighbours, which are very near
    there.
    """
    count = len(at)
    rows, columns, values = [], [], []
    for side in (at[:, 0] > 0, at[:, 0] <= 0):
        chosen = np.flatnonzero(feet & side)
        gap = np.square(at[chosen, None] - at[chosen]).sum(-1)
        near = np.exp(-gap / (2 * _SHOE_MM**2))
        # Where vertices are dense each counts for less.
        near = near / near.sum(0)
        near *= np.maximum(normal[chosen] @ normal[chosen].T, 0)
        near /= near.sum(1, keepdims=True)
        near[near < 1e-3] = 0
        row, column = np.nonzero(near)
        rows.append(chosen[row])
        columns.append(chosen[column])
        values.append(near[row, column])
    others = np.flatnonzero(~feet)
    rows, columns, values = (
        np.concatenate([*parts, others if k < 2 else np.ones(len(others))])
        for k, parts in enumerate((rows, columns, values))
    )
    matrix = sparse.csr_matrix((values, (rows, columns)), shape=(count, count))
    total = np.asarray(matrix.sum(1)).ravel()
    return (sparse.diags(1 / total) @ matrix).tocsr().astype(np.float32)


def _normals(vertices, faces):
    corner = vertices[faces]
    across = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    total = np.zeros_like(vertices)
    np.add.at(total, faces, across[:, None])
    return _unit(total)


def _unit(vectors):
    length = np.sqrt(np.einsum("vi,vi->v", vectors, vectors))
    return vectors / np.maximum(length, 1e-9)[:, None]
