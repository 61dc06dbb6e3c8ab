"""Losses and their gradients: golden vectors, closed forms, masks."""

import keras
import numpy as np
import pytest
from keras import ops

from ordinal_tf import losses, ordinal, volumes
from tests.numerics import array, assert_close, float64, gradient

# The golden README's tolerances, relative to the largest value of a row.
RTOL = {"float64": 1e-9, "float32": 1e-5}
HALVES = ["float16", "bfloat16"]


@pytest.fixture(scope="module")
def vectors(golden):
    with np.load(golden / "losses.npz") as file:
        return dict(file)


@pytest.fixture(params=["float64", "float32"])
def dtype(request):
    """Each precision in turn, on JAX too."""
    with float64():
        yield request.param


@pytest.fixture
def ranked(vectors, dtype):
    """Relations, upper mask and depths of the golden file."""
    relations, mask = ordinal.relations_from_published(vectors["ord_published"])
    mask = np.triu(mask, k=1)
    return relations, mask, vectors["depth"].astype(dtype)


@pytest.fixture
def keypoints(vectors, dtype):
    """True and predicted keypoints of the golden file."""
    return tuple(vectors[k].astype(dtype) for k in ("kp_gt", "kp_pred"))


def assert_rows_close(actual, expected):
    """Each row within its own magnitude: rows differ by a factor 1e8."""
    actual, expected = array(actual), np.asarray(expected)
    rtol = RTOL[str(actual.dtype)]
    assert len(actual) == len(expected)
    for a, e in zip(actual, expected, strict=True):
        assert_close(a, e, rtol=rtol)


# Ranking loss.


def test_ranking_loss_golden(vectors, ranked):
    relations, mask, depth = ranked
    loss = losses.ranking_loss(relations, depth, mask=mask)
    assert_rows_close(loss, vectors["rank_loss_sum"])
    total = vectors["rank_loss_batch_total"]
    batch_total = array(loss).sum(dtype="float64")
    assert_close(batch_total, total, rtol=RTOL[str(depth.dtype)])
    counts = mask.sum((-1, -2))
    np.testing.assert_array_equal(counts, vectors["n_annotated"])


def test_ranking_gradient_golden(vectors, ranked):
    relations, mask, depth = ranked
    slope = gradient(
        lambda z: losses.ranking_loss(relations, z, mask=mask), depth
    )
    assert_rows_close(slope, vectors["rank_loss_sum_grad"])
    # A row without annotations adds nothing at all.
    empty = vectors["n_annotated"] == 0
    assert empty.any() and not slope[empty].any()


def test_each_pair_golden(vectors, ranked):
    relations, mask, depth = ranked
    i, j = vectors["pair_ij_0based"].T
    np.testing.assert_array_equal(mask[:, i, j], vectors["pair_annotated"])
    alone = np.zeros((91, 1, 14, 14), bool)
    alone[np.arange(91), 0, i, j] = True
    cost = losses.ranking_loss(relations, depth, mask=alone & mask)
    assert_rows_close(array(cost).T, vectors["pair_loss"])


@pytest.mark.parametrize(
    ("relation", "name"), [(1, "closer_i"), (-1, "closer_j"), (0, "same")]
)
def test_extreme_pairs_golden(vectors, dtype, relation, name):
    depths = np.stack([vectors["pair_zi"], vectors["pair_zj"]], axis=-1)
    depths = depths.astype(dtype)
    relations = np.array([[0, relation], [-relation, 0]])
    mask = np.array([[False, True], [False, False]])

    def cost(z):
        return losses.ranking_loss(relations, z, mask=mask)

    value, slope = array(cost(depths)), gradient(cost, depths)
    assert np.isfinite(value).all() and np.isfinite(slope).all()
    # Each pair within the rounding of itself, not only of the largest.
    # Differences of 1e-8 between depths vanish in float32, and subnormal
    # numbers on most devices.
    atol = 1e-7 if dtype == "float32" else 1e-300
    for actual, key in (
        (value, "pair_loss"),
        (slope[:, 0], "pair_grad_zi"),
        (slope[:, 1], "pair_grad_zj"),
    ):
        expected = vectors[f"{key}_{name}"]
        np.testing.assert_allclose(
            actual, expected, rtol=RTOL[dtype], atol=atol
        )


@pytest.mark.parametrize("shift", [0.0, 4.0])  # Only differences matter.
def test_ranking_loss_by_hand(shift):
    # Pairs (0, 1) right, (0, 2) wrong, (1, 2) equal.
    depths = np.float32([0.0, 0.5, 0.25]) + np.float32(shift)
    relations = np.array([[0, 1, -1], [-1, 0, 0], [1, 0, 0]])
    upper = np.triu(np.ones((3, 3), bool), k=1)
    signed = np.log1p(np.exp(-0.5)) + np.log1p(np.exp(0.25))
    for weight in (1.0, 0.25, 0.0):
        loss = losses.ranking_loss(
            relations, depths, mask=upper, equal_weight=weight
        )
        expected = np.float32(signed + weight * 0.0625)
        assert_close(loss, expected, rtol=1e-6)


