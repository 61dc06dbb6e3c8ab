"""Markers of C3D files, and the joints that follow from them."""

import sys

import numpy as np
import pytest

from ordinal_tf import skeleton
from ordinal_tf.data.mocap import c3d, clips, marker_body
from tests import c3d_files

pytest.importorskip("c3d")
H36M = skeleton.H36M17


def test_markers(tmp_path):
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
    assert read.labels == ("LASI", "C7")
    assert read.fps == 120 and read.up == "-Z"
    np.testing.assert_array_equal(read.seen, seen)
    expected = np.where(seen[..., None], points, 0)
    np.testing.assert_allclose(read.points, expected, rtol=1e-6)


@pytest.mark.parametrize("cmu", [False, True])
def test_joints_of_skin_markers(cmu):
    places = c3d_files.body(cmu=cmu)
    points = np.stack([*places.values()])[None]
    poses, complete = marker_body.joints_from_markers(
        list(places), points, np.ones(points.shape[:2], bool)
    )
    pose = dict(zip(H36M.joints, poses[0], strict=True))
    assert complete.tolist() == [True]
    # By hand: a pelvis 240 wide and 160 deep, x ahead, y left, z up.
    hip = [100 - 0.24 * 160 - 9.9, 0.33 * 240 + 7.3, 1000 - 0.3 * 240 - 10.9]
    np.testing.assert_allclose(pose["left_hip"], hip)
    np.testing.assert_allclose(pose["right_hip"], hip * np.array([1, -1, 1]))
    np.testing.assert_allclose(pose["thorax"], [0, 0, 1490])
    np.testing.assert_allclose(pose["head_top"], [0, 0, 1700])
    np.testing.assert_allclose(pose["nose"], [0, 0, 1595])
    np.testing.assert_allclose(pose["left_wrist"], [0, 270, 920])
    np.testing.assert_allclose(pose["right_knee"], [10, -150, 520])
    trunk = pose["pelvis"] - pose["thorax"]
    np.testing.assert_allclose(
        pose["left_shoulder"],
        np.array([0, 190, 1490]) + 50 * trunk / np.linalg.norm(trunk),
    )
    np.testing.assert_allclose(
        pose["spine"], (pose["pelvis"] + pose["thorax"]) / 2
    )


def test_joint_centres_and_inner_markers_go_first():
    places = c3d_files.body()
    centres = ("LFEP", "RFEP", "LFEO", "RTIO", "LCLO", "RHUO", "LRAO")
    for k, name in enumerate(centres):
        places[name] = np.array([k, 2.0 * k, 900])
    places["RKNEM"] = np.array([10.0, -50, 520])
    points = np.stack([*places.values()])[None]
    poses, _ = marker_body.joints_from_markers(
        list(places), points, np.ones(points.shape[:2], bool)
    )
    pose = dict(zip(H36M.joints, poses[0], strict=True))
    for joint, name in {
        "left_hip": "LFEP",
        "right_hip": "RFEP",
        "left_knee": "LFEO",
        "right_ankle": "RTIO",
        "left_shoulder": "LCLO",
        "right_elbow": "RHUO",
        "left_wrist": "LRAO",
    }.items():
        np.testing.assert_array_equal(pose[joint], places[name])
    np.testing.assert_allclose(pose["right_knee"], [10, -100, 520])
    np.testing.assert_allclose(pose["left_ankle"], [0, 140, 90])


@pytest.mark.parametrize("screen", [("+X", "+Z"), None])
def test_clips_stand_upright(tmp_path, screen):
    path = c3d_files.write_body(
        tmp_path / "walk.c3d", screen=screen, subject="Ann:"
    )
    clip = clips.read_clip(path, fps=10)
    assert clip.name == "walk" and clip.fps == 10
    # Every twelfth of 24 frames; y up, and x as it was.
    assert clip.poses.shape == (2, 17, 3) and clip.poses.dtype == np.float32
    top, wrist = (H36M.index(j) for j in ("head_top", "left_wrist"))
    np.testing.assert_allclose(clip.poses[1, top], [120, 1700, 0], atol=1e-3)
    # Left was +y and is -z: a rotation, no mirror.
    np.testing.assert_allclose(clip.poses[0, wrist], [0, 920, -270], atol=1e-3)


def test_frames_without_all_markers_are_left_out(tmp_path):
    count = len(c3d_files.body())
    seen = np.ones((24, count), bool)
    seen[:12, 3] = False
    # A marker that no joint needs may be missing.
    path = c3d_files.write_body(
        tmp_path / "a.c3d",
        seen=np.hstack([seen, np.zeros((24, 1), bool)]),
        extra={"LTOE": np.array([200.0, 130, 50])},
    )
    clip = clips.read_clip(path)
    assert len(clip.poses) == 12 and clip.fps == pytest.approx(60)
    path = c3d_files.write_body(
        tmp_path / "a.c3d", seen=np.zeros((24, count), bool)
    )
    with pytest.raises(ValueError, match="a marker is missing in every frame"):
        clips.read_clip(path)


def test_unknown_markers_are_named(tmp_path):
    path = c3d_files.write_c3d(
        tmp_path / "a.c3d", ["C7", "KNEE"], np.ones((2, 2, 3))
    )
    with pytest.raises(ValueError, match="LASI or LFWT.*it has C7, KNEE") as e:
        clips.read_clip(path)
    assert "a.c3d" in str(e.value) and "LKNE" in str(e.value)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.9, "text", "unit"])
def test_damaged_files(tmp_path, share):
    path = c3d_files.write_body(tmp_path / "a.c3d")
    data = path.read_bytes()
    if share == "text":
        data = b"LASI, LKNE\n" * 200
    elif share == "unit":
        data = data.replace(b"mm  ", b"ells")
    else:
        data = data[: round(share * len(data))]
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"a\.c3d is no readable C3D file"):
        clips.read_clip(path)
    with pytest.raises(ValueError, match=r"b\.c3d is missing"):
        clips.read_clip(tmp_path / "b.c3d")


def test_without_the_package(tmp_path, monkeypatch):
    path = c3d_files.write_body(tmp_path / "a.c3d")
    monkeypatch.setitem(sys.modules, "c3d", None)
    with pytest.raises(ValueError, match=r"pip install 'ordinal-tf\[datasets"):
        clips.read_clip(path)
