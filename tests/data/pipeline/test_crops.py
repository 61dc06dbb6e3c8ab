"""Crops from parts of pictures: the same as from the whole, and cheaper."""

import io

import cv2
import numpy as np
import pytest
import scipy.ndimage
import tensorflow as tf
from PIL import Image, ImageOps

from ordinal_tf import geometry
from ordinal_tf.data.pipeline import crops, pictures

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
        tf.fill([count], kind == ".jpg"), shape, tf.stack(matrices), size
    )
    return data, [{k: v[i] for k, v in plan.items()} for i in range(count)]


def cropped(
    image, kind, matrices, scales=STILL, size=SIZE, render=crops.render_on_cpu
):
    """Windows, and crops made of them one by one."""
    data, plan = planned(image, kind, matrices, size)
    windows = [crops.decode_window(data, one) for one in plan]
    made = [
        render(w[None], one["matrix"][None], tf.constant([scales]), size)[
            0
        ].numpy()
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


def sampled(image, matrix, size):
    """Bilinear samples of the whole picture, black outside: SciPy, float64."""
    full = np.vstack([np.asarray(matrix, "float64"), [0, 0, 1]])
    rows, columns = np.mgrid[:size, :size]
    places = np.stack([columns, rows, np.ones_like(rows)]).reshape(3, -1)
    x, y, _ = np.linalg.inv(full) @ places
    channels = [
        scipy.ndimage.map_coordinates(
            image[..., channel].astype("float64"),
            [y, x],
            order=1,
            mode="grid-constant",
        )
        for channel in range(3)
    ]
    return np.stack(channels, axis=-1).reshape(size, size, 3)


@pytest.mark.parametrize("kind", [".jpg", ".png"])
def test_a_part_gives_what_the_whole_picture_gives(kind):
    image = smooth(170, 240)
    matrices = [matrix_of(*box) for box in BOXES]
    windows, _, made = cropped(image, kind, matrices)
    whole = np.asarray(Image.open(io.BytesIO(encoded(image, kind))))
    for matrix, crop, window in zip(matrices, made, windows, strict=True):
        expected = sampled(whole, matrix, SIZE)
        # Half a level of rounding, and OpenCV's own arithmetic.
        assert np.abs(crop - expected).max() <= 1.01
        assert window.shape[0] * window.shape[1] < 0.6 * 170 * 240


@pytest.mark.parametrize("render", [crops.render, crops.render_on_cpu])
@pytest.mark.parametrize("kind", [".jpg", ".png"])
@pytest.mark.parametrize("mirror", [False, True])
def test_points_and_pixels_agree_at_every_resolution(kind, mirror, render):
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
        windows, _, (crop,) = cropped(image, kind, [matrix], render=render)
        mass = np.where(crop > 12, crop, 0).mean(-1)
        y, x = np.mgrid[:SIZE, :SIZE]
        found = np.array([(x * mass).sum(), (y * mass).sum()]) / mass.sum()
        (expected,) = geometry.apply_affine(matrix, place[None])
        np.testing.assert_allclose(found, expected, atol=0.15)
        assert abs(int(crop.max()) - 250) < 25
        # However large the picture, what is warped is not.
        assert max(windows[0].shape) < 2.0 * 1.37 * SIZE + 12


@pytest.mark.parametrize("kind", [".jpg", ".png"])
@pytest.mark.parametrize("shrink", [1, 2, 20])
def test_nothing_is_shown_beyond_an_end(kind, shrink):
    side = 40 * shrink
    image = np.full((2 * side, 2 * side, 3), 200, np.uint8)
    matrix = matrix_of((side - 0.5, side - 0.5, side), 0.0, False, size=40)
    # Left, top, right and bottom: one quarter of the crop, and 6 pixels.
    ends = np.array([0.5, 0.65, 1.25, 1.5], np.float32) * side
    plan = crops.plan_windows(
        [kind == ".jpg"],
        np.array([image.shape[:2]], np.int32),
        matrix[None],
        40,
        shown=ends[None],
    )
    plan = {key: value[0] for key, value in plan.items()}
    window = crops.decode_window(encoded(image, kind), plan)
    crop = crops.render_on_cpu(
        window[None], plan["matrix"][None], tf.constant([STILL]), 40
    )[0].numpy()
    expected = np.zeros((40, 40), bool)
    expected[6:, :30] = True
    np.testing.assert_array_equal((crop > 100).all(-1), expected)


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


@pytest.mark.parametrize(
    ("box", "rotation", "mirror"),
    [
        ((40.0, 30.0, 50.0), 0.3, False),
        ((40.3, 29.6, 63.0), -0.2, True),
        # Beyond the corner: black, with an edge that fades over one pixel.
        ((5.0, 70.0, 40.0), 1.1, False),
    ],
)
def test_the_warp_is_bilinear(box, rotation, mirror):
    image = np.random.default_rng(0).integers(0, 256, (70, 90, 3), np.uint8)
    matrix = matrix_of(box, rotation, mirror, 64)
    expected = sampled(image, matrix, 64)
    _, _, (crop,) = cropped(
        image, ".png", [matrix], size=64, render=crops.render
    )
    np.testing.assert_allclose(crop, expected, atol=0.53)
    # OpenCV, whose weights have 5 bits.
    _, _, (crop,) = cropped(image, ".png", [matrix], size=64)
    assert np.abs(crop - expected).mean() < 2.0
    assert np.abs(crop - expected).max() < 2 * 255 / 32


def crop_of(image, box, size):
    """A crop of an array, as the graph makes it."""
    picture = pictures.open_pixels(tf.constant(image))
    (crop,) = crops.crop_boxes(picture, tf.constant([box], tf.float32), size)
    return crop.numpy()


@pytest.mark.parametrize("factor", [2, 4, 8, 24])
def test_a_whole_shrink_is_area_averaging(factor):
    size = 16
    side = size * factor
    image = np.random.default_rng(1).integers(0, 256, (side, side, 3), np.uint8)
    middle = (side - 1) / 2
    mean = image.reshape(size, factor, size, factor, 3).mean(axis=(1, 3))
    crop = crop_of(image, (middle, middle, side), size)
    np.testing.assert_allclose(crop, mean, atol=0.51)


def test_means_of_blocks_by_hand():
    image = np.arange(15, dtype=np.uint8).reshape(3, 5, 1).repeat(3, 2) * 10
    found = crops.box_average(tf.constant(image), tf.constant(2)).numpy()
    # Rows 0 and 1, columns 0 and 1: (0 + 10 + 50 + 60) / 4; the last column
    # and row count twice.
    expected = [[30, 50, 65], [105, 125, 140]]
    np.testing.assert_array_equal(found[..., 0], expected)
    same = crops.box_average(tf.constant(image), tf.constant(1))
    np.testing.assert_array_equal(same, image)


def test_a_ragged_edge_does_not_darken():
    # 67 is no multiple of the two pixels that are averaged.
    image = np.full((67, 67, 3), 200, np.uint8)
    assert (crop_of(image, (33.0, 33.0, 60.0), 20) == 200).all()


def test_equal_size_copies():
    image = np.random.default_rng(2).integers(0, 256, (16, 16, 3), np.uint8)
    np.testing.assert_array_equal(crop_of(image, (7.5, 7.5, 16.0), 16), image)


def test_boxes_far_larger_than_the_picture():
    image = np.full((3, 20, 3), 255, np.uint8)
    crop = crop_of(image, (9.5, 1.0, 1e6), SIZE)
    assert crop.shape == (SIZE, SIZE, 3) and crop.mean() < 20
    # Nobody is nothing.
    none = crops.crop_boxes(
        pictures.open_pixels(tf.constant(image)), tf.zeros((0, 3)), SIZE
    )
    assert none.shape == (0, SIZE, SIZE, 3)


def with_exif(image, orientation, kind="JPEG"):
    """Bytes of a stored picture that EXIF says how to turn."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = io.BytesIO()
    options = {"quality": 100, "subsampling": 0} if kind == "JPEG" else {}
    Image.fromarray(image).save(data, kind, exif=exif, **options)
    return data.getvalue()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_crops_are_upright(orientation):
    """Turned by EXIF, against Pillow's turning of the whole picture."""
    stored = smooth(90, 140)
    data = with_exif(stored, orientation)
    with Image.open(io.BytesIO(data)) as image:
        upright = np.asarray(ImageOps.exif_transpose(image))
    height, width = upright.shape[:2]
    assert (height, width) == ((90, 140) if orientation < 5 else (140, 90))
    picture = pictures.open_encoded(tf.constant(data))
    assert picture.size.numpy().tolist() == [height, width]
    boxes = [(40.0, 60.5, 50.0), (width - 10.0, 20.0, 77.0), (45, 45, 30)]
    made = crops.crop_boxes(picture, tf.constant(boxes, tf.float32), SIZE)
    for box, crop in zip(boxes, made.numpy(), strict=True):
        expected = crop_of(upright, box, SIZE)
        np.testing.assert_allclose(crop.astype(int), expected, atol=4)
        assert np.abs(crop.astype(int) - expected).mean() < 0.5


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("least", [1000, 200, 100, 20])
@pytest.mark.parametrize("orientation", [1, 6])
def test_a_shrunk_picture_keeps_its_places(kind, least, orientation):
    if kind == "PNG":
        orientation = 1  # Its EXIF is not read in the graph.
    stored = smooth(301, 403, seed=4)
    data = with_exif(stored, orientation, kind)
    picture = pictures.open_encoded(tf.constant(data))
    small = crops.shrink(picture, least)
    ratio = {1000: 1, 200: 2, 100: 4, 20: 8}[least]
    height, width = -(-301 // ratio), -(-403 // ratio)
    assert small.pixels.shape == (height, width, 3)
    assert small.shape.numpy().tolist() == [height, width]
    assert small.size.numpy().tolist() == picture.size.numpy().tolist()
    # Of a crop that needs no more resolution both say the same.
    box = tf.constant([[150.0, 130.0, 220.0]])
    size = 24
    (whole,) = crops.crop_boxes(picture, box, size).numpy().astype(int)
    (less,) = crops.crop_boxes(small, box, size).numpy().astype(int)
    assert np.abs(whole - less).mean() < 4
    assert whole.std() > 20
