"""Acclaim motion capture (ASF skeleton, AMC frames) by forward kinematics.

Our own reader, in NumPy: the readers on the package index are either not
maintained or walk every bone of every frame in Python.
"""

import dataclasses
import pathlib
import re

import numpy as np

from ordinal_tf.data.mocap import motion

_DOFS = ("tx", "ty", "tz", "rx", "ry", "rz")  # In the order of most files.
_MM_PER_INCH = 25.4
_FPS = 120.0  # In the CMU database; the files do not say it.


@dataclasses.dataclass(frozen=True)
class _Bone:
    """One bone of an `.asf` body; `offset` is to its far end, in world axes.

    `dofs` are the channels of an AMC line, e.g. ("rx", "rz"); `axis` turns
    from the frame in which they are given to the world's. `order` says about
    which axis they turn first, "XYZ" for `Rz Ry Rx`.
    """

    name: str
    parent: int
    offset: np.ndarray
    axis: np.ndarray
    dofs: tuple[str, ...]
    order: str


@dataclasses.dataclass(frozen=True)
class Body:
    """The bones of an `.asf` file, parents first, and its units.

    `length 0.45` in the header says that one unit is 1 / 0.45 inch, 56.4 mm.
    Angles are `degrees` (else radians), in the clips too unless they say
    otherwise; `place` `(3,)` is where the root is before it moves, in units.
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
    units = {"length": np.ones(1), "angle": "deg"}
    root = {"name": "root", "dof": _DOFS, "order": "XYZ"}
    blocks, links, section, block = [], {}, "", None
    for number, words in enumerate(lines, start=1):
        key = words[0].lower() if words else ""
        if key.startswith(":"):
            section = key
        elif section == ":units":
            _read_field(path, number, words, units)
        elif section == ":root":
            _read_field(path, number, words, root)
        elif section == ":bonedata" and key == "begin":
            block = {"line": number, "dof": ()}
        elif section == ":bonedata" and block is not None:
            if key == "end":
                blocks.append(block)
                block = None
            else:
                _read_field(path, number, words, block)
        elif section == ":hierarchy" and key not in ("begin", "end"):
            links.update((child.lower(), key) for child in words[1:])
    if block is not None or not blocks or not links:
        raise ValueError(
            f"{path}, line {len(lines)}: the body ends before its bones and "
            "its :hierarchy are complete; fetch the file again."
        )
    (length,) = units["length"]
    if length <= 0 or units["angle"] not in ("deg", "rad"):
        raise ValueError(
            f"{path}: :units must give a positive length and an angle `deg` "
            f"or `rad`. Received: {length}, {units['angle']}."
        )
    if sorted(root["dof"]) != sorted(_DOFS):
        raise ValueError(
            f"{path}: :root must have six channels. Received: {root['dof']}."
        )
    degrees = units["angle"] == "deg"
    bones = _order_bones(path, root, blocks, links, degrees)
    place = root.get("position", np.zeros(3))
    return Body(bones, _MM_PER_INCH / length, degrees, place)


_WIDTHS = {"direction": 3, "length": 1, "position": 3, "orientation": 3}


def _read_field(path, number, words, into):
    """Keeps what a line says of the units, the root or a bone."""
    key, *rest = words or [""]
    key, where = key.lower(), f"{path}, line {number}"
    if key in _WIDTHS:
        width = _WIDTHS[key]
        into[key] = motion.numbers(path, number, rest, width, f"`{key}`")
    elif key == "name":
        into["name"] = " ".join(rest)
    elif key == "angle":
        into["angle"] = "".join(rest).lower()[:3]
    elif key in ("dof", "order"):
        into["dof"] = tuple(word.lower() for word in rest)
        if not set(into["dof"]) <= set(_DOFS):
            raise ValueError(
                f"{where}: `{key}` may list rx, ry, rz, tx, ty and tz. "
                f"Received: {' '.join(rest)}."
            )
    elif key == "axis":
        *angles, into["order"] = rest or [""]
        into["order"] = into["order"].upper()
        if sorted(into["order"]) != list("XYZ"):
            raise ValueError(
                f"{where}: the axis order must be XYZ or another of these "
                f"letters. Received: {' '.join(rest)}."
            )
        if into.get("name") != "root":
            into["axis"] = motion.numbers(path, number, angles, 3, "`axis`")


def _order_bones(path, root, blocks, links, degrees):
    """Bones with the root first and every parent before its children."""

    def frame(angles, order):
        return _euler(np.radians(angles) if degrees else angles, order)

    zero = np.zeros(3)
    turn = frame(root.get("orientation", zero), root["order"])
    bones = [_Bone("root", -1, zero, turn, root["dof"], root["order"])]
    index, named = {"root": 0}, {}
    for block in blocks:
        missing = {"name", "direction", "length", "axis"} - set(block)
        if missing:
            raise ValueError(
                f"{path}, line {block['line']}: this bone has no "
                f"{', '.join(sorted(missing))}; fetch the file again."
            )
        if not block["direction"].any():
            raise ValueError(
                f"{path}, line {block['line']}: the direction of bone "
                f"{block['name']} is zero; it must be a unit vector."
            )
        named[block["name"].lower()] = block
    while len(index) <= len(named):
        before = len(index)
        for name, block in named.items():
            if name in index or links.get(name) not in index:
                continue
            index[name] = len(bones)
            direction = block["direction"]
            bones.append(
                _Bone(
                    block["name"],
                    index[links[name]],
                    direction / np.linalg.norm(direction) * block["length"],
                    frame(block["axis"], block["order"]),
                    block["dof"],
                    block["order"],
                )
            )
        if len(index) == before:
            left = [b["name"] for name, b in named.items() if name not in index]
            raise ValueError(
                f"{path}: :hierarchy does not connect {', '.join(left)} to "
                "the root."
            )
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
    columns = []
    for bone in moving:
        name = bone.name.lower()
        k = order.get(name)
        rows = [frame[k] for frame in frames] if k is not None else []
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
        positions[:, j] = start + turn @ bone.offset
    return positions, rotations
