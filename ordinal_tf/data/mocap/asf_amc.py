"""Acclaim motion capture (ASF skeleton, AMC frames) by forward kinematics.

Our own reader, in NumPy: the readers on the package index are either not
maintained or walk every bone of every frame in Python.
"""

import dataclasses
import pathlib
import re

import numpy as np

from ordinal_tf.data.mocap import motion

_MM_PER_INCH = 25.4
_FPS = 120.0  # In the CMU database; the files do not say it.


@dataclasses.dataclass
class _Bone:
    """One bone of an `.asf` body; `direction` is a unit vector in world axes.

    `dofs` are the channels of an AMC line, e.g. ("rx", "rz"); `axis` turns
    from the frame in which they are given to the world's. `order` says about
    which axis they turn first, "XYZ" for `Rz Ry Rx`.
    """

    name: str
    parent: int
    direction: np.ndarray
    length: float
    axis: np.ndarray
    dofs: tuple[str, ...]
    order: str


@dataclasses.dataclass(frozen=True)
class Body:
    """The bones of an `.asf` file, parents first, and its units.

    Attributes:
        bones: tuple of bones; the first is the root, of length 0.
        mm_per_unit: float. `length 0.45` in the header says that one unit
            is 1 / 0.45 inch, 56.4 mm.
        degrees: bool, angles are degrees (else radians), in the clips too
            unless they say otherwise.
        place: `(3,)` where the root is before it moves, in units.
    """

    bones: tuple[_Bone, ...]
    mm_per_unit: float
    degrees: bool
    place: np.ndarray


def find_asf(path):
    """The `.asf` body of an `.amc` clip: `02.asf` for `02_01.amc`.

    That is the one beside it whose name the clip's starts with, the longest
    of several (`HDM_bd.asf` for `HDM_bd_01-01_01_120.amc`), or the only one;
    else `ValueError`. Capitals make no difference.
    """
    path = pathlib.Path(path)
    bodies = sorted(
        other
        for other in path.parent.glob("*")
        if other.suffix.lower() == ".asf"
        and other.is_file()
        and not other.name.startswith("._")
    )
    stem = path.stem.lower()
    named = [
        body
        for body in bodies
        if re.match(rf"{re.escape(body.stem.lower())}(?![a-z0-9])", stem)
    ]
    if named:
        return max(named, key=lambda body: len(body.stem))
    if len(bodies) != 1:
        wanted = path.stem.split("_")[0] + ".asf"
        raise ValueError(
            f"{path} needs the body it was recorded with: put {wanted} "
            f"beside it. Found: {', '.join(o.name for o in bodies) or 'none'}."
        )
    return bodies[0]


def read_amc(path, *, fps=None):
    """Reads an AMC clip and runs forward kinematics on its ASF body.

    A bone `name` stands for the point at its far end; `root` for the body's
    origin. A bone turns by `A Rz Ry Rx A^-1` about its near end, `A` the
    bone's own `axis`, so all rotations are identities in the rest pose.

    Args:
        path: `.amc` file, beside its body, see `find_asf`.
        fps: float, frames per second to keep (all lines are checked); all
            frames where None.

    Returns:
        `motion.Motion`, world axes.

    Raises:
        ValueError: with file and line, when a file ends early, a line is
            malformed, or a number is not finite; when there is no body.
    """
    body = read_asf(find_asf(path))
    values, degrees = _read_frames(path, body)
    kept, fps = motion.resample(len(values), _FPS, fps)
    positions, rotations = _forward(body, values[kept], degrees)
    names = tuple(bone.name for bone in body.bones)
    parents = tuple(bone.parent for bone in body.bones)
    return motion.Motion(
        names, positions, rotations, fps, parents, body.mm_per_unit
    )


