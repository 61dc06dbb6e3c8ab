"""Markers of C3D files: against the c3d package, and byte by byte."""

import struct

import numpy as np
import pytest

from ordinal_tf.data.mocap import c3d
from tests import c3d_files

POINTS = np.arange(18.0).reshape(3, 2, 3) - 4.5


def test_markers_of_another_writer(tmp_path):
    pytest.importorskip("c3d")
    points = np.arange(18.0).reshape(3, 2, 3) + 1
    seen = np.array([[1, 1], [0, 1], [1, 1]], bool)
    path = c3d_files.write_c3d(
        tmp_path / "a.c3d",
        ["Ann:LASI", "C7"],
        points / 1000,
        units="m",
        screen=("+X", "-Z"),
        seen=seen,
    )
    read = c3d.read_c3d(path)
    assert read.labels == ("Ann:LASI", "C7")
    assert read.fps == 120 and read.up == "-Z" and read.unit == "m"
    np.testing.assert_array_equal(read.seen, seen)
    expected = np.where(seen[..., None], points, 0)
    np.testing.assert_allclose(read.points, expected, rtol=1e-6)


# DEC's 1.0 is 80 40 00 00, and its -118.625 is ED C3 00 40 (VAX manual).
def test_dec_numbers():
    assert c3d_files.dec_float(1.0) == bytes.fromhex("80400000")
    assert c3d_files.dec_float(-118.625) == bytes.fromhex("edc30040")


@pytest.mark.parametrize(("order", "maker"), [("<", 84), ("<", 85), (">", 86)])
@pytest.mark.parametrize("scale", [-1.0, 0.5])
@pytest.mark.parametrize("analog", [0, 6])
def test_numbers_of_all_machines(tmp_path, order, maker, scale, analog):
    path = c3d_files.raw_c3d(
        tmp_path / "a.c3d",
        ["a", "b"],
        POINTS,
        order=order,
        maker=maker,
        scale=scale,
        analog=analog,
    )
    read = c3d.read_c3d(path)
    np.testing.assert_allclose(read.points, POINTS)
    assert read.seen.all() and read.labels == ("a", "b")
    assert read.fps == 120 and read.unit == "mm" and read.up is None


@pytest.mark.parametrize("scale", [-1.0, 0.5])
@pytest.mark.parametrize(("fourth", "seen"), [(-1, False), (3, True)])
def test_a_fourth_number_below_0_is_not_seen(tmp_path, scale, fourth, seen):
    path = tmp_path / "a.c3d"
    c3d_files.raw_c3d(path, ["a", "b"], POINTS, scale=scale, fourth=fourth)
    read = c3d.read_c3d(path)
    assert (read.seen == seen).all()
    np.testing.assert_array_equal(read.points, POINTS if seen else 0)


@pytest.mark.parametrize("value", [np.nan, np.inf, 2e6, 0.0])
def test_places_that_are_none(tmp_path, value):
    points = POINTS.copy()
    points[1, 0] = value
    read = c3d.read_c3d(
        c3d_files.raw_c3d(tmp_path / "a.c3d", ["a", "b"], points)
    )
    expected = np.ones((3, 2), bool)
    expected[1, 0] = False
    np.testing.assert_array_equal(read.seen, expected)
    assert (read.points[1, 0] == 0).all()


@pytest.mark.parametrize(
    ("units", "factor", "unit"),
    [
        (["mm"], [1, 1], "mm"),
        (["cm"], [10, 10], "cm"),
        (["m"], [1000, 1000], "m"),
        (["M "], [1000, 1000], "m"),
        (["mm", "mm"], [1, 1], "mm"),  # One a marker, as of Optotrak.
        (["mm", "m"], [1, 1000], "mm"),
        (["cm", ""], [10, 10], "cm"),
        (["\0\0"], [1, 1], "mm"),
    ],
)
def test_units(tmp_path, units, factor, unit):
    path = c3d_files.raw_c3d(
        tmp_path / "a.c3d", ["a", "b"], POINTS, units=c3d_files.text(units)
    )
    read = c3d.read_c3d(path)
    expected = POINTS * np.array(factor)[:, None]
    np.testing.assert_allclose(read.points, expected, rtol=1e-6)
    assert read.unit == unit


@pytest.mark.parametrize(
    ("fps", "expected"),
    [
        ((4, (), struct.pack("<f", 59.94)), 59.94),
        ((4, (1,), struct.pack("<f", 50)), 50),
        ((2, (), struct.pack("<h", 100)), 100),  # As whole numbers.
        ((2, (1,), struct.pack("<h", 100)), 100),
        ((1, (), b"\x3c"), 60),
        ((4, (), struct.pack("<f", 0)), 120),  # Then the header's.
        (c3d_files.text(["120"]), 120),
    ],
)
def test_frame_rates_of_any_type(tmp_path, fps, expected):
    path = c3d_files.raw_c3d(tmp_path / "a.c3d", ["a", "b"], POINTS, fps=fps)
    assert c3d.read_c3d(path).fps == pytest.approx(expected)


