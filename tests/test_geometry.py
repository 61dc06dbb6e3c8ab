"""Crop maps in closed form, their inverses, and points against pixels."""

import math

import numpy as np
import pytest
from scipy import ndimage

from ordinal_tf import geometry
from tests.numerics import array, assert_close
from tests.official import boxes

BOX = np.float32([61.3, 47.8, 93.5])
SIZE = 128
VIEWS = [
    dict(),
    dict(rotation=0.4),
    dict(rotation=-1.2, mirror=True),
    dict(mirror=True),
    dict(rotation=math.pi),
]


def corners(box, size, **view):
    """Where the crop puts the box's four corners and its middle."""
    cx, cy, side = (float(v) for v in box)
    offsets = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [0, 0]])
    points = np.float32([cx, cy] + offsets * side / 2)
    matrix = geometry.crop_matrix(box, size, **view)
    return array(geometry.apply_affine(matrix, points))


# Edges of the crop are at -0.5 and size - 0.5: pixel centres are integers.
LOW, HIGH, MIDDLE = -0.5, SIZE - 0.5, (SIZE - 1) / 2
CORNERS = [[LOW, LOW], [HIGH, LOW], [HIGH, HIGH], [LOW, HIGH]]


@pytest.mark.parametrize(
    ("view", "order"),
    [
        (dict(), [0, 1, 2, 3]),
        # Clockwise on the screen: the top left goes to the top right.
        (dict(rotation=math.pi / 2), [1, 2, 3, 0]),
        (dict(rotation=-math.pi / 2), [3, 0, 1, 2]),
        (dict(mirror=True), [1, 0, 3, 2]),
        # Turned first, then mirrored.
        (dict(rotation=math.pi / 2, mirror=True), [0, 3, 2, 1]),
    ],
)
def test_box_fills_the_crop(view, order):
    expected = [CORNERS[i] for i in order] + [[MIDDLE, MIDDLE]]
    assert_close(corners(BOX, SIZE, **view), np.float32(expected), atol=1e-3)


def test_whole_picture_at_half_size():
    # By hand: pixels 2 k and 2 k + 1 share the crop's pixel k.
    matrix = geometry.crop_matrix(np.float32([31.5, 31.5, 64.0]), 32)
    points = np.float32([[0, 1], [2, 63]])
    crop = geometry.apply_affine(matrix, points)
    expected = np.float32([[-0.25, 0.25], [0.75, 31.25]])
    assert_close(crop, expected, atol=1e-5)


@pytest.mark.parametrize("view", VIEWS)
def test_composition_by_hand(view):
    """Move, turn, scale, mirror and move, one matrix after the other."""
    turn, flip = view.get("rotation", 0.0), view.get("mirror", False)
    cos, sin, scale = math.cos(turn), math.sin(turn), SIZE / float(BOX[2])
    there, back = np.eye(3), np.eye(3)
    there[:2, 2], back[:2, 2] = -BOX[:2], MIDDLE
    rotate = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    zoom = np.diag([scale, scale, 1])
    mirror = np.diag([-1 if flip else 1, 1, 1])
    expected = (back @ mirror @ zoom @ rotate @ there)[:2]
    matrix = geometry.crop_matrix(BOX, SIZE, **view)
    assert_close(matrix, expected, atol=2e-4)


@pytest.mark.parametrize("view", VIEWS)
def test_inverse_returns(view):
    points = np.random.default_rng(0).uniform(-200, 400, (5, 2))
    points = points.astype("float32")
    matrix = geometry.crop_matrix(BOX, SIZE, **view)
    inverse = geometry.invert_affine(matrix)
    there = geometry.apply_affine(matrix, points)
    assert_close(geometry.apply_affine(inverse, there), points, atol=2e-3)
    full = np.vstack([array(matrix), [0, 0, 1]])
    assert_close(inverse, np.linalg.inv(full)[:2], atol=2e-4)