def read_asf(path):
    """Reads a `Body`; `ValueError`, with file and line, where it is none."""
    lines = [line.split("#")[0].split() for line in motion.read_lines(path)]
    units = {"length": 1.0, "angle": "deg"}
    blocks, links, section, block = [], {}, "", None
    orders = {"order": ("TX", "TY", "TZ", "RX", "RY", "RZ"), "axis": "XYZ"}
    for number, words in enumerate(lines, start=1):
        if not words:
            continue
        key = words[0].lower()
        if key.startswith(":"):
            section = key
        elif section == ":units" and key == "length":
            units["length"] = _numbers(path, number, words[1:], 1, key)[0]
        elif section == ":units" and key == "angle":
            units["angle"] = words[-1].lower()[:3]
        elif section == ":root":
            if key == "order":
                orders["order"] = tuple(word.upper() for word in words[1:])
            elif key == "axis":
                orders["axis"] = words[-1].upper()
            elif key in ("position", "orientation"):
                orders[key] = _numbers(path, number, words[1:], 3, key)
        elif section == ":bonedata":
            if key == "begin":
                block = {"line": number, "dof": ()}
            elif key == "end" and block is not None:
                blocks.append(block)
                block = None
            elif block is not None:
                _read_bone_line(path, number, words, block)
        elif section == ":hierarchy" and key not in ("begin", "end"):
            links.update((child.lower(), key) for child in words[1:])
    if block is not None or not blocks or not links:
        raise ValueError(
            f"{path}, line {len(lines)}: the body ends before its bones and "
            "its :hierarchy are complete; fetch the file again."
        )
    if units["length"] <= 0 or units["angle"] not in ("deg", "rad"):
        raise ValueError(
            f"{path}: :units must give a positive length and an angle `deg` "
            f"or `rad`. Received: {units}."
        )
    degrees = units["angle"] == "deg"
    bones = _order_bones(path, orders, blocks, links, degrees)
    place = orders.get("position", np.zeros(3))
    return Body(bones, _MM_PER_INCH / units["length"], degrees, place)


def _read_bone_line(path, number, words, block):
    key, rest = words[0].lower(), words[1:]
    if key == "name":
        block["name"] = " ".join(rest)
    elif key == "direction":
        block["direction"] = _numbers(path, number, rest, 3, key)
    elif key == "length":
        block["length"] = _numbers(path, number, rest, 1, key)[0]
    elif key == "axis":
        order = rest[-1].upper() if rest else ""
        if sorted(order) != list("XYZ"):
            raise ValueError(
                f"{path}, line {number}: the axis order must be XYZ or "
                f"another of these letters. Received: {' '.join(rest)}."
            )
        block["order"] = order
        block["axis"] = _numbers(path, number, rest[:-1], 3, key)
    elif key == "dof":
        block["dof"] = tuple(word.lower() for word in rest)
        if not set(block["dof"]) <= {"rx", "ry", "rz", "tx", "ty", "tz"}:
            raise ValueError(
                f"{path}, line {number}: `dof` may list rx, ry, rz, tx, ty "
                f"and tz. Received: {' '.join(rest)}."
            )


def _numbers(path, number, words, width, what):
    return motion.number_rows(path, [(number, words)], width, f"`{what}`")[0]


def _order_bones(path, orders, blocks, links, degrees):
    """Bones with the root first and every parent before its children."""
    dofs = tuple(name.lower() for name in orders["order"])
    turning = orders["axis"]
    if sorted(dofs) != sorted(("tx", "ty", "tz", "rx", "ry", "rz")) or sorted(
        turning
    ) != list("XYZ"):
        raise ValueError(
            f"{path}: :root must have six channels and an axis such as XYZ. "
            f"Received: {orders}."
        )
    zero = np.zeros(3)
    angles = orders.get("orientation", zero)
    angles = np.radians(angles) if degrees else angles
    frame = _euler(angles, turning)
    bones = [_Bone("root", -1, zero, 0.0, frame, dofs, turning)]
    index = {"root": 0}
    waiting = list(blocks)
    while waiting:
        left = []
        for block in waiting:
            missing = {"name", "direction", "length", "axis"} - set(block)
            if missing:
                raise ValueError(
                    f"{path}, line {block['line']}: this bone has no "
                    f"{', '.join(sorted(missing))}; fetch the file again."
                )
            parent = links.get(block["name"].lower())
            if parent not in index:
                left.append(block)
                continue
            direction = block["direction"]
            length = np.linalg.norm(direction)
            if length == 0:
                raise ValueError(
                    f"{path}, line {block['line']}: the direction of bone "
                    f"{block['name']} is zero; it must be a unit vector."
                )
            angles = np.radians(block["axis"]) if degrees else block["axis"]
            index[block["name"].lower()] = len(bones)
            bones.append(
                _Bone(
                    block["name"],
                    index[parent],
                    direction / length,
                    float(block["length"]),
                    _euler(angles, block["order"]),
                    block["dof"],
                    block["order"],
                )
            )
        if len(left) == len(waiting):
            raise ValueError(
                f"{path}: :hierarchy does not connect "
                f"{', '.join(block['name'] for block in left)} to the root."
            )
        waiting = left
    return tuple(bones)


