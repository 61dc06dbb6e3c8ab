"""CDF files: what cdflib would run in circles on."""

import struct

import numpy as np
import pytest

from ordinal_tf.data.files import cdf_check
from ordinal_tf.data.readers import h36m_release
from tests import h36m_files

pytest.importorskip("cdflib")


@pytest.fixture
def data(tmp_path):
    path = h36m_files.write_cdf(tmp_path / "a.cdf", h36m_files.world(3))
    return path.read_bytes()


def put(data, place, layout, *numbers):
    packed = struct.pack(layout, *numbers)
    return data[:place] + packed + data[place + len(packed) :]


def records(data):
    """Places of the GDR, and of the first variable and its index."""
    (gdr,) = struct.unpack_from(">q", data, 8 + 12)
    (vdr,) = struct.unpack_from(">q", data, gdr + 20)
    (vxr,) = struct.unpack_from(">q", data, vdr + 28)
    return gdr, vdr, vxr


def test_a_whole_file(data):
    cdf_check.check(data)
    # Compressed as a whole: cdflib's own business.
    cdf_check.check(data[:4] + b"\xcc\xcc\x00\x01" + data[8:])


def test_what_runs_in_circles(data):
    gdr, vdr, vxr = records(data)
    bad = {
        "states 2000000000 variables": (gdr + 60, ">i", 2 * 10**9),
        "list of variables runs in a circle": (gdr + 60, ">i", 2),
        "index of records runs in a circle": (vxr + 12, ">q", vxr),
        "index of 2000000000 of": (vxr + 24, ">i", 2 * 10**9),
        "a variable of 2000000001 records": (vdr + 24, ">i", 2 * 10**9),
        "a record at byte 999999": (vdr + 28, ">q", 999999),
        "a record of type 5": (vdr + 8, ">i", 5),
    }
    for message, (place, layout, number) in bad.items():
        damaged = put(data, place, layout, number)
        if message.startswith("list"):
            damaged = put(damaged, vdr + 12, ">q", vdr)
        with pytest.raises(ValueError, match=message):
            cdf_check.check(damaged)


def test_every_damaged_word_is_read_or_refused(data, tmp_path):
    path = tmp_path / "b.cdf"
    rng = np.random.default_rng(0)
    outcomes = []
    for place in range(0, len(data) - 3, 12):
        word = int(rng.choice([0, 1, 2**31 - 1, 2**32 - 1, 7]))
        path.write_bytes(put(data, place, ">I", word))
        try:
            h36m_release.read_positions(path)
            outcomes.append("read")
        except ValueError as error:
            assert "b.cdf" in str(error)
            outcomes.append("refused")
    assert outcomes.count("refused") > 10 and outcomes.count("read") > 10


@pytest.mark.parametrize("share", [0.0, 0.002, 0.1, 0.5, 0.9])
def test_cut_files(data, share):
    with pytest.raises(ValueError):
        cdf_check.check(data[: round(share * len(data))])
