"""Depth relations between joints: from depths, from published files.

`relation[i, j]` is +1 where joint i is nearer to the camera than j, -1 where
j is nearer, 0 where they are about equal. The published `ord` has the
opposite sign.
"""

import numpy as np
from keras import ops


def relations_from_depths(depths, mask, *, tolerance=100.0):
    """Relations of known depths (paper, Table 1: tolerance 100 mm).

    Args:
        depths: `(..., K)`, growing away from the camera; anything where not
            masked.
        mask: `(..., K)` bool, the depth is known.
        tolerance: pairs closer than this are equal; unit of `depths`.

    Returns:
        `(..., K, K)` int8 relations, 0 where unknown, and `(..., K, K)` bool,
        symmetric, without the diagonal: both depths are known.
    """
    depths = ops.where(mask, ops.cast(depths, "float32"), 0.0)
    diff = depths[..., :, None] - depths[..., None, :]
    mask = ops.convert_to_tensor(mask)
    others = ~np.eye(depths.shape[-1], dtype=bool)
    known = mask[..., :, None] & mask[..., None, :] & others
    sign = ops.where(ops.abs(diff) < tolerance, 0.0, -ops.sign(diff))
    return ops.cast(ops.where(known, sign, 0.0), "int8"), known


def relations_from_published(ord_):
    """Relations from the published annotation, whose sign is the opposite.

    Args:
        ord_: `(..., K, K)` float: -1 where depth(i) < depth(j), +1 where
            greater, 0 where about equal, NaN where not annotated.

    Returns:
        `(..., K, K)` int8 relations, 0 where unknown, and bool mask:
        annotated, without the diagonal. Both are as the file has them; an
        antisymmetric `ord` gives a symmetric mask.

    Raises:
        ValueError: a value is none of -1, 0, +1, NaN, or the last two axes
            differ.
    """
    ord_ = np.asarray(ord_)
    if ord_.ndim < 2 or ord_.shape[-1] != ord_.shape[-2]:
        raise ValueError(f"`ord` must be (..., K, K). Found: {ord_.shape}.")
    known = ~np.isnan(ord_)
    relations = np.where(known, -ord_, 0.0)
    if not np.isin(relations, (-1, 0, 1)).all():
        raise ValueError(
            "`ord` must hold -1, 0, +1 or NaN. Found: "
            f"{np.unique(ord_[known])[:10]}."
        )
    known &= ~np.eye(ord_.shape[-1], dtype=bool)
    return relations.astype(np.int8), known


def upper_pairs(joints):
    """`(K, K)` bool: each pair of joints once, i < j."""
    return np.triu(np.ones((joints, joints), bool), k=1)
