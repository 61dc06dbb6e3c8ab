"""Biovision hierarchy (BVH) files by forward kinematics.

Our own reader, in NumPy: of the parsers on the package index none reads the
layouts of all writers (an opening brace on the line of its joint stops every
one), and those that work with NumPy 2 walk the frames in Python.
"""

import dataclasses
import re

import numpy as np

from ordinal_tf.data.mocap import motion

_FRAMES = re.compile(r"frames?\s*:?\s*([^\s:]+)$", re.IGNORECASE)
_TIME = re.compile(r"frame\s*time\s*:?\s*([^\s:]+)$", re.IGNORECASE)
_CHANNEL = re.compile(r"([xyz])(position|rotation)$", re.IGNORECASE)
# Of the OFFSETs: position channels below this share of them are added.
_NEAR_ZERO = 0.05
# What a joint's end is called; a joint of that name moves nothing.
END = "_End"


@dataclasses.dataclass
class _Joint:
    """`channels` are pairs such as ("X", "rotation"), in the file's order."""

    name: str
    parent: int
    offset: np.ndarray
    channels: tuple[tuple[str, str], ...]


def read_bvh(path, *, fps=None):
    """Reads a BVH file and runs its forward kinematics.

    Rotation is the product of the listed rotation channels, left to right,
    applied to column vectors, in degrees. A root's position channels replace
    its OFFSET. Those of other joints replace it too (Bandai Namco's repeat
    it), unless they stay near 0, on the whole, and the OFFSETs do not: then
    the writer meant what is added to them.

    An end site is a joint without channels, named as its parent with `_End`
    behind. A file may hold several trees.

    Args:
        path: file.
        fps: float, frames per second to keep (all lines are checked); all
            frames where None.

    Returns:
        `motion.Motion`.

    Raises:
        ValueError: with file and line, when the file ends early, a line is
            malformed, or a number is not finite.
    """
    lines = motion.read_lines(path)
    joints, start = _read_hierarchy(path, lines)
    width = sum(len(joint.channels) for joint in joints)
    rows, frame_time, notes = _read_rows(path, lines, start, width)
    values = motion.number_rows(path, rows, width, "a frame of this skeleton")
    # Files round the frame time: 0.0333333 s means 30 frames a second.
    recorded = round(1 / frame_time, 3)
    kept, fps = motion.resample(len(values), recorded, fps)
    adds = _adds_positions(joints, values)
    if adds:
        notes.append("position channels are added to the OFFSETs")
    positions, rotations = _forward(joints, values[kept], adds=adds)
    names = tuple(joint.name for joint in joints)
    parents = tuple(joint.parent for joint in joints)
    return motion.Motion(
        names, positions, rotations, fps, parents, notes=tuple(notes)
    )


def _read_hierarchy(path, lines):
    """Joints in file order, and the index of the line after MOTION."""
    joints, stack = [], []
    for i, line in enumerate(lines):
        # An opening brace may stand on the line of its joint.
        for part in re.split(r"[{]|(?=[}])|(?<=[}])", line):
            words = part.split()
            key = words[0].upper() if words else "HIERARCHY"
            if key == "HIERARCHY":
                continue
            if key == "MOTION":
                if not joints or stack:
                    raise ValueError(
                        f"{path}, line {i + 1}: MOTION comes before the "
                        "joints are complete; the file is damaged, fetch it "
                        "again."
                    )
                return joints, i + 1
            if key in ("ROOT", "JOINT") and len(words) >= 2:
                parent = stack[-1] if stack else -1
                name = " ".join(words[1:])
                joints.append(_Joint(name, parent, np.zeros(3), ()))
                stack.append(len(joints) - 1)
            elif key in ("END", "ENDSITE") and stack:
                name = joints[stack[-1]].name + END
                joints.append(_Joint(name, stack[-1], np.zeros(3), ()))
                stack.append(len(joints) - 1)
            elif key == "}" and stack:
                stack.pop()
            elif key == "OFFSET" and stack:
                offset = motion.numbers(path, i + 1, words[1:], 3, "an OFFSET")
                joints[stack[-1]].offset = offset
            elif key == "CHANNELS" and stack and _channels(words) is not None:
                joints[stack[-1]].channels = _channels(words)
            else:
                raise ValueError(
                    f"{path}, line {i + 1}: {line.strip()[:60]!r} is not part "
                    "of a BVH hierarchy; the file is damaged or no BVH file."
                )
    raise ValueError(
        f"{path}, line {len(lines)}: the file ends before MOTION; it is cut "
        "off or no BVH file, fetch it again or remove it."
    )


