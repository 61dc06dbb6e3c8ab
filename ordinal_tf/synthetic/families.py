"""Families of poses, made from joint angles within their limits."""

import numpy as np

from ordinal_tf import skeleton
from ordinal_tf.synthetic import limits

# Means of Human3.6M's adults, mm.
LENGTHS = {
    "hip": 130.0,
    "thigh": 447.0,
    "shin": 450.0,
    "lower_trunk": 246.0,
    "upper_trunk": 255.0,
    "neck": 119.0,
    "head": 115.0,
    "shoulder": 150.0,
    "upper_arm": 280.0,
    "forearm": 248.0,
}
# What the angles of each family are, in degrees: (mean, spread); angles that
# are not named are those of "standing". `lean` turns the whole body forwards
# about the hips, `tilt` to the side.
_STANDING = {
    "lean": (0, 4),
    "tilt": (0, 3),
    "trunk_flexion": (5, 10),
    "trunk_lateral": (0, 7),
    "trunk_twist": (0, 12),
    "neck_flexion": (15, 15),
    "neck_lateral": (0, 10),
    "hip_flexion": (8, 12),
    "hip_abduction": (6, 6),
    "hip_rotation": (-5, 12),
    "knee_flexion": (12, 12),
    "shoulder_elevation": (25, 20),
    "shoulder_plane": (30, 50),
    "shoulder_rotation": (10, 35),
    "elbow_flexion": (35, 35),
}
FAMILIES = {
    "standing": {},
    "gesturing": {
        "shoulder_elevation": (75, 40),
        "shoulder_plane": (40, 45),
        "elbow_flexion": (60, 45),
        "trunk_twist": (0, 20),
    },
    "reaching": {
        "shoulder_elevation": (135, 35),
        "elbow_flexion": (20, 25),
        "trunk_flexion": (5, 25),
        "trunk_lateral": (0, 18),
        "hip_flexion": (15, 20),
    },
    "striding": {
        "lean": (8, 10),
        "hip_flexion": (22, 32),
        "knee_flexion": (45, 38),
        "shoulder_elevation": (35, 25),
        "shoulder_plane": (60, 60),
        "elbow_flexion": (75, 30),
        "trunk_twist": (0, 15),
    },
    "bending": {
        "lean": (55, 25),
        "trunk_flexion": (35, 20),
        "hip_flexion": (60, 25),
        "knee_flexion": (25, 25),
        "shoulder_elevation": (70, 35),
        "shoulder_plane": (70, 40),
        "elbow_flexion": (30, 30),
    },
    "sitting": {
        "lean": (-5, 12),
        "trunk_flexion": (18, 15),
        "hip_flexion": (88, 15),
        "hip_abduction": (15, 15),
        "knee_flexion": (85, 28),
        "shoulder_elevation": (40, 25),
        "shoulder_plane": (60, 40),
        "elbow_flexion": (60, 35),
    },
    "squatting": {
        "lean": (20, 15),
        "trunk_flexion": (20, 15),
        "hip_flexion": (110, 20),
        "hip_abduction": (25, 15),
        "hip_rotation": (-15, 15),
        "knee_flexion": (125, 20),
        "shoulder_elevation": (65, 35),
        "shoulder_plane": (75, 35),
    },
    "kneeling": {
        "lean": (10, 25),
        "hip_flexion": (45, 38),
        "knee_flexion": (110, 22),
        "shoulder_elevation": (50, 35),
        "shoulder_plane": (60, 50),
    },
    "lying": {
        "lean": (90, 8),
        "hip_flexion": (25, 30),
        "knee_flexion": (40, 40),
        "shoulder_elevation": (80, 55),
        "shoulder_plane": (30, 50),
        "elbow_flexion": (55, 45),
    },
    "jumping": {
        "lean": (5, 18),
        "tilt": (0, 10),
        "hip_flexion": (35, 40),
        "hip_abduction": (25, 22),
        "knee_flexion": (55, 45),
        "shoulder_elevation": (110, 45),
        "shoulder_plane": (30, 50),
        "elbow_flexion": (30, 35),
        "trunk_flexion": (5, 20),
    },
    "inverted": {
        "lean": (180, 18),
        "tilt": (0, 15),
        "neck_flexion": (-10, 25),
        "hip_flexion": (10, 35),
        "hip_abduction": (20, 25),
        "knee_flexion": (25, 35),
        "shoulder_elevation": (160, 18),
        "shoulder_plane": (60, 40),
        "elbow_flexion": (12, 15),
        "trunk_flexion": (-8, 15),
    },
    "acrobatic": {
        "lean": (0, 100),
        "tilt": (0, 60),
        "trunk_flexion": (10, 35),
        "trunk_lateral": (0, 20),
        "trunk_twist": (0, 28),
        "neck_flexion": (10, 30),
        "hip_flexion": (45, 50),
        "hip_abduction": (25, 30),
        "hip_rotation": (0, 25),
        "knee_flexion": (50, 50),
        "shoulder_elevation": (100, 50),
        "shoulder_plane": (35, 60),
        "shoulder_rotation": (0, 50),
        "elbow_flexion": (45, 45),
    },
}
# How often each is drawn for people as in photographs of sports.
SHARES = {
    "standing": 0.12,
    "gesturing": 0.1,
    "reaching": 0.1,
    "striding": 0.14,
    "bending": 0.08,
    "sitting": 0.08,
    "squatting": 0.06,
    "kneeling": 0.06,
    "lying": 0.06,
    "jumping": 0.08,
    "inverted": 0.05,
    "acrobatic": 0.07,
}
# How often both arms, or both legs, do nearly the same.
_ALIKE = 0.35
# Thickness of body parts, mm, for the test of what meets what.
_RADII = {"trunk": 115.0, "head": 95.0, "thigh": 62.0, "shin": 45.0}
_RADII.update(upper_arm=40.0, forearm=35.0)
_TRIES = 200