def _euler(angles, order):
    """Turns by `(..., 3)` radians about x, y and z, in the order given:
    `Rz Ry Rx` for "XYZ"."""
    first, second, third = (
        motion.rotation(axis, angles[..., motion.AXES.index(axis)])
        for axis in order
    )
    return third @ second @ first


def _read_frames(path, body):
    """AMC lines as `(T, channels)`, in the order of the body's bones, and
    whether their angles are degrees."""
    lines = [line.split() for line in motion.read_lines(path)]
    content = [
        (number, words)
        for number, words in enumerate(lines, start=1)
        if words and words[0][0] not in "#:"
    ]
    header = {words[0].upper() for words in lines if words and len(words) == 1}
    degrees = body.degrees
    if header & {":DEGREES", ":RADIANS"}:
        degrees = ":DEGREES" in header
    moving = [bone for bone in body.bones if bone.dofs]
    size = 1 + len(moving)
    if not content:
        raise ValueError(
            f"{path} holds no frame; fetch the file again or remove it."
        )
    frames = [content[i : i + size] for i in range(0, len(content), size)]
    order = {words[0].lower(): k for k, (_, words) in enumerate(frames[0])}
    columns = []
    for count, frame in enumerate(frames, start=1):
        number, words = frame[0]
        if len(words) != 1 or not words[0].isdigit():
            raise ValueError(
                f"{path}, line {number}: expected the number of frame "
                f"{count} and found {' '.join(words)[:40]!r}; the file is "
                "damaged, or its .asf is another body's."
            )
        if len(frame) != size:
            raise ValueError(
                f"{path}, line {frame[-1][0]}: the file ends within frame "
                f"{count}; it is cut off, fetch it again or remove it."
            )
    for bone in moving:
        name = bone.name.lower()
        k = order.get(name)
        rows = [(f[k][0], f[k][1]) for f in frames] if k is not None else []
        wrong = [number for number, words in rows if words[0].lower() != name]
        if k is None or wrong:
            line = wrong[0] if wrong else frames[0][-1][0]
            raise ValueError(
                f"{path}, line {line}: the frame has no {bone.name}, which "
                "its .asf lists; the file is damaged, or the .asf is "
                "another body's."
            )
        rows = [(number, words[1:]) for number, words in rows]
        what = f"bone {bone.name}"
        columns.append(motion.number_rows(path, rows, len(bone.dofs), what))
    return np.concatenate(columns, axis=-1), degrees


def _forward(body, values, degrees):
    """Positions `(T, J, 3)` in the body's units and rotations
    `(T, J, 3, 3)` of all bones."""
    frames = len(values)
    positions = np.zeros((frames, len(body.bones), 3))
    rotations = np.zeros((frames, len(body.bones), 3, 3))
    column = 0
    for j, bone in enumerate(body.bones):
        angles, shift = np.zeros((frames, 3)), np.zeros((frames, 3))
        for dof in bone.dofs:
            into = angles if dof[0] == "r" else shift
            into[:, "xyz".index(dof[1])] = values[:, column]
            column += 1
        angles = np.radians(angles) if degrees else angles
        turn = _euler(angles, bone.order)
        if bone.parent >= 0:
            above = rotations[:, bone.parent]
            turn = above @ bone.axis @ turn @ bone.axis.T
            shift = shift @ bone.axis.T
            start = positions[:, bone.parent] + (
                above @ shift[..., None]
            ).squeeze(-1)
        else:
            # The root's `orientation` turns what its channels then move.
            turn, start = turn @ bone.axis, body.place + shift
        rotations[:, j] = turn
        positions[:, j] = start + turn @ (bone.direction * bone.length)
    return positions, rotations
