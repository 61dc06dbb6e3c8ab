"""JSON and CSV come back, and every file has its name."""

import csv
import json

import numpy as np
import pytest

from ordinal_tf import skeleton
from ordinal_tf.writers import formats
from tests.writers import made

# Numbers are written with 6 decimals.
CLOSE = {"rtol": 0, "atol": 6e-7}


def people():
    """A photograph without, and a video with a known camera."""
    poses = made.moving(np.random.default_rng(0), 4)
    camera = np.float32(poses + [0, 0, 2500])
    camera[0] = np.nan
    return made.table(
        ["a, b.jpg", "film.mp4@3", "film.mp4@3", "film.mp4@4"],
        poses,
        times=[np.nan, 0.3, 0.3, 0.4],
        person=np.array([0, 7, 8, 7]),
        person_score=np.float32([0.5, 0.6, 0.7, 0.8]),
        pose_camera=camera,
        intrinsics=np.where([[0], [1], [1], [1]], np.full((4, 4), 9.5), np.nan),
    )


def test_every_format_at_once(tmp_path):
    stems = {"a, b.jpg": "a, b", "film.mp4": "film_2"}
    written = formats.write(tmp_path, people(), formats.FORMATS, stems)
    names = {path.name for path in written}
    assert names == {path.name for path in tmp_path.iterdir()}
    assert names == {"predictions.json", "predictions.csv"} | {
        f"{stem}.{suffix}"
        for stem in ("a, b_person0", "film_2_person7", "film_2_person8")
        for suffix in ("bvh", "trc")
    }


def test_json_comes_back(tmp_path):
    table = people()
    formats.write(tmp_path, table, ["json"], {})
    text = (tmp_path / "predictions.json").read_text()
    read = json.loads(text)
    assert read["joints"] == list(skeleton.H36M17.joints)
    assert read["parents"] == list(skeleton.H36M17.parents)
    assert set(read["fields"]) == set(table)
    assert "root-relative" in read["fields"]["pose"]
    assert "absolute" in read["fields"]["pose_camera"]
    assert len(read["people"]) == 4
    for row, person in enumerate(read["people"]):
        assert set(person) == set(table)
        for key, value in table.items():
            if key == "image":
                assert person[key] == value[row]
            elif not np.isfinite(value[row]).all():
                assert person[key] is None and row == 0
            else:
                np.testing.assert_allclose(person[key], value[row], **CLOSE)
    assert read["people"][1]["person"] == 7


def test_csv_comes_back(tmp_path):
    table = people()
    formats.write(tmp_path, table, ["csv"], {})
    with open(tmp_path / "predictions.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4 * 17
    columns = {
        "box": ["box_cx_px", "box_cy_px", "box_side_px"],
        "keypoints": ["x_px", "y_px"],
        "pose": ["pose_x_mm", "pose_y_mm", "pose_z_mm"],
        "pose_camera": ["camera_x_mm", "camera_y_mm", "camera_z_mm"],
        "score": ["score"],
        "ordinal_depth": ["ordinal_depth"],
    }
    for number, cells in enumerate(rows):
        row, joint = divmod(number, 17)
        assert cells["image"] == table["image"][row]
        assert cells["joint"] == skeleton.H36M17.joints[joint]
        assert cells["person"] == str(table["person"][row])
        score = float(cells["person_score"])
        np.testing.assert_allclose(score, table["person_score"][row], **CLOSE)
        assert cells["time_s"] == ("" if row == 0 else str(table["time"][row]))
        for key, names in columns.items():
            value = table[key][row]
            value = np.atleast_1d(value if key == "box" else value[joint])
            read = [float(cells[name] or "nan") for name in names]
            np.testing.assert_allclose(read, value, **CLOSE)


def test_nobody(tmp_path):
    table = made.table([], np.zeros((0, 17, 3)))
    written = formats.write(tmp_path, table, formats.FORMATS, {})
    assert [path.suffix for path in written] == [".json", ".csv"]
    assert json.loads(written[0].read_text())["people"] == []
    assert written[1].read_text().count("\n") == 1


def test_a_format_that_there_is_not():
    formats.check(["json", "trc"])
    with pytest.raises(ValueError, match="no format 'fbx'.* json, csv, bvh, t"):
        formats.check(["json", "fbx"])


def test_what_fails_leaves_nothing(tmp_path):
    table = people()
    table["mark"] = np.array([1, 2, {3}, 4], object)
    with pytest.raises(TypeError):
        formats.write(tmp_path, table, ["json"], {})
    assert list(tmp_path.iterdir()) == []
