"""Joints of `skeleton.H36M17` from the joints of a skeleton.

Where a skeleton has no such joint, a point fixed to a neighbouring one stands
in, placed so that an upright body has the proportions of Human3.6M's: its
thorax is the base of the neck, 6 cm above the middle of the shoulders, its
"nose" the jaw, its "head top" 10 cm below the crown.
"""

import numpy as np

from ordinal_tf import skeleton
from ordinal_tf.data.mocap import joint_names, motion, person
from ordinal_tf.data.readers import plausible

_LIMBS = tuple(
    f"{side}_{joint}"
    for side in ("left", "right")
    for joint in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")
)
# Millimetres up and ahead of the head's joint, which is where the skull turns.
_HEAD = (("nose", "head", (20.0, 50.0)), ("head_top", "head", (110.0, 20.0)))
# Ahead of the far ends of these bones.
_ACCLAIM_HEAD = (
    ("nose", "upperneck", (0.0, 50.0)),
    ("head_top", "head", (0.0, 20.0)),
)
# Axes of the head's frame that point up and ahead in most programs: those of
# the world at rest, or x along the bone. They hold where the averages of a
# clip are within 60 degrees; people look down, and aside, for whole clips.
_USUAL_AXES = ("YZ", "XY")
_NEAR_USUAL = 0.5
# Another axis that is nearer than this is meant to be it.
_NEAR = np.cos(np.radians(40))
_SHOULDERS_TO_THORAX = 0.035  # Of the height: 6 cm.


def solve(moved, found):
    """Poses of one person.

    Args:
        moved: `motion.Motion`.
        found: dict from our joints to indices, of `joint_names`.

    Returns:
        `(T, 17, 3)` float64 mm, axes of the file; `(T, 2, 3)` points of the
        left and the right foot, or None; unit, notes, and a dict from our
        joints to the file's names.

    Raises:
        ValueError: it is no person of 1 to 2.5 m.
    """
    places = {joint: moved.positions[:, found[joint]] for joint in _LIMBS}
    names = {joint: moved.joints[found[joint]] for joint in _LIMBS}
    places["pelvis"] = (places["left_hip"] + places["right_hip"]) / 2
    names["pelvis"] = f"{names['left_hip']} + {names['right_hip']}"
    acclaim = "upperneck" in found
    _place_trunk(moved, found, places, names)
    head = moved.positions[:, found["head"]]
    pose = {"nose": head, "head_top": head} | places
    tall = float(np.median(plausible.stature(_stack(pose))))
    name, mm, note = person.choose_unit(tall, moved.mm_per_unit)
    up, ahead = _body_axes(places)
    for joint, bone, offset_mm in _ACCLAIM_HEAD if acclaim else _HEAD:
        frame = moved.rotations[:, found[bone]]
        axes = np.stack(_axes_of(frame, up, ahead))
        offset = frame @ (np.array(offset_mm) / mm @ axes)
        pose[joint] = moved.positions[:, found[bone]] + offset
        names[joint] = moved.joints[found[bone]]
    toes = [found.get(f"{side}_toe") for side in ("left", "right")]
    toes = None if None in toes else moved.positions[:, toes] * mm
    return _stack(pose) * mm, toes, name, [note], names


def _stack(pose):
    return np.stack([pose[joint] for joint in skeleton.H36M17.joints], axis=1)


def _place_trunk(moved, found, places, names):
    """Thorax and spine; the spine is halfway along the joints between."""
    shoulders = (places["left_shoulder"] + places["right_shoulder"]) / 2
    if "neck" in found:
        places["thorax"] = moved.positions[:, found["neck"]]
        names["thorax"] = moved.joints[found["neck"]]
    else:
        trunk = shoulders - places["pelvis"]
        rise = _SHOULDERS_TO_THORAX / 0.288  # Of the trunk's own length.
        places["thorax"] = shoulders + rise * trunk
        names["thorax"] = (
            f"{names['left_shoulder']} + {names['right_shoulder']}"
        )
    if "lowerback" in found:
        backs = [found["lowerback"], found["upperback"]]
        places["spine"] = moved.positions[:, backs].mean(axis=1)
        names["spine"] = " + ".join(moved.joints[k] for k in backs)
        return
    between = _joints_between(moved, found)
    line = [places["pelvis"], *(moved.positions[:, k] for k in between)]
    places["spine"] = person.halfway([*line, places["thorax"]])
    names["spine"] = " + ".join(
        [moved.joints[k] for k in between] or ["pelvis", "thorax"]
    )


def _joints_between(moved, found):
    """Joints of the back: above no leg, below the neck or the shoulders."""
    parents = moved.parents
    legs = [found["left_hip"], found["right_hip"]]
    top = found.get("neck", found["left_shoulder"])
    arms = [found["left_shoulder"], found["right_shoulder"]]

    def carries(at, joint):
        return joint_names.is_above(at, joint, parents)

    line, at = [], parents[top]
    while at >= 0:
        no_leg = not any(carries(at, leg) for leg in legs)
        if no_leg and all(carries(at, arm) for arm in arms):
            line.append(at)
        at = parents[at]
    return line[::-1]


def _body_axes(places):
    """Unit vectors `(T, 3)` up the trunk and ahead of it."""
    up = person.unit(places["thorax"] - places["pelvis"])
    left = places["left_hip"] - places["right_hip"]
    left = person.unit(left) + person.unit(
        places["left_shoulder"] - places["right_shoulder"]
    )
    return up, person.unit(np.cross(left, up))


def _axes_of(frame, up, ahead):
    """Up and ahead `(3,)` in a joint's own frame.

    People look ahead, on the average: that tells which of the frame's axes
    are meant, whatever the program's convention. Where none is near, the
    average itself is taken.
    """
    means = [
        person.unit(np.einsum("tji,tj->i", frame, axis)) for axis in (up, ahead)
    ]
    for usual in _USUAL_AXES:
        axes = [np.eye(3)[motion.AXES.index(axis)] for axis in usual]
        if min(axes[0] @ means[0], axes[1] @ means[1]) > _NEAR_USUAL:
            return axes
    snapped = []
    for mean in means:
        axis = int(np.argmax(np.abs(mean)))
        near = np.abs(mean[axis]) > _NEAR
        snapped.append(np.sign(mean[axis]) * np.eye(3)[axis] if near else mean)
    if abs(snapped[0] @ snapped[1]) > 0.5:
        return means  # One axis cannot be both.
    return snapped
