"""Reading .npz files without running what they name."""

import os
import pathlib
import pickle
import zipfile

import numpy as np
import pytest

from ordinal_tf.data.files import npz


class _Malice:
    """What a hostile file would run."""

    def __init__(self, marker):
        self.marker = str(marker)

    def __reduce__(self):
        return os.mkdir, (self.marker,)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays(tmp_path, save):
    path = tmp_path / "a.npz"
    arrays = {
        "points": np.arange(24.0, dtype="f4").reshape(2, 3, 4),
        "turned": np.asfortranarray(np.arange(6).reshape(2, 3)),
        "names": np.array(["left", "right knee"]),
        "one": np.float64(2.5),
        "none": np.zeros((0, 3)),
    }
    save(path, **arrays, objects=np.array({"a": 1}, object))
    found = npz.read_arrays(path)
    assert set(found) == set(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == np.asarray(array).dtype


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_pickled_dictionaries(tmp_path, protocol):
    content = {
        "S1": {
            "Eating 2": np.arange(12, dtype="f4").reshape(2, 2, 3),
            "Walking": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        },
        "fps": 50,
        "names": ["a", ("b", 1.5)],
    }
    path = tmp_path / "a.npz"
    np.savez_compressed(path, positions_3d=content)
    # NumPy writes one protocol; others wrote older ones.
    with np.load(path, allow_pickle=True) as file:
        whole = file["positions_3d"]
    with zipfile.ZipFile(path) as archive:
        header = archive.read("positions_3d.npy")[:128]
    with zipfile.ZipFile(path, "w") as archive:
        data = header + pickle.dumps(whole, protocol=protocol)
        archive.writestr("positions_3d.npy", data)
    found = npz.read_pickled(path, "positions_3d")
    assert found["fps"] == 50 and found["names"] == ["a", ("b", 1.5)]
    for action, array in content["S1"].items():
        np.testing.assert_array_equal(found["S1"][action], array)
        assert found["S1"][action].dtype == array.dtype
    assert npz.read_pickled(path, "others") is None


def test_nothing_is_run(tmp_path):
    marker, path = tmp_path / "run", tmp_path / "a.npz"
    np.savez(path, positions_3d=np.array({"S1": _Malice(marker)}, object))
    with pytest.raises(ValueError, match=r"a\.npz.*it names posix\.mkdir"):
        npz.read_pickled(path, "positions_3d")
    assert npz.read_arrays(path) == {}
    assert not marker.exists()
    # The same file does run it where pickles are allowed.
    with np.load(path, allow_pickle=True) as file:
        file["positions_3d"]
    assert marker.exists()


@pytest.mark.parametrize(
    "value",
    [np.array([pathlib.PurePath("a")], object), np.array([1, "a"], object)],
)
def test_other_objects(tmp_path, value):
    path = tmp_path / "a.npz"
    np.savez(path, positions_3d=np.array({"a": value}, object))
    with pytest.raises(ValueError, match=r"a\.npz is no readable"):
        npz.read_pickled(path, "positions_3d")


@pytest.mark.parametrize("what", ["empty", "text", "cut", "flip", "size"])
def test_damaged_files(tmp_path, what):
    path = tmp_path / "a.npz"
    np.savez(path, points=np.arange(100.0))
    data = bytearray(path.read_bytes())
    if what == "size":
        # An array that states more than there is.
        with zipfile.ZipFile(path) as archive:
            array = archive.read("points.npy")
        with zipfile.ZipFile(path, "w") as archive:
            big = array.replace(b"(100,), }       ", b"(1000000000,), }")
            assert len(big) == len(array) and big != array
            archive.writestr("points.npy", big)
    else:
        data[400] ^= 255
        path.write_bytes(
            {"empty": b"", "text": b"x, y\n", "cut": data[:-60], "flip": data}[
                what
            ]
        )
    message = "states a size of" if what == "size" else "no readable .npz"
    with pytest.raises(ValueError, match=rf"a\.npz.*{message}"):
        npz.read_arrays(path)
