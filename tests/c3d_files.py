"""Small C3D files for tests, and a body with markers."""

import math
import struct
import warnings

import numpy as np

# A standing person, facing +x, left along +y, z up; mm.
_PLACES = {
    "LFHD": (80, 70, 1700),
    "LBHD": (-80, 70, 1700),
    "C7": (-60, 0, 1500),
    "CLAV": (60, 0, 1480),
    "LASI": (100, 120, 1000),
    "LPSI": (-60, 40, 1000),
    "LSHO": (0, 190, 1490),
    "LELB": (0, 260, 1180),
    "LWRA": (30, 250, 920),
    "LWRB": (-30, 290, 920),
    "LKNE": (10, 150, 520),
    "LANK": (0, 140, 90),
    "LTOE": (170, 130, 40),
}


# What other sets call these markers, by their guides; {} is the side.
_ALIASES = {
    "cmu": {"{}ASI": "{}FWT", "{}PSI": "{}BWT"},
    "qualisys": {
        **{"C7": "SpineTop", "CLAV": None, "{}ASI": "Waist{}Front"},
        **{"{}PSI": "Waist{}Back", "{}SHO": "{}ShoulderTop"},
        **{"{}ELB": "{}ElbowOut", "{}WRA": "{}WristOut"},
        **{"{}WRB": "{}WristIn", "{}KNE": "{}KneeOut"},
        **{"{}ANK": "{}AnkleOut", "{}TOE": "{}ToeTip"},
        **{"{}FHD": "Head{}", "{}BHD": None},
    },
    "rizzoli": {
        **{"C7": "CV7", "CLAV": "SJN", "{}ASI": "{}_IAS", "{}PSI": "{}_IPS"},
        **{"{}SHO": "{}_SAE", "{}ELB": "{}_HLE", "{}WRA": "{}_RSP"},
        **{"{}WRB": "{}_USP", "{}KNE": "{}_FLE", "{}ANK": "{}_FAL"},
        **{"{}TOE": "{}_FM2", "{}FHD": "{}_HEAD", "{}BHD": None},
    },
}


def body(set_name="plug-in gait"):
    """dict of marker to `(3,)` mm, right ones mirrored from the left."""
    aliases = _ALIASES.get(set_name, {})
    places = {}
    for name, (x, y, z) in _PLACES.items():
        sided = "{}" + name[1:] if name.startswith("L") else name
        own = aliases.get(sided, sided)
        if own is None:
            continue
        if "{}" not in own:
            places[own] = np.array([x, y, z], float)
            continue
        for side, sign in (("L", 1), ("R", -1)):
            place = np.array([x, sign * y, z], float)
            places[own.format(side)] = place
    return places


def write_c3d(
    path, labels, points, *, fps=120.0, units="mm", screen=None, seen=None
):
    """Writes `(T, M, 3)` points as the c3d package does.

    Args:
        path: file.
        labels: M names.
        points: in `units`.
        fps: float.
        units: str.
        screen: two axes such as ("+X", "+Z"), which point right and up.
        seen: `(T, M)` bool; residual -1 where False.
    """
    import c3d

    points = np.asarray(points, np.float32)
    if seen is None:
        seen = np.ones(points.shape[:2], bool)
    writer = c3d.Writer(point_rate=fps, point_units=units.ljust(4))
    writer.set_point_labels(labels)
    if screen:
        writer.set_screen_axis(*screen)
    for frame, visible in zip(points, seen, strict=True):
        rows = np.zeros((len(frame), 5), np.float32)
        rows[:, :3] = frame
        rows[:, 3] = np.where(visible, 0, -1)
        writer.add_frames((rows, np.zeros((0, 0), np.float32)))
    with open(path, "wb") as file, warnings.catch_warnings():
        # The package warns of files without analog data, such as these.
        warnings.simplefilter("ignore")
        writer.write(file)
    return path


