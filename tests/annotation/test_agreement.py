import numpy as np
import pytest

from ordinal_tf.annotation import agreement, sorting


def person(pairs, count=4, unsure=()):
    """`sorting.Relations` of `{(a, b): sign}`."""
    signs = np.zeros((count, count), np.int8)
    known = np.zeros((count, count), bool)
    for (a, b), sign in pairs.items():
        signs[a, b], signs[b, a] = sign, -sign
        known[a, b] = known[b, a] = True
    sure = known.copy()
    for a, b in unsure:
        sure[a, b] = sure[b, a] = False
    return sorting.Relations(signs, known, sure)


def test_compare_by_hand():
    ours = person({(0, 1): 1, (0, 2): 1, (1, 2): 0, (0, 3): -1, (1, 3): 1})
    theirs = person({(0, 1): 1, (0, 2): -1, (1, 2): 0, (0, 3): 0})
    found = agreement.compare([ours], [theirs])
    # Four pairs: alike twice, opposite once. By chance: ours has +1 twice, 0
    # and -1 once; theirs +1, -1 once and 0 twice: 2/4 1/4 + 1/4 2/4 + 1/4 1/4.
    chance = 5 / 16
    assert found["pairs"] == 4
    assert found["same"] == 0.5 and found["opposite"] == 0.25
    assert found["kappa"] == pytest.approx((0.5 - chance) / (1 - chance))


def test_compare_pools_pictures_and_is_the_same_both_ways():
    one, two = person({(0, 1): 1}), person({(0, 1): -1, (2, 3): 0})
    both = agreement.compare([one, two], [two, two])
    assert both["pairs"] == 3 and both["same"] == pytest.approx(2 / 3)
    assert both == agreement.compare([two, two], [one, two])


def test_compare_without_common_pairs():
    found = agreement.compare([person({(0, 1): 1})], [person({(0, 2): 1})])
    assert found == {"pairs": 0, "same": None, "opposite": None, "kappa": None}
    assert agreement.compare([], [])["pairs"] == 0
    alike = agreement.compare([person({(0, 1): 1})], [person({(0, 1): 1})])
    # Two that always say one and the same show no skill.
    assert alike["same"] == 1.0 and alike["kappa"] is None


def test_consensus_is_what_most_say():
    people = [
        person({(0, 1): 1, (1, 2): 1, (2, 3): 0}),
        person({(0, 1): 1, (1, 2): -1, (2, 3): 0}),
        person({(0, 1): -1, (0, 3): -1, (2, 3): 1}),
    ]
    relation, mask = agreement.consensus(people)
    expected, known, _ = person({(0, 1): 1, (2, 3): 0, (0, 3): -1})
    np.testing.assert_array_equal(relation, expected)
    np.testing.assert_array_equal(mask, known)
    alone, known = agreement.consensus(people[:1])
    np.testing.assert_array_equal(alone, people[0][0])
    np.testing.assert_array_equal(known, people[0][1])


def test_the_unsure_vote_and_most_must_be_sure():
    pair = (0, 1)
    apart = person({pair: 1})
    equal = person({pair: 0}, unsure=[pair])
    # Two who are not sure outvote one who is, but are not enough to write.
    signs, mask = agreement.consensus([apart, equal, equal], everything=True)
    assert signs[pair] == 0 and mask[pair]
    assert not agreement.consensus([apart, equal, equal])[1].any()
    sure = person({pair: 0})
    assert agreement.consensus([apart, sure, equal])[1][pair]
    # Half is not most, and who does not know the pair counts for nothing.
    assert not agreement.consensus([sure, equal])[1].any()
    assert agreement.consensus([sure, person({(1, 2): 1})])[1][pair]


def test_only_sure_pairs_are_compared():
    pair = (0, 1)
    ours, theirs = person({pair: 1}), person({pair: -1}, unsure=[pair])
    assert agreement.compare([ours], [theirs])["pairs"] == 0
    assert agreement.contradictions({"ann": ours, "bob": theirs}) == []


def test_contradictions_name_both_sides():
    people = {
        "ann": person({(0, 1): 1, (1, 2): 0, (2, 3): 1}),
        "bob": person({(0, 1): -1, (1, 2): 1, (2, 3): 1}),
        "cat": person({(1, 0): 1}),
    }
    found = agreement.contradictions(people)
    assert found == [(0, 1, ["ann"], ["bob", "cat"])]
    assert agreement.contradictions({}) == []
