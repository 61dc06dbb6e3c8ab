import numpy as np
import pytest

from ordinal_tf import skeleton
from ordinal_tf.synthetic.pose import families, limits, poses


def joint(pose, name):
    return pose[..., skeleton.H36M17.index(name), :]


def test_drawn_poses():
    kinds, headings = [], []
    for seed in range(160):
        pose, kind = poses.draw_pose(
            np.random.default_rng(seed), recorded=poses.shipped_poses()
        )
        assert pose.shape == (17, 3) and not pose[0].any()
        assert limits.within_limits(pose)
        across = joint(pose, "left_hip") - joint(pose, "right_hip")
        headings.append(np.arctan2(across[2], across[0]))
        kinds.append(kind)
    assert np.mean(np.array(kinds) == "recorded") == pytest.approx(0.4, abs=0.1)
    assert set(kinds) == {"recorded", *families.FAMILIES}
    # All directions.
    assert np.histogram(headings, 4, (-np.pi, np.pi))[0].min() > 20


def test_shares_choose_the_families():
    kinds = {
        poses.draw_pose(
            np.random.default_rng(seed),
            recorded=poses.shipped_poses(),
            sampled=1.0,
            shares={"sitting": 2.0, "lying": 1.0, "standing": 0.0},
        )[1]
        for seed in range(20)
    }
    assert kinds == {"sitting", "lying"}


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ({"flying": 1.0}, "`shares` are of standing"),
        ({"sitting": 0.0}, "not all 0"),
        ({"sitting": -1.0, "lying": 2.0}, "weights of 0 or more"),
        ({}, "not all 0"),
    ],
)
def test_bad_shares(shares, message):
    with pytest.raises(ValueError, match=message):
        poses.draw_pose(
            np.random.default_rng(0),
            recorded=poses.shipped_poses(),
            sampled=1.0,
            shares=shares,
        )


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
    with pytest.raises(ValueError, match="poses.npz is no readable .npz"):
        poses.read_poses(path)
    with pytest.raises(ValueError, match="absent.npz is missing"):
        poses.read_poses(tmp_path / "absent.npz")
