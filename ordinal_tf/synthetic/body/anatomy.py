"""Where each vertex of the body lies, by anatomy, for clothes and paint."""

import dataclasses
import functools

import numpy as np
from scipy import sparse

from ordinal_tf import vectors
from ordinal_tf.synthetic.body import model as bodies
from ordinal_tf.synthetic.body import posing, simplify

# Along the limbs, mm from the shoulder and from the hip, on the mean body.
WRIST_MM, ANKLE_MM = 482.0, 816.0
# Vertices of face and fingers this close together become one: half of all
# triangles are there, smaller than the samples of a picture.
_DETAIL_MM = 7.0
# Rounds of averaging with the neighbours that turn skin into cloth.
_ROUNDS = {"tight": 1, "loose": 6}
# A shoe forgets more: standard deviation, mm.
_SHOE_MM = 15.0
_ARM = (
    "shoulder01",
    "upperarm01",
    "upperarm02",
    "lowerarm01",
    "lowerarm02",
    "wrist",
)
_LEG = ("upperleg01", "upperleg02", "lowerleg01", "lowerleg02", "foot", "toes")


@dataclasses.dataclass(frozen=True, eq=False)
class Anatomy:
    """Where each vertex lies on the mean body.

    Attributes:
        at: `(V, 3)` float32 mm, at rest.
        arm, leg, head: `(V,)` share of the bones of these parts.
        along_arm: `(V,)` mm from the shoulder, where `arm` is not 0.
        along_leg: `(V,)` mm from the hip, where `leg` is not 0.
        texture: `(V, 2)` mm around and along the body.
        smoother: `{name: (rows, matrix)}`: the vertices `(R,)` that it is
            for, and sparse `(R, V)`, which averages over neighbours.
        rise: `{name: (V,)}` mm that each takes away where skin bulges.
        faces: for each of `model.LAYERS`, `(F, 3)` int32, less the detail
            that no picture shows.
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


@functools.cache
def anatomy(body):
    """`Anatomy` of a `model.Body`."""
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
    along_leg += foot * (ANKLE_MM + 71 - at[:, 1] - along_leg)
    head = _share(body, ("head",), sides=("",))
    normal = posing.normals(at, body.faces)
    skin = body.vertex_layer == 0
    region = (along_arm < WRIST_MM + 15) & (along_leg < ANKLE_MM + 25)
    region &= skin & (head < 0.5)
    smoother = {
        name: _smoother(body, region, rounds)
        for name, rounds in _ROUNDS.items()
    }
    feet = skin & (foot + leg > 0.5) & (at[:, 1] < 180)
    smoother["shoe"] = _shoe_smoother(at, feet)
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
            name: _rise(at, normal, rows, matrix)
            for name, (rows, matrix) in smoother.items()
        },
        faces=_coarse_faces(body, (head > 0.5) | (arm + leg > 0.5)),
    )


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


def _coarse_faces(body, small):
    """For each layer, its faces; fewer where the body has `small` parts."""
    free = np.where(small, body.paint.astype(np.int32), -1)
    found = []
    for i in range(len(bodies.LAYERS)):
        faces = body.faces[body.face_layer == i]
        if bodies.LAYERS[i] == "skin":
            faces = simplify.collapse_short_edges(
                body.vertices, faces, free, shortest_mm=_DETAIL_MM
            )
        found.append(np.ascontiguousarray(faces))
    return tuple(found)


def _smoother(body, region, rounds):
    """Rounds of averaging over neighbours in a region; see `Anatomy`."""
    faces = body.faces[region[body.faces].all(1)]
    count = len(body.vertices)
    near = simplify.neighbours(faces, count).astype(np.float32)
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
    return _rows_that_sum_to_1(power.tocsr(), degree > 0)


def _rows_that_sum_to_1(matrix, region):
    """`(R,)` int32 vertices of a region, `(R, V)` float32 sparse."""
    rows = np.flatnonzero(region).astype(np.int32)
    matrix = matrix[rows]
    total = np.asarray(matrix.sum(1)).ravel()
    return rows, (sparse.diags(1 / total) @ matrix).tocsr().astype(np.float32)


def _rise(at, normal, rows, matrix):
    """`(V,)` mm by which smoothing sinks below the skin, itself smooth."""
    rise = np.zeros(len(at), np.float32)
    sunk = at[rows] - matrix @ at
    out = vectors.unit(matrix @ normal, least=1e-9)
    rise[rows] = np.maximum((sunk * out).sum(1), 0)
    # As it is, it would bring back every bulge.
    rise[rows] = matrix @ rise
    return rise


def _shoe_smoother(at, feet):
    """A mean over the skin nearby on the same side; see `Anatomy`.

    Toes would survive the averaging over neighbours, which are very near
    there. Sides are told apart by the direction from the foot's middle, for
    which the gaps between toes do not exist.
    """
    count = len(at)
    rows, columns, values = [], [], []
    for side in (at[:, 0] > 0, at[:, 0] <= 0):
        chosen = np.flatnonzero(feet & side)
        place = at[chosen]
        gap = np.square(place[:, None] - place).sum(-1)
        near = np.exp(-gap / (2 * _SHOE_MM**2))
        wide = np.exp(-gap / (2 * (3 * _SHOE_MM) ** 2))
        # Where vertices are dense each counts for less.
        dense = near.sum(0)
        wide /= dense
        middle = wide @ place / wide.sum(1, keepdims=True)
        out = vectors.unit(place - middle, least=1e-9)
        near *= np.maximum(out @ out.T, 0) ** 2 / dense
        near /= near.sum(1, keepdims=True)
        near[near < 2e-3] = 0
        row, column = np.nonzero(near)
        rows.append(chosen[row])
        columns.append(chosen[column])
        values.append(near[row, column])
    rows, columns, values = map(np.concatenate, (rows, columns, values))
    matrix = sparse.csr_matrix((values, (rows, columns)), shape=(count, count))
    return _rows_that_sum_to_1(matrix, feet)
