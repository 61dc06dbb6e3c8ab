"""Which joint of a skeleton is which, by the names that programs give them.

Names are compared without regard to case and to what is no letter or digit,
and everything may have the same words before it: `mixamorig:LeftUpLeg`,
`Character1_LeftUpLeg` and `leftupleg` are one name. A limb's three joints
must also hang on each other (or all on one joint), so that `LeftShoulder` is
a shoulder only where no arm hangs on it (else it is a collar bone).

Sources, of the names: the HIERARCHY sections that these programs write.
    UpLeg, Leg, Foot, Arm, ForeArm, Hand    MotionBuilder, Mixamo, LaFAN1,
        Perception Neuron, cgspeed's conversion of the CMU database
    UpLeg, LowLeg, UpArm, LowArm    Biovision
    UpperLeg, LowerLeg, UpperArm, LowerArm  Bandai Namco, Unity, VRM; with
        ForeArm Xsens MVN's FBX names
    Hip, Knee, Ankle, Collar, Shoulder, Elbow, Wrist    Xsens MVN's BVH,
        cgspeed's for 3ds Max, Kinect, SMPL
    Thigh, Shin, Shldr, ForeArm     Poser, Daz (ThighBend, ShldrBend, ...)
    Thigh, Shin, Arm, ForeArm       Rokoko; UArm, FArm OptiTrack
    Thigh, Calf, UpperArm, LowerArm or Forearm  3ds Max Biped, Unreal
    femur, tibia, humerus, radius   Acclaim's, where a converter kept them
"""

import itertools
import re

from ordinal_tf.data.mocap import bvh

# Alternatives, the surest first. An ankle goes before a foot and a wrist
# before a hand, because a skeleton that has both means the joint by it.
_LEG = {
    "hip": "upleg upperleg thighbend thigh femur hip",
    "knee": "leg lowerleg lowleg shin calf tibia knee",
    "ankle": "ankle foot",
}
_ARM = {
    "shoulder": "arm upperarm uparm uarm shldrbend shldr humerus shoulder",
    "elbow": "forearm lowerarm lowarm farm forearmbend radius elbow",
    "wrist": "wrist hand",
}
_NECK = "neck neck1 neck01 necklower necktwist01 upperneck lowerneck"

# An Acclaim bone stands for the point at its far end, so that the femur ends
# at the knee. `radius` and `wrist` together are the forearm (the second only
# twists).
_ACCLAIM = {
    "hip": "hipjoint",
    "knee": "femur",
    "ankle": "tibia",
    "shoulder": "clavicle",
    "elbow": "humerus",
    "wrist": "wrist",
}
_ACCLAIM_MIDDLE = {
    "lowerback": "lowerback",
    "upperback": "upperback",
    "neck": "lowerneck",
    "upperneck": "upperneck",
    "head": "head",
}


def normal(name):
    """A name's letters and digits, in lower case; of a path its last part."""
    name = re.split(r"[|/]", name)[-1]
    return re.sub(r"[^a-z0-9]", "", name.lower())


def find_people(joints, parents):
    """The skeletons of people among the joints of a file.

    Args:
        joints: names.
        parents: index of each joint's parent, -1 at the top.

    Returns:
        List of dicts, one a person, from `left_hip`, ..., `right_wrist`,
        `neck` and `head` to an index; `neck` may be missing, and so may
        `left_toe` and `right_toe`.

    Raises:
        ValueError: no whole person is found; says what is missing.
    """
    best, people = _WANTED, []
    for names in (
        [normal(joint) for joint in joints],
        # A namespace that not all joints have.
        [normal(joint.rpartition(":")[2]) for joint in joints],
    ):
        for tree in _trees(parents):
            # What is of another tree has no name here.
            own = [n if k in tree else "" for k, n in enumerate(names)]
            for prefix in prefixes(own, _ANKLES):
                found, missing = _person(own, parents, prefix)
                if not missing:
                    people.append(found)
                elif len(missing) < len(best):
                    best = missing
        if people:
            return people
    raise ValueError(
        f"no joint is known as its {', '.join(best)}; it has "
        f"{', '.join(joints[:60])}. Rename them, to left_hip, left_knee and "
        "so on, or as MotionBuilder has them (LeftUpLeg, LeftLeg, ...)"
    )


