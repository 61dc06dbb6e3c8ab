"""A person as 17 joints: placed by angles, balanced, without limbs that meet.

All functions take any number of people at once.
"""

import functools

import numpy as np

from ordinal_tf import skeleton, vectors
from ordinal_tf.data.mocap import motion, views
from ordinal_tf.synthetic.pose import limits

_INDEX = {name: k for k, name in enumerate(skeleton.H36M17.joints)}
# Means of five of Human3.6M's subjects (1, 5, 7, 8 and 9), mm.
LENGTHS = {
    "hip": 131.7,
    "thigh": 448.8,
    "shin": 448.4,
    "lower_trunk": 240.3,
    "upper_trunk": 253.6,
    "neck": 117.3,
    "head": 115.0,
    "shoulder": 157.3,
    "upper_arm": 281.1,
    "forearm": 248.3,
}
# The same people's bend between neck and head, at the jaw; the slope of their
# shoulders when the arms hang, and when they point up.
_JAW = np.radians(55)
_SLOPE = np.radians([-20, 12])
# Of each joint: the share of the body's mass that moves with it, after the
# segments of Dempster 1955 (trunk and head 58 %, arm 5 %, leg 16 %); and how
# far it is above the floor when its part of the body lies on that, mm.
_BODY = {
    "pelvis": (0.14, 100.0),
    "spine": (0.16, 100.0),
    "thorax": (0.16, 110.0),
    "nose": (0.02, 70.0),
    "head_top": (0.06, 95.0),
    "hip": (0.05, 90.0),
    "knee": (0.075, 60.0),
    "ankle": (0.04, 75.0),
    "shoulder": (0.025, 70.0),
    "elbow": (0.025, 40.0),
    "wrist": (0.02, 50.0),
}
MASS, FLESH_MM = np.array([_BODY[name] for name in views.SIDELESS]).T.copy()
MASS /= MASS.sum()

# Parts that may meet, as (joint, joint, radius mm, share by which the part is
# longer than the way between its joints): a hand continues the forearm.
_PARTS = {
    "trunk": ("pelvis", "thorax", 115.0, 0.0),
    "head": ("nose", "head_top", 95.0, 0.0),
}
for _side in limits.SIDES:
    _PARTS[f"{_side}_thigh"] = (f"{_side}_hip", f"{_side}_knee", 62.0, 0.0)
    _PARTS[f"{_side}_shin"] = (f"{_side}_knee", f"{_side}_ankle", 45.0, 0.0)
    _PARTS[f"{_side}_arm"] = (f"{_side}_shoulder", f"{_side}_elbow", 40.0, 0.0)
    _PARTS[f"{_side}_hand"] = (f"{_side}_elbow", f"{_side}_wrist", 35.0, 0.35)
# Pairs that are no neighbours in the body.
_PAIRS = [
    ("left_hand", "right_hand"),
    ("left_shin", "right_shin"),
    ("left_thigh", "right_shin"),
    ("right_thigh", "left_shin"),
]
for _side in limits.SIDES:
    _PAIRS += [(f"{_side}_hand", part) for part in ("trunk", "head")]
    _PAIRS += [(f"{_side}_shin", part) for part in ("trunk", "head")]
    _PAIRS += [(f"{_side}_thigh", "head"), (f"{_side}_arm", "head")]
    for _other in limits.SIDES:
        _PAIRS += [
            (f"{_side}_hand", f"{_other}_{leg}") for leg in ("thigh", "shin")
        ]
# The angles of which rotations are made, in their order.
_TRUNK = ("flexion", "lateral", "twist")
_HIP = ("flexion", "abduction", "rotation")
_SHOULDER = ("elevation", "plane", "rotation")
# Parts may be pressed together by this much.
_SQUEEZE = 0.85


