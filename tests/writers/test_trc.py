"""TRC, read back by a parse of its own that follows OpenSim's reader."""

import numpy as np
import pytest

from ordinal_tf import skeleton
from ordinal_tf.writers import tracks, trc
from tests.writers import made


def parse(path):
    """What OpenSim's TRCFileAdapter takes from a file, and its checks."""
    lines = path.read_text().split("\n")
    assert lines[0].split("\t")[0] == "PathFileType"
    keys = [key for key in lines[1].split("\t") if key]
    values = [value for value in lines[2].split("\t") if value]
    assert keys == [
        "DataRate",
        "CameraRate",
        "NumFrames",
        "NumMarkers",
        "Units",
        "OrigDataRate",
        "OrigDataStartFrame",
        "OrigNumFrames",
    ]
    about = dict(zip(keys, values, strict=True))
    labels = [label for label in lines[3].split("\t") if label]
    assert labels[:2] == ["Frame#", "Time"]
    markers = labels[2:]
    assert len(markers) == int(about["NumMarkers"])
    axes = [axis for axis in lines[4].split("\t") if axis]
    count = len(markers)
    assert axes == [f"{a}{k}" for k in range(1, count + 1) for a in "XYZ"]
    # Names stand above the first of their three columns.
    cells = lines[3].split("\t")
    assert cells[2::3] == markers
    assert lines[5] == ""
    rows = [line.split("\t") for line in lines[6:] if line]
    assert {len(row) for row in rows} == {3 * count + 2}
    assert [row[0] for row in rows] == [str(i + 1) for i in range(len(rows))]
    numbers = np.array([row[1:] for row in rows], float)
    return about, markers, numbers[:, 0], numbers[:, 1:].reshape(-1, count, 3)


def test_joints_times_and_gaps_come_back(tmp_path):
    frames = np.array([10, 12, 16, 18])
    poses = made.moving(np.random.default_rng(0), 4) + [0, 0, 3000]
    table = made.table(
        made.film(frames),
        poses - poses[:, :1],
        times=frames / 50,
        pose_camera=np.float32(poses),
    )
    (track,) = tracks.split(table)
    path = tmp_path / "a.trc"
    trc.write_trc(path, track)
    about, markers, times, points = parse(path)
    assert about["Units"] == "mm" and about["NumFrames"] == "5"
    assert float(about["DataRate"]) == pytest.approx(25)
    assert tuple(markers) == skeleton.H36M17.joints
    np.testing.assert_allclose(times, [0.2, 0.24, 0.28, 0.32, 0.36], atol=1e-6)
    seen = [0, 1, 3, 4]
    np.testing.assert_allclose(points[seen], poses * [1, -1, -1], atol=1e-3)
    assert np.isnan(points[2]).all()


def test_a_photograph(tmp_path):
    pose = made.moving(np.random.default_rng(1), 1)
    (track,) = tracks.split(made.table(["a.jpg"], pose))
    trc.write_trc(tmp_path / "a.trc", track)
    about, _, times, points = parse(tmp_path / "a.trc")
    assert about["NumFrames"] == "1" and times.tolist() == [0]
    np.testing.assert_allclose(points, pose * [1, -1, -1], atol=1e-3)
