"""Poses the body from the places of 17 joints, of any skeleton.

Only directions are taken from the joints; lengths are the body's. A part
turns by `F_pose @ F_rest.T`, where both frames are made of joints in the
same way, so no rest pose of the source is needed.
"""

import dataclasses
import functools
import math

import cv2
import numpy as np
from scipy import sparse

from ordinal_tf import skeleton
from ordinal_tf.synthetic import body as bodies

SIDES = ("left", "right")
_END = {"left": "L", "right": "R"}
# What `limb_scale` may stretch, and the bones of each (without side).
LIMBS = {
    "upper_arm": ("upperarm01", "upperarm02"),
    "forearm": ("lowerarm01", "lowerarm02"),
    "thigh": ("upperleg01", "upperleg02"),
    "shin": ("lowerleg01", "lowerleg02"),
    "trunk": ("spine05", "spine04", "spine03", "spine02", "spine01"),
}
# How far each bone follows from the loins to the chest, from there to the
# head.
_SPINE = {"spine05": 0.0, "spine04": 0.1, "spine03": 0.3, "spine02": 0.7}
_NECK = {"neck01": 0.3, "neck02": 0.5, "neck03": 0.75}
# Bend of a limb, in radians, below which its hinge axis is not trusted and
# above which it is. The kit stands with legs below the first and arms above
# the second, so both keep their rest twist.
_TRUST_ARM = (0.15, 0.45)
_TRUST_LEG = (0.2, 0.6)
_TRUST_BACKWARDS = (0.6, 1.0)
# Radians between chest and head.
_NECK_LIMIT = 1.4
# The part of a shoulder's shift against the chest that the collarbone takes
# from the joints; the rest is the usual shift for that height of the arm,
# because some skeletons have stiff shoulders.
_SHOULDER_SEEN = 0.8
# Measured on Human3.6M's S9: the shoulder point rises 0.3 degrees for each
# degree that the upper arm rises, up to 30.
_SHOULDER_GAIN, _SHOULDER_LIMIT = 0.3, 0.5
# Radians that the finger joints bend in a fist, from palm to tip.
_FIST = (1.2, 1.5, 0.9)
_THUMB = (0.3, 0.5, 0.7)
# Range of the ankle, radians, positive when the toes go down.
_ANKLE = (-0.5, 0.8)
# A foot stands on the ground when its ankle is less than the first above the
# lower of the two and its shin upright (cosine above the second).
_FLAT_MM = (60.0, 160.0)
_FLAT_SHIN = (0.4, 0.7)
# Cosine between the front of the shin and down, from where the foot of
# somebody who kneels stretches.
_KNEELING = (0.7, 0.95)


@dataclasses.dataclass(frozen=True, eq=False)
class Posed:
    """A posed body, mm, in the axes of the joints it was posed from.

    Attributes:
        vertices: `(V, 3)` float32.
        points: `(P, 3)` float32, in the order of `body.POINTS`.
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
        body: `body.Body`.
        rest: `body.Rest`, the shape.
        joints: `(17, 3)` mm, order of `skeleton.H36M17`, right-handed axes;
            lengths are free, only the pelvis is taken as a place.
        head_turn: radians, positive to the person's left, added to what the
            joints say.
        head_nod: radians, positive down, added likewise.
        curl: (left, right); 0 leaves the fingers as at rest, 1 is a fist.
        pronation: (left, right) radians; positive turns the thumb inwards
            when the arm hangs.
        foot: (left, right) radians; positive points the toes down.
        up: `(3,)` unit vector away from the ground: the lower foot, and the
            other where it is about as low, stands flat as far as the ankle
            goes. By default feet know no ground.
        limb_scale: dict, length factors of `LIMBS`; 1 for those not named.

    Returns:
        `Posed`.

    Raises:
        ValueError: the joints are not 17 finite points, a bone has no
            length, or an unknown limb is named.
    """
    at = _named_joints(joints)
    still = dict(
        zip(bodies.POINTS, rest.points.astype(np.float64), strict=True)
    )
    scales = _scales(limb_scale)
    turns = {}
    _turn_trunk(turns, at, still, head_turn, head_nod)
    for s, side in enumerate(SIDES):
        _turn_arm(turns, at, still, side, scales, rest, body, pronation[s])
        _turn_leg(turns, at, still, side, scales, rest, body)
        _turn_hand(turns, body, rest, side, curl[s])
        _turn_foot(turns, at, side, foot[s], up)
    transforms = _chain(body, rest, turns, scales, at["pelvis"])
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


