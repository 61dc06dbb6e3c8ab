"""Single rotations against SciPy's, and their edges."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from ordinal_tf.synthetic.body import rotations


def vectors(seed, count=2):
    return np.random.default_rng(seed).normal(size=(count, 3))


@pytest.mark.parametrize("seed", range(5))
def test_against_numpy_and_scipy(seed):
    a, b = vectors(seed)
    np.testing.assert_allclose(rotations.cross(a, b), np.cross(a, b))
    cosine = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
    assert rotations.angle(a, b) == pytest.approx(np.arccos(cosine))
    axis, amount = rotations.unit(a), 0.7 * seed
    turned = Rotation.from_rotvec(axis * amount)
    np.testing.assert_allclose(
        rotations.turn(axis, amount), turned.as_matrix(), atol=1e-12
    )
    first, last = Rotation.random(2, rng=seed)
    way = (last * first.inv()).as_rotvec()
    expected = Rotation.from_rotvec(0.3 * way) * first
    got = rotations.between(first.as_matrix(), last.as_matrix(), 0.3)
    np.testing.assert_allclose(got, expected.as_matrix(), atol=1e-9)
    assert rotations.radians(last.as_matrix()) == pytest.approx(
        last.magnitude()
    )


@pytest.mark.parametrize("seed", range(5))
def test_swing_is_the_shortest_way(seed):
    a, b = map(rotations.unit, vectors(seed))
    swing = rotations.swing(a, b)
    np.testing.assert_allclose(swing @ a, b, atol=1e-12)
    assert rotations.radians(swing) == pytest.approx(rotations.angle(a, b))


def test_swing_of_parallel_and_opposite():
    a = rotations.unit(np.array([1.0, 2.0, -1.0]))
    np.testing.assert_allclose(rotations.swing(a, a), np.eye(3))
    back = rotations.swing(a, -a)
    np.testing.assert_allclose(back @ a, -a, atol=1e-12)
    assert np.linalg.det(back) == pytest.approx(1)


@pytest.mark.parametrize("side", [[1.0, 2, 3], [0.0, 5, 0], [0.0, 0, 0]])
def test_frame_is_a_rotation_even_without_a_side(side):
    axis = np.array([0.0, 1.0, 0.0])
    frame = rotations.frame(axis, np.array(side))
    np.testing.assert_allclose(frame @ frame.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(frame) == pytest.approx(1)
    np.testing.assert_allclose(frame[:, 1], axis)


def test_within_pulls_only_what_is_too_far():
    z = np.array([0.0, 0.0, 1.0])
    first, near, far = (rotations.turn(z, a) for a in (0.2, 0.5, 1.7))
    np.testing.assert_array_equal(rotations.within(first, near, 0.4), near)
    got = rotations.within(first, far, 0.4)
    np.testing.assert_allclose(got, rotations.turn(z, 0.6), atol=1e-12)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(-1.0, 0.0), (1.0, 0.0), (2.0, 0.5), (1.5, 5 / 32), (3.0, 1.0), (9.0, 1)],
)
def test_ramp(value, expected):
    assert rotations.ramp(value, (1.0, 3.0)) == pytest.approx(expected)
