"""Who was found rightly, by hand."""

import numpy as np
import pytest

from ordinal_tf.evaluation import finding

NONE = np.zeros((0, 4))


def test_squared():
    squared = finding.squared([[0, 0, 10, 20]])
    np.testing.assert_allclose(squared, [[-5, 0, 15, 20]])


def test_each_person_counts_once():
    true = np.array([[0, 0, 10, 10]], float)
    found = np.array([[0, 0, 10, 9], [0, 0, 10, 10], [50, 50, 60, 60]], float)
    # The surest that overlaps enough, not the one that overlaps most.
    verdicts = finding.judge(found, [0.9, 0.8, 0.7], true, NONE, NONE)
    assert verdicts.tolist() == [1, 0, 0]


def test_who_is_not_judged():
    ignored = np.array([[0, 0, 10, 10]], float)
    crowds = np.array([[100, 0, 200, 100]], float)
    found = np.array(
        [[0, 0, 10, 9], [110, 10, 130, 60], [190, 10, 230, 60]], float
    )
    verdicts = finding.judge(found, [0.9, 0.8, 0.7], NONE, ignored, crowds)
    assert verdicts.tolist() == [-1, -1, 0]


def test_curve():
    scores = np.array([0.5, 0.9, 0.8, 0.7])
    verdicts = np.array([1, 1, 0, -1])
    score, recall, precision = finding.curve(scores, verdicts, 4)
    assert score.tolist() == [0.9, 0.8, 0.5]
    np.testing.assert_allclose(recall, [1 / 4, 1 / 4, 2 / 4])
    np.testing.assert_allclose(precision, [1, 1 / 2, 2 / 3])
    # Recalls 0 to 0.25 at precision 1, to 0.5 at 2 / 3, and 0 beyond.
    want = (26 + 25 * 2 / 3) / 101
    got = finding.average_precision(recall, precision)
    assert got == pytest.approx(want)


def test_nobody():
    score, recall, precision = finding.curve(np.zeros(0), np.zeros(0), 3)
    assert not len(score)
    assert finding.average_precision(recall, precision) == 0


def test_the_person_who_is_meant():
    found = {
        "box": np.array([[10, 10, 20], [50, 50, 20]], np.float32),
        "keypoints": np.full((2, 17, 2), [[[1.0]], [[2.0]]], np.float32),
        "score": np.ones((2, 17), np.float32),
    }
    one, there = finding.of_box(found, [48, 52, 22])
    assert there and (one["keypoints"] == 2).all()
    assert {k: len(v) for k, v in one.items()} == dict.fromkeys(found, 1)
    for some in (found, {k: v[:0] for k, v in found.items()}):
        one, there = finding.of_box(some, [500, 500, 20])
        assert not there and (one["keypoints"] < -1e4).all()
        assert one["score"].shape == (1, 17)
