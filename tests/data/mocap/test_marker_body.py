"""Joints from markers, on a body whose joints are worked out by hand."""

import numpy as np
import pytest

from ordinal_tf import skeleton
from ordinal_tf.data.mocap import marker_body
from tests import c3d_files

H36M = skeleton.H36M17


def solve(places, seen=None):
    """Pose by joint, toes, and the names that were taken."""
    labels = list(places)
    points = np.stack([*places.values()])[None]
    seen = np.ones(points.shape[:2], bool) if seen is None else seen
    (choice,) = marker_body.find_people(labels, seen)
    poses, toes, complete = marker_body.joints_from_markers(
        choice, points, seen
    )
    assert complete.all()
    names = marker_body.joint_markers(choice, labels)
    return dict(zip(H36M.joints, poses[0], strict=True)), toes, names


@pytest.mark.parametrize("set_name", ["plug-in gait", "cmu", "rizzoli"])
def test_joints_of_skin_markers(set_name):
    pose, toes, _ = solve(c3d_files.body(set_name))
    # By hand: a pelvis 240 wide and 160 deep, x ahead, y left, z up.
    hip = [100 - 0.24 * 160 - 9.9, 0.33 * 240 + 7.3, 1000 - 0.3 * 240 - 10.9]
    np.testing.assert_allclose(pose["left_hip"], hip)
    np.testing.assert_allclose(pose["right_hip"], hip * np.array([1, -1, 1]))
    np.testing.assert_allclose(pose["pelvis"], hip * np.array([1, 0, 1]))
    np.testing.assert_allclose(pose["thorax"], [0, 0, 1490])
    ahead = 80 if set_name == "rizzoli" else 0  # No markers at the back.
    np.testing.assert_allclose(pose["head_top"], [ahead, 0, 1700])
    np.testing.assert_allclose(pose["nose"], [ahead / 2, 0, 1595])
    np.testing.assert_allclose(pose["left_wrist"], [0, 270, 920])
    np.testing.assert_allclose(pose["left_elbow"], [0, 260, 1180])
    np.testing.assert_allclose(pose["right_knee"], [10, -150, 520])
    np.testing.assert_allclose(pose["right_ankle"], [0, -140, 90])
    trunk = pose["pelvis"] - pose["thorax"]
    np.testing.assert_allclose(
        pose["left_shoulder"],
        np.array([0, 190, 1490]) + 50 * trunk / np.linalg.norm(trunk),
    )
    np.testing.assert_allclose(
        pose["spine"], (pose["pelvis"] + pose["thorax"]) / 2
    )
    np.testing.assert_allclose(toes[0], [[170, 130, 40], [170, -130, 40]])


@pytest.mark.parametrize("prefix", ["", "Q_", "Ann:", "Skeleton_001_"])
def test_qualisys_and_optitrack(prefix):
    places = c3d_files.body("qualisys")
    pose, _, names = solve({prefix + n: p for n, p in places.items()})
    np.testing.assert_allclose(pose["left_knee"], [10, 150, 520])
    np.testing.assert_allclose(pose["right_ankle"], [0, -140, 90])
    np.testing.assert_allclose(pose["left_elbow"], [0, 260, 1180])
    np.testing.assert_allclose(pose["right_wrist"], [0, -270, 920])
    assert 130 < pose["right_shoulder"][1] * -1 < 200
    assert pose["left_hip"][1] == 0.33 * 240 + 7.3
    # Without a marker on the collar bones: C7 and the shoulders' markers.
    np.testing.assert_allclose(pose["thorax"], [-30, 0, 1495])
    np.testing.assert_allclose(pose["head_top"], [80, 0, 1700])
    assert names["left_knee"] == f"{prefix}LKneeOut"
    assert names["right_wrist"] == f"{prefix}RWristOut + {prefix}RWristIn"
    assert names["left_hip"] == f"{prefix}WaistLFront + {prefix}WaistLBack"


def test_a_marker_on_the_crown_and_one_on_the_sacrum():
    places = c3d_files.body("rizzoli")
    for name in ("L_HEAD", "R_HEAD", "L_IPS", "R_IPS"):
        del places[name]
    places |= {"HeadTop": np.array([0, 0, 1800.0])}
    places |= {"SACR": np.array([-60, 0, 1000.0])}
    pose, _, _ = solve(places)
    np.testing.assert_allclose(pose["head_top"], [0, 0, 1700])
    np.testing.assert_allclose(pose["left_hip"][1], 0.33 * 240 + 7.3)


