"""Biovision hierarchy (BVH) files by forward kinematics.

Our own reader, in NumPy: of the parsers on the package index, those that
work with NumPy 2 walk the frames in Python (minutes for one capture set) and
add the position channels of a joint to its OFFSET, which doubles every bone
of files such as Bandai Namco's.
"""

import dataclasses

import numpy as np

from ordinal_tf.data.mocap import motion


@dataclasses.dataclass
class _Joint:
    name: str
    parent: int
    offset: np.ndarray
    channels: tuple[str, ...]


def read_bvh(path, *, fps=None):
    """Reads a BVH file and runs its forward kinematics.

    The position channels of a joint replace its OFFSET (a root moves by
    them; files that repeat the OFFSET in them mean the same point twice).
    Rotation is the product of the listed rotation channels, left to right,
    applied to column vectors, in degrees.

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
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = file.read().splitlines()
    joints, start = _read_hierarchy(path, lines)
    rows, frame_time = _read_rows(path, lines, start)
    width = sum(len(joint.channels) for joint in joints)
    values = motion.number_rows(path, rows, width, "a frame of this skeleton")
    # Files round the frame time: 0.0333333 s means 30 frames a second.
    recorded = round(1 / frame_time, 3)
    kept, fps = motion.resample(len(values), recorded, fps)
    positions, rotations = _forward(joints, values[kept])
    names = tuple(joint.name for joint in joints)
    return motion.Motion(names, positions, rotations, fps)


def _read_hierarchy(path, lines):
    """Joints in file order, and the index of the line after MOTION."""
    joints, stack, in_end_site = [], [], False
    for i, line in enumerate(lines):
        words = line.split()
        if not words or words[0] in ("HIERARCHY", "{"):
            continue
        key = words[0]
        if key == "MOTION":
            if not joints or stack:
                raise ValueError(
                    f"{path}, line {i + 1}: MOTION comes before the joints "
                    "are complete; the file is damaged, fetch it again."
                )
            return joints, i + 1
        if key in ("ROOT", "JOINT") and len(words) >= 2:
            parent = stack[-1] if stack else -1
            name = " ".join(words[1:])
            joints.append(_Joint(name, parent, np.zeros(3), ()))
            stack.append(len(joints) - 1)
        elif key == "End":
            in_end_site = True
        elif key == "}" and (in_end_site or stack):
            if not in_end_site:
                stack.pop()
            in_end_site = False
        elif key == "OFFSET":
            row = motion.number_rows(path, [(i + 1, words[1:])], 3, "an OFFSET")
            if not in_end_site and stack:
                joints[stack[-1]].offset = row[0]
        elif key == "CHANNELS" and stack and _channels_fit(words):
            joints[stack[-1]].channels = tuple(words[2:])
        else:
            raise ValueError(
                f"{path}, line {i + 1}: {line.strip()[:60]!r} is not part of "
                "a BVH hierarchy; the file is damaged or no BVH file."
            )
    raise ValueError(
        f"{path}, line {len(lines)}: the file ends before MOTION; it is cut "
        "off or no BVH file, fetch it again or remove it."
    )


def _channels_fit(words):
    known = [
        axis + kind for axis in motion.AXES for kind in ("position", "rotation")
    ]
    count, names = words[1:2], words[2:]
    return count == [str(len(names))] and set(names) <= set(known)


def _read_rows(path, lines, start):
    """Motion lines as (line number, words), and the seconds of a frame."""
    content = [(i + 1, lines[i].split()) for i in range(start, len(lines))]
    content = [(line, words) for line, words in content if words]
    if len(content) < 2 or content[0][1][0] != "Frames:":
        raise ValueError(
            f"{path}, line {start + 1}: MOTION must be followed by `Frames:` "
            "and `Frame Time:`; the file is cut off, fetch it again."
        )
    (line, frames), (time_line, time) = content[:2]
    count = motion.number_rows(path, [(line, frames[1:])], 1, "`Frames:`")[0, 0]
    if time[:2] != ["Frame", "Time:"]:
        raise ValueError(
            f"{path}, line {time_line}: expected `Frame Time:` and found "
            f"{' '.join(time)[:40]!r}; the file is damaged, fetch it again."
        )
    seconds = motion.number_rows(
        path, [(time_line, time[2:])], 1, "`Frame Time:`"
    )
    if seconds[0, 0] <= 0:
        raise ValueError(
            f"{path}, line {time_line}: `Frame Time:` must be positive. "
            f"Received: {seconds[0, 0]}."
        )
    rows = content[2:]
    if len(rows) != count or not rows:
        raise ValueError(
            f"{path}, line {len(lines)}: {len(rows)} frames are there and "
            f"`Frames:` (line {line}) promises {count:g}; the file is cut off "
            "or damaged, fetch it again or remove it."
        )
    return rows, float(seconds[0, 0])


def _forward(joints, values):
    """Positions `(T, J, 3)` and rotations `(T, J, 3, 3)` of all joints."""
    frames = len(values)
    positions = np.zeros((frames, len(joints), 3))
    rotations = np.zeros((frames, len(joints), 3, 3))
    column = 0
    for j, joint in enumerate(joints):
        local = np.tile(joint.offset, (frames, 1))
        turn = np.tile(np.eye(3), (frames, 1, 1))
        for channel in joint.channels:
            value, axis = values[:, column], channel[0]
            column += 1
            if channel.endswith("position"):
                local[:, motion.AXES.index(axis)] = value
            else:
                turn = turn @ motion.rotation(axis, np.radians(value))
        if joint.parent >= 0:
            above = rotations[:, joint.parent]
            local = positions[:, joint.parent] + (
                above @ local[..., None]
            ).squeeze(-1)
            turn = above @ turn
        positions[:, j], rotations[:, j] = local, turn
    return positions, rotations
