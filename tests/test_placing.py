"""Absolute poses: the official code's golden vectors and closed forms."""

import numpy as np
import pytest

from ordinal_tf import placing, skeleton, vectors
from tests.numerics import assert_close

PEOPLE = range(6)
# The golden vectors put the left leg first.
ORDER = [
    skeleton.H36M17_LEFT_FIRST.index(joint) for joint in skeleton.H36M17.joints
]


@pytest.fixture(scope="module")
def official(golden):
    with np.load(golden / "metric_depth.npz") as file:
        return dict(file)


def four(matrix):
    return matrix[[0, 1, 0, 1], [0, 1, 2, 2]]


def ours(array):
    """`(C, 17)` or `(17,)`, left leg first, as `(17, C)` or `(17,)`."""
    return array.T[ORDER]


def test_mean_lengths_are_the_published_ones(official):
    left = skeleton.H36M17_LEFT_FIRST
    edges = official["edges_1based"] - 1
    published = {
        left.joints[child]: length
        for (_, child), length in zip(edges, official["Ltr"], strict=True)
    }
    for (_, child), length in zip(
        skeleton.H36M17.bones, placing.MEAN_LENGTHS_MM, strict=True
    ):
        assert length == pytest.approx(
            published[skeleton.H36M17.joints[child]], abs=1e-6
        )


@pytest.mark.parametrize("i", PEOPLE)
def test_golden_with_the_published_lengths(official, i):
    pixels, depths = ours(official["W"][i]), ours(official["Zrel"][i])
    camera = four(official["K"][i])
    root = placing.root_depth(pixels, depths, camera)
    assert_close(root, official["zroot_train"][i], atol=0.01)
    assert_close(root, official["zroot_bounded"][i, 1], atol=0.01)
    pose = placing.back_project(pixels, root + depths, camera)
    assert_close(pose, ours(official["S_train"][i]), atol=0.01)
    root = official["zroot_true"][i]
    pose = placing.back_project(pixels, root + depths, camera)
    assert_close(pose, ours(official["S_given_root"][i]), atol=1e-6)


@pytest.mark.parametrize("i", PEOPLE)
def test_own_lengths_give_the_truth(official, i):
    pose = ours(official["pose_mm"][i])
    pixels = ours(official["pixels_exact"][i])
    placed = placing.place(
        pixels[None],
        (pose - pose[0])[None],
        four(official["K"][i]),
        lengths_mm=placing.limb_lengths(pose),
    )
    assert placed.dtype == np.float32
    assert_close(placed[0], pose, atol=0.02)


@pytest.mark.parametrize("size", [0.8, 1.25])
def test_distance_goes_with_the_size_that_is_assumed(official, size):
    """Of a person `size` times as large, all at `size` times the distance,
    the picture is the same."""
    pose = ours(official["pose_mm"][0])
    camera = four(official["K"][0])
    pixels = ours(official["pixels_exact"][0])
    lengths = placing.limb_lengths(pose)
    depths = size * (pose - pose[0])[:, 2]
    root = placing.root_depth(pixels, depths, camera, lengths_mm=size * lengths)
    assert_close(root, size * pose[0, 2], atol=0.02)


def test_a_placed_pose_projects_to_its_keypoints():
    rng = np.random.default_rng(0)
    keypoints = rng.uniform(100, 900, (3, 17, 2))
    poses = rng.normal(0, 200, (3, 17, 3))
    camera = np.array([1100.0, 1200.0, 480.0, 520.0])
    placed = placing.place(keypoints, poses, camera)
    matrix = np.diag([1100.0, 1200.0, 1.0])
    matrix[:2, 2] = 480.0, 520.0
    assert_close(
        vectors.project(placed.astype(np.float64), matrix), keypoints, atol=0.01
    )
    assert (placed[..., 2] > 0).all()
    assert_close(
        placed[..., 2] - placed[:, :1, 2],
        poses[..., 2] - poses[:, :1, 2],
        atol=0.01,
    )
    assert placing.place(keypoints[:0], poses[:0], camera).shape == (0, 17, 3)


def test_a_close_and_a_distant_person():
    """Where a search from 2 m could end elsewhere."""
    pose = skeleton_standing()
    for distance in (700.0, 60_000.0):
        camera = np.array([1000.0, 1000.0, 500.0, 500.0])
        placed = pose + [100.0, 0.0, distance]
        pixels = placed[:, :2] / placed[:, 2:] * 1000 + 500
        root = placing.root_depth(
            pixels, pose[:, 2], camera, lengths_mm=placing.limb_lengths(pose)
        )
        assert root == pytest.approx(distance, rel=1e-4)


def skeleton_standing():
    """A made-up body, arms ahead."""
    x = [0, -130, -140, -150, 130, 140, 150, 0, 0, 0, 0]
    y = [0, 0, 440, 880, 0, 440, 880, -240, -490, -600, -710]
    z = [0, 0, -40, 60, 0, -20, 80, 10, 20, -30, -20]
    arms = [[150, -450, 20], [170, -200, 40], [180, -250, -200]]
    trunk = np.stack([x, y, z], axis=-1)
    right = np.array(arms) * [-1, 1, 1]
    return np.concatenate([trunk, arms, right]).astype(np.float64)
