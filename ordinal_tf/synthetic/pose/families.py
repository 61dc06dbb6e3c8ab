"""Poses made from ranges of joint angles, family by family.

Motion capture has little sitting, lying, crouching, hanging or handstands. A
family is a list of ways to take its pose; a way names angles, what the body
rests on, and what the arms may do.
"""

# Angles are (mean, spread) in degrees: normal, cut at two spreads, and at the
# joint's limits. `near_` and `far_` before a limb's angle is one side's; who
# draws poses mirrors half of them. Other keys of a way:
#   on        what touches the floor; the body is balanced on it. Without it,
#             `lean` and `tilt` say how the pelvis is turned
#   hang      True: the body hangs from `on`
#   facing    "up", "down" or "aside": the pelvis' front, of people who lie
#   arms      names of `ARMS`; any of `UPRIGHT_ARMS` where missing
#   share     how often it is chosen within the family, 1 where missing
_FEET = ("near_ankle", "far_ankle")
_HANDS = ("near_wrist", "far_wrist")
_KNEES = ("near_knee", "far_knee")
_ANYHOW = {"lean": (0, 200), "tilt": (0, 25)}  # Any direction is down.

# What angles are where a way says nothing.
REST = {
    "lean": (0, 4),
    "tilt": (0, 3),
    "trunk_flexion": (5, 9),
    "trunk_lateral": (0, 6),
    "trunk_twist": (0, 10),
    "neck_flexion": (8, 14),
    "neck_lateral": (0, 9),
    "neck_twist": (0, 25),
    "hip_flexion": (5, 9),
    "hip_abduction": (5, 5),
    "hip_rotation": (-8, 12),
    "knee_flexion": (10, 8),
    "shoulder_rotation": (10, 35),
}
ARMS = {
    "hanging": {
        "shoulder_elevation": (14, 8),
        "shoulder_plane": (30, 50),
        "elbow_flexion": (20, 14),
    },
    "bent": {
        "shoulder_elevation": (32, 18),
        "shoulder_plane": (40, 50),
        "elbow_flexion": (90, 25),
    },
    "swinging": {
        "near_shoulder_elevation": (42, 20),
        "near_shoulder_plane": (75, 12),
        "far_shoulder_elevation": (38, 16),
        "far_shoulder_plane": (-68, 10),
        "elbow_flexion": (60, 35),
    },
    "forward": {
        "shoulder_elevation": (80, 22),
        "shoulder_plane": (80, 20),
        "elbow_flexion": (28, 22),
    },
    "aside": {
        "shoulder_elevation": (85, 22),
        "shoulder_plane": (5, 20),
        "shoulder_rotation": (0, 45),
        "elbow_flexion": (22, 20),
    },
    "up": {
        "shoulder_elevation": (152, 15),
        "shoulder_plane": (50, 35),
        "elbow_flexion": (22, 20),
    },
    "behind": {
        "shoulder_elevation": (48, 16),
        "shoulder_plane": (-65, 12),
        "elbow_flexion": (22, 18),
    },
    "any": {
        "shoulder_elevation": (90, 45),
        "shoulder_plane": (45, 60),
        "shoulder_rotation": (0, 50),
        "elbow_flexion": (55, 40),
    },
}
UPRIGHT_ARMS = ("hanging", "bent", "forward", "aside", "up", "any", "any")
# Arms that carry: straight, pushing away from the chest.
_PUSH = {
    "shoulder_elevation": (85, 15),
    "shoulder_plane": (80, 12),
    "shoulder_rotation": (0, 30),
    "elbow_flexion": (12, 12),
}
_OVERHEAD = {
    "shoulder_elevation": (162, 10),
    "shoulder_plane": (60, 30),
    "elbow_flexion": (10, 9),
}
_TUCK = {
    "trunk_flexion": (32, 15),
    "neck_flexion": (22, 18),
    "hip_flexion": (118, 18),
    "hip_abduction": (12, 10),
    "knee_flexion": (118, 22),
}
_PIKE = {
    "trunk_flexion": (28, 15),
    "hip_flexion": (108, 22),
    "hip_abduction": (4, 6),
    "knee_flexion": (10, 10),
}
_STRADDLE = {
    "hip_flexion": (75, 22),
    "hip_abduction": (45, 15),
    "hip_rotation": (-15, 15),
    "knee_flexion": (8, 8),
}
_SPLIT = {
    "near_hip_flexion": (80, 18),
    "far_hip_flexion": (-48, 14),
    "far_hip_abduction": (8, 8),
    "knee_flexion": (10, 10),
    "trunk_flexion": (-5, 15),
}
_STAG = {
    "near_hip_flexion": (70, 22),
    "near_knee_flexion": (85, 25),
    "far_hip_flexion": (-10, 20),
    "far_knee_flexion": (35, 30),
}
_LONG = {  # Stretched, or a little hollow or arched.
    "trunk_flexion": (0, 14),
    "hip_flexion": (0, 14),
    "hip_abduction": (5, 7),
    "knee_flexion": (8, 9),
}
_APART = {
    "hip_flexion": (15, 20),
    "hip_abduction": (38, 15),
    "knee_flexion": (12, 14),
}
_LYING = {
    "hip_flexion": (20, 25),
    "hip_abduction": (14, 12),
    "knee_flexion": (35, 35),
    "shoulder_elevation": (80, 45),
    "shoulder_plane": (0, 12),
    "shoulder_rotation": (0, 60),
    "elbow_flexion": (45, 38),
}
_LOOSE = {  # Legs that do what they like.
    "hip_flexion": (45, 42),
    "hip_abduction": (18, 20),
    "hip_rotation": (-5, 22),
    "knee_flexion": (60, 45),
}
_BROAD = {
    **_LOOSE,
    "trunk_flexion": (10, 32),
    "trunk_lateral": (0, 18),
    "trunk_twist": (0, 25),
    "neck_flexion": (5, 28),
}

