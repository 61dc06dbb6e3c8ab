"""Losses of the paper and the ones that train faster, one value per pose.

All compute and return float32 whatever comes in, but for float64 predictions,
which keep their precision. What a mask leaves out may hold anything, NaN
included: it adds exactly nothing to value and gradient.
"""

import keras
import numpy as np
from keras import ops


def _precision(predicted):
    """Dtype to compute in: float32, or float64 where the prediction is."""
    dtype = keras.backend.standardize_dtype(predicted.dtype)
    return "float64" if dtype == "float64" else "float32"


def _known(values, mask, dtype):
    """Values in `dtype` with 0 where masked, so that no NaN can pass."""
    return ops.where(mask, ops.cast(values, dtype), 0.0)


def _differences(true, predicted, mask):
    """`true - predicted`, 0 where masked."""
    dtype = _precision(predicted)
    return _known(true, mask, dtype) - _known(predicted, mask, dtype)


def ranking_loss(relations, depths, *, mask, equal_weight=1.0):
    """Ordinal depth loss: sum over annotated joint pairs.

    With `d = depths[i] - depths[j]`, a pair costs `softplus(r * d)` where one
    joint is nearer (r = +1: i, r = -1: j) and `d ** 2` where r = 0.

    Args:
        relations: `(..., K, K)` of -1, 0, +1, antisymmetric.
        depths: `(..., K)`, growing away from the camera.
        mask: `(..., K, K)` bool, the pairs that count, each once (i < j).
        equal_weight: factor of the pairs with r = 0; below 1 where "about
            equal" is the label that is trusted least.

    Returns:
        `(...)`; 0 where no pair counts.

    Source: Pavlakos et al. 2018, arXiv:1805.04095, eqs. 1 and 2 (a sum, not
    a mean; `equal_weight` is ours).
    """
    dtype = _precision(depths)
    relations = _known(relations, mask, dtype)
    # A joint in no pair may have no depth at all.
    used = ops.any(mask, axis=-1) | ops.any(mask, axis=-2)
    depths = _known(depths, used, dtype)
    diff = depths[..., :, None] - depths[..., None, :]
    diff = ops.where(mask, diff, 0.0)
    equal = relations == 0
    # Both branches get an argument that is harmless where it is not chosen:
    # the gradient of the other one would otherwise be inf * 0.
    cost = ops.where(
        equal,
        equal_weight * ops.square(ops.where(equal, diff, 0.0)),
        ops.softplus(relations * diff),
    )
    return ops.sum(ops.where(mask, cost, 0.0), axis=(-2, -1))


def keypoint_loss(keypoints_true, keypoints_pred, *, mask):
    """Sum over annotated joints of the squared 2D distance (eq. 3).

    Args:
        keypoints_true, keypoints_pred: `(..., K, 2)`, one unit for both.
        mask: `(..., K)` bool.

    Returns:
        `(...)`.
    """
    diff = _differences(keypoints_true, keypoints_pred, mask[..., None])
    return ops.sum(ops.square(diff), axis=(-2, -1))


def heatmap_loss(heatmaps_true, heatmaps_pred, *, mask):
    """Sum over all cells and annotated joints of the squared difference.

    Args:
        heatmaps_true, heatmaps_pred: `(B, H, W, K)`, L_heat's Gaussian and
            the plane marginal, both of the same sum.
        mask: `(B, K)` bool.

    Returns:
        `(B,)`.
    """
    mask = mask[:, None, None, :]
    diff = _differences(heatmaps_true, heatmaps_pred, mask)
    return ops.sum(ops.square(diff), axis=(1, 2, 3))


