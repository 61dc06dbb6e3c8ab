"""Files are whole or not there."""

import json
import re

import cv2
import numpy as np
import pytest

from ordinal_tf import files


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_gets_its_name_when_it_is_whole(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("before")
    with files.whole(path) as new:
        new.write_text("after")
        assert path.read_text() == "before"
        assert new.parent == tmp_path  # A rename does not cross disks.
    assert path.read_text() == "after"
    assert names(tmp_path) == ["a.txt"]


def test_a_failure_leaves_what_was_there(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("before")
    with pytest.raises(ZeroDivisionError), files.whole(str(path)) as new:
        new.write_text("half")
        raise ZeroDivisionError
    assert path.read_text() == "before"
    assert names(tmp_path) == ["a.txt"]


def test_a_failure_before_the_first_byte(tmp_path):
    with pytest.raises(ZeroDivisionError), files.whole(tmp_path / "a"):
        raise ZeroDivisionError
    assert names(tmp_path) == []


@pytest.mark.parametrize("compressed", [False, True])
def test_arrays_are_the_same_bytes_each_time(tmp_path, compressed):
    arrays = {"a": np.arange(1000), "b": np.array(["ä"])}
    # No `.npz` at the end, which NumPy would append.
    for name in ("first", "second"):
        files.write_npz(tmp_path / name, arrays, compressed=compressed)
    data = [(tmp_path / name).read_bytes() for name in names(tmp_path)]
    assert len(data) == 2 and data[0] == data[1]
    assert (len(data[0]) < 8000) == compressed
    with np.load(tmp_path / "first", allow_pickle=False) as held:
        for key, value in arrays.items():
            np.testing.assert_array_equal(held[key], value)


def test_text_is_utf_8_wherever_one_is(tmp_path):
    files.write_text(tmp_path / "a.txt", "ä\n")
    assert (tmp_path / "a.txt").read_bytes() == b"\xc3\xa4\n"
    files.write_json(tmp_path / "a.json", {"a": [1]}, indent=None)
    assert (tmp_path / "a.json").read_bytes() == b'{"a": [1]}\n'
    files.write_json(tmp_path / "a.json", {"a": [1]})
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": [1]}


def test_pictures_are_rgb(tmp_path):
    image = np.zeros([2, 3, 3], np.uint8)
    image[..., 0] = 255
    files.write_picture(tmp_path / "red.png", image)
    held = cv2.imread(str(tmp_path / "red.png"))
    assert held.shape == (2, 3, 3)
    assert (held == [0, 0, 255]).all()  # OpenCV reads blue first.


def test_a_picture_without_a_folder(tmp_path):
    path = tmp_path / "none" / "a.png"
    with pytest.raises(OSError, match="new_a.png"):
        files.write_picture(path, np.zeros([2, 3, 3], np.uint8))


def test_nobody_else_renames(checkout):
    """But a folder, and a video, which stays away where no frame came."""
    found = {
        path.relative_to(checkout / "ordinal_tf").as_posix()
        for path in (checkout / "ordinal_tf").rglob("*.py")
        if re.search(
            r"os\.(replace|rename)\(|\.(replace|rename)\(path|f\"new_",
            path.read_text(encoding="utf-8"),
        )
    }
    assert found == {"data/files/video.py", "export/saved_model.py", "files.py"}
