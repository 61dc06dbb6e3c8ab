"""Patterns: seamless, made of their colours, the same for a seed."""

import numpy as np
import pytest

from ordinal_tf.synthetic.clothes import fabrics

COLOURS = np.array([[0.9, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.2, 0.7]])


def test_linear_light():
    np.testing.assert_allclose(
        fabrics.linear([0, 0.5, 1]), [0, 0.5**2.2, 1], rtol=1e-6
    )


@pytest.mark.parametrize("pattern", fabrics.PATTERNS)
def test_tiles_lie_between_their_colours(pattern):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        tile = fabrics.draw_tile(rng, pattern, COLOURS)
        again = fabrics.draw_tile(np.random.default_rng(seed), pattern, COLOURS)
        np.testing.assert_array_equal(tile, again)
        assert tile.shape == (fabrics.SIDE, fabrics.SIDE, 3)
        assert tile.dtype == np.float32
        low, high = COLOURS.min(0), COLOURS.max(0)
        assert (tile >= low - 1e-6).all() and (tile <= high + 1e-6).all()
        colours = len(np.unique(tile.reshape(-1, 3), axis=0))
        assert colours == 1 if pattern == "plain" else 2 <= colours <= 3


def test_hoops_go_around_and_stripes_along():
    hoops = fabrics.draw_tile(np.random.default_rng(0), "hoops", COLOURS)
    stripes = fabrics.draw_tile(np.random.default_rng(0), "stripes", COLOURS)
    np.testing.assert_array_equal(hoops, np.swapaxes(stripes, 0, 1))
    assert (hoops == hoops[:, :1]).all()


def test_noise_is_seamless_with_mean_0_and_spread_1():
    table = fabrics.noise_table(1)
    np.testing.assert_allclose(table.mean((0, 1)), 0, atol=1e-4)
    np.testing.assert_allclose(table.std((0, 1)), 1, rtol=1e-4)
    # The step over the seam is no larger than those within.
    inner = np.abs(np.diff(table, axis=0)).mean()
    assert np.abs(table[0] - table[-1]).mean() < 1.3 * inner


def test_badges_have_coverage():
    for seed in range(40):
        badge = fabrics.draw_badge(np.random.default_rng(seed), COLOURS[0])
        assert badge.shape == (fabrics.BADGE, fabrics.BADGE, 4)
        assert 0.01 < badge[..., 3].mean() < 0.8
        np.testing.assert_allclose(badge[0, 0, :3], COLOURS[0], rtol=1e-6)
