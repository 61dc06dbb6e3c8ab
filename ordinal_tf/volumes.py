"""Volumes of joint scores: marginals, expected depth, decoding, mirroring.

A volume is `(B, H, W, K * D)` logits, channel `k * D + d`; d grows away from
the camera. A heatmap is a volume with D = 1. Coordinates are x, y, z, arrays
are indexed y, x: the functions here do the crossing.
"""

import numpy as np
from keras import ops

# What a depth of 1 on the network's own scale stands for, wherever depths in
# mm are known: the original's half volume, 32 bins of 31.031965 mm.
DEPTH_UNIT_MM = 32 * 31.031965

# How far around a place a joint counts as there: the standard deviation of a
# Gaussian, as a share of the plane's width.
NEAR = 3 / 80


def volume_marginals(volume, depth_bins):
    """Softmax over a joint's whole volume, summed onto the plane and onto z.

    Args:
        volume: `(B, H, W, K * D)` logits, any float dtype.
        depth_bins: int, D.

    Returns:
        float32, whatever the input's dtype: log p(x, y) `(B, H, W, K)` and
        p(z) `(B, K, D)`. The plane comes as a logarithm because a
        cross-entropy needs it finite where p itself underflows.

    Source: Pavlakos et al. 2018, arXiv:1805.04095, eqs. 4 and 5.
    """
    height, width, channels = volume.shape[1:]
    joints = channels // depth_bins
    logits = ops.cast(volume, "float32")
    logits = ops.reshape(logits, (-1, height * width, joints, depth_bins))
    if depth_bins == 1:
        plane = logits[..., 0]
        pz = ops.ones_like(logits[:, 0])
    else:
        # Two short reductions in place of a softmax over H * W * D entries
        # that are not adjacent in memory.
        peak = ops.stop_gradient(ops.max(logits, axis=-1, keepdims=True))
        scores = ops.exp(logits - peak)
        total = ops.sum(scores, axis=-1)
        plane = ops.log(total) + peak[..., 0]
        weight = ops.softmax(plane, axis=1) / total
        pz = ops.einsum("bnk,bnkd->bkd", weight, scores)
    log_xy = ops.log_softmax(plane, axis=1)
    return ops.reshape(log_xy, (-1, height, width, joints)), pz


def expected_depth(pz, depths):
    """Sum over bins of p(z) times the bin's depth (paper, below eq. 5).

    Args:
        pz: `(..., K, D)` probabilities.
        depths: `(D,)` depth that each bin stands for, any unit.

    Returns:
        `(..., K)` float32, the unit of `depths`.
    """
    depths = ops.convert_to_tensor(depths, "float32")
    return ops.sum(pz * depths, axis=-1)