def test_joint_centres_and_inner_markers_go_first():
    places = c3d_files.body()
    centres = ("LFEP", "RFEP", "LFEO", "RTIO", "LCLO", "RHUO", "LRAO")
    for k, name in enumerate(centres):
        places[name] = np.array([k, 2.0 * k, 900])
    places["RKNEM"] = np.array([10.0, -50, 520])
    pose, _, names = solve(places)
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
        assert names[joint] == name
    np.testing.assert_allclose(pose["right_knee"], [10, -100, 520])
    np.testing.assert_allclose(pose["left_ankle"], [0, 140, 90])
    assert names["right_knee"] == "RKNE + RKNEM"


def test_one_hip_centre_alone_is_not_used():
    places = c3d_files.body()
    expected, _, _ = solve(places)
    places["LFEP"] = np.array([0, 0, 900.0])
    pose, _, _ = solve(places)
    np.testing.assert_array_equal(pose["left_hip"], expected["left_hip"])


def test_a_marker_that_is_hardly_ever_seen_is_not_used():
    places = c3d_files.body()
    places["LFEO"] = np.array([0, 0, 0.0])
    seen = np.ones((30, len(places)), bool)
    seen[2:, list(places).index("LFEO")] = False
    (choice,) = marker_body.find_people(list(places), seen)
    assert "lknee" not in choice and "lkne" in choice
    seen[:] = True
    (choice,) = marker_body.find_people(list(places), seen)
    assert "lknee" in choice and "lkne" not in choice


def test_two_people():
    places = c3d_files.body()
    labels = [f"{who}:{name}" for who in ("Ann", "Bob") for name in places]
    seen = np.ones((1, len(labels)), bool)
    found = marker_body.find_people(labels, seen)
    assert [one["prefix"] for one in found] == ["ann", "bob"]
    assert labels[found[1]["lkne"]] == "Bob:LKNE"


def test_what_is_missing_is_named():
    places = c3d_files.body()
    del places["LKNE"], places["C7"]
    with pytest.raises(
        ValueError, match="named C7 or CV7, LKNE or LKNEEOUT, as"
    ):
        marker_body.find_people(list(places), np.ones((1, len(places)), bool))
    with pytest.raises(ValueError, match="LASI or LFWT.*RWRA"):
        marker_body.find_people(["x", ""], np.ones((1, 2), bool))


def test_short_gaps_are_filled_by_a_line():
    points = np.zeros((12, 2, 3))
    points[:, 0] = np.arange(12.0)[:, None] * [1, 2, 3]
    seen = np.ones((12, 2), bool)
    seen[[0, 3, 4, 7, 8, 9, 11], 0] = False
    seen[:, 1] = False
    gaps = np.where(seen[..., None], points, 0)
    before = gaps.copy()
    # 20 frames a second: 0.1 s are two frames.
    filled, known = marker_body.fill_gaps(gaps, seen, 20.0)
    assert known[:, 0].tolist() == [
        k not in (0, 7, 8, 9, 11) for k in range(12)
    ]
    assert not known[:, 1].any()
    np.testing.assert_allclose(filled[known], points[known])
    np.testing.assert_array_equal(gaps, before)
    assert not seen[3, 0]
    _, known = marker_body.fill_gaps(gaps, seen, 30.0)
    assert known[:, 0].tolist() == [k not in (0, 11) for k in range(12)]


def test_a_toe_that_is_not_seen_says_nothing():
    places = c3d_files.body()
    seen = np.ones((1, len(places)), bool)
    labels = list(places)
    (choice,) = marker_body.find_people(labels, seen)
    seen[0, labels.index("RTOE")] = False
    points = np.stack([*places.values()])[None]
    poses, toes, complete = marker_body.joints_from_markers(
        choice, points, seen
    )
    assert complete.all()
    np.testing.assert_array_equal(
        toes[0, 1], poses[0, H36M.index("right_ankle")]
    )
    np.testing.assert_array_equal(toes[0, 0], places["LTOE"])
