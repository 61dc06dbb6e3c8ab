"""Errors of image networks, made by hand."""

import numpy as np
import pytest

from ordinal_tf import skeleton
from ordinal_tf.data.mocap import image_errors

H36M = skeleton.H36M17
MIRROR = list(H36M.mirror)
LEGS = [j for j, n in enumerate(H36M.joints) if n.endswith(("knee", "ankle"))]
ARMS = [j for j, n in enumerate(H36M.joints) if n.endswith(("elbow", "wrist"))]


def people(count=400, seed=0):
    """Joints far apart in the picture, and depths."""
    rng = np.random.default_rng(seed)
    keypoints = rng.uniform(0, 200, (count, 17, 2)).astype(np.float32)
    depth = rng.normal(scale=300, size=(count, 17)).astype(np.float32)
    return keypoints, depth - depth[:, :1]


def spoil(keypoints, depth, seed=1, **errors):
    return image_errors.spoil(
        keypoints,
        depth,
        np.random.default_rng(seed),
        image_errors.ImageErrors(**errors),
    )


def test_levels_by_hand():
    by_level = [
        {H36M.joints[j] for j in np.flatnonzero(image_errors.LEVELS == level)}
        for level in range(3)
    ]
    sides = ("left", "right")
    assert by_level[1] == {f"{s}_{n}" for s in sides for n in ("knee", "elbow")}
    assert by_level[2] == {
        f"{s}_{n}" for s in sides for n in ("ankle", "wrist")
    }
    assert len(by_level[0]) == 9


def test_no_errors_change_nothing():
    keypoints, depth = people()
    points, found = spoil(keypoints, depth)
    np.testing.assert_array_equal(points, keypoints)
    np.testing.assert_allclose(found, depth, atol=1e-3)
    assert points.dtype == found.dtype == np.float32


def test_errors_are_a_pure_function_of_the_generator():
    keypoints, depth = people()
    before = keypoints.copy(), depth.copy()
    errors = dict(
        swapped=(0.2, 0.2), missed=(0.1, 0.1, 0.1), depth_mm=(9, 9, 9)
    )
    one, same = (spoil(keypoints, depth, **errors) for _ in range(2))
    other = spoil(keypoints, depth, seed=2, **errors)
    for a, b, c in zip(one, same, other, strict=True):
        np.testing.assert_array_equal(a, b)
        assert np.abs(a - c).max() > 0.1
    np.testing.assert_array_equal(keypoints, before[0])
    np.testing.assert_array_equal(depth, before[1])


def test_swapped_legs():
    keypoints, depth = people(3000)
    points, found = spoil(keypoints, depth, swapped=(1.0, 0.0))
    turned = (points == keypoints[:, MIRROR]).all(-1)
    kept = (points == keypoints).all(-1)
    np.testing.assert_array_equal(turned | kept, True)
    for joints, share in (("ankle", 1), ("knee", 2 / 3), ("hip", 1 / 3)):
        left, right = (H36M.index(f"{s}_{joints}") for s in ("left", "right"))
        # Both or none.
        np.testing.assert_array_equal(turned[:, left], turned[:, right])
        # Binomial: four standard deviations of 3,000.
        assert turned[:, left].mean() == pytest.approx(share, abs=0.04)
    np.testing.assert_allclose(found, depth, atol=1e-3)
    # Outwards from where it begins: no right ankle on a wrong knee.
    ankle, knee = H36M.index("left_ankle"), H36M.index("left_knee")
    assert not (turned[:, knee] & ~turned[:, ankle]).any()
    np.testing.assert_array_equal(points[:, ARMS], keypoints[:, ARMS])


