"""Joint angles of poses, and how far human joints go.

Axes of a person: x to the left, y up, z forward. Angles are in radians; all
are 0 for somebody who stands upright with hanging arms, palms inwards, and
looks ahead.
"""

import numpy as np

from ordinal_tf import skeleton, vectors
from ordinal_tf.data.mocap.motion import rotation

_INDEX = {name: k for k, name in enumerate(skeleton.H36M17.joints)}
SIDES = ("left", "right")

# Least and greatest angle of each joint, degrees, for sporty adults: the
# clinical ranges of motion (American Academy of Orthopaedic Surgeons, 1965)
# and what gymnasts add to them. Trunk and neck sum over their vertebrae.
LIMITS_DEG = {
    "trunk_flexion": (-70, 110),
    "trunk_lateral": (-50, 50),
    "trunk_twist": (-65, 65),
    "neck_flexion": (-75, 75),
    "neck_lateral": (-55, 55),
    "neck_twist": (-90, 90),
    "hip_flexion": (-75, 160),
    "hip_abduction": (-40, 90),
    "hip_rotation": (-60, 60),
    "knee_flexion": (0, 160),
    "shoulder_elevation": (0, 180),
    "shoulder_plane": (-95, 150),
    "shoulder_rotation": (-115, 115),
    "shoulder_back": (-90, 65),
    "elbow_flexion": (0, 155),
}
# The bend, or the distance from the pole, below which an axial angle is
# noise: it is then reported as 0.
_BENT = np.radians(25)


def joint_angles(poses):
    """Angles of poses.

    Args:
        poses: `(..., 17, 3)`, order of `skeleton.H36M17`, any length unit,
            right-handed axes.

    Returns:
        dict of `(...)` float64 radians: the names of `LIMITS_DEG`, those of
        limbs with `left_` or `right_` before them. Flexion is forwards,
        knee flexion backwards; abduction and the shoulder's plane of 0 are
        sideways, a plane of pi / 2 forwards; rotation is inwards;
        `shoulder_back` is how far the arm points backwards. What is not
        defined (rotation of a straight limb, plane of a hanging arm,
        flexion of a thigh straight aside) is 0.
    """
    poses = np.asarray(poses, np.float64)
    at = {name: poses[..., k, :] for name, k in _INDEX.items()}
    across = {
        part: at[f"left_{part}"] - at[f"right_{part}"]
        for part in ("hip", "shoulder")
    }
    pelvis = frame(at["spine"] - at["pelvis"], across["hip"])
    chest = frame(at["thorax"] - at["spine"], across["shoulder"])
    angles = _bend("trunk", np.swapaxes(pelvis, -1, -2) @ chest)
    # The jaw lies before the line from the thorax to the head; where it does
    # not, as in joints made by interpolation, the head faces as the chest.
    neck = at["head_top"] - at["thorax"]
    jaw = at["nose"] - at["thorax"]
    ahead = np.linalg.norm(np.cross(neck, jaw), axis=-1, keepdims=True)
    seen = ahead > 0.05 * np.sum(neck * neck, axis=-1, keepdims=True)
    head = frame(neck, None, np.where(seen, jaw, chest[..., 2]))
    angles.update(_bend("neck", np.swapaxes(chest, -1, -2) @ head))
    for side in SIDES:
        # The right side is measured in the mirror, as a left one.
        flip = np.array([1.0 if side == "left" else -1.0, 1, 1])

        def limb(axes, names, side=side, flip=flip):
            a, b, c = (at[f"{side}_{name}"] for name in names)
            return (_inside(axes, end) * flip for end in (b - a, c - b))

        thigh, shin = limb(pelvis, ("hip", "knee", "ankle"))
        arm, forearm = limb(chest, ("shoulder", "elbow", "wrist"))
        for name, value in {
            **_hip(thigh, shin),
            **_shoulder(arm, forearm),
        }.items():
            angles[f"{side}_{name}"] = value
    return angles


def limit_of(name):
    """(least, greatest) radians of an angle that `joint_angles` returns."""
    for side in SIDES:
        name = name.removeprefix(f"{side}_")
    return np.radians(LIMITS_DEG[name])


