"""One body out of each joint's likely places: a pictorial structure.

Where the network cannot tell left from right, both maps have the same two
hills, and the best of each is the same one: two legs on one line. Here the two
sides of a joint choose together, and so do the joints that a limb connects.

Source: Fischler and Elschlager 1973; solved as Felzenszwalb and Huttenlocher
2005, on a tree whose nodes are both sides of a joint.
"""

import math

from keras import ops

from ordinal_tf import skeleton

PLACES = 4  # Of each joint, to choose from.

# From the leaves to the hips. The length is the median among people in crops,
# as a share of the crop's side; its logarithm is about normal.
_LIMBS = (
    ("knee", "ankle", 0.24),
    ("hip", "knee", 0.23),
    ("elbow", "wrist", 0.16),
    ("shoulder", "elbow", 0.18),
    ("hip", "shoulder", 0.29),
)
_SPREAD = 0.5
_LIMB_WEIGHT = 0.3  # Lengths say less than what the network sees.
_LONGEST = 5.0  # No limb is less likely than exp(-5): people are cut off.
_TOGETHER = 0.5  # What both sides at one place cost,
_APART = 3 / 40  # which is nearer than this share of the side.
_DOUBT = 1e-4  # Probability that a joint is where no map has it.


def choose(points, log_p):
    """Which place of each joint, so that they make a body.

    Args:
        points: `(B, 17, C, 2)` float32 places as shares of the crop's side.
        log_p: `(B, 17, C)` float32, logarithms of their probabilities, best
            first.

    Returns:
        `(B, 17)` int32 index of a place. Joints without sides have their
        best.
    """
    count = points.shape[2]
    belief = ops.log(ops.exp(log_p) + _DOUBT)
    # Of each joint, `(B, C * C)` of the right side's places and the left's.
    score = {
        joint: _both_sides(points, belief, joint)
        for joint in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")
    }
    answers = {}
    for near, far, length in _LIMBS:
        total = score[far][:, None] + _limbs(points, near, far, length)
        most, answers[near, far] = _best(total)
        score[near] = score[near] + most
    best = {"hip": _best(score["hip"])[1][:, None]}
    for near, far, _ in reversed(_LIMBS):
        best[far] = ops.take_along_axis(answers[near, far], best[near], axis=1)
    columns = []
    for joint in skeleton.H36M17.joints:
        side, _, rest = joint.partition("_")
        if rest not in best:
            columns.append(ops.zeros_like(best["hip"]))
            continue
        right = best[rest] // count
        columns.append(right if side == "right" else best[rest] % count)
    return ops.cast(ops.concatenate(columns, axis=1), "int32")


def _sides(values, joint):
    index = skeleton.H36M17.index
    return [values[:, index(f"{side}_{joint}")] for side in ("right", "left")]


def _best(scores):
    """The highest of the last axis, and its index."""
    # Keras' argmax looks at signs of zeros by bits, which LiteRT cannot.
    values, indices = ops.top_k(scores, 1)
    return values[..., 0], indices[..., 0]


def _both_sides(points, belief, joint):
    right, left = _sides(points, joint)
    at_right, at_left = _sides(belief, joint)
    near = _distance(right, left) < _APART
    score = at_right[:, :, None] + at_left[:, None]
    score = score - _TOGETHER * ops.cast(near, "float32")
    return ops.reshape(score, (-1, score.shape[1] * score.shape[2]))


def _limbs(points, near, far, length):
    """`(B, C * C, C * C)`: how likely both sides of a limb are so long."""
    right, left = (
        -_LIMB_WEIGHT * _limb_cost(_distance(a, b), length)
        for a, b in zip(_sides(points, near), _sides(points, far), strict=True)
    )
    score = right[:, :, None, :, None] + left[:, None, :, None, :]
    states = points.shape[2] ** 2
    return ops.reshape(score, (-1, states, states))


def _limb_cost(distance, length):
    deviation = (ops.log(distance) - math.log(length)) / _SPREAD
    return ops.minimum(0.5 * ops.square(deviation), _LONGEST)


def _distance(a, b):
    """`(B, C, C)` between the places of two joints, never 0."""
    squares = ops.square(a[:, :, None] - b[:, None])
    return ops.sqrt(ops.sum(squares, axis=-1) + 1e-4)
