"""Steps of one example: points and pixels agree, chance is a seed."""

import numpy as np
import pytest
import tensorflow as tf

from ordinal_tf import geometry, skeleton
from ordinal_tf.data.pipeline import transforms

SIZE = 64


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


# A person who stands: x by side, y by height; the pelvis lies at (50, 60).
HEIGHTS = {
    "head_top": 10,
    "nose": 16,
    "thorax": 25,
    "shoulder": 27,
    "spine": 43,
    "elbow": 42,
    "wrist": 57,
    "pelvis": 60,
    "hip": 61,
    "knee": 90,
    "ankle": 118,
}
STANDING = np.array(
    [
        (
            50 + 8 * (joint.startswith("left") - joint.startswith("right")),
            next(y for end, y in HEIGHTS.items() if joint.endswith(end)),
        )
        for joint in skeleton.H36M17.joints
    ],
    np.float32,
)


def cut(points=STANDING, known=None, *, kind, share=1.0):
    """`random_cut` of one person: box, then left, top, right, bottom."""
    known = np.ones(17, bool) if known is None else known
    draws = np.full((1, 8), 0.5, np.float32)
    draws[0, 3] = kind
    found = transforms.random_cut(
        tf.constant([[50.0, 64.0, 135.0]]),
        tf.constant(points[None]),
        tf.constant(known[None]),
        tf.constant(draws),
        share=share,
    )
    return [value[0].numpy() for value in found]


@pytest.mark.parametrize(
    ("kind", "lowest"), [(0.1, 90), (0.24, 90), (0.3, 61), (0.7, 57)]
)
def test_people_are_cut_off_below_what_is_left(kind, lowest):
    box, shown = cut(kind=kind)
    side = 1.25 * (lowest - 10)
    np.testing.assert_allclose(box, [50, (10 + lowest) / 2, side], rtol=1e-5)
    # A tenth of the box is seen below the last joint, all of it above.
    bottom = lowest + 0.1 * side
    np.testing.assert_allclose(shown, [-np.inf, -np.inf, np.inf, bottom])


def test_the_picture_ends_where_the_lost_joints_are():
    turned = STANDING[:, ::-1] * [-1, 1]  # The head to the right.
    box, (left, *others) = cut(turned.astype(np.float32), kind=0.7)
    np.testing.assert_allclose(box, [-33.5, 50, 58.75], rtol=1e-5)
    assert left == pytest.approx(-57 - 5.875)
    assert others == [-np.inf, np.inf, np.inf]


def test_nobody_is_cut_off_without_need():
    whole = ([50, 64, 135], [-np.inf, -np.inf, np.inf, np.inf])
    few = np.arange(17) < 10  # Two joints are left above the hips.
    legless = np.array(
        [not j.endswith(("knee", "ankle")) for j in skeleton.H36M17.joints]
    )
    for found in (
        cut(kind=0.5, share=0.5),
        cut(kind=0.0, share=0.0),
        cut(known=few, kind=0.7),
        cut(known=legless, kind=0.3),
        cut(np.full((17, 2), np.nan, np.float32), np.zeros(17, bool), kind=0.1),
    ):
        for value, expected in zip(found, whole, strict=True):
            np.testing.assert_array_equal(value, expected)
    # What is not labelled may be anything.
    points = np.where(legless[:, None], STANDING, np.nan)
    for value in cut(points, legless, kind=0.7):
        assert not np.isnan(value).any()


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
    moved = transforms.move_labels(batch, matrix, [mirrored])
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
