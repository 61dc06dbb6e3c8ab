"""Sums and the bootstrap, against closed forms."""

import numpy as np
import pytest

from ordinal_tf.evaluation import tally

ALL, LEFT = ("mpjpe_mm", "all", ""), ("mpjpe_mm", "joint", "left_knee")


def filled(values, *, units=None, groups=None, parts=1, **options):
    """A tally of people with one number each."""
    found = tally.Tally(**{"replicates": 1000, **options})
    ones = np.ones(len(values))
    units = [str(k) for k in range(len(values))] if units is None else units
    for rows in np.array_split(np.arange(len(values)), parts):
        found.add(
            [units[k] for k in rows],
            groups and [groups[k] for k in rows],
            {
                ALL: (values[rows], ones[rows]),
                LEFT: (values[rows] * 2, ones[rows]),
            },
        )
    return found


VALUES = np.random.default_rng(0).normal(100, 30, 900)


def test_an_interval_is_the_normal_one_for_a_mean():
    found = filled(VALUES)
    ratio = found.ratio(ALL)
    assert ratio[0] == pytest.approx(VALUES.mean())
    low, high = found.interval(ratio)
    half = 1.96 * VALUES.std() / np.sqrt(len(VALUES))
    assert low == pytest.approx(VALUES.mean() - half, abs=0.15 * half)
    assert high == pytest.approx(VALUES.mean() + half, abs=0.15 * half)
    assert found.ratio(LEFT) == pytest.approx(2 * ratio)
    assert found.count(LEFT) == 900 and found.people == {None: 900}


def test_parts_and_order_do_not_matter():
    whole = filled(VALUES).ratio(ALL)
    assert filled(VALUES, parts=7).ratio(ALL) == pytest.approx(whole)
    assert filled(VALUES, seed=1).ratio(ALL)[1:] != pytest.approx(whole[1:])
    turned = filled(
        VALUES[::-1], units=[str(k) for k in range(len(VALUES))][::-1]
    )
    assert turned.ratio(ALL) == pytest.approx(whole)


def test_people_of_a_unit_are_resampled_together():
    """Ten equal frames of a clip tell no more than one of them."""
    clips = VALUES[:90]
    frames = np.repeat(clips, 10)
    names = [f"clip{k // 10}" for k in range(900)]
    found = filled(frames, units=names)
    low, high = found.interval(found.ratio(ALL))
    half = 1.96 * clips.std() / np.sqrt(90)
    assert found.units == 90
    assert (high - low) / 2 == pytest.approx(half, rel=0.15)


def test_a_paired_difference_is_surer_than_two_intervals():
    one, other = filled(VALUES), filled(VALUES + 1.0)
    difference = one.ratio(ALL) - other.ratio(ALL)
    assert difference == pytest.approx(-1.0)
    assert one.interval(difference) == pytest.approx((-1.0, -1.0))
    low, high = one.interval(one.ratio(ALL))
    assert low < other.ratio(ALL)[0] < high
    noise = np.random.default_rng(1).normal(0, 5, 900)
    difference = one.ratio(ALL) - filled(VALUES + noise).ratio(ALL)
    low, high = one.interval(difference)
    half = 1.96 * noise.std() / 30
    assert (high - low) / 2 == pytest.approx(half, rel=0.15)


def test_groups_count_the_same_however_large():
    groups = ["large"] * 890 + ["small"] * 10
    found = filled(VALUES, groups=groups, parts=3)
    large, small = VALUES[:890].mean(), VALUES[890:].mean()
    assert found.ratio(ALL, "small")[0] == pytest.approx(small)
    mean = found.mean_of_groups(ALL)
    assert mean[0] == pytest.approx((large + small) / 2)
    assert mean[0] != pytest.approx(found.ratio(ALL)[0], abs=0.1)
    assert found.people == {None: 900, "large": 890, "small": 10}
    assert found.groups == ["large", "small"]


def test_of_little_there_is_no_interval():
    found = filled(VALUES[:9])
    assert found.interval(found.ratio(ALL)) is None
    found = filled(VALUES[:10])
    assert found.interval(found.ratio(ALL)) is not None
    nothing = tally.Tally(replicates=10)
    nothing.add(["a"] * 20, None, {ALL: (np.zeros(20), np.zeros(20))})
    assert np.isnan(nothing.ratio(ALL)).all()
    assert nothing.interval(nothing.ratio(ALL)) is None
    none = filled(VALUES, replicates=0)
    assert none.interval(none.ratio(ALL)) is None
