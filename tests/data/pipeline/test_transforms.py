"""Steps of one example: points and pixels agree, chance is a seed."""

import io

import cv2
import numpy as np
import pytest
import scipy.ndimage
import tensorflow as tf
from PIL import Image

from ordinal_tf import geometry, skeleton
from ordinal_tf.data.pipeline import transforms

MIRROR = skeleton.H36M17.mirror
SIZE = 64


def blobs(centres, size, sigma):
    """One Gaussian blob per colour channel at three points."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    maps = [
        np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2))
        for x, y in centres
    ]
    return np.round(255 * np.stack(maps, axis=-1)).astype(np.uint8)


def centroids(crop):
    """`(3, 2)` x, y of each channel's mass."""
    rows, columns = np.mgrid[: crop.shape[0], : crop.shape[1]]
    mass = crop.sum((0, 1))
    return np.stack(
        [
            (columns[..., None] * crop).sum((0, 1)) / mass,
            (rows[..., None] * crop).sum((0, 1)) / mass,
        ],
        axis=-1,
    )


@pytest.mark.parametrize("shrink", [0.5, 1.0, 1.3, 1.9, 3.0, 3.6])
@pytest.mark.parametrize(
    ("rotation", "mirror"), [(0.0, False), (0.4, False), (-0.5, True)]
)
def test_points_and_pixels_agree(shrink, rotation, mirror):
    # Blobs keep within the crop, and are as wide in it whatever the scale.
    side = SIZE * shrink
    box = np.array([130.4, 121.7, side], np.float32)
    centres = box[:2] + side * np.array(
        [[-0.21, -0.17], [0.08, 0.19], [0.2, -0.11]]
    )
    image = blobs(centres, (241, 263), 3.0 * shrink)
    matrix = geometry.crop_matrix(box, SIZE, rotation=rotation, mirror=mirror)
    crop = transforms.sample_affine(image, matrix, SIZE).numpy()
    assert crop.shape == (SIZE, SIZE, 3) and crop.dtype == np.float32
    expected = geometry.apply_affine(matrix, centres.astype(np.float32))
    assert np.abs(centroids(crop) - expected).max() < 0.15
    # Brightness stays too.
    np.testing.assert_allclose(crop.max((0, 1)), 255, atol=25)


@pytest.mark.parametrize(
    ("box", "rotation", "mirror"),
    [
        ((40.0, 30.0, 50.0), 0.3, False),
        ((40.3, 29.6, 63.0), -0.2, True),
        # Beyond the corner: black, with an edge that fades over one pixel.
        ((5.0, 70.0, 40.0), 1.1, False),
    ],
)
def test_sample_affine_is_bilinear(box, rotation, mirror):
    image = np.random.default_rng(0).integers(0, 256, (70, 90, 3), np.uint8)
    matrix = geometry.crop_matrix(box, SIZE, rotation=rotation, mirror=mirror)
    crop = transforms.sample_affine(image, matrix, SIZE).numpy()
    # SciPy in float64.
    full = np.vstack([np.asarray(matrix, "float64"), [0, 0, 1]])
    rows, columns = np.mgrid[:SIZE, :SIZE]
    places = np.stack([columns, rows, np.ones_like(rows)]).reshape(3, -1)
    x, y, _ = np.linalg.inv(full) @ places
    for channel in range(3):
        expected = scipy.ndimage.map_coordinates(
            image[..., channel].astype("float64"),
            [y, x],
            order=1,
            mode="grid-constant",
        )
        found = crop[..., channel].reshape(-1)
        np.testing.assert_allclose(found, expected, atol=0.02)
    # OpenCV, whose weights have 5 bits.
    warped = cv2.warpAffine(
        image.astype(np.float32),
        np.asarray(matrix, "float64"),
        (SIZE, SIZE),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
    )
    assert np.abs(crop - warped).mean() < 2.0
    assert np.abs(crop - warped).max() < 2 * 255 / 32


@pytest.mark.parametrize("factor", [2, 3])
def test_a_whole_shrink_is_area_averaging(factor):
    side = SIZE * factor
    image = np.random.default_rng(1).integers(0, 256, (side, side, 3), np.uint8)
    box = ((side - 1) / 2, (side - 1) / 2, side)
    matrix = geometry.crop_matrix(box, SIZE)
    crop = transforms.sample_affine(image, matrix, SIZE).numpy()
    area = cv2.resize(
        image.astype(np.float32), (SIZE, SIZE), interpolation=cv2.INTER_AREA
    )
    np.testing.assert_allclose(crop, area, atol=0.05)


