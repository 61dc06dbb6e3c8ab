"""Poses the body from the places of 17 joints, of any skeleton.

Only directions are taken from the joints; lengths are the body's.
"""

import dataclasses
import functools

import numpy as np
from scipy import sparse

from ordinal_tf import skeleton
from ordinal_tf.synthetic.body import limbs, rotations
from ordinal_tf.synthetic.body import model as bodies

# What `limb_scale` may stretch, and the bones of each (without side).
LIMBS = {
    "upper_arm": ("upperarm01", "upperarm02"),
    "forearm": ("lowerarm01", "lowerarm02"),
    "thigh": ("upperleg01", "upperleg02"),
    "shin": ("lowerleg01", "lowerleg02"),
    "trunk": ("spine05", "spine04", "spine03", "spine02", "spine01"),
}


@dataclasses.dataclass(frozen=True, eq=False)
class Posed:
    """A posed body, mm, in the axes of the joints it was posed from.

    Attributes:
        vertices: `(V, 3)` float32.
        points: `(P, 3)` float32, in the order of `model.POINTS`.
        transforms: `(B, 3, 4)` float32; from rest to posed coordinates.
    """

    vertices: np.ndarray
    points: np.ndarray
    transforms: np.ndarray


def pose_body(
    body,
    rest,
    joints,
    *,
    head_turn=0.0,
    head_nod=0.0,
    curl=(0.0, 0.0),
    pronation=(0.0, 0.0),
    foot=(0.0, 0.0),
    up=None,
    limb_scale=None,
):
    """Poses one body.

    Limbs point exactly where the joints do; elbows and knees bend about the
    axis of the joints' own bend, straight limbs about the axis that the
    trunk suggests. Trunk, neck and head follow closely. Hands and feet
    continue forearms and shins.

    Args:
        body: `model.Body`.
        rest: `model.Rest`, the shape.
        joints: `(17, 3)` mm, order of `skeleton.H36M17`, right-handed axes;
            lengths are free, only the pelvis is taken as a place.
        head_turn: radians, positive to the person's left, added to what the
            joints say.
        head_nod: radians, positive down, added likewise.
        curl: (left, right); 0 leaves the fingers as at rest, 1 is a fist.
        pronation: (left, right) radians; positive turns the thumb inwards
            when the arm hangs.
        foot: (left, right) radians; positive points the toes down.
        up: `(3,)` direction away from the ground: the lower foot, and the
            other where it is about as low, stands flat as far as the ankle
            goes. By default feet know no ground.
        limb_scale: dict, length factors of `LIMBS`; 1 for those not named.

    Returns:
        `Posed`.

    Raises:
        ValueError: the joints are not 17 finite points, a bone has no
            length, or a limb is unknown or stretched beyond 0.5 to 2.
    """
    figure = _figure(body, rest, joints, limb_scale)
    up = None if up is None else rotations.unit(np.asarray(up, np.float64))
    turns = limbs.turn_trunk(figure, head_turn=head_turn, head_nod=head_nod)
    chest, pelvis = turns["spine01"], turns["root"]
    for s, side in enumerate(limbs.SIDES):
        turns |= limbs.turn_arm(figure, chest, side, pronation=pronation[s])
        turns |= limbs.turn_leg(figure, pelvis, side, pitch=foot[s], up=up)
        wrist = turns[f"wrist.{limbs.END[side]}"]
        turns |= limbs.turn_fingers(figure, wrist, side, curl=curl[s])
    transforms = _chain(body, rest, turns, figure)
    return Posed(
        vertices=_skin(body, rest.vertices, transforms),
        points=_move(transforms[body.point_bone], rest.points),
        transforms=transforms.astype(np.float32),
    )