def test_names_padded_with_zeros_and_markers_without(tmp_path):
    path = c3d_files.raw_c3d(
        tmp_path / "a.c3d",
        None,
        POINTS,
        parameters={
            "POINT:LABELS": c3d_files.text(["C7"], width=6, fill=b"\0"),
            "POINT:Y_SCREEN": c3d_files.text(["+Z"], width=4, fill=b"\0"),
        },
    )
    read = c3d.read_c3d(path)
    assert read.labels == ("C7", "") and read.up == "+Z"
    path = c3d_files.raw_c3d(tmp_path / "a.c3d", None, POINTS)
    assert c3d.read_c3d(path).labels == ("", "")


def test_names_beyond_255(tmp_path):
    path = c3d_files.raw_c3d(
        tmp_path / "a.c3d",
        ["a"],
        POINTS,
        parameters={"POINT:LABELS2": c3d_files.text(["b", "c"])},
    )
    assert c3d.read_c3d(path).labels == ("a", "b")


WORDS = struct.pack("<2H", 1, 0), struct.pack("<2H", 3, 0)


@pytest.mark.parametrize(
    ("frames", "fields", "count"),
    [
        ((1, 3), None, 3),
        ((5, 7), None, 3),
        ((0, 3), None, 3),  # The first frame is 1; so wrote ezc3d.
        ((0, 2), None, 3),  # Counted from 0.
        ((1, 2), None, 2),
        ((1, 3), (2,), 3),
        ((1, 3), (2, 1), 3),  # Another shape of the two words.
        ((1, 0xFFFF), (2,), 3),  # Longer than the header can say.
    ],
)
def test_frame_counts(tmp_path, frames, fields, count):
    parameters = {}
    if fields:
        for end, words in zip(("START", "END"), WORDS, strict=True):
            parameters[f"TRIAL:ACTUAL_{end}_FIELD"] = (2, fields, words)
    # 16 markers of 4 numbers of 4 bytes: a block has 2 frames, no rest.
    points = np.tile(POINTS, (1, 8, 1)) + 100
    path = tmp_path / "a.c3d"
    c3d_files.raw_c3d(path, None, points, frames=frames, parameters=parameters)
    # The last block is cut off behind the third frame.
    path.write_bytes(path.read_bytes()[:-256])
    read = c3d.read_c3d(path)
    np.testing.assert_allclose(read.points, points[:count])


def test_frame_counts_beyond_the_header(tmp_path):
    """From frame 131,071 (low word first) to 131,073."""
    fields = {
        "TRIAL:ACTUAL_START_FIELD": (2, (2,), struct.pack("<2H", 0xFFFF, 1)),
        "TRIAL:ACTUAL_END_FIELD": (2, (2,), struct.pack("<2H", 1, 2)),
    }
    path = c3d_files.raw_c3d(
        tmp_path / "a.c3d",
        ["a", "b"],
        POINTS,
        frames=(1, 0xFFFF),
        parameters=fields,
    )
    np.testing.assert_allclose(c3d.read_c3d(path).points, POINTS)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.9, "text", "unit", "kind"])
def test_damaged_files(tmp_path, share):
    path = c3d_files.raw_c3d(
        tmp_path / "a.c3d",
        ["a", "b"],
        np.tile(POINTS, (40, 1, 1)),
        units=c3d_files.text(["mm  "]),
    )
    data = path.read_bytes()
    if share == "text":
        data = b"LASI, LKNE\n" * 200
    elif share == "unit":
        data = data.replace(b"mm  ", b"ells")
    elif share == "kind":
        data = data.replace(bytes([1, 80, 0, 84]), bytes([1, 80, 0, 83]))
    else:
        data = data[: round(share * len(data))]
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"a\.c3d is no readable C3D file"):
        c3d.read_c3d(path)
    with pytest.raises(ValueError, match=r"b\.c3d is missing"):
        c3d.read_c3d(tmp_path / "b.c3d")


def test_no_byte_of_the_front_brings_it_down(tmp_path):
    path = c3d_files.raw_c3d(tmp_path / "a.c3d", ["a", "b"], POINTS)
    data = path.read_bytes()
    for at in range(0, 1024, 3):
        for byte in (0, 255, data[at] ^ 128):
            bad = data[:at] + bytes([byte]) + data[at + 1 :]
            path.write_bytes(bad)
            try:
                read = c3d.read_c3d(path)
            except ValueError as error:
                assert "a.c3d is no readable C3D" in str(error)
            else:
                assert np.isfinite(read.points).all()