def sample_pose(rng, family):
    """A pose of a family, made from angles.

    Poses in which limbs run through the body are drawn again.

    Args:
        rng: `np.random.Generator`.
        family: name in `FAMILIES`.

    Returns:
        `(17, 3)` float64 mm, y up, pelvis at 0; lengths are `LENGTHS`.

    Raises:
        ValueError: an unknown family.
    """
    if family not in FAMILIES:
        raise ValueError(
            f"Families of poses are {', '.join(FAMILIES)}. Received: "
            f"{family!r}."
        )
    for _ in range(_TRIES):
        # Angles are drawn within the limits: only what meets is redrawn.
        pose = forward(_draw_angles(rng, family))
        if not meets(pose):
            return pose
    raise RuntimeError(f"No pose of {family!r} in {_TRIES} tries.")


def _draw_angles(rng, family):
    """Angles in radians; `lean` and `tilt` included."""
    ranges = {**_STANDING, **FAMILIES[family]}
    angles = {}
    alike = {"hip": rng.random() < _ALIKE, "shoulder": rng.random() < _ALIKE}
    alike["knee"], alike["elbow"] = alike["hip"], alike["shoulder"]
    for name, (mean, spread) in ranges.items():
        part = name.partition("_")[0]
        if part in alike:
            both = _cut_normal(rng)
            for side in limits.SIDES:
                share = 0.3 * _cut_normal(rng) + both
                own = share if alike[part] else _cut_normal(rng)
                angles[f"{side}_{name}"] = _degrees(name, mean, spread * own)
        else:
            angles[name] = _degrees(name, mean, spread * _cut_normal(rng))
    if family == "lying" and rng.random() < 0.55:
        angles["lean"] -= np.pi  # On the back, not on the front.
    return angles


def _cut_normal(rng):
    return float(np.clip(rng.standard_normal(), -2, 2))


def _degrees(name, mean, added):
    """Radians of an angle, within its limits."""
    low, high = limits.LIMITS_DEG.get(name, (-400, 400))
    return np.radians(np.clip(mean + added, low, high))