def forward(angles):
    """Joints of people with given angles.

    Args:
        angles: dict of `(...)` radians, as `limits.joint_angles` returns, and
            `lean` and `tilt`, the turn of the pelvis forwards and to the
            left; those that are missing are 0.

    Returns:
        `(..., 17, 3)` float64 mm, pelvis at 0, y up, facing +z.
    """
    shape = np.broadcast_shapes(*(np.shape(a) for a in angles.values()))

    def of(name):
        return np.broadcast_to(angles.get(name, 0.0), shape)

    def turned(rotation, part, *names):
        return rotation(*(of(f"{part}_{name}") for name in names))

    hinge = functools.partial(motion.rotation, "X")
    pelvis = motion.rotation("Z", -of("tilt")) @ hinge(of("lean"))
    chest = pelvis @ turned(limits.bend_rotation, "trunk", *_TRUNK)
    head = chest @ turned(limits.bend_rotation, "neck", *_TRUNK)
    at = {"pelvis": np.zeros((*shape, 3))}
    at["spine"] = LENGTHS["lower_trunk"] * pelvis[..., 1]
    at["thorax"] = at["spine"] + LENGTHS["upper_trunk"] * chest[..., 1]
    # The head is upright where it is above the thorax.
    ahead = np.arctan2(
        LENGTHS["head"] * np.sin(_JAW),
        LENGTHS["neck"] + LENGTHS["head"] * np.cos(_JAW),
    )
    for start, end, length, slope in (
        ("thorax", "nose", LENGTHS["neck"], ahead),
        ("nose", "head_top", LENGTHS["head"], ahead - _JAW),
    ):
        way = np.array([0.0, np.cos(slope), np.sin(slope)])
        at[end] = at[start] + length * head @ way
    for side, sign in (("left", 1.0), ("right", -1.0)):
        flip = np.diag([sign, 1.0, 1.0])
        own = f"{side}_"
        thigh = turned(limits.hip_rotation, own + "hip", *_HIP)
        thigh = pelvis @ flip @ thigh
        arm = turned(limits.shoulder_rotation, own + "shoulder", *_SHOULDER)
        arm = chest @ flip @ arm
        shin = thigh @ hinge(of(own + "knee_flexion"))
        forearm = arm @ hinge(of(own + "elbow_flexion")).mT
        raised = of(own + "shoulder_elevation")
        slope = _SLOPE[0] + (_SLOPE[1] - _SLOPE[0]) * raised / np.pi
        girdle = np.stack(
            [sign * np.cos(slope), np.sin(slope), np.zeros(shape)], axis=-1
        )
        girdle = np.einsum("...ij,...j->...i", chest, girdle)
        at[own + "hip"] = sign * LENGTHS["hip"] * pelvis[..., 0]
        at[own + "shoulder"] = at["thorax"] + LENGTHS["shoulder"] * girdle
        for start, end, axes, length in (
            ("hip", "knee", thigh, "thigh"),
            ("knee", "ankle", shin, "shin"),
            ("shoulder", "elbow", arm, "upper_arm"),
            ("elbow", "wrist", forearm, "forearm"),
        ):
            at[own + end] = at[own + start] - LENGTHS[length] * axes[..., 1]
    return np.stack([at[name] for name in skeleton.H36M17.joints], axis=-2)


def balance(poses, support, *, hanging=False):
    """Turns people until they stand, or hang, on some joints.

    The line or plane through the joints becomes level, and the centre of
    mass comes to lie above the line, or on the upper side of the plane.

    Args:
        poses: `(..., 17, 3)` mm, y up.
        support: names of one to four joints.
        hanging: bool, the mass belongs below the joints.

    Returns:
        `(..., 17, 3)`, pelvis at 0.
    """
    points = poses[..., [_INDEX[name] for name in support], :]
    middle = points.mean(axis=-2)
    up = np.einsum("k,...kj->...j", MASS, poses) - middle
    if len(support) == 2:
        line = vectors.unit(points[..., 1, :] - points[..., 0, :])
        up = up - np.sum(up * line, -1, keepdims=True) * line
    elif len(support) > 2:
        # The direction in which the points differ least.
        normal = np.linalg.svd(points - middle[..., None, :])[2][..., 2, :]
        side = np.sum(normal * up, -1, keepdims=True)
        up = np.where(side < 0, -normal, normal)
    turn = _upright(vectors.unit(-up if hanging else up))
    turned = poses @ np.swapaxes(turn, -1, -2)
    return turned - turned[..., :1, :]