def within_limits(poses, *, tolerance_deg=5.0):
    """`(...)` bool: all angles of `(..., 17, 3)` poses within the limits."""
    spare = np.radians(tolerance_deg)
    fine = True
    for name, angle in joint_angles(poses).items():
        low, high = limit_of(name)
        fine = fine & (angle >= low - spare) & (angle <= high + spare)
    return fine


def bend_rotation(flexion, lateral, twist):
    """Pelvis frame to the chest's, or chest's to the head's, `(..., 3, 3)`."""
    bent = rotation("X", flexion) @ rotation("Z", lateral)
    return bent @ rotation("Y", twist)


def hip_rotation(flexion, abduction, twist):
    """Pelvis frame to the left thigh's, `(..., 3, 3)`."""
    aimed = rotation("X", -flexion) @ rotation("Z", abduction)
    return aimed @ rotation("Y", -twist)


def shoulder_rotation(elevation, plane, twist):
    """Chest frame to the left upper arm's, `(..., 3, 3)`."""
    raised = rotation("Y", -plane) @ rotation("Z", elevation)
    return raised @ rotation("Y", plane - twist)


def _bend(name, bend):
    up = bend[..., :, 1]
    flexion = np.arctan2(up[..., 2], up[..., 1])
    lateral = np.arcsin(np.clip(-up[..., 0], -1, 1))
    straight = bend_rotation(flexion, lateral, np.zeros_like(flexion))
    twist = np.swapaxes(straight, -1, -2) @ bend
    return {
        f"{name}_flexion": flexion,
        f"{name}_lateral": lateral,
        f"{name}_twist": np.arctan2(twist[..., 0, 2], twist[..., 0, 0]),
    }


def _hip(thigh, shin):
    thigh = vectors.unit(thigh)
    abduction = np.arcsin(np.clip(thigh[..., 0], -1, 1))
    flexion = np.arctan2(thigh[..., 2], -thigh[..., 1])
    straight = hip_rotation(flexion, abduction, np.zeros_like(flexion))
    local = _inside(straight, shin)
    knee = _angle(thigh, shin)
    twist = np.arctan2(local[..., 0], -local[..., 2])
    # A thigh that points aside is as much flexed as extended.
    aside = np.abs(abduction) > np.pi / 2 - _BENT
    return {
        "hip_flexion": np.where(aside, 0, flexion),
        "hip_abduction": abduction,
        "hip_rotation": np.where((knee > _BENT) & ~aside, twist, 0),
        "knee_flexion": knee,
    }


def _shoulder(arm, forearm):
    arm = vectors.unit(arm)
    elevation = np.arccos(np.clip(-arm[..., 1], -1, 1))
    plane = np.arctan2(arm[..., 2], arm[..., 0])
    straight = shoulder_rotation(elevation, plane, np.zeros_like(plane))
    local = _inside(straight, forearm)
    elbow = _angle(arm, forearm)
    twist = np.arctan2(-local[..., 0], local[..., 2])
    aside = np.minimum(elevation, np.pi - elevation) > _BENT
    return {
        "shoulder_elevation": elevation,
        "shoulder_plane": np.where(aside, plane, 0),
        "shoulder_rotation": np.where((elbow > _BENT) & aside, twist, 0),
        "shoulder_back": np.arcsin(np.clip(-arm[..., 2], -1, 1)),
        "elbow_flexion": elbow,
    }


def frame(up, left, forward=None):
    """Rotation with columns left, up and forward, from `up` and another."""
    y = vectors.unit(up)
    if forward is None:
        x = vectors.unit(left - np.sum(left * y, -1, keepdims=True) * y)
        return np.stack([x, y, np.cross(x, y)], axis=-1)
    z = vectors.unit(forward - np.sum(forward * y, -1, keepdims=True) * y)
    return np.stack([np.cross(y, z), y, z], axis=-1)


def _inside(axes, vector):
    """Unit vector in the axes of a frame."""
    return vectors.unit(np.einsum("...ij,...i->...j", axes, vector))


def _angle(first, second):
    cross = np.linalg.norm(np.cross(first, second), axis=-1)
    return np.arctan2(cross, np.sum(first * second, -1))