def heatmap_cross_entropy(heatmaps_true, log_xy, *, mask):
    """Cross-entropy between a normalised Gaussian and the plane marginal.

    Where the squared error on a softmax fades as the softmax does, this
    keeps a gradient of full size: `p - target` for each logit.

    Args:
        heatmaps_true: `(B, H, W, K)` targets >= 0 of any sum; one that sums
            to zero (the joint lies far outside) counts as masked.
        log_xy: `(B, H, W, K)` log-probabilities over the plane.
        mask: `(B, K)` bool.

    Returns:
        `(B,)` nats, the sum over the joints that count / K.
    """
    dtype = _precision(log_xy)
    heatmaps_true = _known(heatmaps_true, mask[:, None, None, :], dtype)
    total = ops.sum(heatmaps_true, axis=(1, 2))
    counts = mask & (total > 1e-3)
    target = heatmaps_true / ops.where(counts, total, 1.0)[:, None, None, :]
    log_xy = _known(log_xy, counts[:, None, None, :], dtype)
    cost = -ops.sum(target * log_xy, axis=(1, 2))
    return ops.mean(ops.where(counts, cost, 0.0), axis=-1)


def separable_volume_loss(factors, volumes_pred, *, mask):
    """Full 3D supervision: mean squared error from a Gaussian in each volume.

    A Gaussian is the outer product of three vectors, so that of the square
    `|V - G|^2 = sum V^2 - 2 sum V G + sum G^2` the middle term is three short
    contractions and the last a product of three sums; only the gradient makes
    a whole one.

    Args:
        factors: `(B, K, W)`, `(B, K, H)` and `(B, K, D)`, the Gaussians along
            x, y and z; no gradient flows to them.
        volumes_pred: `(B, H, W, K, D)`.
        mask: `(B, K)` bool, joints whose position and depth are both known.

    Returns:
        `(B,)`, the mean over all voxels.

    Source: coarse-to-fine training (`hg-stacked` MSECriterion).
    """
    dtype = _precision(volumes_pred)
    x, y, z = (_known(one, mask[..., None], dtype) for one in factors)
    mask = mask[:, None, None, :, None]
    voxels = float(np.prod(volumes_pred.shape[1:]))

    # The gradient that is derived from these sums keeps several volumes.
    @ops.custom_gradient
    def error(given):
        volume = _known(given, mask, dtype)
        square = ops.sum(ops.square(volume), axis=(1, 2, 4))
        along_z = ops.einsum("bhwkd,bkd->bhwk", volume, z)
        both = ops.einsum("bkh,bhwk,bkw->bk", y, along_z, x)
        own = [ops.sum(ops.square(one), axis=-1) for one in (x, y, z)]
        cost = square - 2.0 * both + own[0] * own[1] * own[2]

        def gradient(*arguments, upstream=None):
            # PyTorch's backend names it, the others give it as the only one.
            upstream = arguments[0] if upstream is None else upstream
            factor = (2.0 / voxels) * upstream[:, None, None]
            target = ops.einsum("bkh,bkw,bkd->bhwkd", y, x, factor * z)
            known = _known(given, mask, dtype)
            return known * factor[..., None, None] - target

        return ops.sum(cost, axis=-1) / voxels, gradient

    return error(ops.cast(volumes_pred, dtype))


def depth_cross_entropy(depth_factors, pz, *, mask):
    """Full 3D supervision on the depth marginal alone, no dense target.

    Args:
        depth_factors: `(B, K, D)` Gaussians along z, of any sum.
        pz: `(B, K, D)` probabilities.
        mask: `(B, K)` bool, joints whose depth is known.

    Returns:
        `(B,)` nats, the sum over the joints that count / K.
    """
    dtype = _precision(pz)
    depth_factors = _known(depth_factors, mask[..., None], dtype)
    total = ops.sum(depth_factors, axis=-1)
    counts = mask & (total > 1e-3)
    target = depth_factors / ops.where(counts, total, 1.0)[..., None]
    pz = ops.where(counts[..., None], ops.cast(pz, dtype), 1.0)
    cost = -ops.sum(target * ops.log(pz + 1e-12), axis=-1)
    return ops.mean(ops.where(counts, cost, 0.0), axis=-1)


def reconstruction_loss(pose_true, pose_pred):
    """Sum over joints of the squared 3D distance (eq. 6).

    Args:
        pose_true, pose_pred: `(..., K, 3)`, one unit for both.

    Returns:
        `(...)`.
    """
    diff = _differences(pose_true, pose_pred, True)
    return ops.sum(ops.square(diff), axis=(-2, -1))
