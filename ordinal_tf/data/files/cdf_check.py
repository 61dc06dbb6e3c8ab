"""Checks that a CDF file is put together as its format says.

cdflib believes counts and offsets: with damaged ones it walks through
billions of records, or in circles, and of 250 files with one to four random
bytes changed, 5 asked for more than 4 GiB (cdflib 1.3.16). So the lists of
records are walked before cdflib sees them.

Source: "CDF Internal Format Description" (NASA/GSFC), records CDR, GDR, VDR
and VXR of versions 2.6 to 3.9. A file that is compressed as a whole (its
second word is 0xCCCC0001) is not looked into.
"""

import math
import struct

_MAX_VARIABLES, _MAX_DIMENSIONS = 1000, 10
# Bytes that one byte of a file may stand for, as a compressed variable.
_MAX_RATIO, _FEW = 300, 10**6
_VDR, _ZVDR, _VXR = 3, 8, 6


def check(data):
    """Raises `ValueError` where a file's bytes are not well formed."""
    version = data[:4]
    if version == b"\xcd\xf3\x00\x01":
        offset, name = "q", 256
    elif version[:2] == b"\xcd\xf2":
        offset, name = "i", 64
    else:
        raise ValueError("it does not start as a CDF file does")
    if data[4:8] == b"\xcc\xcc\x00\x01":
        return
    if data[4:8] != b"\x00\x00\xff\xff":
        raise ValueError("it does not start as a CDF file does")
    _, _, place = _unpack(data, 8, f"{offset}i{offset}")
    fields = _unpack(data, place, f"{offset}i4{offset}5i")
    lists = {_VDR: (fields[2], fields[6]), _ZVDR: (fields[3], fields[10])}
    for number in (fields[6], fields[7], fields[9], fields[10]):
        if not 0 <= number <= _MAX_VARIABLES:
            raise ValueError(f"it states {number} variables or attributes")
    for kind, (place, count) in lists.items():
        seen = set()
        for _ in range(count):
            place = _variable(data, place, kind, offset, name, seen)


def _unpack(data, place, layout):
    record = struct.Struct(">" + layout)
    if not 8 <= place <= len(data) - record.size:
        raise ValueError(f"a record at byte {place} of {len(data)}")
    return record.unpack_from(data, place)


def _variable(data, place, kind, offset, name, seen):
    """Checks one variable; returns where the next one is."""
    if place in seen:
        raise ValueError("its list of variables runs in a circle")
    seen.add(place)
    layout = f"{offset}i{offset}2i2{offset}7i{offset}i{name}s"
    fields = _unpack(data, place, layout)
    if fields[1] != kind:
        raise ValueError(f"a record of type {fields[1]} at byte {place}")
    following, last, index, elements = (fields[k] for k in (2, 4, 5, 12))
    values = last + 1
    if kind == _ZVDR:
        start = place + struct.calcsize(">" + layout)
        (dimensions,) = _unpack(data, start, "i")
        if not 0 <= dimensions <= _MAX_DIMENSIONS:
            raise ValueError(f"a variable of {dimensions} dimensions")
        sizes = _unpack(data, start + 4, f"{dimensions}i")
        if any(size < 0 for size in sizes):
            raise ValueError(f"a variable of {sizes} values")
        values *= math.prod(sizes)
    limit = max(_FEW, _MAX_RATIO * len(data))
    if last < -1 or not 0 <= elements <= _FEW or values * elements > limit:
        raise ValueError(f"a variable of {last + 1} records")
    _index(data, index, offset, set())
    return following


def _index(data, place, offset, seen):
    """Checks the lists that say where a variable's values are."""
    todo = [place] if place > 0 else []
    while todo:
        place = todo.pop()
        if place in seen:
            raise ValueError("its index of records runs in a circle")
        seen.add(place)
        head = f"{offset}i{offset}2i"
        _, kind, following, room, used = _unpack(data, place, head)
        if kind != _VXR:
            raise ValueError(f"a record of type {kind} at byte {place}")
        if not 0 <= used <= room <= len(data):
            raise ValueError(f"an index of {used} of {room} entries")
        start = place + struct.calcsize(">" + head)
        places = _unpack(data, start + 8 * room, f"{used}{offset}")
        for entry in places:
            if _unpack(data, entry, f"{offset}i")[1] == _VXR:
                todo.append(entry)
        if following > 0:
            todo.append(following)