def test_unlabelled_joints_may_hold_anything():
    rng = np.random.default_rng(0)
    depths = rng.normal(size=(2, 5)).astype("float32")
    relations, mask = ordinal.relations_from_depths(depths, tolerance=0.5)
    relations = array(relations).astype("float32")
    mask = np.triu(array(mask), k=1)
    mask[:, 3] = mask[:, :, 3] = False
    mask[1] = False

    def cost(z):
        return losses.ranking_loss(relations, z, mask=mask)

    value, slope = array(cost(depths)), gradient(cost, depths)
    assert value[0] > 0 and value[1] == 0
    assert not slope[0, 3] and slope[0, [0, 1, 2, 4]].all()
    assert not slope[1].any()
    depths[:, 3], depths[1] = np.nan, np.inf
    relations[~mask] = np.nan
    np.testing.assert_array_equal(array(cost(depths)), value)
    np.testing.assert_array_equal(gradient(cost, depths), slope)


# Keypoints and their sum with the ranking loss.


def test_keypoint_loss_golden(vectors, keypoints):
    true, pred = keypoints
    visible = vectors["kp_visible"]

    def cost(x):
        return losses.keypoint_loss(true, x, mask=visible)

    assert_rows_close(cost(pred), vectors["kp_loss_sum"])
    slope = gradient(cost, pred)
    assert_rows_close(slope, vectors["kp_loss_sum_grad"])
    assert not slope[~visible].any()


def test_combined_loss_golden(vectors, ranked, keypoints):
    relations, mask, depth = ranked
    true, pred = keypoints
    weight = float(vectors["lambda_kp"])
    assert weight == 100

    def cost(z, x):
        rank = losses.ranking_loss(relations, z, mask=mask)
        place = losses.keypoint_loss(true, x, mask=vectors["kp_visible"])
        return rank + weight * place

    assert_rows_close(cost(depth, pred), vectors["combined"])
    for_depth, for_keypoints = gradient(cost, depth, pred)
    assert_rows_close(for_depth, vectors["combined_grad_depth"])
    assert_rows_close(for_keypoints, vectors["combined_grad_kp"])


# All losses of the form loss(true, pred, mask): random arguments of 2 poses
# and 3 joints, the mask's axis in them, and the value by a plain formula.


def log_planes(x):
    return x - np.log(np.exp(x).sum((1, 2), keepdims=True))


def make_case(name):
    rng = np.random.default_rng(1)

    def normal(*shape):
        return rng.normal(size=shape).astype("float32")

    def share(x, axis):
        x = np.exp(x)
        return x / x.sum(axis, keepdims=True)

    planes, depths = normal(2, 4, 5, 3), normal(2, 3, 6)
    return {
        "keypoint": (losses.keypoint_loss, normal(2, 3, 2), normal(2, 3, 2), 1),
        "heatmap": (
            losses.heatmap_loss,
            normal(2, 4, 5, 3),
            normal(2, 4, 5, 3),
            3,
        ),
        "heatmap_cross_entropy": (
            losses.heatmap_cross_entropy,
            share(normal(2, 4, 5, 3), (1, 2)),
            log_planes(planes).astype("float32"),
            3,
        ),
        "depth_cross_entropy": (
            losses.depth_cross_entropy,
            share(normal(2, 3, 6), -1),
            share(depths, -1),
            1,
        ),
    }[name]


def by_hand(name, true, pred, mask):
    """Values per pose in float64; `mask` has one axis per axis of `true`."""
    true, pred = true.astype("float64"), pred.astype("float64")
    squares = np.where(mask, np.square(true - pred), 0)
    axes = tuple(range(1, true.ndim))
    if name in ("keypoint", "heatmap"):
        return squares.sum(axes)
    log = pred if name == "heatmap_cross_entropy" else np.log(pred)
    return np.where(mask, -true * log, 0).sum(axes) / 3


CASES = ["keypoint", "heatmap", "heatmap_cross_entropy", "depth_cross_entropy"]
MASK = np.array([[True, False, True], [False, False, False]])


def spread(mask, ndim, axis):
    shape = [1] * ndim
    shape[0], shape[axis] = mask.shape
    return mask.reshape(shape)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("mask", [MASK, np.ones((2, 3), bool)])