def write_body(
    path, *, frames=24, extra=None, subject="", metre=1000.0, **options
):
    """A person who walks along x by 10 mm a frame."""
    places = body() | (extra or {})
    points = np.stack([*places.values()])[None]
    points = points + np.arange(frames)[:, None, None] * [10.0, 0, 0]
    points = points * metre / 1000
    labels = [subject + name for name in places]
    return write_c3d(path, labels, points, **options)


def text(values, *, width=None, fill=b" "):
    """A parameter of characters: type, dimensions, bytes."""
    rows = [value.encode() for value in values]
    width = width or max(map(len, rows))
    data = b"".join(row.ljust(width, fill) for row in rows)
    return -1, (width, len(rows)), data


def raw_c3d(
    path,
    labels,
    points,
    *,
    order="<",
    maker=84,
    scale=-1.0,
    fourth=0,
    analog=0,
    frames=None,
    rate=120.0,
    fps=None,
    units=None,
    parameters=None,
):
    """Writes a C3D file byte by byte, after the format's description.

    Args:
        path: file.
        labels: names, or None for no parameter of that name.
        points: `(T, M, 3)` in the file's unit.
        order: "<" or ">", the low byte first or last.
        maker: 84 Intel, 85 DEC, 86 MIPS; DEC's numbers come from `dec_float`.
        scale: of points as whole numbers, negative for floats.
        fourth: the number behind a point's three.
        analog: whole numbers of other channels in a frame.
        frames: the header's first and last; 1 and T where None.
        rate: the header's.
        fps: POINT:RATE, as (type, dimensions, bytes).
        units: POINT:UNITS, likewise.
        parameters: dict of more of them, by name.
    """
    points = np.asarray(points, float)
    first, last = frames or (1, len(points))

    def real(value):
        if maker == 85:
            return dec_float(value)
        return struct.pack(order + "f", value)

    given = dict(parameters or {})
    if labels is not None:
        given["POINT:LABELS"] = text(labels)
    given["POINT:RATE"] = fps or (4, (), real(rate))
    if units:
        given["POINT:UNITS"] = units
    numbers = {"POINT": 1, "TRIAL": 2}
    body = b""
    for name, number in numbers.items():
        record = name.encode()
        body += struct.pack("bb", len(record), -number) + record
        body += struct.pack(order + "h", 3) + b"\0"
    for key, (kind, shape, data) in given.items():
        group, name = key.split(":")
        tail = struct.pack("bB", kind, len(shape)) + bytes(shape) + data + b"\0"
        # A negative length locks a parameter.
        body += struct.pack("bb", -len(name), numbers[group]) + name.encode()
        body += struct.pack(order + "h", 2 + len(tail)) + tail
    body = bytes([1, 80, 0, maker]) + body + b"\0\0"
    blocks = -(-len(body) // 512)
    body = body.ljust(512 * blocks, b"\0")
    header = struct.pack(
        order + "5H", points.shape[1], analog, first & 0xFFFF, last & 0xFFFF, 0
    )
    header = bytes([2, 80]) + header + real(scale)
    header += struct.pack(order + "2H", 2 + blocks, 1 if analog else 0)
    header = (header + real(rate)).ljust(512, b"\0")
    data = b""
    for frame in points:
        for place in frame:
            if scale < 0:
                data += b"".join(real(v) for v in (*place, fourth))
            else:
                whole = [round(v / scale) for v in place]
                data += struct.pack(order + "4h", *whole, fourth)
        for _ in range(analog):
            data += real(7) if scale < 0 else struct.pack(order + "h", 7)
    data = data.ljust(-(-len(data) // 512) * 512, b"\0")
    path.write_bytes(header + body + data)
    return path


def dec_float(value):
    """A number as DEC's F format has it, from its definition: a fraction of
    0.5 to 1 without its first bit, an exponent above 128, two halves."""
    if value == 0:
        return bytes(4)
    fraction, exponent = math.frexp(abs(value))
    bits = round(fraction * 2**24) & 0x7FFFFF
    word = ((value < 0) << 31) | ((exponent + 128) << 23) | bits
    return struct.pack("<HH", word >> 16, word & 0xFFFF)