def _named_joints(joints):
    joints = np.asarray(joints, np.float64)
    names = skeleton.H36M17.joints
    if joints.shape != (len(names), 3) or not np.all(np.isfinite(joints)):
        raise ValueError(
            f"`joints` must be {len(names)} finite points x, y, z. Received "
            f"an array of shape {joints.shape}."
        )
    for parent, child in skeleton.H36M17.bones:
        if np.linalg.norm(joints[child] - joints[parent]) < 1e-3:
            raise ValueError(
                f"`joints` must be apart to have directions; {names[parent]} "
                f"and {names[child]} are not."
            )
    return dict(zip(names, joints, strict=True))


def _scales(limb_scale):
    """`{limb: factor}` of all of `LIMBS`."""
    limb_scale = limb_scale or {}
    unknown = set(limb_scale) - set(LIMBS)
    if unknown:
        raise ValueError(
            f"`limb_scale` knows {', '.join(LIMBS)}. Received: "
            f"{', '.join(sorted(unknown))}."
        )
    return {limb: float(limb_scale.get(limb, 1.0)) for limb in LIMBS}


# Directions and rotations, float64.


def _unit(vector):
    return vector / math.sqrt(vector @ vector)


def _length(vector):
    return math.sqrt(vector @ vector)


def _cross(first, second):
    """np.cross of two vectors, ten times as fast."""
    (a, b, c), (d, e, f) = first.tolist(), second.tolist()
    return np.array([b * f - c * e, c * d - a * f, a * e - b * d])


def _across(vector, axis):
    """The unit part of `vector` at right angles to a unit `axis`.

    Where there is none, any direction at right angles.
    """
    part = vector - (vector @ axis) * axis
    if part @ part < 1e-12 * max(vector @ vector, 1e-12):
        part = np.eye(3)[np.argmin(np.abs(axis))]
        part = part - (part @ axis) * axis
    return _unit(part)


def _frame(axis, side):
    """Rotation with columns: `side` made square, unit `axis`, third."""
    x = _across(side, axis)
    return np.stack([x, axis, _cross(x, axis)], axis=1)


def _turn(axis, angle):
    """Rotation about a unit axis."""
    return cv2.Rodrigues(axis * angle)[0]


def _part(rotation, share):
    """A rotation by a share of another's angle, about the same axis."""
    return cv2.Rodrigues(cv2.Rodrigues(rotation)[0] * share)[0]


def _between(first, last, share):
    """From one rotation part of the way to another."""
    return _part(last @ first.T, share) @ first


def _swing(start, end):
    """The shortest rotation from one unit vector to another."""
    axis = _cross(start, end)
    sine = _length(axis)
    if sine < 1e-9:
        if start @ end > 0:
            return np.eye(3)
        return _turn(_across(np.ones(3), start), np.pi)
    return _turn(axis / sine, math.atan2(sine, start @ end))


def _ramp(value, limits):
    """0 below the first limit, 1 above the second, smooth between."""
    share = _clip((value - limits[0]) / (limits[1] - limits[0]), 0, 1)
    return share * share * (3 - 2 * share)


def _clip(value, low, high):
    return min(max(value, low), high)


def _angle(first, second):
    return math.atan2(_length(_cross(first, second)), first @ second)


def _hinge(default, first, second, trust):
    """Axis about which a limb bends, to be squared with its halves.

    Args:
        default: axis for the straight limb.
        first, second: unit directions of the halves.
        trust: bends between which the joints' own axis takes over.
    """
    share = _ramp(_angle(first, second), trust)
    if share == 0:
        return default
    bend = _unit(_cross(first, second))
    return (1 - share) * _unit(default) + share * bend


# Parts of the body. `at` are the joints, `still` the points of the body at
# rest; `turns` collects `{bone: rotation from rest}`.


def _trunk_frames(at):
    """Frames of pelvis, loins and chest: columns left, up, forward."""
    left = _unit(at["left_hip"] - at["right_hip"])
    up = _unit(at["spine"] - at["pelvis"])
    square = _across(up, left)
    pelvis = np.stack([left, square, _cross(left, square)], axis=1)
    loins = _frame(up, left)
    up = _unit(at["thorax"] - at["spine"])
    chest = _frame(up, at["left_shoulder"] - at["right_shoulder"])
    return pelvis, loins, chest


