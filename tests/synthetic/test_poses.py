import numpy as np
import pytest

from ordinal_tf import skeleton
from ordinal_tf.synthetic import limits, poses

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


@pytest.mark.parametrize("family", poses.FAMILIES)
def test_families_keep_limits_and_lengths(family):
    drawn = np.stack(
        [
            poses.sample_pose(np.random.default_rng(seed), family)
            for seed in range(30)
        ]
    )
    assert limits.within_limits(drawn).all()
    for parent, child in skeleton.H36M17.bones:
        name = skeleton.H36M17.joints[child].split("_", 1)[-1]
        name = BONES.get(name) or BONES.get(skeleton.H36M17.joints[child])
        if name:
            length = np.linalg.norm(drawn[:, child] - drawn[:, parent], axis=1)
            np.testing.assert_allclose(length, poses.LENGTHS[name])
    assert not any(poses.meets(pose) for pose in drawn)
    # They differ: no family is one pose.
    assert drawn.std(0).max() > 50


def joint(pose, name):
    return pose[..., skeleton.H36M17.index(name), :]


def test_families_are_what_they_say():
    def height(family, name):
        drawn = [
            poses.sample_pose(np.random.default_rng(seed), family)
            for seed in range(40)
        ]
        return np.median([joint(pose, name)[1] for pose in drawn])

    assert height("inverted", "head_top") < -300
    assert height("standing", "head_top") > 600
    assert abs(height("lying", "head_top")) < 300
    assert height("sitting", "left_knee") > -200
    assert height("reaching", "left_wrist") > 500


def test_drawn_poses():
    kinds, headings = [], []
    for seed in range(300):
        pose, kind = poses.draw_pose(
            np.random.default_rng(seed), recorded=poses.shipped_poses()
        )
        assert pose.shape == (17, 3) and not pose[0].any()
        assert limits.within_limits(pose)
        across = joint(pose, "left_hip") - joint(pose, "right_hip")
        headings.append(np.arctan2(across[2], across[0]))
        kinds.append(kind)
    assert np.mean(np.array(kinds) == "recorded") == pytest.approx(0.4, abs=0.1)
    assert set(kinds) == {"recorded", *poses.FAMILIES}
    # All directions.
    assert np.histogram(headings, 4, (-np.pi, np.pi))[0].min() > 40


def test_only_recorded_without_jitter_are_the_recorded():
    recorded = poses.shipped_poses()[:1]
    pose, kind = poses.draw_pose(
        np.random.default_rng(2), recorded=recorded, sampled=0, jitter_deg=0
    )
    assert kind == "recorded"

    def gaps(one):
        return np.linalg.norm(one[:, None] - one[None], axis=-1)

    either = [recorded[0], recorded[0][list(skeleton.H36M17.mirror)]]
    assert any(np.allclose(gaps(pose), gaps(one), atol=0.01) for one in either)


def test_a_hand_inside_the_trunk_meets_it():
    angles = dict.fromkeys(_angles(), 0.0)
    for side in limits.SIDES:
        angles[f"{side}_shoulder_elevation"] = 0.4
    pose = poses.forward(angles)
    assert not poses.meets(pose)
    pose[skeleton.H36M17.index("left_wrist")] = joint(pose, "spine")
    assert poses.meets(pose)


def _angles():
    return ["lean", "tilt", *limits.joint_angles(poses.shipped_poses()[:1])]


def test_shipped_poses():
    shipped = poses.shipped_poses()
    assert shipped.shape == (400, 17, 3) and shipped.dtype == np.float32
    assert limits.within_limits(shipped).all()
    assert poses.SHIPPED.stat().st_size < 100_000


def test_reading_an_npz(tmp_path):
    good = poses.shipped_poses()[:5] + 7
    broken = np.array(good[:2])
    broken[0, 3] += [0, 0, 5000]  # Nobody's knee.
    broken[1, 2] = np.nan
    path = tmp_path / "poses.npz"
    np.savez(path, poses=np.concatenate([good, broken]))
    said = []
    found = poses.read_poses(path, report=said.append)
    np.testing.assert_allclose(found, poses.shipped_poses()[:5], atol=1e-4)
    assert "5 of 7 poses" in said[0]


def test_bad_files(tmp_path):
    path = tmp_path / "poses.npz"
    np.savez(path, poses=np.zeros((3, 16, 3)))
    with pytest.raises(ValueError, match=r"one array of numbers \(M, 17, 3\)"):
        poses.read_poses(path)
    path.write_bytes(b"PK\x03\x04 no zip")
    with pytest.raises(ValueError, match="poses.npz is neither a folder"):
        poses.read_poses(path)
    with pytest.raises(ValueError, match="neither a folder"):
        poses.read_poses(tmp_path / "absent.npz")


def test_unknown_family():
    with pytest.raises(ValueError, match="Families of poses are standing"):
        poses.sample_pose(np.random.default_rng(0), "flying")
