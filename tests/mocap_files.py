"""Small motion-capture files for tests: people with an anatomy.

Places are made up by hand, in metres: a person of 1.75 m, upright, x to the
person's left, y up, z ahead.
"""

import numpy as np

from ordinal_tf.data.mocap import clips

# The right side is the left's mirror image.
_SIDE = {
    "hip": (0.09, 0.92, 0.0),
    "knee": (0.10, 0.50, 0.02),
    "ankle": (0.10, 0.09, -0.02),
    "toe": (0.11, 0.02, 0.12),
    "collar": (0.03, 1.42, 0.0),
    "shoulder": (0.18, 1.42, -0.01),
    "elbow": (0.21, 1.13, -0.03),
    "wrist": (0.22, 0.88, 0.02),
    "fingers": (0.22, 0.78, 0.04),
}
_MIDDLE = {
    "root": (0.0, 0.0, 0.0),
    "pelvis": (0.0, 0.95, 0.0),
    "spine1": (0.0, 1.06, -0.02),
    "spine2": (0.0, 1.18, -0.03),
    "spine3": (0.0, 1.30, -0.03),
    "neck": (0.0, 1.46, -0.01),
    "head": (0.0, 1.56, 0.01),
    "crown": (0.0, 1.75, 0.02),
}


def places():
    """dict of "left hip", ..., "head" to `(3,)` metres."""
    found = {name: np.array(place) for name, place in _MIDDLE.items()}
    for joint, (x, y, z) in _SIDE.items():
        found[f"left {joint}"] = np.array([x, y, z])
        found[f"right {joint}"] = np.array([-x, y, z])
    return found


def skeleton(middle, leg, arm, *, sides=("Left", "Right"), shape="{}"):
    """A tree as programs write them.

    Args:
        middle: names from the hips to the head, the last two neck and head.
        leg: names of a leg's joints, the side for {}, a space for ~; a fourth
            is the toe.
        arm: of an arm's, likewise; the first of four is the collar bone.
        sides: what is put for {}.
        shape: what is put around every name.

    Returns:
        List of (name, parent's name or None, key of `places`).
    """
    middle = middle.split()
    spines = [f"spine{k}" for k in range(1, 4)][: len(middle) - 3]
    keys = ["pelvis", *spines, "neck", "head"]
    tree = [
        (name, parent, key)
        for name, parent, key in zip(
            middle, [None, *middle], keys, strict=False
        )
    ]
    for side, word in zip(("left", "right"), sides, strict=True):
        for names, joints, top in (
            (leg, ("hip", "knee", "ankle", "toe"), middle[0]),
            (arm, ("collar", "shoulder", "elbow", "wrist"), middle[-3]),
        ):
            names = [
                name.format(word).replace("~", " ") for name in names.split()
            ]
            if len(names) == 3:
                joints = [j for j in joints if j not in ("collar", "toe")]
            for name, joint in zip(names, joints, strict=True):
                tree.append((name, top, f"{side} {joint}"))
                top = name
    return [(shape.format(n), p and shape.format(p), key) for n, p, key in tree]


MIXAMO = skeleton(
    "Hips Spine Spine1 Spine2 Neck Head",
    "{}UpLeg {}Leg {}Foot {}ToeBase",
    "{}Shoulder {}Arm {}ForeArm {}Hand",
    shape="mixamorig:{}",
)