def test_a_ragged_edge_does_not_darken():
    # 67 is no multiple of the three pixels that are averaged.
    image = np.full((67, 67, 3), 200, np.uint8)
    matrix = geometry.crop_matrix((33.0, 33.0, 60.0), 20)
    crop = transforms.sample_affine(image, matrix, 20).numpy()
    np.testing.assert_allclose(crop, 200, rtol=1e-5)


def test_equal_size_copies():
    image = np.random.default_rng(2).integers(0, 256, (16, 16, 3), np.uint8)
    matrix = geometry.crop_matrix((7.5, 7.5, 16.0), 16)
    crop = transforms.sample_affine(image, matrix, 16)
    np.testing.assert_allclose(crop, image, atol=0.01)
    turned = geometry.crop_matrix((7.5, 7.5, 16.0), 16, mirror=True)
    crop = transforms.sample_affine(image, turned, 16)
    np.testing.assert_allclose(crop, image[:, ::-1], atol=0.01)


def draw_crops(seed, count=200, **options):
    settings = {
        "rotation_deg": 30.0,
        "scale": (0.75, 1.25),
        "mirror": True,
        **options,
    }
    draws = transforms.random_draws(0, count, seed)
    boxes = tf.tile([[50.0, 40.0, 80.0]], [count, 1])
    return [v.numpy() for v in transforms.random_crop(boxes, draws, **settings)]


def test_random_crop_keeps_its_limits():
    boxes, turns, flips = draw_crops(7)
    turns, zooms = np.degrees(turns), 80 / boxes[:, 2]
    assert -30 <= min(turns) < -25 and 25 < max(turns) <= 30
    assert 0.7499 < min(zooms) < 0.78 and 1.2 < max(zooms) < 1.2501
    # Log-uniform: as often below the middle as above it.
    middle = np.sqrt(0.75 * 1.25)
    # Binomial: four standard deviations.
    assert abs(np.mean(zooms < middle) - 0.5) < 0.15
    assert abs(np.mean(flips) - 0.5) < 0.15
    np.testing.assert_array_equal(boxes[:, :2], [[50, 40]] * 200)


def test_no_augmentation_is_the_plain_box():
    boxes, turns, flips = draw_crops(
        0, 8, rotation_deg=0.0, scale=(1.0, 1.0), mirror=False
    )
    np.testing.assert_allclose(boxes, [[50, 40, 80]] * 8, rtol=1e-6)
    assert not turns.any() and not flips.any()


def test_draws_do_not_depend_on_the_batch():
    whole = transforms.random_draws(0, 90, 5).numpy()
    assert whole.shape == (90, 8)
    assert whole.min() >= 0 and whole.max() < 1
    # 720 uniform numbers: mean and spread within four standard errors.
    assert abs(whole.mean() - 0.5) < 4 * 0.289 / np.sqrt(720)
    assert len(np.unique(whole)) == 720
    parts = [
        transforms.random_draws(first, count, 5).numpy()
        for first, count in ((0, 1), (1, 32), (33, 57))
    ]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    far = transforms.random_draws(2**40, 4, 5).numpy()
    again = transforms.random_draws(2**40 + 2, 2, 5).numpy()
    np.testing.assert_array_equal(far[2:], again)
    other = transforms.random_draws(0, 90, 6).numpy()
    assert not np.isin(other, whole).all()


def labels(seed=0):
    rng = np.random.default_rng(seed)
    upper = np.triu(rng.integers(-1, 2, (17, 17)), k=1)
    mask = np.triu(rng.random((17, 17)) < 0.5, k=1)
    return {
        "keypoints": rng.uniform(0, 90, (17, 2)).astype(np.float32),
        "keypoint_mask": rng.random(17) < 0.7,
        "depth": rng.normal(size=17).astype(np.float32),
        "depth_mask": rng.random(17) < 0.7,
        "relation": (upper - upper.T).astype(np.int8),
        "relation_mask": mask | mask.T,
    }


