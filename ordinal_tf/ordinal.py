"""Depth relations between joints: from depths, from annotations, mirrored.

`relations[..., i, j]` is +1 where joint i is nearer than j, -1 where j is,
0 where they are at about the same depth: the paper's sign, antisymmetric.
Datasets publish `ord` with the opposite sign. A mask says which pairs are
known; it is symmetric here, because joints may still be renamed or mapped,
and `upper_pairs` keeps each pair once when all that is done.
"""

import numpy as np
from keras import ops

# |dz| below 10 cm counts as equal (paper, Table 1).
TOLERANCE_MM = 100.0


def relations_from_depths(depths, *, tolerance=TOLERANCE_MM, mask=None):
    """Relations that known depths imply.

    Args:
        depths: `(..., K)` growing away from the camera; NaN: unknown.
        tolerance: depths that differ by less are equal; in the unit of
            `depths`, by default millimetres.
        mask: `(..., K)` bool, depth is known; None: wherever it is not NaN.

    Returns:
        `(..., K, K)` int8 relations, antisymmetric, 0 where unknown; and
        their symmetric `(..., K, K)` bool mask, False on the diagonal.
    """
    depths = ops.convert_to_tensor(depths)
    known = ops.logical_not(ops.isnan(depths))
    if mask is not None:
        known = ops.logical_and(known, ops.cast(mask, "bool"))
    # where, so that NaN - NaN meets no comparison and no cast.
    depths = ops.where(known, depths, 0)
    diff = depths[..., :, None] - depths[..., None, :]
    nearer = ops.cast(diff <= -tolerance, "int8")
    further = ops.cast(diff >= tolerance, "int8")
    pairs = ops.logical_and(known[..., :, None], known[..., None, :])
    pairs = ops.logical_and(pairs, ~np.eye(depths.shape[-1], dtype=bool))
    return ops.where(pairs, nearer - further, ops.cast(0, "int8")), pairs


def relations_from_published(published):
    """Relations from a dataset's `ord`, whose sign is the opposite.

    A pair annotated on one side of the diagonal only is completed; one
    annotated on both is taken as it stands, for readers to check with
    `contradictory` record by record.

    Args:
        published: `(..., K, K)` of -1 (i is nearer), 0, +1 (j is nearer) and
            NaN (not annotated). The diagonal is not looked at.

    Returns:
        NumPy `(..., K, K)` int8 relations, 0 where unknown; and their
        symmetric `(..., K, K)` bool mask, False on the diagonal.

    Raises:
        ValueError: not square, or another value than those.
    """
    published = np.asarray(published, "float64")
    _check_square(published, "published")
    given = ~np.isnan(published)
    strange = given & ~np.isin(published, (-1, 0, 1))
    if strange.any():
        index = tuple(map(int, np.argwhere(strange)[0]))
        raise ValueError(
            "`published` may hold -1, 0, +1 and, where a pair is not "
            f"annotated, NaN. Received: {published[index]:g} at {index}."
        )
    off_diagonal = ~np.eye(published.shape[-1], dtype=bool)
    given &= off_diagonal
    transposed = np.swapaxes(published, -1, -2)
    signs = np.where(given, -published, transposed)
    mask = (given | np.swapaxes(given, -1, -2)) & off_diagonal
    return np.where(mask, signs, 0).astype("int8"), mask


def contradictory(relations):
    """Where `r[i, j] = -r[j, i]` fails for some pair, `(...)` bool (NumPy).

    Args:
        relations: `(..., K, K)`, 0 where unknown.
    """
    relations = np.asarray(relations)
    _check_square(relations, "relations")
    return np.any(relations != -np.swapaxes(relations, -1, -2), axis=(-2, -1))


def _check_square(pairs, name):
    if pairs.ndim < 2 or pairs.shape[-1] != pairs.shape[-2]:
        raise ValueError(
            f"`{name}` must have shape (..., K, K), one row and one column "
            f"per joint. Received: {pairs.shape}."
        )


def upper_pairs(mask):
    """The mask with each pair once: i < j.

    Args:
        mask: `(..., K, K)` bool, symmetric.

    Returns:
        `(..., K, K)` bool, False on and below the diagonal.
    """
    upper = np.triu(np.ones(mask.shape[-2:], bool), k=1)
    return ops.logical_and(mask, upper)


def insert_by_halving(joint, levels, compare, *, first=None):
    """Sorts a joint into an order by questions, each of which halves the rest.

    Args:
        joint: what is sorted in.
        levels: list of lists, joints that are about equally far, the nearest
            level first. Changed: the joint comes into one, or between two.
        compare: function of a level to +1 where the joint is nearer, -1 where
            the level is, 0 where they are about equal, and None where that is
            not known.
        first: int, the level to begin with; None for the one in the middle.

    Returns:
        The level that could not be compared, the joint being in none then;
        None where it is sorted in.
    """
    low, high = 0, len(levels)
    probe = (low + high) // 2 if first is None else first
    while low < high:
        sign = compare(levels[probe])
        if sign is None:
            return levels[probe]
        if sign == 0:
            levels[probe].append(joint)
            return None
        low, high = (low, probe) if sign > 0 else (probe + 1, high)
        probe = (low + high) // 2
    levels.insert(low, [joint])
    return None
