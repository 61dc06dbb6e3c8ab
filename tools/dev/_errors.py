"""What `tools.dev.measure_errors` measures: how an image network errs."""

import numpy as np

from ordinal_tf import skeleton, volumes
from ordinal_tf.data.mocap import image_errors
from ordinal_tf.data.mocap.image_errors import LEVELS, LIMBS

_SKELETON = skeleton.H36M17
_MIRROR = np.array(_SKELETON.mirror)
# A joint is missed beyond this share of the person's extent.
_FAR = 0.2
# Sides are told apart where they are this share of the extent apart.
_APART = 0.12
# The median length of a 2D normal vector, in standard deviations.
_MEDIAN = np.sqrt(2 * np.log(2))


def of_found(found):
    """`image_errors.ImageErrors` of what an image network found.

    Args:
        found: dict of `found_people`; without poses nothing is told of depth.
    """
    arguments = [found[k] for k in ("keypoints", "keypoints_true")]
    arguments.append(found["keypoint_mask"])
    if np.isfinite(found["pose_true"]).all():
        true = found["pose_true"][..., 2]
        true = true - true[:, _SKELETON.root : _SKELETON.root + 1]
        arguments += [volumes.DEPTH_UNIT_MM * found["ordinal_depth"], true]
    return measure(*arguments)


def measure(keypoints, true, mask, depth=None, true_depth=None):
    """The errors of found joints, as far as labels tell.

    A median stands for the jitter, for a few joints far off must not decide
    how precise the others are. What is far off counts in `missed`.

    Args:
        keypoints: `(B, 17, 2)` found.
        true: `(B, 17, 2)`, same unit.
        mask: `(B, 17)` bool, labelled.
        depth, true_depth: `(B, 17)` mm, root-relative; without them `gain`
            and `depth_mm` are those of no error.

    Returns:
        `image_errors.ImageErrors`.
    """
    known = np.where(mask[..., None], true, np.nan)
    sides = np.nanmax(known, 1) - np.nanmin(known, 1)
    extent = np.max(sides, axis=-1, keepdims=True)
    distance = np.linalg.norm(keypoints - true, axis=-1) / extent
    other = np.linalg.norm(keypoints - true[:, _MIRROR], axis=-1) / extent
    turned = mask[:, _MIRROR] & (other < distance)
    nearest = np.where(turned, other, distance)
    missed = nearest > _FAR
    sure = mask & ~missed
    swapped, merged = [], []
    for limb in LIMBS.values():
        pair = [_SKELETON.index(f"{s}_{limb[2]}") for s in ("left", "right")]
        apart = np.linalg.norm(np.diff(true[:, pair], axis=1)[:, 0], axis=-1)
        counts = sure[:, pair].all(1) & (apart > _APART * extent[:, 0])
        wrong = turned[counts][:, pair]
        swapped.append(_mean(wrong.all(1)))
        merged.append(_mean(wrong.any(1) & ~wrong.all(1)))
    jitter = [
        np.median(nearest[sure & (level == LEVELS)]) / _MEDIAN
        for level in range(3)
    ]
    scale = np.maximum(np.take(jitter, LEVELS), 1e-9)
    scaled = np.log(np.maximum(nearest, 1e-9) / scale)
    some = sure.sum(1) > 1
    scaled = np.where(sure, scaled, np.nan)[some]
    # Of what people's means vary by, chance alone makes a part.
    chance = np.mean(np.nanvar(scaled, axis=1, ddof=1) / sure[some].sum(1))
    hardness = np.sqrt(max(np.var(np.nanmean(scaled, axis=1)) - chance, 0))
    far = [_mean(missed[mask & (level == LEVELS)]) for level in range(3)]
    found = {"swapped": swapped, "merged": merged, "missed": far}
    found |= {"jitter": jitter, "hardness": hardness}
    if depth is not None:
        found |= _measure_depth(depth, true_depth, mask)
    return image_errors.ImageErrors(**_plain(found))


def _measure_depth(depth, true_depth, mask):
    gain, spread = np.zeros(3), np.zeros(3)
    parents, children = np.array(_SKELETON.bones).T
    known = mask[:, parents] & mask[:, children]
    along, true_along = (
        d[:, children] - d[:, parents] for d in (depth, true_depth)
    )
    for level in range(3):
        use = known & (LEVELS[children] == level)
        x, y = true_along[use], along[use]
        gain[level] = max(np.sum(x * y) / np.sum(x * x), 0)
        spread[level] = np.sqrt(np.mean(np.square(y - gain[level] * x)))
    return {"gain": gain, "depth_mm": spread}


def _mean(values):
    return np.mean(values) if np.size(values) else 0.0


def _plain(found):
    return {
        key: tuple(np.round(np.float64(value), 4).tolist())
        if np.ndim(value)
        else round(float(value), 4)
        for key, value in found.items()
    }