FAMILIES = {
    "standing": (
        {"on": _FEET},
        {
            "on": ("far_ankle",),
            "near_hip_flexion": (18, 12),
            "near_knee_flexion": (30, 18),
            "far_hip_flexion": (2, 6),
            "far_knee_flexion": (6, 5),
        },
        {"on": _FEET, "hip_abduction": (18, 8)},
        {"on": _FEET, "arms": ("up",), "trunk_lateral": (0, 15)},
    ),
    "striding": (
        {  # Walking.
            "on": ("near_ankle",),
            "arms": ("swinging", "swinging", "any"),
            "near_hip_flexion": (20, 10),
            "near_knee_flexion": (12, 9),
            "far_hip_flexion": (-14, 10),
            "far_knee_flexion": (28, 16),
        },
        {  # Running, the knee that swings in front.
            "on": ("near_ankle",),
            "arms": ("swinging",),
            "lean": (10, 8),
            "trunk_twist": (0, 18),
            "near_hip_flexion": (0, 18),
            "near_knee_flexion": (25, 15),
            "far_hip_flexion": (55, 25),
            "far_knee_flexion": (85, 25),
            "elbow_flexion": (90, 25),
        },
        {  # Running, in the air.
            "arms": ("swinging",),
            "lean": (12, 9),
            "near_hip_flexion": (-18, 12),
            "near_knee_flexion": (60, 35),
            "far_hip_flexion": (58, 20),
            "far_knee_flexion": (65, 32),
            "elbow_flexion": (85, 28),
        },
        {  # Lunging.
            "on": _FEET,
            "near_hip_flexion": (75, 20),
            "near_knee_flexion": (75, 22),
            "far_hip_flexion": (-12, 18),
            "far_knee_flexion": (22, 20),
            "trunk_flexion": (8, 18),
        },
        {  # Over a hurdle.
            "lean": (28, 15),
            "near_hip_flexion": (95, 18),
            "near_knee_flexion": (30, 22),
            "far_hip_flexion": (35, 25),
            "far_hip_abduction": (60, 20),
            "far_knee_flexion": (100, 20),
            "arms": ("forward", "swinging", "any"),
            "share": 0.5,
        },
    ),
    "bending": (
        {
            "on": _FEET,
            "trunk_flexion": (35, 20),
            "hip_flexion": (75, 28),
            "hip_abduction": (10, 9),
            "knee_flexion": (20, 18),
            "arms": ("forward", "any", "hanging"),
            "share": 2,
        },
        {"on": _FEET, "trunk_lateral": (0, 26), "trunk_twist": (0, 30)},
        {  # Backwards.
            "on": _FEET,
            "trunk_flexion": (-42, 14),
            "hip_flexion": (-22, 14),
            "knee_flexion": (35, 20),
            "neck_flexion": (-25, 18),
            "arms": ("up", "aside", "any"),
        },
        {  # The throw, the stroke.
            "on": _FEET,
            "near_hip_flexion": (45, 25),
            "far_hip_flexion": (0, 22),
            "knee_flexion": (35, 25),
            "hip_abduction": (15, 12),
            "trunk_flexion": (15, 20),
            "trunk_twist": (0, 30),
            "arms": ("any", "up", "aside"),
        },
    ),
    "kicking": (
        {
            "on": ("near_ankle",),
            "far_hip_flexion": (88, 30),
            "far_knee_flexion": (25, 25),
            "near_knee_flexion": (15, 12),
            "trunk_flexion": (5, 18),
        },
        {
            "on": ("near_ankle",),
            "far_hip_abduction": (68, 14),
            "far_knee_flexion": (20, 22),
            "near_knee_flexion": (10, 10),
            "trunk_lateral": (0, 20),
        },
        {  # Scale: the trunk level, one leg behind.
            "on": ("near_ankle",),
            "near_hip_flexion": (70, 25),
            "near_knee_flexion": (10, 10),
            "far_hip_flexion": (-25, 22),
            "far_knee_flexion": (22, 25),
            "trunk_flexion": (-12, 18),
            "arms": ("aside", "up", "forward", "any"),
        },
    ),
    "sitting": (
        {  # On a chair, a wall, a rail.
            "lean": (0, 14),
            "trunk_flexion": (18, 14),
            "hip_flexion": (85, 14),
            "hip_abduction": (14, 12),
            "knee_flexion": (80, 25),
            "share": 2,
        },
        {
            "on": ("pelvis", *_FEET),
            "trunk_flexion": (25, 15),
            "hip_flexion": (80, 18),
            "hip_abduction": (15, 14),
            "knee_flexion": (14, 12),
            "arms": ("forward", "hanging", "behind", "any"),
        },
        {
            "on": ("pelvis", *_FEET),
            "trunk_flexion": (28, 14),
            "hip_flexion": (102, 15),
            "hip_abduction": (12, 12),
            "knee_flexion": (92, 25),
            "arms": ("forward", "behind", "bent", "any"),
        },
        {  # Cross-legged.
            "on": ("pelvis", *_FEET),
            "trunk_flexion": (25, 14),
            "hip_flexion": (85, 14),
            "hip_abduction": (38, 12),
            "hip_rotation": (-42, 12),
            "knee_flexion": (105, 20),
        },
        {**_STRADDLE, "on": ("pelvis", *_FEET), "trunk_flexion": (25, 22)},
    ),
    "squatting": (
        {
            "on": _FEET,
            "trunk_flexion": (25, 15),
            "hip_flexion": (112, 18),
            "hip_abduction": (22, 14),
            "hip_rotation": (-12, 14),
            "knee_flexion": (122, 22),
            "arms": ("forward", "any", "bent", "aside"),
            "share": 2,
        },
        {
            "on": _FEET,
            "trunk_flexion": (22, 15),
            "hip_flexion": (72, 18),
            "hip_abduction": (16, 12),
            "knee_flexion": (75, 20),
            "share": 2,
        },
        {  # On one leg.
            "on": ("near_ankle",),
            "near_hip_flexion": (100, 20),
            "near_knee_flexion": (110, 25),
            "far_hip_flexion": (70, 25),
            "far_knee_flexion": (25, 25),
            "trunk_flexion": (25, 15),
        },
    ),
    "kneeling": (
        {
            "on": (*_KNEES, *_FEET),
            "hip_flexion": (12, 14),
            "knee_flexion": (96, 10),
        },
        {
            "on": (*_KNEES, *_FEET),
            "trunk_flexion": (20, 15),
            "hip_flexion": (75, 18),
            "hip_abduction": (12, 10),
            "knee_flexion": (146, 8),
        },
        {
            "on": ("near_ankle", "far_knee", "far_ankle"),
            "near_hip_flexion": (85, 16),
            "near_knee_flexion": (90, 18),
            "far_hip_flexion": (0, 18),
            "far_knee_flexion": (98, 16),
            "trunk_flexion": (12, 16),
        },
    ),
    "on all fours": (
        {
            **_PUSH,
            "on": (*_HANDS, *_KNEES),
            "hip_flexion": (85, 14),
            "knee_flexion": (90, 18),
            "neck_flexion": (-15, 22),
        },
        {  # Crouched, hands on the floor.
            **_PUSH,
            "on": (*_HANDS, *_FEET),
            "shoulder_elevation": (105, 25),
            "trunk_flexion": (25, 16),
            "hip_flexion": (112, 18),
            "hip_abduction": (16, 12),
            "knee_flexion": (85, 35),
            "neck_flexion": (-10, 22),
            "share": 2,
        },
        {  # At the start of a race.
            **_PUSH,
            "on": (*_HANDS, *_FEET),
            "near_hip_flexion": (120, 12),
            "near_knee_flexion": (95, 20),
            "far_hip_flexion": (75, 22),
            "far_knee_flexion": (65, 30),
            "trunk_flexion": (18, 14),
        },
        {  # Push-up.
            **_PUSH,
            **_LONG,
            "on": (*_HANDS, *_FEET),
            "elbow_flexion": (35, 32),
            "neck_flexion": (-10, 18),
        },
        {**_PUSH, **_PIKE, "on": (*_HANDS, *_FEET), "hip_flexion": (80, 22)},
        {  # Bridge.
            **_OVERHEAD,
            "on": (*_HANDS, *_FEET),
            "trunk_flexion": (-52, 10),
            "hip_flexion": (-32, 12),
            "hip_abduction": (10, 8),
            "knee_flexion": (45, 25),
            "neck_flexion": (-35, 18),
        },
        {  # Belly up.
            "on": (*_HANDS, *_FEET),
            "shoulder_elevation": (62, 12),
            "shoulder_plane": (-68, 8),
            "elbow_flexion": (15, 14),
            "hip_flexion": (40, 30),
            "knee_flexion": (75, 30),
            "share": 0.5,
        },
        {  # One hand, legs anywhere.
            **_PUSH,
            "on": ("near_wrist", *_FEET),
            "hip_flexion": (60, 35),
            "hip_abduction": (20, 14),
            "knee_flexion": (55, 40),
            "trunk_twist": (0, 25),
        },
    ),
    "lying": (
        {**_LYING, "facing": "up"},
        {**_LYING, "facing": "up", **ARMS["any"]},
        {
            **_LYING,
            "facing": "down",
            "hip_flexion": (0, 12),
            "neck_flexion": (-15, 15),
            "neck_twist": (0, 35),
        },
        {
            "facing": "aside",
            "hip_flexion": (40, 30),
            "hip_abduction": (2, 8),
            "knee_flexion": (55, 35),
            "shoulder_elevation": (70, 30),
            "shoulder_plane": (88, 12),
            "elbow_flexion": (60, 40),
        },
    ),
    "jumping": (
        {**_APART, "arms": ("up", "aside", "any"), "lean": (0, 14)},
        {**_STAG, "lean": (5, 14)},
        {**_LOOSE, "lean": (8, 18), "tilt": (0, 10), "share": 2},
        {**_TUCK, "lean": (15, 18)},
        {**_STRADDLE, "lean": (22, 16), "arms": ("forward", "aside")},
        {**_SPLIT, "lean": (5, 14), "arms": ("aside", "up", "any"), "share": 2},
        {
            **_LONG,
            "knee_flexion": (28, 25),
            "arms": ("up", "any"),
            "lean": (-5, 16),
        },
    ),
    "splits": (
        {**_SPLIT, "on": _FEET},
        {
            "on": _FEET,
            "hip_flexion": (12, 14),
            "hip_abduction": (72, 10),
            "knee_flexion": (8, 8),
        },
    ),
    "inverted": (
        {**_OVERHEAD, **_LONG, "on": _HANDS, "neck_flexion": (-25, 20)},
        {**_OVERHEAD, **_SPLIT, "on": _HANDS, "neck_flexion": (-25, 20)},
        {**_OVERHEAD, **_APART, "on": _HANDS, "neck_flexion": (-20, 20)},
        {**_OVERHEAD, **_STAG, "on": _HANDS, "neck_flexion": (-20, 20)},
        {**_OVERHEAD, **_LOOSE, "on": _HANDS, "share": 2},
        {  # Cartwheel: any moment of it.
            **_OVERHEAD,
            "lean": (0, 15),
            "tilt": (0, 85),
            "trunk_lateral": (0, 15),
            "hip_flexion": (12, 20),
            "hip_abduction": (45, 15),
            "knee_flexion": (10, 10),
        },
        {  # On one hand.
            **_OVERHEAD,
            **_LOOSE,
            "on": ("near_wrist",),
            "far_shoulder_elevation": (80, 40),
            "trunk_lateral": (0, 18),
        },
        {  # On head and hands.
            "on": (*_HANDS, "head_top"),
            **_LOOSE,
            "hip_flexion": (25, 35),
            "shoulder_elevation": (120, 15),
            "shoulder_plane": (70, 15),
            "shoulder_rotation": (-10, 30),
            "elbow_flexion": (85, 20),
            "neck_flexion": (5, 12),
            "neck_twist": (0, 8),
            "share": 0.5,
        },
    ),
    "flipping": (
        {**_ANYHOW, **_TUCK, "arms": ("forward", "any")},
        {**_ANYHOW, **_PIKE, "arms": ("forward", "aside", "any")},
        {**_ANYHOW, **_LONG, "arms": ("up", "hanging", "aside", "bent", "any")},
        {**_ANYHOW, **_LOOSE, "trunk_twist": (0, 18), "share": 2},
        {**_ANYHOW, **_STRADDLE},
        {**_ANYHOW, **_SPLIT},
        {**_ANYHOW, **_STAG},
    ),
    "hanging": (
        {**_OVERHEAD, **_LONG, "on": _HANDS, "hang": True},
        {**_OVERHEAD, **_LOOSE, "on": _HANDS, "hang": True, "share": 2},
        {**_OVERHEAD, **_PIKE, "on": _HANDS, "hang": True},
        {  # Pulled up.
            **_LOOSE,
            "on": _HANDS,
            "hang": True,
            "shoulder_elevation": (110, 35),
            "shoulder_plane": (50, 25),
            "shoulder_rotation": (-40, 30),
            "elbow_flexion": (80, 35),
        },
        {  # Climbing.
            **_LOOSE,
            "lean": (5, 16),
            "tilt": (0, 12),
            "hip_abduction": (30, 18),
            "shoulder_elevation": (125, 32),
            "shoulder_plane": (60, 30),
            "shoulder_rotation": (-20, 40),
            "elbow_flexion": (50, 35),
            "share": 2,
        },
    ),
    "vaulting": (
        {  # Over the hands, legs between or beside them.
            **_PUSH,
            "lean": (60, 30),
            "tilt": (0, 20),
            "shoulder_elevation": (75, 28),
            "trunk_flexion": (22, 16),
            "hip_flexion": (98, 28),
            "hip_abduction": (18, 16),
            "knee_flexion": (80, 40),
            "neck_flexion": (-15, 20),
        },
        {  # Supported upright, as on bars.
            "lean": (10, 20),
            "tilt": (0, 12),
            "shoulder_elevation": (22, 14),
            "shoulder_plane": (30, 60),
            "elbow_flexion": (15, 15),
            "hip_flexion": (60, 45),
            "hip_abduction": (18, 18),
            "knee_flexion": (35, 38),
        },
        {  # Sideways, on one hand.
            **_LOOSE,
            "lean": (25, 25),
            "tilt": (45, 25),
            "near_shoulder_elevation": (35, 18),
            "near_shoulder_plane": (20, 40),
            "near_elbow_flexion": (12, 12),
            "hip_flexion": (70, 30),
            "far_shoulder_elevation": (80, 40),
        },
    ),
    "acrobatic": (
        {**_BROAD, "lean": (0, 45), "tilt": (0, 25)},
        {**_BROAD, **_ANYHOW},
    ),
}
# How often each is drawn for people as in photographs of sports.
SHARES = {
    "standing": 0.08,
    "striding": 0.09,
    "bending": 0.06,
    "kicking": 0.04,
    "sitting": 0.07,
    "squatting": 0.07,
    "kneeling": 0.04,
    "on all fours": 0.08,
    "lying": 0.05,
    "jumping": 0.08,
    "splits": 0.05,
    "inverted": 0.09,
    "flipping": 0.08,
    "hanging": 0.04,
    "vaulting": 0.05,
    "acrobatic": 0.03,
}
# Kinds that may be in the air.
AIRBORNE = ("jumping", "flipping", "hanging", "vaulting", "acrobatic")