def forward(angles, lengths=None):
    """Joints of a person with given angles.

    Args:
        angles: dict of radians as `limits.joint_angles` returns, and `lean`
            and `tilt`, the turn of the pelvis forwards and to the left.
        lengths: dict over `LENGTHS`.

    Returns:
        `(17, 3)` float64 mm, pelvis at 0.
    """
    size = {**LENGTHS, **(lengths or {})}
    at = {"pelvis": np.zeros(3)}
    pelvis = limits.turn(2, -angles["tilt"]) @ limits.turn(0, angles["lean"])
    chest = pelvis @ _trunk(angles)
    at["spine"] = pelvis @ [0, size["lower_trunk"], 0]
    at["thorax"] = at["spine"] + chest @ [0, size["upper_trunk"], 0]
    neck = chest @ _lean(angles["neck_flexion"], angles["neck_lateral"])
    at["nose"] = at["thorax"] + size["neck"] * neck
    # The head is more upright than the neck.
    head = neck + 0.6 * (chest[:, 1] - neck)
    at["head_top"] = at["nose"] + size["head"] * head / np.linalg.norm(head)
    for side, sign in (("left", 1), ("right", -1)):
        own = {
            name.removeprefix(f"{side}_"): angle
            for name, angle in angles.items()
            if name.startswith(side)
        }
        flip = np.diag([sign, 1.0, 1.0])
        hip = (
            pelvis
            @ flip
            @ limits.hip_rotation(
                own["hip_flexion"], own["hip_abduction"], own["hip_rotation"]
            )
        )
        arm = (
            chest
            @ flip
            @ limits.shoulder_rotation(
                own["shoulder_elevation"],
                own["shoulder_plane"],
                own["shoulder_rotation"],
            )
        )
        shin = hip @ limits.turn(0, own["knee_flexion"])
        forearm = arm @ limits.turn(0, -own["elbow_flexion"])
        for start, offset in (
            ("hip", pelvis @ [sign * size["hip"], 0, 0]),
            (
                "shoulder",
                at["thorax"] + chest @ [sign * size["shoulder"], 0, 0],
            ),
        ):
            at[f"{side}_{start}"] = offset
        for start, end, frame, length in (
            ("hip", "knee", hip, "thigh"),
            ("knee", "ankle", shin, "shin"),
            ("shoulder", "elbow", arm, "upper_arm"),
            ("elbow", "wrist", forearm, "forearm"),
        ):
            down = -size[length] * frame[:, 1]
            at[f"{side}_{end}"] = at[f"{side}_{start}"] + down
    return np.stack([at[name] for name in skeleton.H36M17.joints])


def _lean(flexion, lateral):
    """Direction of what is upright, bent forwards and to the right."""
    return np.array(
        [
            -np.sin(lateral),
            np.cos(lateral) * np.cos(flexion),
            np.cos(lateral) * np.sin(flexion),
        ]
    )


def _trunk(angles):
    """Rotation whose y axis is bent, and whose x axis is twisted."""
    up = _lean(angles["trunk_flexion"], angles["trunk_lateral"])
    twist = angles["trunk_twist"]
    left = np.array([np.cos(twist), 0.0, -np.sin(twist)])
    # Along y, so that x and z, which say the twist, stay as they are.
    left[1] = -(left @ up) / up[1] if abs(up[1]) > 0.2 else 0.0
    left = left - (left @ up) * up
    left /= np.linalg.norm(left)
    return np.stack([left, up, np.cross(left, up)], axis=1)


def meets(pose):
    """Whether a limb of a `(17, 3)` mm pose runs through another part."""
    at = dict(zip(skeleton.H36M17.joints, pose, strict=True))
    trunk = (at["pelvis"], at["thorax"], _RADII["trunk"])
    head = (at["nose"], at["head_top"], _RADII["head"])
    arms, legs = [], []
    for side in limits.SIDES:
        joint = {
            name: at[f"{side}_{name}"]
            for name in ("hip", "knee", "ankle", "elbow", "wrist", "shoulder")
        }
        arms.append((joint["elbow"], joint["wrist"], _RADII["forearm"]))
        legs.append((joint["hip"], joint["knee"], _RADII["thigh"]))
        legs.append((joint["knee"], joint["ankle"], _RADII["shin"]))
    pairs = [(arm, part) for arm in arms for part in (trunk, head, *legs)]
    pairs += [(arms[0], arms[1]), (legs[1], legs[3])]
    pairs += [(legs[0], legs[3]), (legs[1], legs[2])]
    pairs += [(leg, head) for leg in legs]
    pairs += [(legs[k], trunk) for k in (1, 3)]
    first, second = (np.array([pair[k][:2] for pair in pairs]) for k in (0, 1))
    reach = np.array([one[2] + other[2] for one, other in pairs])
    return bool(np.any(_gaps(first, second) < 0.85 * reach))


def _gaps(first, second):
    """Distances of pairs of segments `(N, 2, 3)`, by sampling both."""
    along = np.linspace(0, 1, 9)[:, None]
    a, b = (
        ends[:, :1] + along * (ends[:, 1:] - ends[:, :1])
        for ends in (first, second)
    )
    square = ((a[:, :, None] - b[:, None]) ** 2).sum(-1)
    return np.sqrt(square.min((1, 2)))
