"""Choices by weights."""

import numpy as np
import pytest

from ordinal_tf.synthetic import chance

WEIGHTED = (("a", 1), ("b", 0), ("c", 3.0))


def draw(weighted, among="abc"):
    rng = np.random.default_rng(0)
    return chance.choose(rng, weighted, what="kinds", among=among)


def test_shares_are_as_the_weights():
    rng = np.random.default_rng(0)
    drawn = [
        chance.choose(rng, WEIGHTED, what="kinds", among="abc")
        for _ in range(4000)
    ]
    # Binomial: 1/4 of 4000, five standard deviations of 27.
    assert abs(drawn.count("a") - 1000) < 137
    assert set(drawn) == {"a", "c"}
    many = chance.index(np.random.default_rng(0), [1, 0, 3.0], 4000)
    assert ["abc"[k] for k in many] == drawn


@pytest.mark.parametrize(
    ("weighted", "message"),
    [
        ((("d", 1), ("a", 1)), "`kinds` are of a, b, c. Received: 'd'"),
        ((("a", 0),), "`kinds` need weights of 0 or more, not all 0"),
        ((), "`kinds` need weights"),
        ((("a", 2), ("b", -1)), r"`kinds` need.*\('b', -1\)"),
        ((("a", float("nan")),), "`kinds` need weights"),
    ],
)
def test_bad_weights(weighted, message):
    with pytest.raises(ValueError, match=message):
        draw(weighted)
