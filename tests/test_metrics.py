"""Metrics against golden vectors, closed forms and invariances."""

import numpy as np
import pytest
from keras import ops

from ordinal_tf import metrics, skeleton
from tests.numerics import array, assert_close, float64

TORSO = (
    skeleton.LSP14.index("left_shoulder"),
    skeleton.LSP14.index("right_hip"),
)


@pytest.fixture(scope="module")
def vectors(golden):
    with np.load(golden / "metrics.npz") as file:
        return dict(file)


@pytest.fixture
def poses(vectors):
    """True and predicted poses, in the precision of the golden vectors."""
    with float64():
        yield vectors["gt_mm"], vectors["pred_mm"]


def random_poses(seed=0, count=3, joints=17):
    # The same few shapes throughout: JAX compiles for each anew.
    rng = np.random.default_rng(seed)
    return rng.normal(0, 300, (2, count, joints, 3))


def n_mpjpe(true, pred, **options):
    errors = metrics.n_joint_errors(true, pred, **options)
    return metrics.masked_mean(*errors)


# Position errors.


def test_joint_errors_golden(vectors, poses):
    errors, counted = metrics.joint_errors(*poses)
    assert_close(errors, vectors["joint_dist_root"], atol=1e-6)
    assert array(counted).all()


def test_mpjpe_golden(vectors, poses):
    assert_close(metrics.mpjpe(*poses), vectors["mpjpe_root"], atol=1e-6)
    unaligned = metrics.mpjpe(*poses, root=None)
    assert_close(unaligned, vectors["mpjpe_unaligned"], atol=1e-6)


def test_pa_mpjpe_golden(vectors, poses):
    assert_close(metrics.pa_mpjpe(*poses), vectors["pa_mpjpe"], atol=1e-6)
    scale, rotation, _ = metrics.similarity_transform(*poses)
    assert_close(scale, vectors["pa_scale"], atol=1e-9)
    unique = ["collinear" not in tag for tag in vectors["tag"]]
    rotation, aligned = array(rotation), metrics.similarity_align(*poses)
    assert sum(unique) == 16
    expected = vectors["pa_rotation"]
    assert_close(rotation[unique], expected[unique], atol=1e-9)
    expected = vectors["pa_aligned_pred"]
    assert_close(array(aligned)[unique], expected[unique], atol=1e-6)
    # Also of the others, a rotation and not a reflection.
    assert_close(np.linalg.det(rotation), np.ones(19), atol=1e-9)


@pytest.mark.parametrize("centre", ["root", "mean"])
def test_n_mpjpe_golden(vectors, poses, centre):
    errors = n_mpjpe(*poses, centre=centre)
    assert_close(errors, vectors[f"n_mpjpe_{centre}"], atol=1e-6)


def test_n_mpjpe_scale_golden(vectors, poses):
    # With the golden scale applied, no scale is left to find.
    true, pred = (pose - pose[:, :1] for pose in poses)
    scaled = vectors["n_scale_root"][:, None, None] * pred
    assert_close(
        metrics.mpjpe(true, scaled), vectors["n_mpjpe_root"], atol=1e-6
    )
    true, pred = (pose - pose.mean(1, keepdims=True) for pose in poses)
    scaled = vectors["n_scale_mean"][:, None, None] * pred
    errors = metrics.mpjpe(true, scaled, root=None)
    assert_close(errors, vectors["n_mpjpe_mean"], atol=1e-6)


def test_action_means_golden(vectors, poses):
    with float64():
        errors, counted = metrics.joint_errors(*(p[:10] for p in poses))
        pooled = metrics.masked_mean(errors, counted, axis=None)
        assert_close(pooled, vectors["average_pooled_frames"], atol=1e-6)
        means = []
        for action in vectors["action_names"]:
            chosen = vectors["action_of_frame"] == action
            mask = array(counted) & chosen[:, None]
            means.append(array(metrics.masked_mean(errors, mask, axis=None)))
        assert_close(means, vectors["action_mean"], atol=1e-6)
        assert_close(np.mean(means), vectors["average_of_actions"], atol=1e-6)


def test_pa_mpjpe_invariant_to_similarity():
    true, pred = random_poses()
    turn, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))
    turn *= np.sign(np.linalg.det(turn))
    with float64():
        before = metrics.pa_mpjpe(true, pred)
        after = metrics.pa_mpjpe(true, 0.3 * pred @ turn + [5.0, -80.0, 4000.0])
        assert_close(after, array(before), atol=1e-6)
        assert (array(before) < array(metrics.mpjpe(true, pred))).all()


def test_reflection_is_not_aligned_away():
    true, _ = random_poses(count=1)
    assert array(metrics.pa_mpjpe(true, true * [-1, 1, 1]))[0] > 50