def _turn_trunk(turns, at, still, head_turn, head_nod):
    """Pelvis, spine, neck and head."""
    pelvis, loins, chest = (
        posed @ rest.T
        for posed, rest in zip(
            _trunk_frames(at), _trunk_frames(still), strict=True
        )
    )
    turns["root"], turns["spine01"] = pelvis, chest
    for bone, share in _SPINE.items():
        turns[bone] = _between(loins, chest, share)

    left = np.array([1.0, 0.0, 0.0])
    rest_up = _unit(still["head_top"] - still["nose"])
    up = _unit(at["head_top"] - at["nose"])
    neck = _unit(at["nose"] - at["thorax"])
    # The jaw lies before the neck, so the bend from neck to head tells where
    # the head looks; in a skeleton with a straight neck, the shoulders do.
    side = _swing(chest @ rest_up, up) @ chest @ left
    normal = _cross(up, neck)
    sine = _length(normal)
    share = _ramp(sine, (0.3, 0.6))
    if share:
        side = (1 - share) * side + share * normal / sine
    head = _frame(up, side) @ _frame(rest_up, left).T
    angle = _length(cv2.Rodrigues(head @ chest.T)[0][:, 0])
    if angle > _NECK_LIMIT:
        head = _between(chest, head, _NECK_LIMIT / angle)
    head = head @ _turn(np.array([0.0, 1.0, 0.0]), head_turn)
    head = head @ _turn(left, head_nod)
    turns["head"] = head
    for bone, share in _NECK.items():
        turns[bone] = _between(chest, head, share)


def _turn_arm(turns, at, still, side, scales, rest, body, pronation):
    """Collarbone, shoulder, arm and hand of one side."""
    chest, end = turns["spine01"], _END[side]
    names = [f"{side}_{joint}" for joint in ("shoulder", "elbow", "wrist")]
    upper, lower = _halves(at, names)
    rest_upper, rest_lower = _halves(still, names)

    across = _unit(still[names[0]] - still["thorax"])
    seen = chest.T @ _unit(at[names[0]] - at["thorax"])
    down = np.array([0.0, -1.0, 0.0])
    rise = _angle(chest.T @ upper, down) - _angle(rest_upper, down)
    rise = _clip(_SHOULDER_GAIN * rise, -_SHOULDER_LIMIT, _SHOULDER_LIMIT)
    forward = np.array([0.0, 0.0, 1.0 if side == "left" else -1.0])
    collar = chest @ _between(
        _turn(forward, rise), _swing(across, seen), _SHOULDER_SEEN
    )
    turns[f"clavicle.{end}"] = turns[f"shoulder01.{end}"] = collar

    rest_hinge = _cross(rest_upper, rest_lower)
    pivot = rest.heads[body.bones.index(f"upperarm01.{end}")]
    bone, rest_bone = _aim(
        upper,
        collar @ (still[names[0]] - pivot),
        (still[names[1]] - pivot) * scales["upper_arm"],
    )
    loose = _swing(chest @ rest_bone, bone) @ chest
    hinge = _hinge(loose @ rest_hinge, upper, lower, _TRUST_ARM)
    turn = _frame(bone, hinge) @ _frame(rest_bone, rest_hinge).T
    turns[f"upperarm01.{end}"] = _between(loose, turn, 0.5)
    turns[f"upperarm02.{end}"] = turn
    turn = _frame(lower, hinge) @ _frame(rest_lower, rest_hinge).T
    turns[f"lowerarm01.{end}"] = turn
    pronation = pronation if side == "left" else -pronation
    turns[f"lowerarm02.{end}"] = _turn(lower, pronation / 2) @ turn
    turns[f"wrist.{end}"] = _turn(lower, pronation) @ turn


def _turn_leg(turns, at, still, side, scales, rest, body):
    """Thigh and shin of one side."""
    pelvis, end = turns["root"], _END[side]
    names = [f"{side}_{joint}" for joint in ("hip", "knee", "ankle")]
    thigh, shin = _halves(at, names)
    rest_shin = _halves(still, names)[1]
    # The kit's knees look forward.
    rest_hinge = np.array([1.0, 0.0, 0.0])
    pivot = rest.heads[body.bones.index(f"upperleg01.{end}")]
    bone, rest_bone = _aim(
        thigh,
        pelvis @ (still[names[0]] - pivot),
        (still[names[1]] - pivot) * scales["thigh"],
    )
    loose = _swing(pelvis @ rest_bone, bone) @ pelvis
    default = loose @ rest_hinge
    # Knees do not bend forwards: such joints are noise about a straight leg.
    forwards = _cross(thigh, shin) @ default < 0
    trust = _TRUST_BACKWARDS if forwards else _TRUST_LEG
    hinge = _hinge(default, thigh, shin, trust)
    turn = _frame(bone, hinge) @ _frame(rest_bone, rest_hinge).T
    turns[f"upperleg01.{end}"] = _between(loose, turn, 0.5)
    turns[f"upperleg02.{end}"] = turn
    turn = _frame(shin, hinge) @ _frame(rest_shin, rest_hinge).T
    turns[f"lowerleg01.{end}"] = turns[f"lowerleg02.{end}"] = turn


