"""Crops from parts of pictures: the same as from the whole, and cheaper."""

import cv2
import numpy as np
import pytest
import tensorflow as tf

from ordinal_tf import geometry
from ordinal_tf.data.pipeline import crops, transforms

SIZE = 48
STILL = (1.0, 1.0, 1.0, 0.0)


def encoded(image, kind=".jpg"):
    options = [cv2.IMWRITE_JPEG_QUALITY, 98] if kind == ".jpg" else []
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    return cv2.imencode(kind, bgr, options)[1].tobytes()


def smooth(height, width, seed=0):
    """A picture in which a wrong pixel shows."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (height // 12 + 2, width // 12 + 2, 3))
    return cv2.resize(coarse.astype(np.uint8), (width, height))


def planned(image, kind, matrices, size=SIZE):
    """Data, and the plan as a list of dicts, one for each matrix."""
    data = encoded(image, kind)
    count = len(matrices)
    shape = np.tile(np.array(image.shape[:2], np.int32), (count, 1))
    plan = crops.plan_windows(
        tf.constant([data] * count), shape, tf.stack(matrices), size
    )
    return data, [{k: v[i] for k, v in plan.items()} for i in range(count)]


def cropped(image, kind, matrices, scales=STILL, size=SIZE):
    """Windows, and crops made of them one by one on the CPU."""
    data, plan = planned(image, kind, matrices, size)
    windows = [crops.decode_window(data, one) for one in plan]
    made = [
        crops.render_on_cpu(
            w[None], one["matrix"][None], tf.constant([scales]), size
        )[0].numpy()
        for w, one in zip(windows, plan, strict=True)
    ]
    return windows, plan, made


BOXES = [
    ((100.0, 80.0, 60.0), 0.0, False),
    ((103.4, 77.8, 81.0), 0.5, False),
    ((60.2, 90.1, 40.3), -0.4, True),
    ((5.0, 150.0, 70.0), 1.0, False),  # Over a corner.
    ((230.0, 20.0, 64.0), -0.2, True),
    ((100.0, 80.0, 12.0), 0.1, False),  # Enlarged.
]


def matrix_of(box, rotation, mirror, size=SIZE):
    return geometry.crop_matrix(
        np.array(box, np.float32), size, rotation=rotation, mirror=mirror
    )


@pytest.mark.parametrize("kind", [".jpg", ".png"])
def test_a_part_gives_what_the_whole_picture_gives(kind):
    image = smooth(170, 240)
    matrices = [matrix_of(*box) for box in BOXES]
    windows, _, made = cropped(image, kind, matrices)
    whole = transforms.decode_photo(tf.constant(encoded(image, kind)))
    for matrix, crop, window in zip(matrices, made, windows, strict=True):
        expected = transforms.sample_affine(whole, matrix, SIZE).numpy()
        # Half a level of rounding, and OpenCV's own arithmetic.
        assert np.abs(crop - expected).max() <= 1.01
        assert window.shape[0] * window.shape[1] < 0.6 * 170 * 240


@pytest.mark.parametrize("kind", [".jpg", ".png"])
@pytest.mark.parametrize("mirror", [False, True])
def test_points_and_pixels_agree_at_every_resolution(kind, mirror):
    # One blob, as wide in every crop, whatever the shrinkage.
    for shrink in (0.6, 1.6, 1.9, 3.1, 3.7, 5.0, 7.9, 12.0, 17.0, 33.0):
        side = shrink * SIZE
        height, width = int(1.3 * side), int(1.5 * side)
        place = np.array([0.62 * width, 0.47 * height], np.float32)
        rows, columns = np.mgrid[:height, :width].astype(np.float32)
        distance = (columns - place[0]) ** 2 + (rows - place[1]) ** 2
        blob = 250 * np.exp(-distance / (2 * (3.0 * shrink) ** 2))
        image = np.repeat(np.round(blob).astype(np.uint8)[..., None], 3, -1)
        box = (0.55 * width, 0.5 * height, side)
        matrix = matrix_of(box, 0.4, mirror)
        windows, _, (crop,) = cropped(image, kind, [matrix])
        mass = np.where(crop > 12, crop, 0).mean(-1)
        y, x = np.mgrid[:SIZE, :SIZE]
        found = np.array([(x * mass).sum(), (y * mass).sum()]) / mass.sum()
        (expected,) = geometry.apply_affine(matrix, place[None])
        np.testing.assert_allclose(found, expected, atol=0.15)
        assert abs(int(crop.max()) - 250) < 25
        # However large the picture, what is warped is not.
        assert max(windows[0].shape) < 2.0 * 1.37 * SIZE + 12


def test_shrinking_averages():
    """A fine chessboard becomes grey, not a coarser pattern."""
    board = (np.indices((640, 640)).sum(0) % 2 * 255).astype(np.uint8)
    image = np.repeat(board[..., None], 3, -1)
    for side in (2.0, 4.0, 8.0, 24.0):
        matrix = matrix_of((319.5, 319.5, side * 20), 0.0, False, size=20)
        for kind in (".jpg", ".png"):
            _, _, (crop,) = cropped(image, kind, [matrix], size=20)
            np.testing.assert_allclose(crop, 127.5, atol=4)


def test_the_plan_in_numbers():
    # A box of twice the crop: step 2, so JPEG decodes at a half. Its corner
    # pixels are (20.5, 10.5) and (146.5, 136.5), reduced (10, 5) to (73, 68);
    # bilinear sampling needs one more, and two are spare.
    image = smooth(200, 300)
    matrix = matrix_of((83.5, 73.5, 128.0), 0.0, False, size=64)
    _, (plan,) = planned(image, ".jpg", [matrix], size=64)
    assert int(plan["branch"]) == 1 and int(plan["factor"]) == 1
    top, left, height, width = plan["part"].numpy()
    assert (top, left) == (3, 8)
    assert (top + height, left + width) == (68 + 2 + 2, 73 + 2 + 2)
    _, (plan,) = planned(image, ".png", [matrix], size=64)
    assert int(plan["branch"]) == 4 and int(plan["factor"]) == 2
    assert plan["part"].numpy().tolist() == [6, 16, 138, 138]


@pytest.mark.parametrize("kind", [".jpg", ".png"])
def test_a_crop_beside_the_picture_is_black(kind):
    image = np.full((90, 120, 3), 255, np.uint8)
    boxes = [(-80.0, 40.0, 60.0), (50.0, 300.0, 200.0), (4000.0, 40.0, 900.0)]
    matrices = [matrix_of(box, 0.3, False) for box in boxes]
    _, _, made = cropped(image, kind, matrices)
    assert not np.any(made)


def test_the_accelerator_makes_the_same_crops():
    image = smooth(170, 240)
    matrices = [matrix_of(*box) for box in BOXES]
    scales = (1.2, 0.85, 1.0, 13.0)
    windows, plan, made = cropped(image, ".jpg", matrices, scales)
    largest = np.max([window.shape for window in windows], axis=0)
    padded = [
        np.pad(w, [(0, m - n) for m, n in zip(largest, w.shape, strict=True)])
        for w in windows
    ]
    batch = crops.render(
        tf.stack(padded),
        tf.stack([one["matrix"] for one in plan]),
        tf.constant([scales] * len(plan)),
        SIZE,
    ).numpy()
    off = np.abs(batch.astype(int) - np.stack(made))
    # OpenCV rounds before it scales, too.
    assert off.max() <= 1 and batch.std() > 30


def test_colours_are_clipped_and_black_moves_with_them():
    image = np.full((60, 60, 3), 200, np.uint8)
    matrix = matrix_of((0.0, 29.5, 40.0), 0.0, False, size=40)
    _, _, (crop,) = cropped(image, ".png", [matrix], (1.5, 0.5, 1, 30.0), 40)
    np.testing.assert_array_equal(
        crop[:, 25:], np.full((40, 15, 3), [255, 130, 230])
    )
    np.testing.assert_array_equal(crop[:, :15], 30)
