"""Depth relations by hand, from golden annotations, and under mirroring."""

import numpy as np
import pytest
from keras import ops

from ordinal_tf import ordinal
from tests.numerics import array

# By hand: 0 and 1 are exactly the tolerance apart, which is not equal.
DEPTHS_MM = [0.0, 100.0, 50.0, -300.0]
RELATIONS = [[0, 1, 0, -1], [-1, 0, 0, -1], [0, 0, 0, -1], [1, 1, 1, 0]]


@pytest.fixture(scope="module")
def vectors(golden):
    with np.load(golden / "losses.npz") as file:
        return dict(file)


def test_relations_from_depths_by_hand():
    relations, mask = ordinal.relations_from_depths(np.float32(DEPTHS_MM))
    assert array(relations).tolist() == RELATIONS
    assert array(relations).dtype == np.int8
    assert array(mask).tolist() == (~np.eye(4, dtype=bool)).tolist()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_relations_from_depths_in_metres(dtype):
    depths = ops.cast([0.0, 0.125, 0.0625, -0.3], dtype)
    relations, _ = ordinal.relations_from_depths(depths, tolerance=0.1)
    assert array(relations).tolist() == RELATIONS


def test_unknown_depths_have_no_relation():
    depths = np.float32([[np.nan, *DEPTHS_MM], [*DEPTHS_MM, 7.0]])
    known = np.array([[True] * 5, [True] * 4 + [False]])
    relations, mask = map(
        array, ordinal.relations_from_depths(depths, mask=known)
    )
    assert relations[0, 1:, 1:].tolist() == RELATIONS
    assert relations[1, :4, :4].tolist() == RELATIONS
    for pairs in (relations, mask):
        assert not pairs[0, 0].any() and not pairs[0, :, 0].any()
        assert not pairs[1, 4].any() and not pairs[1, :, 4].any()
    assert mask.sum((-1, -2)).tolist() == [12, 12]


def test_relations_from_published_golden(vectors):
    published, paper = vectors["ord_published"], vectors["relation_paper"]
    relations, mask = ordinal.relations_from_published(published)
    assert relations.dtype == np.int8 and mask.dtype == bool
    # `relation_paper` was made from `ord_published` by its own reading.
    off_diagonal = ~np.eye(14, dtype=bool)
    np.testing.assert_array_equal(mask, ~np.isnan(paper) & off_diagonal)
    expected = np.where(mask, paper, 0)
    np.testing.assert_array_equal(relations, expected)
    i, j = vectors["pair_ij_0based"].T
    pairs = array(ordinal.upper_pairs(mask))
    np.testing.assert_array_equal(pairs[:, i, j], vectors["pair_annotated"])
    counts = pairs.sum((-1, -2))
    np.testing.assert_array_equal(counts, vectors["n_annotated"])
    assert not ordinal.contradictory(relations).any()


@pytest.mark.parametrize("half", [np.triu, np.tril])
def test_half_annotated_is_completed(vectors, half):
    published = vectors["ord_published"]
    kept = half(np.ones((14, 14), bool))
    whole = ordinal.relations_from_published(published)
    halves = ordinal.relations_from_published(np.where(kept, published, np.nan))
    for a, b in zip(whole, halves, strict=True):
        np.testing.assert_array_equal(a, b)


def test_published_sign():
    published = [[np.nan, -1.0], [1.0, np.nan]]  # 0 is nearer than 1.
    relations, _ = ordinal.relations_from_published(published)
    depths = np.float32([2000.0, 3000.0])
    implied, _ = ordinal.relations_from_depths(depths)
    assert relations.tolist() == array(implied).tolist() == [[0, 1], [-1, 0]]


@pytest.mark.parametrize(
    ("published", "message"),
    [
        (np.zeros((14, 13)), r"shape \(\.\.\., K, K\).*\(14, 13\)"),
        (np.zeros(14), r"shape \(\.\.\., K, K\).*\(14,\)"),
        (np.array([[0, 2.0], [-2.0, 0]]), r"Received: 2 at \(0, 1\)"),
    ],
)
def test_bad_annotations_are_named(published, message):
    with pytest.raises(ValueError, match=message):
        ordinal.relations_from_published(published)


def test_contradictions_are_found():
    relations = np.zeros((2, 3, 3), np.int8)
    relations[0, 0, 1], relations[0, 1, 0] = 1, -1
    relations[1, 1, 2], relations[1, 2, 1] = 1, 1
    assert ordinal.contradictory(relations).tolist() == [False, True]
    # Published on both sides of the diagonal, and not opposite.
    published, _ = ordinal.relations_from_published(-1.0 * relations)
    assert ordinal.contradictory(published).tolist() == [False, True]


def test_upper_pairs_keep_each_pair_once():
    mask = np.ones((2, 17, 17), bool)
    upper = array(ordinal.upper_pairs(mask))
    assert upper.sum((-1, -2)).tolist() == [136, 136]
    assert not (upper & np.swapaxes(upper, -1, -2)).any()


@pytest.mark.parametrize("first", [None, 0])
def test_insert_by_halving_sorts(first):
    """All numbers find their places, about log2 comparisons each."""
    rng = np.random.default_rng(0)
    numbers = rng.integers(0, 40, 60)
    levels, asked = [], []

    for number in numbers:

        def compare(level, number=number):
            asked.append(number)
            return int(np.sign(level[0] - number))

        start = min(first, len(levels)) if first is not None else None
        assert (
            ordinal.insert_by_halving(number, levels, compare, first=start)
            is None
        )
    expected = sorted(set(numbers.tolist()))
    assert [level[0] for level in levels] == expected
    assert sorted(n for level in levels for n in level) == sorted(numbers)
    assert len(asked) <= 60 * (np.ceil(np.log2(41)) + 1)


def test_insert_by_halving_stops_at_what_is_not_known():
    levels = [[1], [2], [3]]
    asked = []

    def compare(level):
        asked.append(level[0])
        return {2: -1}.get(level[0])

    assert ordinal.insert_by_halving(9, levels, compare) == [3]
    assert asked == [2, 3] and levels == [[1], [2], [3]]