def find_acclaim(joints):
    """Finds our joints among the bones of an Acclaim body.

    Args:
        joints: names of the bones, in the order of the file.

    Returns:
        dict of joint to index, as one of `find_people`, with `lowerback`,
        `upperback` and `upperneck` besides.

    Raises:
        ValueError: a bone is missing; says which, and what there is.
    """
    index = {normal(joint): k for k, joint in enumerate(joints)}
    wanted = dict(_ACCLAIM_MIDDLE)
    for side in ("left", "right"):
        for joint, bone in _ACCLAIM.items():
            wanted[f"{side}_{joint}"] = side[0] + bone
    missing = sorted({b for b in wanted.values() if b not in index})
    if missing:
        raise ValueError(
            f"no bone is named {', '.join(missing)}, as in the CMU "
            f"database; it has {', '.join(joints[:60])}"
        )
    found = {role: index[bone] for role, bone in wanted.items()}
    for side in ("left", "right"):
        toe = index.get(f"{side[0]}foot")
        if toe is not None:
            found[f"{side}_toe"] = toe
    return found


_WANTED = tuple(
    f"{side}_{joint}" for side in ("left", "right") for joint in (*_LEG, *_ARM)
) + ("head",)


def _trees(parents):
    """Sets of the indices that hang on the same root, in the file's order."""
    roots = {}
    for k, parent in enumerate(parents):
        roots[k] = roots[parent] if parent >= 0 else k
    return [
        {k for k, top in roots.items() if top == root}
        for root in dict.fromkeys(roots.values())
    ]


def prefixes(names, ends):
    """What may stand before all names of a person, the shortest first.

    Args:
        names: simplified names.
        ends: names of which a person has one, without what may stand before.
    """
    found = {
        name.removesuffix(end)
        for name in names
        for end in ends
        if name.endswith(end)
    }
    return sorted(found, key=lambda prefix: (len(prefix), prefix))


def _sided(side, base):
    return (side + base, side[0] + base, base + side, base + side[0])


_ANKLES = [
    name
    for side in ("left", "right")
    for base in _LEG["ankle"].split()
    for name in _sided(side, base)
]


def _person(names, parents, prefix):
    """Roles of one person, and the roles that are missing."""
    index = {name: k for k, name in reversed([*enumerate(names)]) if name}
    found, missing = {}, []

    def lookup(bases, side=None):
        for base in bases.split():
            wanted = _sided(side, base) if side else (base, "c" + base)
            for name in wanted:
                if prefix + name in index:
                    yield index[prefix + name]

    for side in ("left", "right"):
        arm = _ARM
        if [*lookup("radius", side)]:
            # Acclaim's `wrist` starts within the forearm.
            arm = _ARM | {"wrist": "hand wrist"}
        for limb in (_LEG, arm):
            chain = _chain([[*lookup(b, side)] for b in limb.values()], parents)
            if chain is None and limb is arm:
                chain = _arm_to_its_end(names, parents, lookup, side)
            for joint, at in zip(limb, chain or [None] * 3, strict=True):
                if at is None:
                    missing.append(f"{side}_{joint}")
                else:
                    found[f"{side}_{joint}"] = at
        toe = _toe(names, parents, found.get(f"{side}_ankle"))
        if toe is not None:
            found[f"{side}_toe"] = toe
    # In cgspeed's conversion of the CMU database `Neck` starts at the collar
    # bones, and `Neck1` at the base of the neck.
    lower = prefix + "lowerback" in index
    necks = [*lookup(f"neck1 {_NECK}" if lower else _NECK)]
    if necks:
        found["neck"] = necks[0]
    heads = [*lookup("head")]
    if heads:
        found["head"] = heads[0]
    else:
        missing.append("head")
    return found, missing


def _chain(choices, parents):
    """The first alternatives that hang on each other, or all on one joint,
    as where a program writes places only; None where neither is so."""
    for limb in itertools.product(*choices):
        top, middle, end = limb
        if is_above(top, middle, parents) and is_above(middle, end, parents):
            return limb
    for limb in itertools.product(*choices):
        if len({parents[joint] for joint in limb}) == 1:
            return limb
    return None


def _arm_to_its_end(names, parents, lookup, side):
    """An arm without a hand ends at its forearm's end site."""
    for top in lookup(_ARM["shoulder"], side):
        for middle in lookup(_ARM["elbow"], side):
            ends = [
                k
                for k, parent in enumerate(parents)
                if parent == middle and names[k].endswith(normal(bvh.END))
            ]
            if ends and is_above(top, middle, parents):
                return top, middle, ends[0]
    return None


def _toe(names, parents, ankle):
    """A joint on the foot, where one is known by name, or its end site."""
    below = [k for k in range(len(names)) if parents[k] == ankle]
    if ankle is None or not below:
        return None
    toes = [k for k in below if "toe" in names[k] or "foot" in names[k]]
    return (toes or below)[0]


def is_above(top, joint, parents):
    """Whether `joint` hangs on `top`, over any number of joints."""
    joint = parents[joint]
    while joint >= 0 and joint != top:
        joint = parents[joint]
    return joint == top and joint >= 0