def normals(vertices, faces):
    """Unit normals of vertices, `(V, 3)` float32.

    Args:
        vertices: `(V, 3)`.
        faces: `(F, 3)` int, counter-clockwise from outside.

    Returns:
        The area-weighted mean of the normals of the faces around each
        vertex; zero where there is none.
    """
    x, y, z = np.ascontiguousarray(vertices.T, np.float32)
    a, b, c = faces.T
    first = x[b] - x[a], y[b] - y[a], z[b] - z[a]
    last = x[c] - x[a], y[c] - y[a], z[c] - z[a]
    around = np.stack(
        [
            first[1] * last[2] - first[2] * last[1],
            first[2] * last[0] - first[0] * last[2],
            first[0] * last[1] - first[1] * last[0],
        ],
        axis=1,
    )
    # Column f adds face f to its three vertices; built in no time, and much
    # faster than np.add.at.
    sums = sparse.csc_matrix(
        (
            np.ones(faces.size, np.float32),
            faces.ravel(),
            np.arange(0, faces.size + 1, 3),
        ),
        shape=(len(vertices), len(faces)),
    )
    total = sums @ around
    length = np.sqrt(np.einsum("vi,vi->v", total, total))[:, None]
    return total / np.where(length > 0, length, 1)


def _figure(body, rest, joints, limb_scale):
    """`limbs.Figure` of checked input."""
    joints = np.asarray(joints, np.float64)
    names = skeleton.H36M17.joints
    if joints.shape != (len(names), 3) or not np.all(np.isfinite(joints)):
        raise ValueError(
            f"`joints` must be {len(names)} finite points x, y, z. Received "
            f"an array of shape {joints.shape}."
        )
    for parent, child in skeleton.H36M17.bones:
        if rotations.length(joints[child] - joints[parent]) < 1e-3:
            raise ValueError(
                f"`joints` must be apart to have directions; {names[parent]} "
                f"and {names[child]} are not."
            )
    limb_scale = limb_scale or {}
    unknown = set(limb_scale) - set(LIMBS)
    if unknown or not all(0.5 <= f <= 2 for f in limb_scale.values()):
        raise ValueError(
            f"`limb_scale` takes factors from 0.5 to 2 for {', '.join(LIMBS)}. "
            f"Received: {limb_scale}."
        )

    def named(keys, points):
        return dict(zip(keys, points.astype(np.float64), strict=True))

    return limbs.Figure(
        at=named(names, joints),
        still=named(bodies.POINTS, rest.points),
        heads=named(body.bones, rest.heads),
        tails=named(body.bones, rest.tails),
        scales={limb: float(limb_scale.get(limb, 1)) for limb in LIMBS},
    )


def _chain(body, rest, turns, figure):
    """`(B, 3, 4)` float64 transforms from rest to the world.

    A stretched bone grows along the straight limb that it belongs to; what
    hangs from it moves on, unstretched.
    """
    heads = rest.heads.astype(np.float64)
    linear = np.stack([turns[bone] for bone in body.bones])
    for limb, factor in figure.scales.items():
        if factor == 1:
            continue
        for end in ("",) if limb == "trunk" else (".L", ".R"):
            bones = [stem + end for stem in LIMBS[limb]]
            axis = rotations.unit(
                figure.tails[bones[-1]] - figure.heads[bones[0]]
            )
            stretch = np.eye(3) + (factor - 1) * np.outer(axis, axis)
            parts = [body.bones.index(bone) for bone in bones]
            linear[parts] = linear[parts] @ stretch
    places = np.zeros_like(heads)
    for b, parent in enumerate(body.parents):
        if parent >= 0:
            offset = linear[parent] @ (heads[b] - heads[parent])
            places[b] = places[parent] + offset
    shift = places - np.einsum("bij,bj->bi", linear, heads)
    root = body.bones.index("root")
    pelvis = linear[root] @ figure.still["pelvis"] + shift[root]
    shift += figure.at["pelvis"] - pelvis
    return np.concatenate([linear, shift[..., None]], axis=-1)


@functools.lru_cache(maxsize=4)
def _skin_matrix(body):
    """`(V, B)` sparse float32 skin weights."""
    count, slots = body.bone_index.shape
    matrix = sparse.csr_matrix(
        (
            body.bone_weight.flatten(),
            body.bone_index.flatten(),
            np.arange(0, count * slots + 1, slots),
        ),
        shape=(count, len(body.bones)),
    )
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    return matrix


def _skin(body, vertices, transforms):
    """Linear blend skinning: `(V, 3)` float32."""
    flat = transforms.reshape(len(transforms), 12).astype(np.float32)
    mixed = (_skin_matrix(body) @ flat).reshape(-1, 3, 4)
    return _move(mixed, vertices)


def _move(transforms, points):
    """Moves each point by its own transform; float32."""
    moved = np.einsum("nij,nj->ni", transforms[..., :3], points)
    return (moved + transforms[..., 3]).astype(np.float32)
