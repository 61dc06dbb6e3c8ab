"""MATLAB files: what is read, what is refused before SciPy sees it."""

import pathlib
import struct
import zlib

import h5py
import numpy as np
import pytest
import scipy.io

from ordinal_tf.data.files import matlab, matlab_check


def save(path, **content):
    scipy.io.savemat(path, content)
    return path


def test_numbers_and_structs(tmp_path):
    values = np.arange(6.0).reshape(2, 3)
    path = save(
        tmp_path / "a.mat",
        joints=values,
        annot={"S": values, "name": "one"},
        text="left",
    )
    np.testing.assert_array_equal(matlab.read_numbers(path, "joints"), values)
    content = matlab.read_variables(path, ["annot", "text"], structs=True)
    np.testing.assert_array_equal(content["annot"].S, values)
    assert content["annot"].name == "one" and content["text"] == "left"
    with pytest.raises(ValueError, match="'text' must be numbers"):
        matlab.read_numbers(path, "text")
    with pytest.raises(ValueError, match="no variable 'ord'; it holds joints"):
        matlab.read_numbers(path, "ord")


def test_other_files(tmp_path, monkeypatch):
    path = tmp_path / "a.mat"
    with pytest.raises(ValueError, match=r"a\.mat is missing"):
        matlab.read_numbers(path, "x")
    with h5py.File(path, "w", userblock_size=512) as file:
        file["x"] = 1.0
    with pytest.raises(ValueError, match="is of MATLAB version 7.3; save it"):
        matlab.read_numbers(path, "x")
    save(path, x=1.0)
    monkeypatch.setattr(matlab, "_MAX_BYTES", 100)
    with pytest.raises(ValueError, match="more than any file of this layout"):
        matlab.read_numbers(path, "x")


@pytest.mark.parametrize(
    "share", [0.0, 0.01, 0.1, 0.5, 0.9, "text", "noise", "flip"]
)
def test_damaged_files(tmp_path, share):
    path = save(tmp_path / "a.mat", x=np.arange(300.0))
    data = path.read_bytes()
    if share == "text":
        data = b"x, y, visible\n" * 20
    elif share == "noise":
        data = np.random.default_rng(0).bytes(2000)
    elif share == "flip":
        # The type of the first variable.
        data = data[:128] + b"\xff" * 4 + data[132:]
    else:
        data = data[: round(len(data) * share)]
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"a\.mat is not a readable MATLAB"):
        matlab.read_numbers(path, "x")


def of_matlab(pattern):
    """Files that MATLAB itself wrote, which come with SciPy's tests."""
    folder = pathlib.Path(scipy.io.__file__).parent / "matlab/tests/data"
    paths = sorted(folder.glob(pattern))
    if not paths:
        pytest.skip("SciPy without its test files.")
    return paths


def test_files_that_matlab_wrote():
    kinds = "3dmatrix cell cellnest complex double emptycell matrix minus"
    kinds += " multi onechar scalarcell string struct structarr structnest"
    count = 0
    for kind in kinds.split():
        for path in of_matlab(f"test{kind}_[67]*.mat"):
            matlab_check.check(path.read_bytes())
            count += 1
    assert count > 40
    for name in ("big_endian", "little_endian", "miuint32_for_miint32"):
        for path in of_matlab(f"{name}.mat"):
            matlab_check.check(path.read_bytes())


@pytest.mark.parametrize("pattern", ["malformed1.mat", "corrupted_zlib_*.mat"])
def test_files_that_scipy_knows_as_bad(pattern):
    for path in of_matlab(pattern):
        with pytest.raises(ValueError):
            matlab_check.check(path.read_bytes())


@pytest.fixture
def data(tmp_path):
    """Bytes of a file with a struct that holds a cell and a matrix."""
    cell = np.empty((1, 2), object)
    cell[0] = "left", np.ones((2, 3))
    path = save(tmp_path / "a.mat", s={"c": cell, "m": np.arange(4.0)})
    return path.read_bytes()


def put(data, place, number):
    return data[:place] + struct.pack("<I", number) + data[place + 4 :]


def test_every_damaged_word_is_read_or_refused(data, tmp_path):
    """Type codes, sizes and dimensions: none may end the process."""
    matlab_check.check(data)
    refused = 0
    path = tmp_path / "b.mat"
    for place in range(128, len(data) - 3, 4):
        for number in (0, 3, 25, 2**31 - 1, 2**32 - 1):
            path.write_bytes(put(data, place, number))
            try:
                matlab.read_variables(path, ["s"], structs=True)
            except ValueError as error:
                refused += 1
                assert "b.mat" in str(error)
    assert refused > 200


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_cut_and_compressed(data, share):
    with pytest.raises(ValueError):
        matlab_check.check(data[: round(share * len(data))])

    def compressed(content):
        packed = zlib.compress(content)
        tag = struct.pack("<II", 15, len(packed))
        return data[:128] + tag + packed

    matlab_check.check(compressed(data[128:]))
    with pytest.raises(ValueError):
        matlab_check.check(compressed(data[128:-16]))
    with pytest.raises(ValueError, match="a compressed part"):
        damaged = compressed(data[128:])
        matlab_check.check(damaged[:-9] + bytes(9))


def test_a_bomb(data, monkeypatch):
    monkeypatch.setattr(matlab_check, "_MAX_INFLATED", 1000)
    packed = zlib.compress(bytes(10_000))
    bomb = data[:128] + struct.pack("<II", 15, len(packed)) + packed
    with pytest.raises(ValueError, match="larger than 1 GiB"):
        matlab_check.check(bomb)
