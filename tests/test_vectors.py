"""Directions and perspective."""

import numpy as np
import pytest

from ordinal_tf import vectors


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_unit_vectors_by_hand(dtype):
    given = np.array([[3, 0, 4], [0, -2, 0]], dtype)
    expected = np.array([[0.6, 0, 0.8], [0, -1, 0]])
    found = vectors.unit(given, least=1e-9)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    np.testing.assert_allclose(
        vectors.unit(given.T, axis=0), expected.T, rtol=1e-6
    )
    assert found.dtype == dtype


def test_what_has_no_direction():
    assert vectors.unit(np.zeros(3), least=1e-9).tolist() == [0, 0, 0]
    with np.errstate(invalid="ignore"):
        assert np.isnan(vectors.unit(np.zeros(3))).all()


def test_projection_by_hand():
    # 100 px a unit at depth 1; the principal point at (7, 9).
    camera = np.array([[100, 0, 7], [0, 200, 9], [0, 0, 1.0]])
    points = np.array([[1, 2, 4.0], [0, 0, 1]])
    expected = [[32, 109], [7, 9]]
    np.testing.assert_allclose(vectors.project(points, camera), expected)
    cameras = np.stack([camera, 2 * camera])  # Homogeneous: the same camera.
    found = vectors.project(np.stack([points, points]), cameras)
    np.testing.assert_allclose(found, [expected, expected])
