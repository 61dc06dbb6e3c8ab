import numpy as np
import pytest

from ordinal_tf import skeleton
from ordinal_tf.data.mocap import clips as mocap
from ordinal_tf.synthetic.pose import figure, limits, poses

REST = dict.fromkeys(
    ["lean", "tilt", *limits.joint_angles(poses.shipped_poses()[:1])], 0.0
)

NAMES = [name for name in REST if "_" in name and "back" not in name]


@pytest.mark.parametrize("name", NAMES)
def test_each_angle_alone_comes_back(name):
    """An angle of 40 degrees, in a person who bends knees and elbows."""
    angles = {**REST}
    for side in limits.SIDES:
        angles[f"{side}_knee_flexion"] = 0.9
        angles[f"{side}_elbow_flexion"] = 0.9
        angles[f"{side}_shoulder_elevation"] = 1.2
        angles[f"{side}_hip_flexion"] = 0.3
    angles[name] = np.radians(40)
    found = limits.joint_angles(figure.forward(angles))
    for other in NAMES:
        assert found[other] == pytest.approx(angles[other], abs=1e-9), other
    for side in limits.SIDES:
        # The part of the upper arm's direction that points backwards.
        plane = np.sin(angles[f"{side}_shoulder_plane"])
        back = -np.sin(angles[f"{side}_shoulder_elevation"]) * plane
        assert np.sin(found[f"{side}_shoulder_back"]) == pytest.approx(back)


def too_far(pose):
    """Names of the angles that go beyond what people reach."""
    found = limits.joint_angles(pose).items()
    at = {name: (limits.limit_of(name), angle) for name, angle in found}
    return {n for n, ((low, high), a) in at.items() if not low <= a <= high}


def test_signs_by_hand():
    """Knee lifted forwards, arm sideways, forearm forwards."""
    joints = {
        "pelvis": (0, 0, 0),
        "left_hip": (100, 0, 0),
        "right_hip": (-100, 0, 0),
        "left_knee": (100, 0, 400),
        "left_ankle": (100, -400, 400),
        "right_knee": (-100, -400, 0),
        "right_ankle": (-100, -800, 0),
        "spine": (0, 250, 0),
        "thorax": (0, 500, 0),
        "nose": (0, 600, 0),
        "head_top": (0, 700, 0),
        "left_shoulder": (150, 500, 0),
        "left_elbow": (430, 500, 0),
        "left_wrist": (430, 500, 250),
        "right_shoulder": (-150, 500, 0),
        "right_elbow": (-150, 220, 0),
        "right_wrist": (-150, -30, 0),
    }
    pose = np.array([joints[name] for name in skeleton.H36M17.joints], float)
    found = {k: np.degrees(v) for k, v in limits.joint_angles(pose).items()}
    assert found["left_hip_flexion"] == pytest.approx(90)
    assert found["left_knee_flexion"] == pytest.approx(90)
    assert found["left_hip_abduction"] == pytest.approx(0)
    assert found["left_shoulder_elevation"] == pytest.approx(90)
    assert found["left_shoulder_plane"] == pytest.approx(0)
    assert found["left_shoulder_rotation"] == pytest.approx(0)
    assert found["left_elbow_flexion"] == pytest.approx(90)
    for name, value in found.items():
        if name.startswith("right") or name.startswith(("trunk", "neck")):
            assert value == pytest.approx(0, abs=1e-6), name
    assert limits.within_limits(pose)


def test_a_knee_that_bends_forwards_is_told():
    angles = {**REST, "left_knee_flexion": -1.0}
    pose = figure.forward(angles)
    assert not limits.within_limits(pose)
    # A knee bent the wrong way is a thigh turned by half a turn.
    assert too_far(pose) == {"left_hip_rotation"}


def test_an_arm_that_points_backwards_is_told():
    angles = {**REST, "left_shoulder_elevation": np.pi / 2}
    angles["left_shoulder_plane"] = np.radians(-75)
    pose = figure.forward(angles)
    assert too_far(pose) == {"left_shoulder_back"}
    back = limits.joint_angles(pose)["left_shoulder_back"]
    assert np.degrees(back) == pytest.approx(75)


def test_thighs_straight_aside_are_neither_flexed_nor_extended():
    angles = {**REST, "left_hip_abduction": np.radians(88)}
    angles["left_hip_flexion"] = np.radians(150)
    found = limits.joint_angles(figure.forward(angles))
    assert found["left_hip_flexion"] == 0
    assert found["left_hip_abduction"] == pytest.approx(np.radians(88))


def test_an_elbow_that_bends_backwards_is_told():
    angles = {**REST, "right_elbow_flexion": -1.0}
    angles["right_shoulder_elevation"] = 1.0
    assert not limits.within_limits(figure.forward(angles))


def test_mirrored_poses_have_the_other_sides_angles():
    some = poses.shipped_poses()[:50]
    flipped = some[:, list(skeleton.H36M17.mirror)] * np.float32([-1, 1, 1])
    before, after = limits.joint_angles(some), limits.joint_angles(flipped)
    swap = {"left": "right", "right": "left"}
    for name, angle in before.items():
        side, _, rest = name.partition("_")
        other = after[f"{swap[side]}_{rest}" if side in swap else name]
        axial = name in ("trunk_lateral", "trunk_twist")
        sign = -1 if axial or name in ("neck_lateral", "neck_twist") else 1
        np.testing.assert_allclose(other, sign * angle, atol=1e-4)


def test_recorded_people_keep_the_limits(shared_data):
    # Jumps and climbing.
    clips = mocap.read_folder(
        shared_data / "mocap" / "cmu_asfamc" / "01", fps=5
    )
    recorded = np.concatenate([clip.poses for clip in clips])
    assert len(recorded) > 200
    assert limits.within_limits(recorded).mean() > 0.98
