"""Marker positions of C3D files.

Our own reader, in NumPy: of ezc3d 1.7 and c3d 0.6 on the package index
neither reads what all programs write (a frame rate of whole numbers stops
both), and each refuses some healthy file for a parameter that is not needed.

Source: "The C3D File Format", c3d.org: a header of 512 bytes, groups of
parameters, frames. The group POINT holds LABELS, RATE, UNITS and, with most
makers, Y_SCREEN, the axis that points up; a fourth number below 0 marks a
marker that was not seen.
"""

import dataclasses
import math

import numpy as np

from ordinal_tf.data.files import existing

MM = {"mm": 1.0, "cm": 10.0, "m": 1000.0}
_MAX_VALUES = 10**9
_BLOCK = 512
_KEY = 80
_INTEL, _DEC, _MIPS = 84, 85, 86
# Types of parameters, by the size that stands for them.
_TYPES = {-1: "S1", 1: "u1", 2: "i2", 4: "f4"}


@dataclasses.dataclass(frozen=True)
class Markers:
    """Markers over time.

    Attributes:
        labels: names, as in the file; "" where a marker has none.
        points: `(T, M, 3)` float64 mm, axes of the file; 0 where not seen.
        seen: `(T, M)` bool.
        fps: float, frames per second.
        up: the axis that points up, such as "+Z"; None where not said.
        unit: what the file says its unit is, such as "mm".
    """

    labels: tuple[str, ...]
    points: np.ndarray
    seen: np.ndarray
    fps: float
    up: str | None
    unit: str


def read_c3d(path):
    """Reads the markers of a C3D file.

    Args:
        path: file.

    Returns:
        `Markers`.

    Raises:
        ValueError: the file is missing or damaged; names it.
    """
    path = existing.file(path)
    try:
        return _content(path.read_bytes())
    except (ValueError, IndexError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path} is no readable C3D file ({str(error)[:120]}); fetch it "
            "again."
        ) from error


def _content(data):
    if len(data) < 2 * _BLOCK or data[1] != _KEY or not data[0]:
        raise ValueError("it does not start as one")
    at = (data[0] - 1) * _BLOCK
    maker = data[at + 3] if at + 4 <= len(data) else 0
    if maker not in (_INTEL, _DEC, _MIPS):
        raise ValueError(f"its numbers are of an unknown kind {maker}")
    words = np.frombuffer(data, _order("u2", maker), 12)
    scale, header_rate = (
        _floats(data[place : place + 4], maker)[0] for place in (12, 20)
    )
    parameters = _parameters(data[at:], maker)
    markers, analog = int(words[1]), int(words[2])
    start = (int(words[8]) - 1) * _BLOCK
    size = 4 if scale < 0 else 2
    frame = (4 * markers + analog) * size
    there = (len(data) - start) // frame if frame and start > 0 else 0
    count = _frame_count(words, parameters, there)
    if not 0 < count * markers <= _MAX_VALUES or not markers:
        raise ValueError(f"it states {count} frames of {markers} markers")
    if there < count:
        raise ValueError(f"{max(there, 0)} of {count} frames are there")
    raw = np.frombuffer(data, f"V{frame}", count, start)
    raw = np.frombuffer(raw.tobytes(), f"V{size}").reshape(count, -1)
    raw = raw[:, : 4 * markers].tobytes()
    if size == 4:
        values, scale = _floats(raw, maker), 1.0
    else:
        values = np.frombuffer(raw, _order("i2", maker)).astype(np.float64)
    values = values.reshape(count, markers, 4)
    points, fourth = values[..., :3] * scale, values[..., 3]
    factors, unit = _units(parameters, markers)
    # Of the file's own numbers, for the unit may be wrong.
    seen = (fourth >= 0) & np.isfinite(points).all(-1)
    seen &= (np.abs(points) < 1e6).all(-1) & (points != 0).any(-1)
    points = points * factors[:, None]
    labels = _labels(parameters, markers)
    up = _texts(parameters.get("POINT:Y_SCREEN"))
    up = up[0].upper() if up else None
    return Markers(
        labels,
        np.where(seen[..., None], points, 0.0),
        seen,
        _rate(parameters, header_rate),
        "+" + up if up in ("X", "Y", "Z") else up or None,
        unit,
    )


def _order(kind, maker):
    """Numbers of a processor; MIPS alone puts the high byte first."""
    return (">" if maker == _MIPS else "<") + kind


def _floats(data, maker):
    """float64 numbers; those of DEC have their halves swapped and an exponent
    that is two higher."""
    if maker != _DEC:
        return np.frombuffer(data, _order("f4", maker)).astype(np.float64)
    halves = np.frombuffer(data, "<u2").reshape(-1, 2)[:, ::-1]
    return np.ascontiguousarray(halves).view("<f4")[:, 0].astype("f8") / 4


