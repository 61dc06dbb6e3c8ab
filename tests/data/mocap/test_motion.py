"""Rotations and rates of motion capture."""

import numpy as np
import pytest

from ordinal_tf.data.mocap import motion


@pytest.mark.parametrize(
    ("axis", "expected"),
    [("X", [0, 0, 1]), ("Y", [0, 1, 0]), ("Z", [-1, 0, 0])],
)
def test_rotation_is_right_handed(axis, expected):
    turned = motion.rotation(axis, np.array(np.pi / 2)) @ [0, 1, 0]
    np.testing.assert_allclose(turned, expected, atol=1e-12)


@pytest.mark.parametrize(
    ("source", "fps", "expected", "rate"),
    [
        (120, 10, [0, 12, 24], 10),
        (30, None, list(range(30)), 30),
        (30, 60, list(range(30)), 30),
        (29.99997, 10, list(range(0, 30, 3)), 10),
        (30.00003, 10, list(range(0, 30, 3)), 10),
        (25, 10, [0, 2, 5, 7, 10, 12, 15, 17, 20, 22, 25, 27], 10),
    ],
)
def test_resample(source, fps, expected, rate):
    kept, got = motion.resample(30, source, fps)
    np.testing.assert_array_equal(kept, expected)
    assert got == pytest.approx(rate, rel=1e-5)


def test_resample_refuses_no_rate():
    with pytest.raises(ValueError, match="fps"):
        motion.resample(30, 30, 0)
