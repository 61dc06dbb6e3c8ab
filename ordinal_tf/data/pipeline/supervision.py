"""What of a data set's labels a training may see, chosen for each set.

So one set with known depths serves the strong experiment of the paper and the
weak one alike: what is chosen here decides whether the depths are seen or
only their order.
"""

import contextlib
import dataclasses
import functools

import numpy as np
import tensorflow as tf

from ordinal_tf import skeleton
from ordinal_tf.data.pipeline.core import ordinal

KINDS = ("all", "2d", "ordinal", "full")


@dataclasses.dataclass(frozen=True)
class Supervision:
    """What is seen of the labels of one data set.

    Attributes:
        kind: "2d", the keypoints; "ordinal", relations too: the set's own,
            and where a person has none those that the depths imply; "full",
            keypoints and depths; "all", whatever there is.
        pairs: float in (0, 1], the share of each person's relations; always
            the same ones, however often the person is seen.
        questions: bool, in place of a share those that people are asked, see
            `asked`.
    """

    kind: str = "all"
    pairs: float = 1.0
    questions: bool = False


ALL = Supervision()


def parse(text):
    """What a training may see of a data set, by its name in a config.

    Args:
        text: "all", "2d", "full", "ordinal", and of the relations a share,
            such as "ordinal:0.2", or "ordinal:questions".

    Returns:
        `Supervision`.

    Raises:
        ValueError: another text.
    """
    kind, _, part = str(text).partition(":")
    if kind in KINDS and not part:
        return Supervision(kind)
    if kind == "ordinal" and part == "questions":
        return Supervision(kind, questions=True)
    with contextlib.suppress(ValueError):
        if kind == "ordinal" and 0 < float(part) <= 1:
            return Supervision(kind, pairs=float(part))
    raise ValueError(
        f"What is seen of a data set is one of {', '.join(KINDS)}, or of its "
        "relations a part: ordinal:0.2, ordinal:questions. Received: "
        f"{text!r}."
    )


def check_knows(name, chosen, knows):
    """Refuses a set that lacks the labels that it is used for.

    Args:
        name: str, the set's.
        chosen: `Supervision`.
        knows: set of "depth" and "relation".

    Raises:
        ValueError: it lacks them; says as what it can be used.
    """
    if chosen.kind == "full" and "depth" not in knows:
        raise ValueError(
            f"{name} knows no depths, so it cannot be used as `full`; use "
            "it as 2d or, where it has relations, as ordinal."
        )
    if chosen.kind == "ordinal" and not knows & {"depth", "relation"}:
        raise ValueError(
            f"{name} has neither relations nor depths to derive them from, "
            "so it cannot be used as `ordinal`; use it as 2d."
        )


def chance(seed, which, row):
    """Numbers that belong to a person, the same whenever the person is seen.

    Args:
        seed: int, the run's.
        which, row: scalar int64 tensors, the source and its row.

    Returns:
        `(2, 17, 17)` float32 in [0, 1), symmetric.
    """
    key = tf.stack([tf.cast(seed, tf.int64) * 2**20 + which, row])
    joints = len(skeleton.H36M17)
    drawn = tf.random.stateless_uniform((2, joints, joints), key)
    upper = np.triu(np.ones((joints, joints), bool), k=1)
    return tf.where(upper, drawn, tf.transpose(drawn, (0, 2, 1)))


def apply(labels, which, drawn, *, chosen, tolerance_mm, flipped):
    """Labels with what must not be seen masked, relations derived.

    Args:
        labels: dict with `sources.LABELS`, each `(B, ...)`, the relation
            masks symmetric. Not modified.
        which: `(B,)` int64, index of each person's source.
        drawn: `(B, 2, 17, 17)`, see `chance`.
        chosen: tuple of `Supervision`, one a source.
        tolerance_mm: depths that differ by less are equal.
        flipped: share of the unequal relations that are given the wrong sign,
            to try what that costs.

    Returns:
        dict with the same keys.
    """

    def of(function):
        return tf.gather(np.array([function(one) for one in chosen]), which)

    relation, known = labels["relation"], labels["relation_mask"]
    implied, implied_known = ordinal.relations_from_depths(
        labels["depth"], tolerance=tolerance_mm, mask=labels["depth_mask"]
    )
    own = tf.reduce_any(known, axis=(1, 2), keepdims=True)
    relation = tf.where(own, relation, tf.cast(implied, relation.dtype))
    known = tf.where(own, known, implied_known)
    seen = of(lambda one: one.kind in ("all", "ordinal"))[:, None, None]
    part = drawn[:, 0] < of(lambda one: np.float32(one.pairs))[:, None, None]
    if any(one.questions for one in chosen):
        questions = tf.numpy_function(
            asked_of_all, [relation, known, drawn[:, 0]], tf.bool
        )
        questions = tf.ensure_shape(questions, known.shape)
        asks = of(lambda one: one.questions)[:, None, None]
        part = tf.where(asks, questions, part)
    if flipped:
        relation = tf.where(drawn[:, 1] < flipped, -relation, relation)
    depths = of(lambda one: one.kind in ("all", "full"))[:, None]
    return {
        **labels,
        "relation": tf.where(known, relation, 0),
        "relation_mask": known & seen & part,
        "depth_mask": labels["depth_mask"] & depths,
    }


def needed(sources, *, flipped):
    """Whether `apply` changes anything of these sources' people."""
    return bool(flipped) or any(
        source.seen != ALL or source.knows == {"depth"} for source in sources
    )


def asked_of_all(relation, known, drawn):
    """`asked` of a batch, in NumPy, the joints' order from `drawn`."""
    return np.stack(
        [
            asked(one, mask, np.argsort(order.diagonal(), kind="stable"))
            for one, mask, order in zip(relation, known, drawn, strict=True)
        ]
    )


def asked(relation, known, order):
    """The pairs that an annotator is asked until a global order follows.

    Joint by joint finds its place among groups of equal joints, see
    `ordinal.insert_by_halving`: each question compares it with one joint of
    the middle group. Pavlakos et al. 2018, section 3.1, say that some 17
    questions are enough that way.

    Args:
        relation: `(K, K)`, +1: the first is nearer.
        known: `(K, K)` bool, symmetric. What nobody can tell is not asked
            again: the joint is then left out.
        order: K ints, the order in which joints are placed.

    Returns:
        `(K, K)` bool, symmetric.
    """
    pairs = np.zeros(known.shape, bool)

    def ask(joint, group):
        other = group[0]
        if not known[joint, other]:
            return None
        pairs[joint, other] = pairs[other, joint] = True
        return int(relation[joint, other])

    groups = []  # From near to far.
    for joint in order:
        if known[joint].any():
            ordinal.insert_by_halving(
                joint, groups, functools.partial(ask, joint)
            )
    return pairs
