"""The training loss of each kind of image network.

Depths are compared in units of `depth_range`: the volume's bins span plus
and minus that many. With the range 10, one unit is about the 0.1 m within
which the paper calls two joints equal, if the volume spans two metres as the
original's does. The published test code uses a range of 320, where the
ranking loss is all saturated or all linear: a config can have either.
"""

from keras import ops

from ordinal_tf import losses, volumes
from ordinal_tf.models.decoding import CELL


def volume_objective(outputs, batch, options, *, z_resolutions, rank_scale):
    """Loss of the coarse-to-fine network: 2D on every stack, depth where D > 1.

    Args:
        outputs: list of `(B, H, W, 17 * D)` logits, one per stack.
        batch: dict as `pipeline.batching` yields.
        options: the config's `loss` section: `heatmap` ("cross_entropy" or
            "l2", the paper's), `heatmap_weight` (the paper's lambda),
            `rank_weight`, `equal_weight`, `depth_weight` (cross-entropy of
            the depth marginal where depth is known), `volume_weight` (squared
            error of the volume where depth is known), `sigma` (heatmap
            cells) and `depth_range`.
        z_resolutions: D per stack.
        rank_scale: scalar in 0 to 1, ramps the ranking loss up.

    Returns:
        dict of float32 scalars, batch means: `loss` and its parts.
    """
    parts = {"heatmap": 0.0, "rank": 0.0, "depth": 0.0, "volume": 0.0}
    points = volumes.to_heatmap(batch["keypoints"], CELL)
    mask, known = batch["keypoint_mask"], batch["depth_mask"]
    for output, bins in zip(outputs, z_resolutions, strict=True):
        size = output.shape[1:3]
        log_xy, pz = volumes.volume_marginals(output, bins)
        target = volumes.gaussian_heatmaps(points, mask, size, options["sigma"])
        parts["heatmap"] += _heatmap(options["heatmap"], target, log_xy, mask)
        if bins == 1:
            continue
        depths = volumes.ordinal_depths(bins) * options["depth_range"]
        parts["rank"] += losses.ranking_loss(
            batch["relation"],
            volumes.expected_depth(pz, depths),
            mask=batch["relation_mask"],
            equal_weight=options["equal_weight"],
        )
        if options["depth_weight"] or options["volume_weight"]:
            factors = _depth_factors(batch["depth"], bins, options["sigma"])
        if options["depth_weight"]:
            parts["depth"] += losses.depth_cross_entropy(
                factors, pz, mask=known
            )
        if options["volume_weight"]:
            x, y = volumes.gaussian_factors(points, size, options["sigma"])
            shape = (-1, *size, factors.shape[1], bins)
            parts["volume"] += losses.separable_volume_loss(
                (x, y, factors), ops.reshape(output, shape), mask=mask & known
            )
    return _weigh(parts, options, rank_scale)


def regression_objective(output, batch, options, *, rank_scale):
    """Loss of the depth head (B, 17, 1) and the coordinate head (B, 17, 3).

    Depths of the heads are in units of the volume's half range, so that all
    networks mean the same by a depth; keypoints in crop sides from the
    crop's centre. Arguments otherwise as `volume_objective`.
    """
    depths = output[..., -1] * options["depth_range"]
    parts = {
        "rank": losses.ranking_loss(
            batch["relation"],
            depths,
            mask=batch["relation_mask"],
            equal_weight=options["equal_weight"],
        )
    }
    if output.shape[-1] == 3:
        size = batch["image"].shape[1]
        points = (batch["keypoints"] - (size - 1) / 2) / size
        parts["heatmap"] = losses.keypoint_loss(
            points, output[..., :2], mask=batch["keypoint_mask"]
        )
    if options["depth_weight"]:
        known = batch["depth_mask"]
        true = ops.where(known, batch["depth"], 0.0) / volumes.DEPTH_UNIT_MM
        pred = ops.where(known, output[..., -1], 0.0)
        parts["depth"] = ops.sum(ops.square(true - pred), axis=-1)
    return _weigh(parts, options, rank_scale)


def _heatmap(kind, target, log_xy, mask):
    if kind == "cross_entropy":
        return losses.heatmap_cross_entropy(target, log_xy, mask=mask)
    # p(x, y) sums to 1, so its target must.
    total = ops.sum(target, axis=(1, 2), keepdims=True)
    target = target / ops.maximum(total, 1e-3)
    return losses.heatmap_loss(target, ops.exp(log_xy), mask=mask)


def _depth_factors(depth, bins, sigma):
    """`(B, 17, D)` Gaussians along z around depths in mm."""
    centres = volumes.ordinal_depths(bins) * volumes.DEPTH_UNIT_MM
    step = volumes.DEPTH_UNIT_MM / (bins // 2)
    distance = (depth[..., None] - centres) / (sigma * step)
    return ops.exp(-0.5 * ops.square(distance))


def _weigh(parts, options, rank_scale):
    weights = {
        "heatmap": options["heatmap_weight"],
        "rank": options["rank_weight"] * rank_scale,
        "depth": options["depth_weight"],
        "volume": options["volume_weight"],
    }
    means = {key: ops.mean(part) for key, part in parts.items()}
    return {"loss": sum(weights[k] * v for k, v in means.items()), **means}