@pytest.mark.parametrize("joints", [1, 2, 3])
def test_pa_mpjpe_of_few_joints(joints):
    true, pred = random_poses(joints=joints)
    errors = array(metrics.pa_mpjpe(true, pred))
    assert np.isfinite(errors).all()
    if joints < 3:  # Two points can always be laid on two others.
        np.testing.assert_allclose(errors, 0.0, atol=1e-3)


def test_collapsed_prediction_is_finite():
    true, _ = random_poses()
    spread = np.linalg.norm(true - true.mean(1, keepdims=True), axis=-1)
    flat = np.full_like(true, 7.0)
    assert_close(metrics.pa_mpjpe(true, flat), spread.mean(-1), rtol=1e-5)
    flat = n_mpjpe(true, flat)
    from_root = np.linalg.norm(true - true[:, :1], axis=-1).mean(-1)
    assert_close(flat, from_root, rtol=1e-5)


POSE_METRICS = {
    "mpjpe": metrics.mpjpe,
    "pa_mpjpe": metrics.pa_mpjpe,
    "n_mpjpe_root": n_mpjpe,
    "n_mpjpe_mean": lambda *a, **k: n_mpjpe(*a, centre="mean", **k),
    "pck3d": lambda *a, **k: metrics.masked_mean(*metrics.pck3d(*a, **k)),
    "auc": lambda *a, **k: metrics.masked_mean(*metrics.auc(*a, **k)),
}


@pytest.mark.parametrize("name", POSE_METRICS)
def test_masked_joint_adds_nothing(name):
    true, pred = random_poses()
    mask = np.ones((3, 17), bool)
    mask[:, [4, 9]] = False
    # By the joints left out for real, in the same order.
    expected = POSE_METRICS[name](true[:, mask[0]], pred[:, mask[0]])
    true[~mask], pred[~mask] = np.nan, np.nan
    actual = POSE_METRICS[name](true, pred, mask=mask)
    assert_close(actual, array(expected), rtol=1e-5)


@pytest.mark.parametrize("name", POSE_METRICS)
def test_empty_mask_gives_zero(name):
    true, pred = np.full((2, 3, 17, 3), np.nan)
    empty = POSE_METRICS[name](true, pred, mask=np.zeros((3, 17), bool))
    np.testing.assert_array_equal(array(empty), np.zeros(3))


def test_unlabelled_root_counts_nowhere():
    true, pred = random_poses()
    mask = np.ones((3, 17), bool)
    mask[1, 0] = False
    _, counted = metrics.joint_errors(true, pred, mask=mask)
    assert array(counted).any(-1).tolist() == [True, False, True]
    assert array(n_mpjpe(true, pred, mask=mask))[1] == 0


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_halves_are_computed_in_float32(dtype):
    # 300 mm squared overflows float16.
    true = ops.cast([[[0, 0, 0], [0, 0, 300.0]]], dtype)
    pred = ops.cast([[[0, 0, 0], [400.0, 0, 0]]], dtype)
    errors = metrics.mpjpe(true, pred)
    assert_close(errors, np.float32([250.0]), rtol=1e-6)
    assert array(metrics.pa_mpjpe(true, pred))[0] < 1e-3


def test_leading_axes_are_free():
    true, pred = random_poses(count=6)
    flat = array(metrics.pa_mpjpe(true, pred))
    shape = (3, 1, 2, 17, 3)
    deep = metrics.pa_mpjpe(true.reshape(shape), pred.reshape(shape))
    assert_close(deep, flat.reshape(3, 1, 2), rtol=1e-5)
    assert array(metrics.mpjpe(true[0], pred[0])).shape == ()


def test_n_mpjpe_rejects_unknown_centre():
    with pytest.raises(ValueError, match="'root' or 'mean'.*'hip'"):
        n_mpjpe(*random_poses(), centre="hip")


# 3DPCK and its curve.


def test_pck3d_golden(vectors, poses):
    correct, counted = metrics.pck3d(*poses)
    share = metrics.masked_mean(correct, counted)
    assert_close(100 * array(share), vectors["pck3d_150"], atol=1e-5)
    share = array(correct).mean(), array(correct).mean(-1)
    assert_close(100 * share[0], vectors["pck3d_150_all"], atol=1e-9)
    assert_close(100 * share[1], vectors["pck3d_150"], atol=1e-9)
    curve = [
        array(metrics.pck3d(*poses, threshold_mm=t)[0]).mean(-1)
        for t in vectors["auc_thresholds"]
    ]
    expected = vectors["pck_curve"]
    assert_close(100 * np.stack(curve, -1), expected, atol=1e-9)


