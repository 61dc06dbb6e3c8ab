"""Steps from photographs and their labels to training examples.

Each is a function of tensors, chance included; `batching` composes them.
"""

import math

import numpy as np
import tensorflow as tf

from ordinal_tf import skeleton
from ordinal_tf.data.pipeline.core import geometry

_MIRROR = skeleton.H36M17.mirror
# Uniform numbers of one example: turn, scale, mirror, part; four for the
# colour.
_DRAWS = 8
# Joints that may be cut off, and the share of the cuts below which each comes.
_CUTS = (
    (0.25, ("ankle",)),
    (0.6, ("ankle", "knee")),
    (1.0, ("ankle", "knee", "hip", "pelvis", "spine")),
)
_LEFT = 4  # So many joints must be left.
_CUT_MARGIN = 0.1  # Sides of the box that are shown beyond them.


def random_draws(first, count, seed):
    """Uniform numbers of the examples from `first` on.

    Example i takes the numbers 8 i to 8 i + 7 of one stream of Philox, which
    can start anywhere: whatever the batches, i gets the same.

    Args:
        first, count: scalar ints.
        seed: int, which stream.

    Returns:
        `(count, 8)` float32 in [0, 1).
    """
    # Philox makes four numbers for each step of its counter.
    steps = tf.cast(first, tf.uint64) * (_DRAWS // 4)
    return tf.raw_ops.StatelessRandomUniformV2(
        shape=tf.stack([tf.cast(count, tf.int32), _DRAWS]),
        key=tf.constant([seed], tf.uint64),
        counter=tf.stack([steps, tf.constant(0, tf.uint64)]),
        alg=1,  # Philox.
    )


def random_crop(box, draws, *, rotation_deg, scale, mirror):
    """The turn, box and mirror of examples: what `crop_matrix` takes.

    Args:
        box: `(B, 3)` centre x, centre y, side.
        draws: `(B, 8)`, see `random_draws`.
        rotation_deg: turns are uniform in plus or minus this.
        scale: `(low, high)` of the person's size, log-uniform.
        mirror: bool, mirror half of the examples.

    Returns:
        `(B, 3)` boxes, `(B,)` radians and `(B,)` bool: mirrored.
    """
    rotation = (2.0 * draws[:, 0] - 1.0) * math.radians(rotation_deg)
    low, high = math.log(scale[0]), math.log(scale[1])
    zoom = tf.exp(low + (high - low) * draws[:, 1])
    mirrored = tf.logical_and(mirror, draws[:, 2] < 0.5)
    box = tf.concat([box[:, :2], box[:, 2:] / zoom[:, None]], axis=1)
    return box, rotation, mirrored


def random_cut(box, keypoints, known, draws, *, share):
    """Cuts people off above the ankles, the knees or the hips.

    As where a picture ends or a table begins, at one straight line: people
    are photographed like that more often than from head to foot. The box is
    that of the joints that are left.

    Args:
        box: `(B, 3)` centre x, centre y, side.
        keypoints: `(B, 17, 2)` image pixels.
        known: `(B, 17)` bool, which of them are labelled.
        draws: `(B, 8)`, see `random_draws`.
        share: of the people, who is cut off where enough would be left.

    Returns:
        `(B, 3)` boxes; `(B, 4)` float32 left, top, right and bottom of what
        is shown, image pixels, infinite where the picture does not end.
    """
    kind = draws[:, 3] / max(share, 1e-6)
    shares = tf.constant([end for end, _ in _CUTS[:-1]])
    kept = tf.constant([_kept(joints) for _, joints in _CUTS])
    left = tf.gather(kept, tf.searchsorted(shares, kind, side="right")) & known
    gone = known & ~left
    enough = tf.reduce_sum(tf.cast(left, tf.int32), axis=1) >= _LEFT
    chosen = (draws[:, 3] < share) & enough & tf.reduce_any(gone, axis=1)
    around = geometry.box_around(keypoints, left)
    # The end of the picture is the side that the lost joints lie towards.
    away = _centre(keypoints, gone) - _centre(keypoints, left)
    far = tf.abs(away)
    ends = chosen[:, None] & (far == tf.reduce_max(far, axis=1, keepdims=True))
    margin = _CUT_MARGIN * around[:, 2:]
    low, high = (
        sign
        * tf.reduce_min(
            tf.where(left[..., None], sign * keypoints, np.inf), axis=1
        )
        for sign in (1.0, -1.0)
    )
    low = tf.where(ends & (away < 0.0), low - margin, -np.inf)
    high = tf.where(ends & (away > 0.0), high + margin, np.inf)
    return tf.where(chosen[:, None], around, box), tf.concat([low, high], 1)


def _kept(cut):
    """`(17,)` bool: joints that none of the names `cut` ends."""
    return [not joint.endswith(cut) for joint in skeleton.H36M17.joints]


def _centre(points, mask):
    """Mean of the `(B, K, 2)` points that are in the mask; 0 of none."""
    mask = tf.cast(mask[..., None], tf.float32)
    # No product: what is not labelled may be NaN.
    points = tf.where(mask > 0.0, points, 0.0)
    return tf.math.divide_no_nan(
        tf.reduce_sum(points, axis=1), tf.reduce_sum(mask, axis=1)
    )


def random_colour(draws, *, channel, brightness):
    """Scales of the colour channels and shifts of the brightness.

    Args:
        draws: `(B, 8)`, see `random_draws`.
        channel: each channel is scaled by 1 plus or minus up to this.
        brightness: all are shifted by up to this share of 255.

    Returns:
        `(B, 4)` float32: red, green and blue scale, shift; see `colour`.
    """
    spread = 2.0 * draws[:, 4:8] - 1.0
    limits = [[channel, channel, channel, 255.0 * brightness]]
    return spread * limits + [[1.0, 1.0, 1.0, 0.0]]


def colour(image, scales):
    """Scales and shifts the colours of `(..., H, W, 3)` float32 pictures.

    Args:
        image: in 0 to 255.
        scales: `(..., 4)`, see `random_colour`.

    Returns:
        uint8, rounded and clipped.
    """
    scales = scales[..., None, None, :]
    image = image * scales[..., :3] + scales[..., 3:]
    return tf.cast(tf.clip_by_value(tf.round(image), 0.0, 255.0), tf.uint8)


def move_labels(labels, matrix, mirrored):
    """Maps keypoints into the crop and trades left and right if mirrored.

    Args:
        labels: dict with the keys of a training example (see `batching`) but
            `image`, each `(B, ...)`, keypoints in image pixels,
            `relation_mask` symmetric.
        matrix: `(B, 2, 3)` image to crop.
        mirrored: `(B,)` bool.

    Returns:
        dict with the same keys, `keypoints` in crop pixels and
        `relation_mask` upper triangle only. Depth stays: a mirror leaves it.
    """
    keypoints = geometry.apply_affine(matrix, labels["keypoints"])
    moved = {**labels, "keypoints": keypoints}
    for key, value in moved.items():
        traded = tf.gather(value, _MIRROR, axis=1)
        if key in ("relation", "relation_mask"):
            traded = tf.gather(traded, _MIRROR, axis=2)
        rank = [-1] + [1] * (len(value.shape) - 1)
        moved[key] = tf.where(tf.reshape(mirrored, rank), traded, value)
    upper = np.triu(np.ones((len(_MIRROR), len(_MIRROR)), bool), k=1)
    moved["relation_mask"] = tf.logical_and(moved["relation_mask"], upper)
    return moved