def ordinal_depths(depth_bins):
    """Depth of each bin in units of `DEPTH_UNIT_MM`, -1 to 1 - 1 / half.

    0 is the bin `D / 2`, which is where the original's reconstruction input
    has it: `(bin - 33) / 32` for 64 bins counted from 1.

    Returns:
        `(D,)` float32; a single bin stands for depth 0.
    """
    half = max(depth_bins // 2, 1)
    return (np.arange(depth_bins, dtype="float32") - depth_bins // 2) / half


def decode_argmax(volume, depth_bins):
    """The best voxel of each joint's whole volume.

    Args:
        volume: `(B, H, W, K * D)` logits or probabilities.
        depth_bins: int, D.

    Returns:
        `(B, K, 3)` int32 x, y, z counted from 0. The original counts from 1.

    Source: `getPreds3D` of the published test code.
    """
    height, width, channels = volume.shape[1:]
    joints = channels // depth_bins
    flat = ops.reshape(volume, (-1, height * width, joints, depth_bins))
    flat = ops.transpose(flat, (0, 2, 3, 1))
    flat = ops.reshape(flat, (-1, joints, depth_bins * height * width))
    best = ops.cast(ops.argmax(flat, axis=-1), "int32")
    z, plane = best // (height * width), best % (height * width)
    return ops.stack([plane % width, plane // width, z], axis=-1)


def near_marginal(log_xy):
    """How probable a joint is *about* each place, instead of at it.

    A joint counts as found within a radius (PCK), so the best answer has the
    most probability around it: a broad hill, not the one sharp cell that
    stands higher.

    Args:
        log_xy: `(B, H, W, K)` log-probabilities, as `volume_marginals` gives.

    Returns:
        `(B, H, W, K)` float32, logarithm of the probability about each place,
        at most 0; outside the plane there is none.
    """
    width, joints = log_xy.shape[2:]
    sigma = NEAR * width
    reach = np.ceil(3 * sigma)
    weights = np.exp(-0.5 * np.square(np.arange(-reach, reach + 1) / sigma))
    column = np.tile(weights[:, None, None, None], (1, 1, joints, 1))
    column = column.astype("float32")
    p = ops.exp(ops.cast(log_xy, "float32"))
    for kernel in (column, column.swapaxes(0, 1)):
        p = ops.depthwise_conv(
            p, kernel, padding="same", data_format="channels_last"
        )
    return ops.log(ops.clip(p, 1e-30, 1.0))


def peaks(log_map, count):
    """The highest cells of each joint that no neighbour overtops.

    Args:
        log_map: `(B, H, W, K)` float32.
        count: int, C.

    Returns:
        `(B, K, C, 2)` int32 x, y, and `(B, K, C)` their values, best first;
        -1e9 where there are fewer of them, at some place.
    """
    height, width, joints = log_map.shape[1:]
    around = ops.max_pool(
        log_map, 3, strides=1, padding="same", data_format="channels_last"
    )
    tops = ops.where(log_map < around, -1e9, log_map)
    tops = ops.transpose(tops, (0, 3, 1, 2))
    tops = ops.reshape(tops, (-1, joints, height * width))
    values, cells = ops.top_k(tops, count)
    cells = ops.cast(cells, "int32")
    return ops.stack([cells % width, cells // width], axis=-1), values


def refined(log_map, cells):
    """Places in fractions of a cell: the tops of parabolas.

    Each goes through a cell and its two neighbours, per axis. On
    log-probabilities this is exact for a Gaussian. A cell on the border is
    not moved.

    Args:
        log_map: `(B, H, W, K)` float32.
        cells: `(B, K, 2)` int32 x, y of local maxima.

    Returns:
        `(B, K, 2)` float32 x, y in heatmap pixels.
    """
    height, width, _ = log_map.shape[1:]
    x, y = cells[..., 0], cells[..., 1]
    top = _at(log_map, x, y)
    shift_x = _parabola_top(_at(log_map, x - 1, y), top, _at(log_map, x + 1, y))
    shift_y = _parabola_top(_at(log_map, x, y - 1), top, _at(log_map, x, y + 1))
    shift_x = ops.where((x > 0) & (x < width - 1), shift_x, 0.0)
    shift_y = ops.where((y > 0) & (y < height - 1), shift_y, 0.0)
    shift = ops.stack([shift_x, shift_y], axis=-1)
    return ops.cast(cells, "float32") + shift


def probability_at(log_xy, cells):
    """The probability within one cell of a place, in the plane.

    Args:
        log_xy: `(B, H, W, K)` log-probabilities.
        cells: `(B, K, 2)` int32 x, y.

    Returns:
        `(B, K)` float32 in [0, 1].
    """
    height, width, _ = log_xy.shape[1:]
    total = 0.0
    for dx in (-1, 0, 1):
        for dy in (-1, 0, 1):
            x, y = cells[..., 0] + dx, cells[..., 1] + dy
            inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
            total += ops.where(inside, ops.exp(_at(log_xy, x, y)), 0.0)
    return ops.clip(total, 0.0, 1.0)


def _at(maps, x, y):
    """Values `(B, K)` of `(B, H, W, K)` at a cell each, inside or nearest."""
    height, width, joints = maps.shape[1:]
    flat = ops.reshape(
        ops.transpose(maps, (0, 3, 1, 2)), (-1, joints, height * width)
    )
    index = ops.clip(y, 0, height - 1) * width + ops.clip(x, 0, width - 1)
    return ops.take_along_axis(flat, index[..., None], axis=-1)[..., 0]


def _parabola_top(before, top, after):
    # The best cell is not below its neighbours, so the curvature is >= 0 and
    # the shift at most half a cell; a plateau (0 / 0) stays where it is.
    curve = 2.0 * top - before - after
    flat = curve < 1e-6
    return ops.where(
        flat, 0.0, 0.5 * (after - before) / ops.where(flat, 1.0, curve)
    )


def to_crop(points, cell):
    """Heatmap pixels to crop pixels; a cell is `cell` crop pixels wide.

    Centres on integers in both: heatmap pixel 0 covers crop pixels 0 to
    `cell - 1`, whose middle is `(cell - 1) / 2`.
    """
    return points * cell + (cell - 1) / 2


def to_heatmap(points, cell):
    """Crop pixels to heatmap pixels, the inverse of `to_crop`."""
    return (points - (cell - 1) / 2) / cell


def gaussian_factors(points, size, sigma):
    """One-dimensional Gaussians along x and y, peak 1.

    Args:
        points: `(..., 2)` x, y in heatmap pixels.
        size: `(height, width)`.
        sigma: standard deviation in heatmap pixels.

    Returns:
        `(..., W)` and `(..., H)` float32. Their outer product is the heatmap,
        and with a third factor the volume, which need never be dense.
    """
    points = ops.cast(points, "float32")
    height, width = size
    xs = ops.arange(width, dtype="float32")
    ys = ops.arange(height, dtype="float32")
    x = ops.exp(-0.5 * ops.square((xs - points[..., :1]) / sigma))
    y = ops.exp(-0.5 * ops.square((ys - points[..., 1:]) / sigma))
    return x, y


def gaussian_heatmaps(points, mask, size, sigma):
    """Heatmaps `(B, H, W, K)` float32 with peak 1, zero where masked.

    The Gaussian is centred on the fractional point and not cut off; the
    original rounds to a cell, cuts at 6 cells and misplaces the kernel at the
    left and top border: `draw_gaussian` of `tests/official/targets.py` does.

    Args:
        points: `(B, K, 2)` x, y in heatmap pixels; anything where masked.
        mask: `(B, K)` bool, annotated.
        size: `(height, width)`.
        sigma: standard deviation in heatmap pixels.
    """
    points = ops.where(mask[..., None], points, 0.0)
    x, y = gaussian_factors(points, size, sigma)
    maps = ops.einsum("bkh,bkw->bhwk", y, x)
    return ops.where(mask[:, None, None, :], maps, 0.0)


def mirror_volume(volume, mirror, depth_bins):
    """What the network would say of the unmirrored crop, from the mirrored.

    Args:
        volume: `(B, H, W, K * D)` output for the crop flipped left-right.
        mirror: K ints, joint k becomes `mirror[k]`.
        depth_bins: int, D.

    Returns:
        The volume with columns reversed and left and right joints traded, to
        be averaged with the plain output before decoding. Depth stays.

    Source: `flip` and `shuffleLR` of the published test code.
    """
    channels = np.asarray(mirror)[:, None] * depth_bins
    channels = (channels + np.arange(depth_bins)).reshape(-1)
    return ops.take(ops.flip(volume, axis=2), channels, axis=-1)
