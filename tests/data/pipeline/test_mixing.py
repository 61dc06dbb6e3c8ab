"""Which source and person an example comes from: proportions, order, errors."""

import collections

import numpy as np
import pytest
import tensorflow as tf

from ordinal_tf.data.pipeline import mixing, sources


def source(name, count, pictures=None):
    numbers = None if pictures is None else np.array(pictures, np.uint64)
    return sources.Source(
        name=name,
        count=count,
        read=None,
        name_of=lambda row: f"{name}-{row}",
        pictures=lambda: numbers,
    )


def draw(mix, seed, first, count):
    """`(count, 2)` ints: source, row."""
    i = tf.range(first, first + count, dtype=tf.int64)
    return np.stack(mixing.rows_of(mix, seed, i), axis=1)


@pytest.mark.parametrize(
    ("weights", "counts"),
    [
        ([1.0], [1]),
        ([2.0, 1.0], [2, 1]),
        ([0.6, 0.3, 0.1], [6, 3, 1]),
        ([0.1, 0.2], [1, 2]),  # 0.1 + 0.2 is not 0.3 in binary.
        ([50, 50], [1, 1]),
        ([1 / 3, 2 / 3], [1, 2]),
        ([1 / 3, 0.5], [400, 600]),  # Of 1,000: 0.333... is no third.
        ([1e-6, 1.0], [1, 1000]),  # Nobody is left out.
    ],
)
def test_the_shortest_pattern(weights, counts):
    assert mixing.pattern_counts(weights).tolist() == counts


def test_every_pattern_has_its_proportions_evenly_spread():
    mix = mixing.mix_sources(
        [source("a", 7), source("b", 5), source("c", None)], [0.5, 0.3, 0.2]
    )
    drawn = draw(mix, 3, 0, 200)[:, 0]
    for k in range(20):
        counts = np.bincount(drawn[10 * k : 10 * k + 10])
        assert counts.tolist() == [5, 3, 2]
    # No source waits long: half of the turns are a's.
    gaps = np.diff(np.flatnonzero(drawn == 0))
    assert gaps.max() <= 3


def test_each_pass_shows_everybody_once_in_an_order_of_its_own():
    mix = mixing.mix_sources([source("a", 7), source("b", 5)], [2.0, 1.0])
    drawn = draw(mix, 1, 0, 315)
    for which, count in ((0, 7), (1, 5)):
        rows = drawn[drawn[:, 0] == which, 1]
        passes = rows[: len(rows) // count * count].reshape(-1, count)
        assert (np.sort(passes, axis=1) == np.arange(count)).all()
        assert len({tuple(order) for order in passes}) > 0.8 * len(passes)


def test_people_without_end_come_in_their_own_order():
    mix = mixing.mix_sources([source("a", 7), source("c", None)], [1.0, 1.0])
    drawn = draw(mix, 1, 0, 30)
    assert drawn[drawn[:, 0] == 1, 1].tolist() == list(range(15))


def test_any_example_without_those_before_it():
    mix = mixing.mix_sources(
        [source("a", 7), source("b", 50), source("c", None)], [3.0, 2.0, 1.0]
    )
    whole = draw(mix, 9, 0, 400)
    for first, count in ((0, 1), (37, 5), (390, 10)):
        found = draw(mix, 9, first, count)
        np.testing.assert_array_equal(found, whole[first : first + count])
    mapped = tf.data.Dataset.range(400).batch(50)
    mapped = mapped.map(lambda i: tf.stack(mixing.rows_of(mix, 9, i), axis=1))
    found = np.concatenate(list(mapped.as_numpy_iterator()))
    np.testing.assert_array_equal(found, whole)
    # Late in a long training too.
    far = draw(mix, 9, 10**12, 60)
    assert collections.Counter(far[:, 0].tolist()) == {0: 30, 1: 20, 2: 10}
    assert far[:, 1].min() >= 0 and far[far[:, 0] == 0, 1].max() < 7


def test_seeds_differ_and_so_do_sources_of_one_size():
    mix = mixing.mix_sources([source("a", 90), source("b", 90)], [1.0, 1.0])
    one, other = draw(mix, 0, 0, 180), draw(mix, 1, 0, 180)
    assert (one[:, 1] != other[:, 1]).mean() > 0.9
    a, b = (one[one[:, 0] == k, 1] for k in (0, 1))
    assert (a != b).mean() > 0.9


def test_a_weight_of_zero_leaves_a_source_out():
    mix = mixing.mix_sources([source("a", 0), source("b", 2)], [0.0, 1.0])
    assert [one.name for one in mix.sources] == ["b"]


@pytest.mark.parametrize(
    ("counts", "weights", "message"),
    [
        ({"a": 1, "b": 1}, [0.0, 0.0], "must not sum to zero: a, b"),
        ({}, [], "must not sum to zero: there are no data"),
        ({"a": 1}, [-1.0], "weight of a must be 0 or more. Received: -1.0"),
        ({"a": 1}, [float("nan")], "weight of a must be 0 or more"),
        ({"a": 1, "b": 0}, [1.0, 1.0], "b has no people to train on"),
    ],
)
def test_bad_weights(counts, weights, message):
    people = [source(name, count) for name, count in counts.items()]
    with pytest.raises(ValueError, match=message):
        mixing.mix_sources(people, weights)


def test_the_same_source_twice():
    people = [source("a", 2), source("a", 2)]
    with pytest.raises(ValueError, match="a is named twice"):
        mixing.mix_sources(people, [1.0, 1.0])


def test_the_same_picture_in_two_sources():
    one, other = source("a", 3, [5, 6, 7]), source("b", 2, [8, 6])
    endless = source("c", None)
    with pytest.raises(ValueError, match="1 people of b .* a has too, .* b-1"):
        mixing.mix_sources([one, endless, other], [1.0, 1.0, 1.0])
    # Two people in one picture are fine.
    twins = source("d", 2, [2**63 + 1, 2**63 + 1])
    mixing.check_apart([one, twins, endless])
