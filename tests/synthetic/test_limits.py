import numpy as np
import pytest

from ordinal_tf import skeleton
from ordinal_tf.data import mocap
from ordinal_tf.synthetic import families, limits, poses

REST = dict.fromkeys(
    ["lean", "tilt", *limits.joint_angles(poses.shipped_poses()[:1])], 0.0
)


@pytest.mark.parametrize("name", [name for name in REST if "_" in name])
def test_each_angle_alone_comes_back(name):
    """An angle of 40 degrees, in a person who bends knees and elbows."""
    angles = {**REST}
    for side in limits.SIDES:
        angles[f"{side}_knee_flexion"] = 0.9
        angles[f"{side}_elbow_flexion"] = 0.9
        angles[f"{side}_shoulder_elevation"] = 1.2
        angles[f"{side}_hip_flexion"] = 0.3
    angles[name] = np.radians(40)
    found = limits.joint_angles(families.forward(angles))
    for other, angle in found.items():
        assert angle == pytest.approx(angles[other], abs=1e-9), other


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
    assert limits.violations(pose) == []


def test_a_knee_that_bends_forwards_is_told():
    angles = {**REST, "left_knee_flexion": -1.0}
    pose = families.forward(angles)
    assert not limits.within_limits(pose)
    # A knee bent the wrong way is a thigh turned by half a turn.
    (sentence,) = limits.violations(pose)
    assert sentence.startswith("left_hip_rotation is ")
    assert "-60 to 60" in sentence


def test_an_elbow_that_bends_backwards_is_told():
    angles = {**REST, "right_elbow_flexion": -1.0}
    angles["right_shoulder_elevation"] = 1.0
    assert not limits.within_limits(families.forward(angles))


def test_mirrored_poses_have_the_other_sides_angles():
    some = poses.shipped_poses()[:50]
    flipped = some[:, list(skeleton.H36M17.mirror)] * np.float32([-1, 1, 1])
    before, after = limits.joint_angles(some), limits.joint_angles(flipped)
    swap = {"left": "right", "right": "left"}
    for name, angle in before.items():
        side, _, rest = name.partition("_")
        other = after[f"{swap[side]}_{rest}" if side in swap else name]
        sign = -1 if name in ("trunk_lateral", "trunk_twist") else 1
        sign = -1 if name == "neck_lateral" else sign
        np.testing.assert_allclose(other, sign * angle, atol=1e-4)


def test_recorded_people_keep_the_limits(shared_data):
    clips = mocap.read_folder(shared_data / "mocap" / "cmu_asfamc")
    recorded = np.concatenate([clip.poses[::10] for clip in clips])
    assert limits.within_limits(recorded).mean() > 0.95
