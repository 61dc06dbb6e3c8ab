"""What image networks get wrong: measured on labels, and made for training.

In the picture joints of one side lie on the other, both on one side, or where
another joint is; depths are too small and err along whole limbs. `measure`
finds the seventeen numbers of it, and `spoil` draws from it.

Depths are those of the joint's own side wherever it is seen: measured on a
half-trained network whose legs were merged in 83 % of the pictures, the
depth of a knee went with that of the true knee (correlation 0.53), not with
the one under it (0.23).
"""

import dataclasses

import numpy as np

from ordinal_tf import skeleton

_SKELETON = skeleton.H36M17
_LIMBS = {
    "legs": ("hip", "knee", "ankle"),
    "arms": ("shoulder", "elbow", "wrist"),
}
# How far out a joint is: 0 the trunk, with hips and shoulders, 1 knees and
# elbows, 2 ankles and wrists.
LEVELS = np.array(
    [
        next((k for k in (1, 2) for limb in _LIMBS.values() if limb[k] in j), 0)
        for j in _SKELETON.joints
    ]
)
_MIRROR = np.array(_SKELETON.mirror)
_PARENTS = np.array(_SKELETON.parents)
# A joint is missed beyond this share of the person's extent.
_FAR = 0.2
# Sides are told apart where they are this share of the extent apart.
_APART = 0.12
# The median length of a 2D normal vector, in standard deviations.
_MEDIAN = np.sqrt(2 * np.log(2))


@dataclasses.dataclass(frozen=True)
class ImageErrors:
    """How an image network errs; the default does not.

    Pairs are of legs and arms; triples are of the trunk, of knees and elbows,
    and of ankles and wrists.

    Attributes:
        swapped: pair, probability that the ends of the two limbs are taken
            for each other. With a third of these the knee or elbow is right,
            with another third only the hip or shoulder is.
        merged: pair, likewise, that both are seen where one of them is.
        missed: triple, probability that a joint is seen at another joint.
        jitter: triple, standard deviation of x and of y otherwise, in shares
            of the person's extent in the picture.
        hardness: standard deviation of the logarithm of each person's own
            factor on `missed`, `jitter` and `depth_mm`.
        gain: triple, depth along a bone, found over true, where the bone ends
            in such a joint.
        depth_mm: triple, standard deviation of what is added along a bone; it
            moves all that hangs on the bone.
    """

    swapped: tuple[float, float] = (0.0, 0.0)
    merged: tuple[float, float] = (0.0, 0.0)
    missed: tuple[float, float, float] = (0.0, 0.0, 0.0)
    jitter: tuple[float, float, float] = (0.0, 0.0, 0.0)
    hardness: float = 0.0
    gain: tuple[float, float, float] = (1.0, 1.0, 1.0)
    depth_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def __post_init__(self):
        for field in dataclasses.fields(self):
            values = np.asarray(getattr(self, field.name), float)
            if values.shape != np.shape(field.default) or not (
                np.all(values >= 0) and np.all(np.isfinite(values))
            ):
                raise ValueError(
                    f"`errors.{field.name}` takes {np.size(field.default)} "
                    f"numbers of 0 or more. Received: {values.tolist()}."
                )
        if max(np.add(self.swapped, self.merged)) > 1:
            raise ValueError(
                "`errors.swapped` and `errors.merged` are probabilities of "
                f"what excludes each other. Received: {self.swapped}, "
                f"{self.merged}."
            )


def spoil(keypoints, depth, rng, errors):
    """Keypoints and depths as an image network might find them.

    Args:
        keypoints: `(B, 17, 2)`, any unit.
        depth: `(B, 17)` mm, root-relative.
        rng: `np.random.Generator`, the only source of chance.
        errors: `ImageErrors`.

    Returns:
        float32 keypoints `(B, 17, 2)` and depths `(B, 17)`, the root's 0.
    """
    count = len(depth)
    hard = np.exp(errors.hardness * rng.standard_normal((count, 1)))
    seen = _mistaken_sides(count, rng, errors)
    missed = rng.random(seen.shape) < hard * np.take(errors.missed, LEVELS)
    seen = np.where(missed, rng.integers(0, len(LEVELS), seen.shape), seen)
    points = np.take_along_axis(keypoints, seen[..., None], axis=1)
    spread = hard * np.take(errors.jitter, LEVELS) * extents(keypoints)[:, None]
    points = points + spread[..., None] * rng.standard_normal(points.shape)
    along = depth - np.take(depth, np.maximum(_PARENTS, 0), axis=1)
    along = along * np.take(errors.gain, LEVELS)
    noise = hard * np.take(errors.depth_mm, LEVELS)
    along += noise * rng.standard_normal(along.shape)
    found = np.zeros(depth.shape)
    # Parents precede children in H36M17.
    for parent, child in _SKELETON.bones:
        found[:, child] = found[:, parent] + along[:, child]
    return points.astype(np.float32), found.astype(np.float32)


def extents(keypoints, mask=None):
    """The longer sides of the boxes around people's keypoints.

    Args:
        keypoints: `(B, 17, 2)`, any unit.
        mask: `(B, 17)` bool, which count, at least one of each person; all
            where None.

    Returns:
        `(B)` floats, the unit of `keypoints`.
    """
    if mask is None:
        return np.max(keypoints.max(1) - keypoints.min(1), axis=-1)
    known = np.where(mask[..., None], keypoints, np.nan)
    return np.max(np.nanmax(known, 1) - np.nanmin(known, 1), axis=-1)


def _mistaken_sides(count, rng, errors):
    """`(count, 17)`: the joint that each joint is taken for."""
    seen = np.tile(np.arange(len(LEVELS)), (count, 1))
    for limb, swapped, merged in zip(
        _LIMBS.values(), errors.swapped, errors.merged, strict=True
    ):
        drawn = rng.random(count)
        swap = drawn < swapped
        merge = ~swap & (drawn < swapped + merged)
        from_level = rng.integers(0, 3, count)
        onto = rng.integers(0, 2, count)
        for level, name in enumerate(limb):
            pair = [_SKELETON.index(f"{s}_{name}") for s in ("left", "right")]
            reached = level >= from_level
            for own, joint in enumerate(pair):
                wrong = (swap | (merge & (onto != own))) & reached
                seen[wrong, joint] = pair[1 - own]
    return seen


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
        `ImageErrors`.
    """
    extent = extents(true, mask)[:, None]
    distance = np.linalg.norm(keypoints - true, axis=-1) / extent
    other = np.linalg.norm(keypoints - true[:, _MIRROR], axis=-1) / extent
    turned = mask[:, _MIRROR] & (other < distance)
    nearest = np.where(turned, other, distance)
    missed = nearest > _FAR
    sure = mask & ~missed
    swapped, merged = [], []
    for limb in _LIMBS.values():
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
    return ImageErrors(**_plain(found))


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
