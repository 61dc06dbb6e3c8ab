import numpy as np
import pytest

from ordinal_tf import skeleton
from ordinal_tf.synthetic import families, limits, poses

BONES = {
    "knee": "thigh",
    "ankle": "shin",
    "elbow": "upper_arm",
    "wrist": "forearm",
    "spine": "lower_trunk",
    "thorax": "upper_trunk",
    "nose": "neck",
    "head_top": "head",
}


@pytest.mark.parametrize("family", families.FAMILIES)
def test_families_keep_limits_and_lengths(family):
    drawn = np.stack(
        [
            families.sample_pose(np.random.default_rng(seed), family)
            for seed in range(30)
        ]
    )
    assert limits.within_limits(drawn).all()
    for parent, child in skeleton.H36M17.bones:
        name = skeleton.H36M17.joints[child].split("_", 1)[-1]
        name = BONES.get(name) or BONES.get(skeleton.H36M17.joints[child])
        if name:
            length = np.linalg.norm(drawn[:, child] - drawn[:, parent], axis=1)
            np.testing.assert_allclose(length, families.LENGTHS[name])
    assert not any(families.meets(pose) for pose in drawn)
    # They differ: no family is one pose.
    assert drawn.std(0).max() > 50


def joint(pose, name):
    return pose[..., skeleton.H36M17.index(name), :]


def test_families_are_what_they_say():
    def height(family, name):
        drawn = [
            families.sample_pose(np.random.default_rng(seed), family)
            for seed in range(40)
        ]
        return np.median([joint(pose, name)[1] for pose in drawn])

    assert height("inverted", "head_top") < -300
    assert height("standing", "head_top") > 600
    assert abs(height("lying", "head_top")) < 300
    assert height("sitting", "left_knee") > -200
    assert height("reaching", "left_wrist") > 500


def test_a_hand_inside_the_trunk_meets_it():
    angles = dict.fromkeys(_angles(), 0.0)
    for side in limits.SIDES:
        angles[f"{side}_shoulder_elevation"] = 0.4
    pose = families.forward(angles)
    assert not families.meets(pose)
    pose[skeleton.H36M17.index("left_wrist")] = joint(pose, "spine")
    assert families.meets(pose)


def _angles():
    return ["lean", "tilt", *limits.joint_angles(poses.shipped_poses()[:1])]


def test_unknown_family():
    with pytest.raises(ValueError, match="Families of poses are standing"):
        families.sample_pose(np.random.default_rng(0), "flying")