def lay(poses, facing):
    """Turns people until the front of the pelvis points "up" or "down".

    With "aside" the left side points up. `(..., 17, 3)` to the same.
    """
    at = {name: poses[..., k, :] for name, k in _INDEX.items()}
    pelvis = limits.frame(
        at["spine"] - at["pelvis"], at["left_hip"] - at["right_hip"]
    )
    front, left = pelvis[..., 2], pelvis[..., 0]
    turn = _upright({"up": front, "down": -front, "aside": left}[facing])
    return poses @ np.swapaxes(turn, -1, -2)


def _upright(up):
    """The shortest rotations `(..., 3, 3)` from unit vectors to +y."""
    x, y, z = up[..., 0], up[..., 1], up[..., 2]
    # Upside down any axis will do: the limit of tilting about x.
    share = 1 / np.maximum(1 + y, 1e-9)
    rows = [
        np.stack([1 - share * x * x, -x, -share * x * z], -1),
        np.stack([x, y, z], -1),
        np.stack([-share * x * z, -z, 1 - share * z * z], -1),
    ]
    return np.stack(rows, axis=-2)


def stands(poses, support, *, slack_mm=70.0):
    """Whether people rest on some joints and on nothing else.

    Args:
        poses: `(..., 17, 3)` mm, y up.
        support: names of the joints that touch the floor.
        slack_mm: how uneven the floor may be.

    Returns:
        `(...)` bool: all of `support` touch one level floor, nothing is
        below it, and the centre of mass is not far outside of two or more.
    """
    index = [_INDEX[name] for name in support]
    soles = poses[..., 1] - FLESH_MM
    floor = soles[..., index].min(-1)
    fine = soles[..., index].max(-1) < floor + slack_mm
    fine &= soles.min(-1) > floor - slack_mm
    if len(index) > 1:
        mass = np.einsum("k,...kj->...j", MASS, poses)[..., [0, 2]]
        feet = poses[..., index, :][..., [0, 2]]
        middle = feet.mean(-2)
        reach = np.linalg.norm(feet - middle[..., None, :], axis=-1).max(-1)
        fine &= np.linalg.norm(mass - middle, axis=-1) < reach + 90
    return fine


def meets(poses):
    """Whether a part of people runs through another one.

    Args:
        poses: `(..., 17, 3)` mm.

    Returns:
        `(...)` bool.
    """
    starts, ways, radii = [], [], []
    for start, end, radius, longer in _PARTS.values():
        first, last = (poses[..., _INDEX[name], :] for name in (start, end))
        starts.append(first)
        ways.append((last - first) * (1 + longer))
        radii.append(radius)
    starts, ways = np.stack(starts, -2), np.stack(ways, -2)
    names = list(_PARTS)
    one, two = np.array([[names.index(n) for n in pair] for pair in _PAIRS]).T
    gaps = segment_gaps(
        starts[..., one, :],
        ways[..., one, :],
        starts[..., two, :],
        ways[..., two, :],
    )
    radii = np.array(radii)
    return np.any(gaps < _SQUEEZE * (radii[one] + radii[two]), axis=-1)


def segment_gaps(start, way, other_start, other_way):
    """Least distances `(...)` of segments, each `(..., 3)` start and way.

    Source: Ericson, Real-Time Collision Detection, 2005, section 5.1.9.
    """

    def dot(a, b):
        return np.sum(a * b, axis=-1)

    apart = start - other_start
    a, e, b = dot(way, way), dot(other_way, other_way), dot(way, other_way)
    c, f = dot(way, apart), dot(other_way, apart)
    # Parallel segments: any point of the first is as near as another.
    cross = np.maximum(a * e - b * b, 1e-9 * a * e)
    s = np.clip((b * f - c * e) / cross, 0, 1)
    t = np.clip((b * s + f) / e, 0, 1)
    s = np.clip((b * t - c) / a, 0, 1)
    gap = apart + s[..., None] * way - t[..., None] * other_way
    return np.linalg.norm(gap, axis=-1)
