"""Questions and orders, against orders that are known."""

import numpy as np
import pytest

from ordinal_tf import ordinal
from ordinal_tf.annotation import simulated, sorting

J = {joint: number for number, joint in enumerate(sorting.JOINTS.joints)}
FAR_APART = 300.0 * np.arange(14)


def annotate(depths):
    rng = np.random.default_rng(0)
    return simulated.annotate(np.asarray(depths), error=0.0, rng=rng)


@pytest.mark.parametrize("seed", range(5))
def test_joints_that_are_far_apart_come_in_their_order(seed):
    order = np.random.default_rng(seed).permutation(14)
    depths = np.empty(14)
    depths[order] = FAR_APART
    answers, progress = annotate(depths)
    assert [level for (level,) in progress.levels] == order.tolist()
    assert progress.unsorted == 0
    # Binary insertion, and at most one question for the first guess.
    most = sum(int(np.ceil(np.log2(n + 1))) + 1 for n in range(1, 14))
    assert 13 <= len(answers) <= most


def test_everything_equal_is_one_question_a_joint():
    answers, progress = annotate(np.zeros(14))
    assert len(answers) == 13 and set(answers.values()) == {0}
    assert [sorted(level) for level in progress.levels] == [list(range(14))]


def test_it_begins_with_neighbours_of_the_body():
    answers, _ = annotate(FAR_APART[::-1])
    assert next(iter(answers))[1] == J["neck"]
    started = {}
    for joint, other in answers:
        started.setdefault(joint, other)
    for limb in ("ankle", "knee"):
        inner = {"ankle": "knee", "knee": "hip"}[limb]
        assert started[J[f"left_{limb}"]] == J[f"left_{inner}"]
        assert started[J[f"right_{limb}"]] == J[f"right_{inner}"]


def test_a_question_is_never_one_that_follows():
    rng = np.random.default_rng(3)
    for _ in range(20):
        depths = rng.normal(0, 300, 14)
        given = {}
        while (progress := sorting.progress(given)).question:
            known = sorting.relations(progress.levels, given).known
            a, b = progress.question
            assert not known[a, b] and (a, b) not in given
            assert (b, a) not in given
            given[a, b] = int(np.sign(depths[b] - depths[a]))
        assert progress.unsorted == 0


def test_answers_count_both_ways_and_can_be_taken_back():
    question = sorting.progress({}).question
    a, b = question
    assert sorting.progress({(b, a): -1}).levels == [[a], [b]]
    assert sorting.progress({(a, b): -1}).levels == [[b], [a]]
    assert sorting.progress({(a, b): -1, (b, a): -1}).levels == [[a], [b]]
    assert sorting.progress({}).question == question


def test_joints_that_are_not_placed_are_not_asked_about():
    placed = [J["left_ankle"], J["right_wrist"], J["head_top"]]
    given, asked = {}, set()
    while (progress := sorting.progress(given, placed)).question:
        asked |= set(progress.question)
        given[progress.question] = 1
    assert asked == set(placed)
    assert sorted(sum(progress.levels, [])) == sorted(placed)
    assert sorting.progress({}, []).question is None
    assert sorting.progress({}, [4]).levels == [[4]]


def test_relations_have_the_papers_sign():
    answers, progress = annotate(FAR_APART)
    found = sorting.relations(progress.levels, answers)
    expected, known = ordinal.relations_from_depths(FAR_APART)
    np.testing.assert_array_equal(found.signs, expected)
    np.testing.assert_array_equal(found.known, known)


def test_relations_that_are_not_sure_are_left_out():
    # By hand: 0 is closest, 1 and 2 were called equal to each other, and 3
    # is farthest. Nobody compared 0 with 2 or 2 with 3.
    levels = [[0], [1, 2], [3]]
    answers = {(1, 0): -1, (2, 1): 0, (1, 3): 1}
    signs, known, sure = sorting.relations(levels, answers)
    pairs = {(0, 1): 1, (0, 3): 1, (1, 2): 0, (1, 3): 1}
    assert {tuple(p) for p in np.argwhere(np.triu(sure, 1))} == set(pairs)
    assert all(signs[pair] == sign for pair, sign in pairs.items())
    np.testing.assert_array_equal(signs, -signs.T)
    np.testing.assert_array_equal(sure, sure.T)
    assert known.sum() == 12 and not signs[~known].any()
    assert signs[0, 2] == signs[2, 3] == 1 and not known[0, 4]


def test_what_is_asked_is_right_and_nothing_is_upside_down():
    """Where answers are true, an order differs from the truth in ties only."""
    rng = np.random.default_rng(1)
    for _ in range(30):
        depths = rng.normal(0, 200, 14)
        answers, progress = annotate(depths)
        truth = np.asarray(ordinal.relations_from_depths(depths)[0])
        found = sorting.relations(progress.levels, answers)
        asked = tuple(np.array(list(answers)).T)
        assert (found.signs == truth)[asked].all() and found.sure[asked].all()
        assert (found.signs * truth >= 0).all()


def test_an_annotator_errs_as_often_as_told():
    rng = np.random.default_rng(0)
    wrong = total = 0
    for _ in range(60):
        depths = rng.normal(0, 300, 14)
        answers, _ = simulated.annotate(depths, error=0.2, rng=rng)
        for (a, b), sign in answers.items():
            apart = depths[b] - depths[a]
            true = 0 if abs(apart) < 100 else np.sign(apart)
            wrong += sign != true
            total += 1
    assert 0.16 < wrong / total < 0.24