def move(example, matrix, mirrored):
    """`move_labels` of a batch of one."""
    batch = {key: tf.constant(value)[None] for key, value in example.items()}
    matrix = tf.convert_to_tensor(matrix)[None]
    moved = transforms.move_labels(batch, matrix, [mirrored], MIRROR)
    return {key: value[0].numpy() for key, value in moved.items()}


def test_mirrored_labels():
    given = labels()
    matrix = geometry.crop_matrix((40.0, 45.0, 90.0), SIZE, mirror=True)
    moved = move(given, matrix, True)
    points = np.asarray(geometry.apply_affine(matrix, given["keypoints"]))
    names = skeleton.H36M17.joints
    for i, name in enumerate(names):
        side, _, rest = name.partition("_")
        other = {"left": "right_", "right": "left_"}.get(side)
        before = names.index(other + rest) if other else i
        np.testing.assert_allclose(moved["keypoints"][i], points[before])
        for key in ("keypoint_mask", "depth", "depth_mask"):
            assert moved[key][i] == given[key][before]
        for j, second in enumerate(names):
            side, _, rest = second.partition("_")
            other = {"left": "right_", "right": "left_"}.get(side)
            pair = before, names.index(other + rest) if other else j
            assert moved["relation"][i, j] == given["relation"][pair]
            assert moved["relation_mask"][i, j] == (
                i < j and given["relation_mask"][pair]
            )
    dtypes = {key: value.dtype for key, value in given.items()}
    assert {key: value.dtype for key, value in moved.items()} == dtypes
    # A left shoulder left of the right one in the picture stays so: the
    # names trade with the sides.
    shoulders = names.index("left_shoulder"), names.index("right_shoulder")
    given_x, moved_x = given["keypoints"][:, 0], moved["keypoints"][:, 0]
    assert np.sign(np.diff(given_x[[*shoulders]])) == np.sign(
        np.diff(moved_x[[*shoulders]])
    )


def test_labels_that_are_not_mirrored():
    given = labels()
    matrix = geometry.crop_matrix((40.0, 45.0, 90.0), SIZE, rotation=0.3)
    moved = move(given, matrix, False)
    points = geometry.apply_affine(matrix, given["keypoints"])
    np.testing.assert_allclose(moved["keypoints"], points)
    for key in ("keypoint_mask", "depth", "depth_mask", "relation"):
        np.testing.assert_array_equal(moved[key], given[key])
    np.testing.assert_array_equal(
        moved["relation_mask"], np.triu(given["relation_mask"], k=1)
    )


def test_colours_keep_their_limits():
    draws = transforms.random_draws(0, 300, 1)
    scales = transforms.random_colour(draws, channel=0.2, brightness=0.1)
    scales = scales.numpy()
    assert 0.8 <= scales[:, :3].min() < 0.81
    assert 1.19 < scales[:, :3].max() <= 1.2
    assert -25.5 <= scales[:, 3].min() < -24 and 24 < scales[:, 3].max() <= 25.5
    # Each channel has a scale of its own.
    assert np.ptp(scales[:, :3], axis=1).min() > 0
    still = transforms.random_colour(draws, channel=0.0, brightness=0.0)
    np.testing.assert_array_equal(still, [[1, 1, 1, 0]] * 300)


def test_colour_scales_shifts_rounds_and_clips():
    image = np.zeros((2, 1, 2, 3), np.float32)
    image[:, :, 1] = (100.0, 200.0, 50.4)
    scales = [[1.1, 1.2, 0.5, 20.0], [1.0, 1.0, 1.0, -60.0]]
    found = transforms.colour(tf.constant(image), tf.constant(scales))
    assert found.dtype == tf.uint8
    expected = [[[[20, 20, 20], [130, 255, 45]]], [[[0, 0, 0], [40, 140, 0]]]]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "grey", "GIF"])
def test_decode_photo(kind):
    coarse = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
    image = Image.fromarray(coarse).resize((40, 30), Image.Resampling.BICUBIC)
    if kind in ("grey", "GIF"):
        image = image.convert("L")
    data = io.BytesIO()
    image.save(data, {"grey": "PNG"}.get(kind, kind))
    found = transforms.decode_photo(tf.constant(data.getvalue()))
    # Pillow has the reference JPEG decoder.
    expected = Image.open(io.BytesIO(data.getvalue())).convert("RGB")
    np.testing.assert_array_equal(found, np.asarray(expected))
