"""Boxes that can be cropped, and those that cannot."""

import numpy as np
import pytest

from ordinal_tf import boxes


@pytest.mark.parametrize(
    "rows, message",
    [
        ([[1, 2]], "centre x, centre y, side"),
        ([[1, 2, 3], [4]], "centre x, centre y, side"),
        ([[np.nan, 2, 3]], "finite"),
        ([[1, 2, np.inf]], "finite"),
        ([[5, 5, -1]], "above 0.01"),
        ([[5, 5, 0.001]], "above 0.01"),
        ([[5, 5, 0.9]], r"\[5, 5, 0.9\] has a side of 0.9 pixels, in which no"),
        ([[0.5, 0.5, 1]], "pixels of the picture, not shares of its size"),
        ([[5, 5, 1e30]], "far larger than the picture of 100 x 50"),
        ([[500, 5, 10]], "outside the picture"),
        ([[5, -6, 10]], "outside the picture"),
    ],
)
def test_bad_boxes(rows, message):
    with pytest.raises(ValueError, match=message):
        boxes.check_boxes(rows, 100, 50)


def test_good_boxes():
    found = boxes.check_boxes([[5, 5, 10], [99, 49, 4000]], 100, 50)
    assert found.dtype == np.float32 and found.shape == (2, 3)
    assert boxes.check_boxes([], 100, 50).shape == (0, 3)


def test_overlaps():
    first = np.array([[0, 0, 10, 10], [20, 20, 30, 40]], float)
    second = np.array([[5, 0, 15, 10], [20, 20, 30, 40]], float)
    want = [[50 / 150, 0], [0, 1]]
    np.testing.assert_allclose(boxes.overlaps(first, second), want)
    share = boxes.overlaps(first, second, of_first=True)
    np.testing.assert_allclose(share, [[50 / 100, 0], [0, 1]])
    assert boxes.overlaps(first, np.zeros((0, 4))).shape == (2, 0)
    unknown = np.full((1, 4), np.nan)
    np.testing.assert_array_equal(boxes.overlaps(first, unknown), [[0], [0]])


def test_rectangles():
    found = boxes.rectangles([[5, 10, 20]])
    np.testing.assert_allclose(found, [[-5, 0, 15, 20]])
    assert boxes.rectangles(np.zeros((0, 3))).shape == (0, 4)
