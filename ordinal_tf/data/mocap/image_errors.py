"""What image networks get wrong, made for training.

In the picture joints of one side lie on the other, both on one side, or where
another joint is; depths are too small and err along whole limbs.
`tools.dev.measure_errors` finds the seventeen numbers of it, and `spoil` draws
from it.

Depths are those of the joint's own side wherever it is seen: measured on a
half-trained network whose legs were merged in 83 % of the pictures, the
depth of a knee went with that of the true knee (correlation 0.53), not with
the one under it (0.23).
"""

import dataclasses

import numpy as np

from ordinal_tf import skeleton

_SKELETON = skeleton.H36M17
LIMBS = {
    "legs": ("hip", "knee", "ankle"),
    "arms": ("shoulder", "elbow", "wrist"),
}
# How far out a joint is: 0 the trunk, with hips and shoulders, 1 knees and
# elbows, 2 ankles and wrists.
LEVELS = np.array(
    [
        next((k for k in (1, 2) for limb in LIMBS.values() if limb[k] in j), 0)
        for j in _SKELETON.joints
    ]
)
_PARENTS = np.array(_SKELETON.parents)


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


def extents(keypoints):
    """`(B)`: the longer sides of the boxes around `(B, 17, 2)` keypoints."""
    return np.max(keypoints.max(1) - keypoints.min(1), axis=-1)


def _mistaken_sides(count, rng, errors):
    """`(count, 17)`: the joint that each joint is taken for."""
    seen = np.tile(np.arange(len(LEVELS)), (count, 1))
    for limb, swapped, merged in zip(
        LIMBS.values(), errors.swapped, errors.merged, strict=True
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