def test_auc_golden(vectors, poses):
    share, counted = metrics.auc(*poses)
    per_pose = metrics.masked_mean(share, counted)
    assert_close(100 * array(per_pose), vectors["auc"], atol=1e-9)
    pooled = metrics.masked_mean(share, counted, axis=None)
    assert_close(100 * array(pooled), vectors["auc_all"], atol=1e-9)
    without = metrics.AUC_THRESHOLDS_MM[1:]
    share, counted = metrics.auc(*poses, thresholds_mm=without)
    per_pose = 100 * array(metrics.masked_mean(share, counted))
    assert_close(per_pose, vectors["auc_without_zero_threshold"], atol=1e-9)
    expected = vectors["auc_thresholds"]
    np.testing.assert_array_equal(metrics.AUC_THRESHOLDS_MM, expected)


def test_pck3d_is_strict():
    true = np.zeros((1, 3, 3), "float32")
    pred = np.float32([[[0, 0, 0], [150, 0, 0], [0, 149.99, 0]]])
    correct, _ = metrics.pck3d(true, pred)
    assert array(correct).tolist() == [[True, False, True]]


# PCK in the image.


def test_pck_golden(vectors):
    true, pred = vectors["lsp_gt_px"], vectors["lsp_pred_px"]
    with float64():
        torso = metrics.segment_length(true, None, TORSO)
        assert_close(torso, vectors["lsp_torso_px"], atol=1e-9)
        correct, counted = metrics.pck(true, pred, None, reference=torso)
        errors, _ = metrics.joint_errors(true, pred, root=None)
        normed = array(errors) / array(torso)[:, None]
        assert_close(normed, vectors["lsp_norm_dist"], atol=1e-9)
        np.testing.assert_array_equal(array(correct), vectors["lsp_correct"])
        per_joint = array(correct).mean(0)
        assert_close(100 * per_joint, vectors["lsp_pck_per_joint"], atol=1e-9)
        assert_close(100 * per_joint.mean(), vectors["lsp_pck"], atol=1e-9)
        share = metrics.masked_mean(correct, counted, axis=0)
        assert_close(array(share), per_joint, atol=1e-6)


def test_pck_counts_labelled_joints_of_poses_with_a_torso():
    true = np.zeros((2, 14, 2))
    true[:, TORSO[0]] = [0, 100]
    true[:, 0] = np.nan
    mask = np.ones((2, 14), bool)
    mask[:, 0] = False
    mask[1, TORSO[0]] = False
    torso = metrics.segment_length(true, mask, TORSO)
    assert array(torso).tolist() == [100, 0]
    # 20 px on a torso of 100 px: the bound itself is correct.
    pred = np.where(np.isnan(true), 0, true) + [0, 20]
    correct, counted = metrics.pck(true, pred, mask, reference=torso)
    assert array(counted).sum(-1).tolist() == [13, 0]
    assert array(correct).sum(-1).tolist() == [13, 0]
    pred += [0, 0.01]
    correct, _ = metrics.pck(true, pred, mask, reference=torso)
    assert not array(correct).any()


# Ordinal depth. By hand: (0, 1) agrees, (0, 2) does not, (1, 2) is a tie
# annotated as unequal, (0, 3) is equal and 0.05 apart, (1, 3) equal and far.

DEPTHS = np.float32([0.0, 1.0, 1.0, 0.05])
PAIRS = {(0, 1): 1, (0, 2): -1, (1, 2): 1, (0, 3): 0, (1, 3): 0}


def relations_by_hand():
    relations = np.full((4, 4), np.nan, "float32")
    for (i, j), relation in PAIRS.items():
        relations[i, j] = relation
    return relations, ~np.isnan(relations)


def test_pairs_by_hand():
    relations, mask = relations_by_hand()
    for depths in (DEPTHS, -DEPTHS):
        correct, counted = metrics.ordinal_pairs(relations, depths, mask)
        # Seen from behind, what agreed does not and the other way round.
        right = (0, 1) if depths is DEPTHS else (0, 2)
        assert np.argwhere(array(correct)).tolist() == [list(right)]
        assert array(counted).sum() == 3
        share = metrics.ordinal_accuracy(relations, depths, mask)
        assert_close(share, np.float32(1 / 3), atol=1e-6)
        none = metrics.ordinal_accuracy(relations, depths, mask & False)
        assert float(none) == 0.0
        close, equal = metrics.equal_pairs(
            relations, depths, mask, tolerance=0.1
        )
        assert np.argwhere(array(close)).tolist() == [[0, 3]]
        assert array(equal).sum() == 2


@pytest.mark.parametrize("kind", ["int8", "float16", "bfloat16"])
def test_pairs_of_narrow_types(kind):
    relations, mask = relations_by_hand()
    relations = np.where(mask, relations, 0).astype("int8")
    depths = ops.cast(DEPTHS, kind)
    correct, counted = metrics.ordinal_pairs(relations, depths, mask)
    assert np.argwhere(array(correct)).tolist() == [[0, 1]]
    assert array(counted).sum() == 3