def test_merged_arms():
    keypoints, depth = people(2000)
    points, _ = spoil(keypoints, depth, merged=(0.0, 1.0))
    left, right = H36M.index("left_wrist"), H36M.index("right_wrist")
    np.testing.assert_array_equal(points[:, left], points[:, right])
    on_left = (points[:, left] == keypoints[:, left]).all(-1)
    on_right = (points[:, left] == keypoints[:, right]).all(-1)
    np.testing.assert_array_equal(on_left | on_right, True)
    assert 0.45 < on_left.mean() < 0.55
    np.testing.assert_array_equal(points[:, LEGS], keypoints[:, LEGS])


def test_missed_joints_lie_at_joints():
    keypoints, depth = people()
    points, _ = spoil(keypoints, depth, missed=(0.0, 0.0, 1.0))
    outer = image_errors.LEVELS == 2
    gaps = np.abs(points[:, :, None] - keypoints[:, None]).max(-1)
    assert (gaps.min(2) == 0).all()
    np.testing.assert_array_equal(points[:, ~outer], keypoints[:, ~outer])
    # One of 17 joints is the right one.
    right = (points == keypoints).all(-1)[:, outer].mean()
    assert right == pytest.approx(1 / 17, abs=0.025)


def test_jitter_is_a_share_of_the_extent():
    keypoints, depth = people(2000)
    keypoints[:, 0], keypoints[:, 1] = 0.0, (400.0, 100.0)
    points, _ = spoil(keypoints, depth, jitter=(0.0, 0.01, 0.05))
    moved = (points - keypoints) / 400.0
    for level, sigma in enumerate((0.0, 0.01, 0.05)):
        at = moved[:, image_errors.LEVELS == level]
        np.testing.assert_allclose(at.std((0, 1)), sigma, rtol=0.03)


def test_gain_and_noise_go_along_the_bones():
    keypoints, depth = people(4000)
    _, found = spoil(keypoints, depth, gain=(0.5, 1.0, 0.0))
    at = {name: H36M.index(f"left_{name}") for name in ("hip", "knee", "ankle")}
    hip, knee, ankle = at.values()
    np.testing.assert_allclose(found[:, hip], 0.5 * depth[:, hip], atol=1e-3)
    np.testing.assert_allclose(
        found[:, knee] - found[:, hip],
        depth[:, knee] - depth[:, hip],
        atol=1e-3,
    )
    np.testing.assert_array_equal(found[:, ankle], found[:, knee])
    _, found = spoil(keypoints, depth, depth_mm=(0.0, 30.0, 40.0))
    wrong = found - depth
    np.testing.assert_allclose(wrong[:, hip], 0, atol=1e-3)
    np.testing.assert_allclose(wrong[:, knee].std(), 30, rtol=0.05)
    # The ankle goes with the knee: 3, 4, 5.
    np.testing.assert_allclose(wrong[:, ankle].std(), 50, rtol=0.05)
    np.testing.assert_allclose(
        np.corrcoef(wrong[:, knee], wrong[:, ankle])[0, 1], 0.6, atol=0.04
    )


def test_hard_pictures_are_hard_for_all_joints():
    keypoints, depth = people(4000)
    points, _ = spoil(keypoints, depth, jitter=(0.01,) * 3, hardness=0.5)
    # 34 coordinates tell a person's factor to an eighth.
    extent = image_errors.extents(keypoints)[:, None, None]
    each = np.log(((points - keypoints) / extent).std((1, 2)))
    assert each.std() == pytest.approx(np.hypot(0.5, 0.125), abs=0.03)
    assert np.exp(each.mean()) == pytest.approx(0.01, rel=0.05)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"swapped": (0.1,)}, "swapped.*takes 2 numbers"),
        ({"jitter": (0.1, -0.1, 0.0)}, "jitter.*of 0 or more"),
        ({"hardness": float("nan")}, "hardness.*takes 1 number"),
        ({"swapped": (0.6, 0), "merged": (0.6, 0)}, "excludes each other"),
    ],
)
def test_errors_reject(wrong, message):
    with pytest.raises(ValueError, match=message):
        image_errors.ImageErrors(**wrong)
