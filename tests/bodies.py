"""A body of a grown person's size, for tests of readers."""

import numpy as np

# Facing the camera, mm from the pelvis: x to the person's left (our right), y
# down, z away. Thigh 400 to 470, upper arm 300, forearm 250, trunk 480.
_PLACES = {
    "pelvis": (0, 0, 0),
    "hip": (120, 0, 0),
    "knee": (130, 420, -100),
    "ankle": (130, 840, 0),
    "toe_base": (140, 880, -120),
    "toe_tip": (140, 890, -180),
    "lower_spine": (0, 0, 0),
    "spine": (0, -240, 10),
    "thorax": (0, -480, 0),
    "neck": (0, -500, 0),
    "upper_neck": (0, -560, -20),
    "nose": (0, -590, -60),
    "head": (0, -600, -30),
    "head_top": (0, -720, 0),
    "clavicle": (0, -480, 0),
    "shoulder": (170, -450, 0),
    "elbow": (240, -170, 50),
    "wrist": (300, 50, -60),
    "thumb": (300, 50, -60),
    "thumb_tip": (290, 80, -120),
    "hand": (310, 90, -90),
    "hand_tip": (320, 150, -100),
}


def standing(joints):
    """`(J, 3)` mm of joints by name."""
    rows = []
    for joint in joints:
        side, _, rest = joint.partition("_")
        x, y, z = _PLACES[rest if side in ("left", "right") else joint]
        rows.append((-x if side == "right" else x, y, z))
    return np.array(rows, float)


def people(count, joints, *, seed=0, jitter_mm=25.0):
    """`(count, J, 3)` mm, no two alike."""
    rng = np.random.default_rng(seed)
    one = standing(joints)
    return one + rng.normal(0, jitter_mm, (count, *one.shape))