def _parameters(data, maker):
    """dict of "GROUP:NAME" to an array, the file's first axis last.

    A record is: length of the name (negative where locked), number of the
    group (negative for a group itself), name, offset of the next record;
    for a parameter then type, dimensions and values.
    """
    groups, found, at = {}, [], 4
    while at + 2 < len(data):
        length, group = np.frombuffer(data, "i1", 2, at)
        name_end = at + 2 + abs(int(length))
        if not length or name_end + 2 > len(data):
            break
        name = data[at + 2 : name_end].decode("latin1").strip("\0 ").upper()
        step = int(np.frombuffer(data, _order("i2", maker), 1, name_end)[0])
        if group < 0:
            groups[-group] = name
        else:
            found.append((group, name, data[name_end + 2 :]))
        if step <= 0:
            break
        at = name_end + step
    return {
        f"{groups.get(group, '')}:{name}": _values(record, maker)
        for group, name, record in found
        if len(record) >= 2
    }


def _values(record, maker):
    """The array of a parameter, from its type on; empty where cut off."""
    size = int(np.frombuffer(record, "i1", 1)[0])
    shape = tuple(record[2 : 2 + record[1]])
    kind, count = _TYPES.get(size, "u1"), math.prod(shape)
    data = record[2 + len(shape) : 2 + len(shape) + count * abs(size or 1)]
    if len(data) < count * abs(size or 1):
        return np.zeros(0, kind)
    if kind == "f4":
        values = _floats(data, maker)
    else:
        values = np.frombuffer(data, kind if size < 2 else _order(kind, maker))
    return values.reshape(shape[::-1]) if shape else values


def _texts(values):
    """Stripped texts of a parameter of characters; none where missing."""
    if values is None or values.dtype.kind != "S" or not values.size:
        return []
    rows = np.atleast_2d(values)
    rows = rows.reshape(-1, rows.shape[-1])
    texts = [b"".join(char or b"\0" for char in row) for row in rows.tolist()]
    return [
        text.decode("utf-8", errors="replace").replace("\0", " ").strip()
        for text in texts
    ]


def _labels(parameters, markers):
    """Names of the markers; files of more than 255 go on in LABELS2, ..."""
    labels = []
    for suffix in ("", *map(str, range(2, 10))):
        labels += _texts(parameters.get(f"POINT:LABELS{suffix}"))
    return tuple((labels + [""] * markers)[:markers])


def _units(parameters, markers):
    """mm of each marker's unit, and the unit; some write one a marker."""
    texts = [text.lower() for text in _texts(parameters.get("POINT:UNITS"))]
    known = [text for text in texts if text] or ["mm"]
    if not set(known) <= set(MM):
        raise ValueError(f"its unit is {known[0]!r}; {', '.join(MM)} are known")
    texts = (texts if len(texts) > 1 else []) + [""] * markers
    factors = [MM[text or known[0]] for text in texts[:markers]]
    return np.array(factors), known[0]


def _rate(parameters, header_rate):
    """Frames a second, from the first place that says a possible number."""
    stated = parameters.get("POINT:RATE", np.zeros(0))
    numbers = [] if stated.dtype.kind == "S" else stated.ravel()[:1].tolist()
    for rate in (*numbers, float(header_rate)):
        if 0 < rate < 1e5:
            return float(rate)
    raise ValueError(f"it has {header_rate} frames a second")


def _frame_count(words, parameters, there):
    """How many frames a file states; the header can count to 65,535 only.

    Args:
        words: the header's, of 16 bits.
        parameters: see `_parameters`.
        there: int, frames that the file has room for.
    """
    first, last = int(words[3]), int(words[4])
    count = last - first + 1
    if first == 0 and there == last:
        # Frames count from 1; a writer that puts 0 here means them.
        return last
    fields = [
        parameters.get(f"TRIAL:ACTUAL_{end}_FIELD", np.zeros(0))
        for end in ("START", "END")
    ]
    if all(f.dtype.kind in "iu" and f.size for f in fields):
        # Two words of 16 bits, the low one first.
        low, high = (
            sum((int(word) & 0xFFFF) << (16 * k) for k, word in enumerate(f))
            for f in (field.ravel()[:2].tolist() for field in fields)
        )
        if last == 0xFFFF or count <= 0:
            count = high - low + 1
    stated = parameters.get("POINT:FRAMES", np.zeros(0))
    if (last == 0xFFFF or count <= 0) and count > there and stated.size:
        value = stated.ravel()[0]
        return int(value) & 0xFFFF if stated.dtype.kind in "iu" else int(value)
    return count
