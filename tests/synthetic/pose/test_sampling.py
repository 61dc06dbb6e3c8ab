"""Families of poses: possible, at rest, and what they are called."""

import functools

import numpy as np
import pytest

from ordinal_tf import skeleton
from ordinal_tf.synthetic.pose import families, figure, limits, sampling

COUNT = 40
# Both ways of bones, as left and right are interchangeable.
LENGTHS = sorted(
    length
    for name, length in figure.LENGTHS.items()
    for _ in range(1 if name.endswith(("trunk", "neck", "head")) else 2)
)


@functools.cache
def drawn(family):
    return np.stack(
        [
            sampling.sample_pose(np.random.default_rng(seed), family)
            for seed in range(COUNT)
        ]
    )


def height(family, name):
    """Above the lowest joint, of all people of a family."""
    poses = drawn(family)
    return poses[:, skeleton.H36M17.index(name), 1] - poses[..., 1].min(-1)


@pytest.mark.parametrize("family", families.FAMILIES)
def test_poses_are_possible(family):
    poses = drawn(family)
    assert poses.shape == (COUNT, 17, 3)
    assert limits.within_limits(poses, tolerance_deg=1.0).all()
    assert not figure.meets(poses).any()
    np.testing.assert_array_equal(poses[:, 0], 0)
    parents, children = np.array(skeleton.H36M17.bones).T
    lengths = np.linalg.norm(poses[:, children] - poses[:, parents], axis=-1)
    np.testing.assert_allclose(
        np.sort(lengths), np.broadcast_to(LENGTHS, lengths.shape)
    )
    # They differ: no family is one pose.
    assert poses.std(0).max() > 50
    again = sampling.sample_pose(np.random.default_rng(3), family)
    np.testing.assert_array_equal(again, poses[3])


@pytest.mark.parametrize("family", families.FAMILIES)
def test_every_way_can_be_taken(family):
    """In a handful of tries, so that running out of them cannot happen."""
    for number, way in enumerate(families.FAMILIES[family]):
        rng = np.random.default_rng(0)
        fine = 0
        for _ in range(5):
            poses = sampling.draw_way(rng, way)
            fits = sampling.fits(poses, way)
            fine += np.sum(fits & limits.within_limits(poses))
        assert fine > 2, (family, number)


def test_who_stands_is_balanced():
    poses = drawn("standing")
    mass = np.einsum("k,nkj->nj", figure.MASS, poses)
    feet = poses[:, [3, 6]]
    # Within a pace of the feet, upright, both feet near the floor.
    aside = np.linalg.norm((mass - feet.mean(1))[:, [0, 2]], axis=-1)
    assert aside.max() < 420
    assert height("standing", "head_top").min() > 1100
    lowest = poses[..., 1].argmin(-1)
    assert set(lowest) <= {3, 6}


def test_families_are_what_they_say():
    assert np.median(height("inverted", "head_top")) < 500
    assert np.median(height("inverted", "pelvis")) > 700
    assert height("lying", "pelvis").max() < 500
    assert height("kneeling", "left_knee").min() < 100
    assert height("kneeling", "right_knee").max() < 500
    assert np.median(height("squatting", "pelvis")) < 650
    assert np.median(height("sitting", "pelvis")) < 550
    assert height("on all fours", "left_wrist").max() < 300
    for side in limits.SIDES:
        assert np.median(height("hanging", f"{side}_wrist")) > 1100
    # Somersaults: the head is below the hips about as often as above them.
    up = drawn("flipping")[:, skeleton.H36M17.index("head_top"), 1] > 0
    assert 0.25 < up.mean() < 0.75