def _channels(words):
    """Pairs of axis and kind; None where the line is none of channels."""
    found = [_CHANNEL.match(word) for word in words[2:]]
    if words[1:2] != [str(len(found))] or not all(found):
        return None
    return tuple((one[1].upper(), one[2].lower()) for one in found)


def _read_rows(path, lines, start, width):
    """Motion lines as (line number, words), the seconds of a frame, notes."""
    content = [(i + 1, lines[i].strip()) for i in range(start, len(lines))]
    content = [(line, text) for line, text in content if text]
    found = [_FRAMES.match(text) for _, text in content[:1]]
    if len(content) < 2 or not all(found):
        raise ValueError(
            f"{path}, line {start + 1}: MOTION must be followed by `Frames:` "
            "and `Frame Time:`; the file is cut off, fetch it again."
        )
    (line, _), (time_line, text) = content[:2]
    (count,) = motion.numbers(path, line, [found[0][1]], 1, "`Frames:`")
    time = _TIME.match(text)
    if not time:
        raise ValueError(
            f"{path}, line {time_line}: expected `Frame Time:` and found "
            f"{text[:40]!r}; the file is damaged, fetch it again."
        )
    what = "`Frame Time:`"
    (seconds,) = motion.numbers(path, time_line, [time[1]], 1, what)
    if seconds <= 0:
        raise ValueError(
            f"{path}, line {time_line}: `Frame Time:` must be positive. "
            f"Received: {seconds}."
        )
    rows = _whole_frames(content[2:], count, width)
    if len(rows) < count or count < 1 or count % 1:
        raise ValueError(
            f"{path}, line {len(lines)}: {len(rows)} frames are there and "
            f"`Frames:` (line {line}) promises {count:g}; the file is cut off "
            "or damaged, fetch it again or remove it."
        )
    notes = []
    if len(rows) > count:
        notes.append(
            f"`Frames:` promises {count:g} of the {len(rows)} frames that are "
            "there; the others are left out"
        )
    return rows[: int(count)], float(seconds), notes


def _whole_frames(content, count, width):
    """One row a frame; some writers break a frame into several lines."""
    rows = [(line, text.split()) for line, text in content]
    words = [(line, word) for line, row in rows for word in row]
    if len(rows) <= count or len(words) != count * width:
        return rows
    frames = [words[i : i + width] for i in range(0, len(words), width)]
    return [(frame[0][0], [word for _, word in frame]) for frame in frames]


def _adds_positions(joints, values):
    """Whether position channels stay near 0 and the OFFSETs do not."""
    moved = away = 0.0
    column = 0
    for joint in joints:
        for axis, kind in joint.channels:
            if kind == "position" and joint.parent >= 0:
                away += abs(joint.offset[motion.AXES.index(axis)])
                moved += np.abs(values[:, column]).mean()
            column += 1
    return moved < _NEAR_ZERO * away


def _forward(joints, values, *, adds):
    """Positions `(T, J, 3)` and rotations `(T, J, 3, 3)` of all joints."""
    frames = len(values)
    positions = np.zeros((frames, len(joints), 3))
    rotations = np.zeros((frames, len(joints), 3, 3))
    column = 0
    for j, joint in enumerate(joints):
        local = np.tile(joint.offset, (frames, 1))
        turn = np.tile(np.eye(3), (frames, 1, 1))
        for axis, kind in joint.channels:
            value = values[:, column]
            column += 1
            if kind == "rotation":
                turn = turn @ motion.rotation(axis, np.radians(value))
                continue
            i = motion.AXES.index(axis)
            base = joint.offset[i] if adds and joint.parent >= 0 else 0.0
            local[:, i] = base + value
        if joint.parent >= 0:
            above = rotations[:, joint.parent]
            local = positions[:, joint.parent] + (
                above @ local[..., None]
            ).squeeze(-1)
            turn = above @ turn
        positions[:, j], rotations[:, j] = local, turn
    return positions, rotations