def test_mirror_twice_is_nothing():
    plain = array(geometry.crop_matrix(BOX, SIZE, rotation=0.3))
    flipped = array(geometry.crop_matrix(BOX, SIZE, rotation=0.3, mirror=True))
    assert_close(
        SIZE - 1 - flipped[0] @ [7, 9, 1], plain[0] @ [7, 9, 1], atol=1e-3
    )
    np.testing.assert_array_equal(flipped[1], plain[1])


def test_leading_axes_broadcast():
    rotation = np.float32([[0.1], [-0.7]])
    mirror = np.array([True, False, True])
    box = np.stack([BOX, BOX + 10, BOX * 2])
    points = np.random.default_rng(1).uniform(0, 99, (2, 3, 4, 2))
    points = points.astype("float32")
    many = geometry.crop_matrix(box, SIZE, rotation=rotation, mirror=mirror)
    moved = array(geometry.apply_affine(many, points))
    assert array(many).shape == (2, 3, 2, 3)
    for i in range(2):
        for j in range(3):
            one = geometry.crop_matrix(
                box[j], SIZE, rotation=rotation[i, 0], mirror=mirror[j]
            )
            assert_close(array(many)[i, j], array(one), atol=1e-4)
            alone = geometry.apply_affine(one, points[i, j])
            assert_close(moved[i, j], array(alone), atol=1e-3)
    only_mirror = geometry.crop_matrix(BOX, SIZE, mirror=mirror)
    assert array(only_mirror).shape == (3, 2, 3)


@pytest.mark.parametrize("view", VIEWS)
def test_points_and_pixels_agree(view):
    """Warps a picture of blobs and finds them where the points say."""
    points = np.float32([[40.25, 30.5], [80.0, 40.75], [62.5, 72.0]])
    y, x = np.mgrid[:100, :120]
    matrix = geometry.crop_matrix(BOX, SIZE, **view)
    inverse = array(geometry.invert_affine(matrix))
    moved = array(geometry.apply_affine(matrix, points))
    rows, columns = np.mgrid[:SIZE, :SIZE]
    crop_pixels = np.stack([columns, rows, np.ones_like(rows)])
    source_x, source_y = np.tensordot(inverse, crop_pixels, 1)
    for point, expected in zip(points, moved, strict=True):
        blob = (x - point[0]) ** 2 + (y - point[1]) ** 2
        picture = np.exp(-0.5 * blob / 3.0**2)
        crop = ndimage.map_coordinates(picture, [source_y, source_x], order=3)
        centroid = ndimage.center_of_mass(crop)[::-1]
        np.testing.assert_allclose(centroid, expected, atol=0.01)


def test_departure_from_the_official_box():
    """The same square up to the pixel that the original cuts away."""
    center, scale = (61.3, 47.8), 0.4675  # BOX: 200 * 0.4675 = 93.5 px.
    edges = boxes.lua_box(center, scale, SIZE) - 1
    inverse = geometry.invert_affine(geometry.crop_matrix(BOX, SIZE))
    ours = np.float32([[LOW, LOW], [HIGH, HIGH]])
    ours = array(geometry.apply_affine(inverse, ours)).reshape(-1)
    # By hand: 61.3 - 46.75 = 14.55, 47.8 - 46.75 = 1.05, and so on.
    assert_close(ours, np.float32([14.55, 1.05, 108.05, 94.55]), atol=1e-3)
    np.testing.assert_array_equal(edges, [14, 1, 108, 94])


def test_box_around_by_hand():
    keypoints = np.array([[10, 20], [50, 30], [np.nan, np.nan], [30, 100]])
    mask = np.array([True, True, False, True])
    box = geometry.box_around(keypoints, mask)
    assert_close(box, np.float32([30, 60, 100]), atol=1e-4)
    single = geometry.box_around(keypoints, [True, False, False, False])
    assert_close(single, np.float32([10, 20, 8]), atol=1e-4)