def write_bvh(
    path,
    tree,
    *,
    scale=100.0,
    turn=None,
    order="ZXY",
    frames=2,
    move=(0.0, 0.0, 0.0),
    ends=True,
    channels=3,
    where=None,
    brace="\n",
):
    """Writes a BVH file in which nobody moves.

    Args:
        path: file.
        tree: see `skeleton`.
        scale: units of a metre; centimetres here.
        turn: `(3, 3)` that turns every place before it is written.
        order: of the rotation channels.
        frames: int.
        move: metres, added to the root's place.
        ends: bool, write end sites.
        channels: of joints: 3, or 6 with positions that repeat the OFFSET,
            or "0" for 6 with positions of 0.
        where: dict of places; `places()` where None.
        brace: between a joint's name and its opening brace.
    """
    where = places() if where is None else where
    turn = np.eye(3) if turn is None else np.asarray(turn)
    spot = {n: turn @ where[key] * scale for n, _, key in tree}
    numbers = []

    def joint(name, parent, depth):
        offset = spot[name] - (spot[parent] if parent else 0)
        lines = ["ROOT " if parent is None else "JOINT "]
        lines[0] += f"{name}{brace}{{"
        lines.append(f"OFFSET {offset[0]:.6f} {offset[1]:.6f} {offset[2]:.6f}")
        spins = " ".join(f"{axis}rotation" for axis in order)
        if parent is None or channels != 3:
            lines.append(f"CHANNELS 6 Xposition Yposition Zposition {spins}")
            at = (
                offset + turn @ np.array(move) * scale
                if not parent
                else (0 * offset if channels == "0" else offset)
            )
            numbers.extend([*at, 0, 0, 0])
        else:
            lines.append(f"CHANNELS 3 {spins}")
            numbers.extend([0, 0, 0])
        below = [(n, p) for n, p, _ in tree if p == name]
        for child, _ in below:
            lines += joint(child, name, depth + 1)
        if not below and ends:
            lines += ["End Site", "{", "OFFSET 0 0 0", "}"]
        return [*lines, "}"]

    text = ["HIERARCHY"]
    for name, parent, _ in tree:
        if parent is None:
            text += joint(name, None, 0)
    row = " ".join(f"{number:.6f}" for number in numbers)
    text += ["MOTION", f"Frames: {frames}", "Frame Time: 0.1"]
    path.write_text("\n".join([*text, *[row] * frames]) + "\n")
    return path


# Bandai Namco's names, by the joints at which they lie.
BANDAI = {
    "Neck": "neck",
    "Head": "head",
    "Spine": "spine1",
    "Chest": "spine2",
} | {
    f"{name}_{side[0].upper()}": f"{side} {joint}"
    for side in ("left", "right")
    for name, joint in (
        ("UpperLeg", "hip"),
        ("LowerLeg", "knee"),
        ("Foot", "ankle"),
        ("UpperArm", "shoulder"),
        ("LowerArm", "elbow"),
        ("Hand", "wrist"),
    )
}


def write_bandai(path, *, turns=None, frames=2):
    """Writes a BVH file in which every joint hangs from one root, in cm.

    Args:
        path: file.
        turns: `(frames, 3)` degrees about z, x and y by which the whole body
            is turned; not at all where None.
        frames: int.

    Returns:
        The path.
    """
    where = places()
    turns = np.zeros((frames, 3)) if turns is None else turns
    lines = ["HIERARCHY", "ROOT joint_Root", "{", "OFFSET 0 0 0"]
    lines += ["CHANNELS 3 Zrotation Xrotation Yrotation"]
    for name, key in BANDAI.items():
        place = " ".join(f"{100 * number:.4f}" for number in where[key])
        lines += [f"JOINT {name}", "{", f"OFFSET {place}"]
        lines += ["CHANNELS 3 Zrotation Xrotation Yrotation", "}"]
    lines += ["}", "MOTION", f"Frames: {frames}", "Frame Time: 0.1"]
    # The head looks along z and its x axis is up, as in real files.
    turned = ["90 90 0" if name == "Head" else "0 0 0" for name in BANDAI]
    for turn in turns:
        root = " ".join(str(angle) for angle in turn)
        lines.append(" ".join([root, *turned]))
    path.write_text("\n".join(lines) + "\n")
    return path


def read_clip(path, **options):
    """The only clip of a file, see `clips.read_clips`."""
    (clip,) = clips.read_clips(path, **options)
    return clip