def _aim(way, offset, bone):
    """Where a bone points so that its end is seen in a wanted direction.

    Bones turn about the rig's pivots, but hips and shoulders are labelled
    elsewhere.

    Args:
        way: unit direction in which the end is to lie from the label.
        offset: from the pivot to the label, posed.
        bone: from the pivot to the end, at rest.

    Returns:
        unit directions from the pivot to the end, posed and at rest.
    """
    along = offset @ way
    reach = math.sqrt(along**2 + bone @ bone - offset @ offset) - along
    return _unit(offset + reach * way), _unit(bone)


def _turn_foot(turns, at, side, pitch, up):
    """Foot and toes of one side, turned in the ankle."""
    shin, end = turns[f"lowerleg02.{_END[side]}"], _END[side]
    if up is not None:
        ankles = [at[f"{s}_ankle"] @ up for s in SIDES]
        height = at[f"{side}_ankle"] @ up - min(ankles)
        local = shin.T @ up
        low = 1 - _ramp(height, _FLAT_MM)
        flat = math.atan2(local[2], local[1])
        pitch += low * _ramp(local[1], _FLAT_SHIN) * flat
        # The foot of somebody who kneels or lies on the front stretches.
        pitch += low * _ramp(-local[2], _KNEELING) * _ANKLE[1]
    pitch = _clip(pitch, *_ANKLE)
    turn = shin @ _turn(np.array([1.0, 0.0, 0.0]), pitch)
    turns[f"foot.{end}"] = turns[f"toes.{end}"] = turn


def _turn_hand(turns, body, rest, side, curl):
    """Fingers of one side."""
    end = _END[side]
    wrist = turns[f"wrist.{end}"]

    def bone(finger, joint):
        return body.bones.index(f"finger{finger}-{joint}.{end}")

    def direction(finger, joint):
        b = bone(finger, joint)
        return _unit((rest.tails[b] - rest.heads[b]).astype(np.float64))

    root = rest.heads[body.bones.index(f"wrist.{end}")]
    across = rest.heads[bone(5, 1)] - rest.heads[bone(2, 1)]
    palm = _cross(rest.heads[bone(3, 1)] - root, across)
    palm = _unit(-palm if side == "left" else palm)
    for finger in range(1, 6):
        if finger == 1:
            aim, bends = palm + 2 * _unit(across), _THUMB
        else:
            aim, bends = palm, _FIST
        axis = _unit(_cross(direction(finger, 1), aim))
        angle = 0.0
        for joint, bend in enumerate(bends, start=1):
            angle += curl * bend
            name = f"finger{finger}-{joint}.{end}"
            turns[name] = wrist @ _turn(axis, angle)


def _halves(at, names):
    """Unit directions from each of three joints to the next."""
    first, middle, last = (at[name] for name in names)
    return _unit(middle - first), _unit(last - middle)


def _chain(body, rest, turns, scales, pelvis):
    """`(B, 3, 4)` float64 transforms from rest to the world.

    A stretched bone grows along the straight limb that it belongs to; what
    hangs from it moves on, unstretched.
    """
    heads, tails = rest.heads.astype(np.float64), rest.tails
    linear = np.stack([turns[bone] for bone in body.bones])
    for limb, factor in scales.items():
        if factor == 1:
            continue
        for end in ("", ".L", ".R"):
            parts = [
                body.bones.index(stem + end)
                for stem in LIMBS[limb]
                if stem + end in body.bones
            ]
            if parts:
                axis = _unit(tails[parts[-1]] - heads[parts[0]])
                stretch = np.eye(3) + (factor - 1) * np.outer(axis, axis)
                linear[parts] = linear[parts] @ stretch
    places = np.zeros_like(heads)
    for b, parent in enumerate(body.parents):
        if parent >= 0:
            offset = linear[parent] @ (heads[b] - heads[parent])
            places[b] = places[parent] + offset
    shift = places - np.einsum("bij,bj->bi", linear, heads)
    root = body.point_bone[bodies.POINTS.index("pelvis")]
    point = rest.points[bodies.POINTS.index("pelvis")]
    shift += pelvis - (linear[root] @ point + shift[root])
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
