"""Which source, and which of its people, each example of a run comes from.

In closed form, so that any example can be found without those before it: a
short pattern of sources repeats, its counts in proportion to the weights; the
k-th example of a source is person k of a pass, the passes shuffled one by one.
"""

import dataclasses
import fractions
import math

import numpy as np
import tensorflow as tf

from ordinal_tf.data.pipeline import sources as sources_module

_LONGEST = 1000  # Pattern; finer proportions are rounded.


@dataclasses.dataclass(frozen=True)
class Mix:
    """Sources and the pattern in which they take turns.

    Attributes:
        sources: tuple of `sources.Source`.
        counts: `(D,)` int64, turns of each source in a pattern.
        order: `(P,)` int64, whose turn it is.
        turn: `(P,)` int64, which of its source's turns in the pattern.
    """

    sources: tuple[sources_module.Source, ...]
    counts: np.ndarray
    order: np.ndarray
    turn: np.ndarray


def mix_sources(sources, weights):
    """Mixes sources by weight; those of weight 0 are left out.

    Args:
        sources: list of `sources.Source`.
        weights: list of float, one each, shares of the examples once divided
            by their sum.

    Returns:
        `Mix`.

    Raises:
        ValueError: bad weights, no people, the same source twice, or the
            same picture in two sources.
    """
    names = [source.name for source in sources]
    for name, weight in zip(names, weights, strict=True):
        if not (math.isfinite(weight) and weight >= 0):
            raise ValueError(
                f"The weight of {name} must be 0 or more. Received: {weight}."
            )
    if not sum(weights):
        raise ValueError(
            "The weights of the training data must not sum to zero: "
            f"{', '.join(names) or 'there are no data'}."
        )
    sources = tuple(s for s, w in zip(sources, weights, strict=True) if w)
    for source in sources:
        if source.count == 0:
            raise ValueError(f"{source.name} has no people to train on.")
        if [other.name for other in sources].count(source.name) > 1:
            raise ValueError(
                f"{source.name} is named twice; name it once, with the sum "
                "of the weights."
            )
    check_apart(sources)
    counts = pattern_counts([weight for weight in weights if weight])
    # Turn k of a source's c comes at (k + 1/2) / c of the pattern.
    turn = np.concatenate([np.arange(count) for count in counts])
    order = np.repeat(np.arange(len(counts)), counts)
    place = np.argsort((turn + 0.5) / counts[order], kind="stable")
    return Mix(sources, counts, order[place], turn[place])


def pattern_counts(weights):
    """`(D,)` int64 turns of each source in the shortest pattern of `weights`.

    These are positive floats, taken as the decimal fractions that they print
    as: 0.1 is a tenth. Each has a turn; the proportions are exact unless the
    sum would be above 1,000, to which they are rounded then.
    """
    exact = [fractions.Fraction(str(weight)) for weight in weights]
    share = [weight / sum(exact) for weight in exact]
    period = math.lcm(*(weight.denominator for weight in share))
    period = min(period, _LONGEST)
    return np.array([max(1, round(period * weight)) for weight in share])


def rows_of(mix, seed, i):
    """Which people examples show, in a graph.

    Args:
        mix: `Mix`.
        seed: int.
        i: `(B,)` int64 tensor, numbers of the examples.

    Returns:
        `(B,)` int64 index of the source, and `(B,)` int64 row in it.
    """
    period, place = i // len(mix.order), i % len(mix.order)
    which = tf.gather(mix.order, place)
    rank = period * tf.gather(mix.counts, which) + tf.gather(mix.turn, place)
    people = tf.gather([s.count or 0 for s in mix.sources], which)
    people = tf.cast(people, tf.int64)
    # Each pass of each source has an order of its own. The public function
    # takes one key for all.
    size = tf.maximum(people, 1)
    key = tf.constant(seed * len(mix.sources), tf.int64) + which
    key = tf.stack([key, rank // size, tf.zeros_like(key)], axis=1)
    shuffled = tf.raw_ops.RandomIndexShuffle(
        index=rank % size, seed=key, max_index=size - 1, rounds=4
    )
    # People without end come in their own order.
    return which, tf.where(people > 0, shuffled, rank)


def check_apart(sources):
    """Raises `ValueError` where two sources show the same picture."""
    seen = []
    for source in sources:
        numbers = source.pictures() if len(sources) > 1 else None
        if numbers is None:
            continue
        for other, others in seen:
            rows = np.flatnonzero(np.isin(numbers, others))
            if len(rows):
                raise ValueError(
                    f"{len(rows)} people of {source.name} are in pictures "
                    f"that {other.name} has too, the first in "
                    f"{source.name_of(int(rows[0]))}; prepare them apart."
                )
        seen.append((source, numbers))
