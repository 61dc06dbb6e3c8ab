"""Metric depth from limb lengths against golden vectors."""

import numpy as np
import pytest
from scipy import optimize

from ordinal_tf.data.readers import h36m
from tests.numerics import assert_close
from tests.official import metric_depth

PEOPLE = range(6)
PUBLISHED = np.array(metric_depth.TRAINING_LIMB_LENGTHS_MM)


@pytest.fixture(scope="module")
def vectors(golden):
    with np.load(golden / "metric_depth.npz") as file:
        return dict(file)


def exact(vectors, i):
    """Pixels, depths, intrinsics and limb lengths without any error."""
    depths = vectors["pose_mm"][i, 2] - vectors["zroot_true"][i]
    lengths = vectors["limb_lengths"][i]
    return vectors["pixels_exact"][i], depths, vectors["K"][i], lengths


def quantised(vectors, i):
    """The same from decoded bins and the published mean lengths."""
    return vectors["W"][i], vectors["Zrel"][i], vectors["K"][i], PUBLISHED


def test_constants_golden(vectors):
    assert_close(PUBLISHED, vectors["Ltr"], atol=1e-6)
    centres = h36m.metric_bin_centres()
    assert_close(centres, vectors["zcen"], atol=1e-6)
    limbs = metric_depth.limbs()
    np.testing.assert_array_equal(limbs + 1, vectors["edges_1based"])


def test_bin_depths_golden(golden, vectors):
    with np.load(golden / "decode3d.npz") as file:
        expected = file["depth_of_bin"]
    np.testing.assert_array_equal(metric_depth.ordinal_bin_depths(), expected)
    bins = vectors["preds_1based"][:, 2] - 1
    depths = h36m.metric_bin_centres()[bins]
    assert_close(depths, vectors["Zrel"], atol=1e-6)


@pytest.mark.parametrize("i", PEOPLE)
def test_projection_golden(vectors, i):
    pose, root = vectors["pose_mm"][i], vectors["zroot_true"][i]
    assert_close(pose[2, 0], root, atol=1e-6)
    projected = vectors["K"][i] @ pose
    pixels = projected[:2] / projected[2]
    assert_close(pixels, vectors["pixels_exact"][i], atol=1e-6)
    lengths = metric_depth.limb_lengths(pose)
    assert_close(lengths, vectors["limb_lengths"][i], atol=1e-6)
    pixels, depths, intrinsics, _ = quantised(vectors, i)
    given = metric_depth.back_project(pixels, root + depths, intrinsics)
    assert_close(given, vectors["S_given_root"][i], atol=1e-6)


@pytest.mark.parametrize("i", PEOPLE)
def test_exact_input_recovers_the_truth(vectors, i):
    case = exact(vectors, i)
    root, residual = metric_depth.estimate_root_depth(*case)
    assert_close(root, vectors["zroot_from_exact"][i], atol=0.01)
    assert_close(root, vectors["zroot_true"][i], atol=0.01)
    assert_close(residual, vectors["residual_exact"][i], atol=1e-3)
    pose = metric_depth.estimate_pose(*case)
    assert_close(pose, vectors["S_exact"][i], atol=0.02)
    assert_close(pose, vectors["pose_mm"][i], atol=0.02)


@pytest.mark.parametrize("i", PEOPLE)
def test_quantised_input_golden(vectors, i):
    case = quantised(vectors, i)
    root, residual = metric_depth.estimate_root_depth(*case)
    assert_close(root, vectors["zroot_train"][i], atol=0.01)
    assert_close(residual, vectors["residual_train"][i], atol=1e-4)
    pose = metric_depth.estimate_pose(*case)
    assert_close(pose, vectors["S_train"][i], atol=0.01)
    errors = (pose - pose[:, :1]) - (
        vectors["pose_mm"][i] - vectors["pose_mm"][i, :, :1]
    )
    mpjpe = np.linalg.norm(errors, axis=0).mean()
    assert_close(mpjpe, vectors["mpjpe_train"][i], atol=0.01)


@pytest.mark.parametrize("i", PEOPLE)
def test_bounded_search_agrees(vectors, i):
    for case, expected in zip(
        (exact(vectors, i), quantised(vectors, i)),
        vectors["zroot_bounded"][i],
        strict=True,
    ):
        found = optimize.minimize_scalar(
            metric_depth.limb_residual,
            bounds=(500, 15000),
            args=case,
            method="bounded",
            options={"xatol": 1e-6},
        )
        assert_close(found.x, expected, atol=0.01)