def test_value_by_hand(name, mask):
    function, true, pred, axis = make_case(name)
    loss = function(true, pred, mask=mask)
    wide = spread(mask, true.ndim, axis)
    assert_close(loss, by_hand(name, true, pred, wide), rtol=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_gradient_is_zero_where_unlabelled(name):
    function, true, pred, axis = make_case(name)
    wide = np.broadcast_to(spread(MASK, true.ndim, axis), true.shape)

    def cost(x, target):
        return function(target, x, mask=MASK)

    slope = gradient(lambda x: cost(x, true), pred)
    assert np.isfinite(slope).all()
    assert slope[wide].any() and not slope[~wide].any()
    # Whatever stands there, NaN and infinities included.
    holes = np.where(wide, true, np.nan).astype("float32")
    wild = np.where(wide, pred, np.inf).astype("float32")
    for target, x in ((holes, pred), (holes, wild)):
        value = array(cost(x, target))
        np.testing.assert_array_equal(value, array(cost(pred, true)))
        again = gradient(lambda x, target=target: cost(x, target), x)
        np.testing.assert_array_equal(again, slope)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("half", HALVES)
def test_halves_are_computed_in_float32(name, half):
    function, true, pred, _ = make_case(name)
    true, pred = ops.cast(true, half), ops.cast(pred, half)
    loss = function(true, pred, mask=MASK)
    assert keras.backend.standardize_dtype(loss.dtype) == "float32"
    wide = function(
        ops.cast(true, "float32"), ops.cast(pred, "float32"), mask=MASK
    )
    np.testing.assert_array_equal(array(loss), array(wide))
    slope = gradient(lambda x: function(true, x, mask=MASK), pred)
    assert np.isfinite(slope).all() and slope.any()


@pytest.mark.parametrize("half", HALVES)
def test_ranking_of_halves(half):
    # exp(300) and 300 squared overflow float16.
    depths = ops.cast([[0.0, 300.0, -300.0]], half)
    relations = np.array([[[0, -1, 0], [1, 0, 0], [0, 0, 0]]], "int8")
    mask = np.triu(np.ones((1, 3, 3), bool), k=1)
    mask[0, 1, 2] = False

    def cost(z):
        return losses.ranking_loss(relations, z, mask=mask)

    # By hand: 0 should be further than 1 but is 300 nearer; 0 and 2 equal.
    assert_close(cost(depths), np.float32([300 + 300**2]), rtol=1e-6)
    slope = gradient(cost, depths)
    assert_close(slope, np.float32([[599, 1, -600]]), rtol=5e-3)


def test_target_beyond_the_map_counts_as_masked():
    points = np.float32([[[2, 2], [500, 500], [3, 1]]])
    target = volumes.gaussian_heatmaps(
        points, np.ones((1, 3), bool), (4, 5), 1.0
    )
    _, _, log_xy, _ = make_case("heatmap_cross_entropy")
    log_xy = log_xy[:1]
    loss = losses.heatmap_cross_entropy(
        target, log_xy, mask=np.ones((1, 3), bool)
    )
    near = losses.heatmap_cross_entropy(
        target, log_xy, mask=np.array([[True, False, True]])
    )
    assert_close(loss, array(near), rtol=1e-6)
    assert np.isfinite(array(loss)).all()


def test_heatmap_cross_entropy_gradient_is_p_minus_target():
    rng = np.random.default_rng(2)
    logits = rng.normal(size=(1, 4, 5, 1)).astype("float32")
    target = np.exp(rng.normal(size=(1, 4, 5, 1))).astype("float32")

    def cost(volume):
        log_xy, _ = volumes.volume_marginals(volume, 1)
        return losses.heatmap_cross_entropy(
            target, log_xy, mask=np.ones((1, 1), bool)
        )

    p = np.exp(logits) / np.exp(logits).sum()
    expected = p - target / target.sum()
    assert_close(gradient(cost, logits), expected, atol=1e-6)


def test_reconstruction_loss_by_hand():
    true, pred = np.zeros((2, 3, 3), "float32"), np.zeros((2, 3, 3), "float32")
    pred[0, 1], pred[0, 2] = [3, 4, 0], [0, 0, 2]
    found = losses.reconstruction_loss(true, pred)
    np.testing.assert_array_equal(array(found), [29, 0])
    slope = gradient(lambda x: losses.reconstruction_loss(true, x), pred)
    np.testing.assert_array_equal(slope, 2 * pred)


def test_separable_volume_loss_is_the_dense_one():
    """In value and gradient, far joints and masked ones included."""
    rng = np.random.default_rng(4)
    points = rng.uniform(-2, 7, (2, 3, 3))
    points[0, 1] = np.nan  # Masked, like its factors.
    grid = [np.arange(size) for size in (5, 4, 6)]  # W, H, D.
    x, y, z = (
        np.exp(-0.5 * (axis - points[..., i : i + 1]) ** 2).astype("float32")
        for i, axis in enumerate(grid)
    )
    dense = np.einsum("bkh,bkw,bkd->bhwkd", y, x, z)
    volume = rng.normal(size=dense.shape).astype("float32")
    volume[0, ..., 1, :] = np.nan
    mask = np.array([[True, False, True], [True, True, False]])

    def separable(volume):
        return losses.separable_volume_loss((x, y, z), volume, mask=mask)

    def reference(volume):
        known = mask[:, None, None, :, None]
        diff = ops.where(known, dense - volume, 0.0)
        return ops.mean(ops.square(diff), axis=(1, 2, 3, 4))

    found = array(separable(volume))
    assert found.shape == (2,)
    np.testing.assert_allclose(found, array(reference(volume)), rtol=1e-5)
    np.testing.assert_allclose(
        gradient(separable, volume), gradient(reference, volume), atol=1e-7
    )
    # Nothing is left where the volume is the Gaussian itself.
    exact = np.where(np.isnan(dense), 0, dense)
    np.testing.assert_allclose(separable(exact), 0, atol=1e-6)
