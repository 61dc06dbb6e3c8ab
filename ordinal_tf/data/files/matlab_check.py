"""Checks that a MATLAB 5 file is put together as its format says.

SciPy believes the type codes and sizes of a file: of 400 structs with one to
four random bytes changed, 12 ended the process by SIGSEGV (SciPy 1.17.1). So
the tree of elements is walked before SciPy sees it.

Source: "MAT-File Format" (MathWorks), chapter 1, Level 5 MAT-Files.
"""

import math
import struct
import zlib

_MATRIX, _COMPRESSED = 14, 15
# Bytes of a number, by type code.
_SIZES = {
    **{1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 9: 8, 12: 8, 13: 8},
    **{16: 1, 17: 2, 18: 4},
}
# Some writers take the unsigned kind, or UTF-8.
_WHOLE, _NAMES = (5, 6), (1, 16)
_TEXT = (1, 2, 4, 16, 17, 18)
_CELL, _STRUCT, _CHAR = 1, 2, 4
_NUMERIC = range(6, 16)
_COMPLEX = 0x0800
_MAX_INFLATED = 2**30
_MAX_COUNT = 2**28
_MAX_DEPTH = 32


def check(data):
    """Raises `ValueError` where a file's bytes are not well formed."""
    if len(data) < 128 or data[126:128] not in (b"IM", b"MI"):
        raise ValueError("it has no header of MATLAB 5 to 7")
    order = "<" if data[126:128] == b"IM" else ">"
    place = 128
    while place < len(data):
        kind, start, size, after = _tag(data, place, len(data), order)
        if kind == _COMPRESSED:
            inflated = _inflate(data[start : start + size])
            kind, start, size, _ = _tag(inflated, 0, len(inflated), order)
            _matrix(inflated, kind, start, size, order, 0)
        else:
            _matrix(data, kind, start, size, order, 0)
        place = after


def _inflate(data):
    stream = zlib.decompressobj()
    try:
        inflated = stream.decompress(data, _MAX_INFLATED)
    except zlib.error as error:
        raise ValueError(f"a compressed part is damaged ({error})") from error
    if stream.unconsumed_tail:
        raise ValueError("a compressed part is larger than 1 GiB")
    if not stream.eof:
        raise ValueError("a compressed part is cut off")
    return inflated


def _tag(data, place, end, order):
    """Type, start and size of an element, and where the next one starts."""
    if place + 8 > end:
        raise ValueError(f"it ends within an element at byte {place}")
    kind, size = struct.unpack_from(order + "II", data, place)
    if kind >> 16:  # Small elements have both in the first four bytes.
        kind, size = kind & 0xFFFF, kind >> 16
        if size > 4:
            raise ValueError(f"a small element of {size} bytes at {place}")
        return kind, place + 4, size, place + 8
    start = place + 8
    padding = 0 if kind == _COMPRESSED else -size % 8
    # The last element of a file may lack its padding.
    if start + size > end:
        raise ValueError(f"an element of {size} bytes at {place} of {end}")
    return kind, start, size, min(start + size + padding, end)


def _matrix(data, kind, start, size, order, depth):
    """Checks one array, and those inside it."""
    if kind != _MATRIX or depth > _MAX_DEPTH:
        raise ValueError(f"an element of type {kind} at byte {start}")
    if not size:
        return  # An empty array, in cells and structs.
    end = start + size
    kind, place, length, after = _tag(data, start, end, order)
    if (kind, length) != (6, 8):
        raise ValueError(f"an array without flags at byte {start}")
    (flags,) = struct.unpack_from(order + "I", data, place)
    group, is_complex = flags & 0xFF, bool(flags & _COMPLEX)
    kind, place, length, after = _tag(data, after, end, order)
    if kind not in _WHOLE or length % 4 or not 8 <= length <= 128:
        raise ValueError(f"an array without dimensions at byte {start}")
    shape = struct.unpack_from(f"{order}{length // 4}i", data, place)
    count = math.prod(shape)
    if min(shape) < 0 or count > _MAX_COUNT:
        raise ValueError(f"an array of shape {shape} at byte {start}")
    kind, _, _, after = _tag(data, after, end, order)
    if kind not in _NAMES:
        raise ValueError(f"an array without a name at byte {start}")
    if group in _NUMERIC:
        for _ in range(1 + is_complex):
            after = _values(data, after, end, order, count, list(_SIZES))
    elif group == _CHAR:
        after = _values(data, after, end, order, count, _TEXT, text=True)
    elif group in (_CELL, _STRUCT):
        if group == _STRUCT:
            fields, after = _fields(data, after, end, order)
            count *= fields
        for _ in range(count):
            kind, place, length, after = _tag(data, after, end, order)
            _matrix(data, kind, place, length, order, depth + 1)
    else:
        raise ValueError(f"an array of class {group} at byte {start}")


def _values(data, place, end, order, count, kinds, *, text=False):
    """Checks the element that holds an array's values."""
    kind, start, size, after = _tag(data, place, end, order)
    if kind not in kinds:
        raise ValueError(f"values of type {kind} at byte {start}")
    found = size // _SIZES[kind]
    # Blanks may be left out, and UTF-8 have more bytes than characters.
    if text and (not size or kind == 16):
        return after
    if found != count:
        raise ValueError(f"{found} values instead of {count} at byte {start}")
    return after


def _fields(data, place, end, order):
    """How many fields a struct has, and where its values start."""
    kind, start, size, after = _tag(data, place, end, order)
    if kind not in _WHOLE or size != 4:
        raise ValueError(f"a struct without fields at byte {place}")
    (width,) = struct.unpack_from(order + "i", data, start)
    kind, start, size, after = _tag(data, after, end, order)
    if kind != 1 or not 0 < width <= 256 or size % width:
        raise ValueError(f"a struct with damaged fields at byte {place}")
    names = data[start : start + size]
    for k in range(0, size, width):
        name = names[k : k + width]
        if 0 not in name or not name.partition(b"\0")[0].isascii():
            raise ValueError(f"a struct with a damaged field at byte {place}")
    return size // width, after
