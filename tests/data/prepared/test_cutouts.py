"""Windows around people: pixels, labels and the way back to the picture."""

import cv2
import numpy as np
import pytest

from ordinal_tf import skeleton
from ordinal_tf.data.files import photos
from ordinal_tf.data.prepared import cutouts, records
from ordinal_tf.data.readers import labels

H36M = skeleton.H36M17
SIZE = (500, 600)  # Height, width.


# One blob, wide enough to survive shrinking to a quarter.
BLOB = np.array([190.3, 262.4])


@pytest.fixture
def picture(tmp_path):
    """A grey JPEG of 600 x 500 with a blob, and its pixels as read."""
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    distance = (columns - BLOB[0]) ** 2 + (rows - BLOB[1]) ** 2
    grey = np.round(250 * np.exp(-distance / (2 * 12.0**2))).astype(np.uint8)
    path = tmp_path / "set" / "images" / "one.jpg"
    path.parent.mkdir(parents=True)
    image = np.repeat(grey[..., None], 3, axis=-1)
    cv2.imwrite(str(path), image, [cv2.IMWRITE_JPEG_QUALITY, 98])
    return path, photos.read_photo(path)


def middle(image):
    """x, y of the blob in a picture."""
    # Without the faint noise of JPEG far from it.
    mass = np.where(image > 20, image, 0).mean(-1)
    rows, columns = np.mgrid[: mass.shape[0], : mass.shape[1]]
    return np.array([(columns * mass).sum(), (rows * mass).sum()]) / mass.sum()


def person(path, box, camera=None):
    rng = np.random.default_rng(1)
    mask = np.arange(17) != 3
    pose = rng.normal(size=(17, 3)) * 300 + [0, 0, 4000]
    relation = np.zeros((17, 17), np.int8)
    relation[0, 1], relation[1, 0] = 1, -1
    return labels.labelled(
        "set",
        [str(path)],
        np.array([box], np.float32),
        keypoints=rng.uniform(0, 400, (1, 17, 2)),
        keypoint_mask=mask[None],
        relation=relation[None],
        relation_mask=(relation != 0)[None],
        pose=pose[None],
        pose_mask=np.ones((1, 17), bool),
        camera=None if camera is None else camera[None],
    )


def record(path, box, **options):
    people = person(path, box, options.pop("camera", None))
    root = options.pop("root", path.parent.parent)
    made, number = cutouts.photo_record(people, 0, root=root, **options)
    records.check(made)
    return people, made, number


def test_most_of_a_picture_keeps_its_bytes(picture):
    path, _ = picture
    people, made, number = record(path, (290, 250, 300))
    assert made["image"] == path.read_bytes()
    assert number == records.picture_number(path.read_bytes())
    assert made["name"] == "images/one.jpg"
    np.testing.assert_array_equal(made["to_picture"], np.eye(2, 3))
    np.testing.assert_array_equal(made["box"], people.boxes[0])
    for key in ("keypoints", "depth", "pose", "relation", "relation_mask"):
        np.testing.assert_array_equal(made[key], getattr(people, key)[0])
    assert not made["camera"].any() and not made["visible_mask"].any()


def test_a_name_outside_the_folder_is_the_files(picture, tmp_path):
    path, _ = picture
    _, made, _ = record(path, (290, 250, 300), root=tmp_path / "elsewhere")
    assert made["name"] == "one.jpg"


@pytest.mark.parametrize(
    ("box", "max_side"),
    [
        ((200.3, 260.7, 100.0), 320),  # Cut out.
        ((300.0, 250.0, 400.0), 100),  # Shrunk.
        ((110.0, 300.0, 200.0), 61),  # Both, at the left edge.
    ],
)
def test_the_window_shows_the_picture_at_its_place(picture, box, max_side):
    path, image = picture
    np.testing.assert_allclose(middle(image), BLOB, atol=0.1)
    camera = np.array([[900.0, 0, 300], [0, 900, 250], [0, 0, 1]])
    people, made, _ = record(path, box, max_side=max_side, camera=camera)
    window = cutouts.decode(made["image"])
    scale = min(1.0, max_side / box[2])
    # 1.85 boxes, less what lies beyond the picture.
    low = np.maximum(np.array(box[:2]) - 1.85 * box[2] / 2, 0)
    high = np.minimum(np.array(box[:2]) + 1.85 * box[2] / 2, SIZE[::-1])
    expected = (high - low) * scale
    assert np.abs(window.shape[1::-1] - expected).max() < 3
    to_picture = made["to_picture"].astype(float)
    there = to_picture[:, :2] @ middle(window) + to_picture[:, 2]
    # A tenth of one of the window's pixels.
    np.testing.assert_allclose(there, middle(image), atol=0.1 / scale)
    # Labels lead back to the same places.
    known = people.keypoint_mask[0]
    back = made["keypoints"] @ to_picture[:, :2].T + to_picture[:, 2]
    np.testing.assert_allclose(
        back[known], people.keypoints[0][known], atol=1e-3
    )
    assert not made["keypoints"][~known].any()
    centre = to_picture[:, :2] @ made["box"][:2] + to_picture[:, 2]
    np.testing.assert_allclose(centre, box[:2], atol=1e-3)
    assert made["box"][2] == pytest.approx(scale * box[2], rel=0.02)
    # The window's camera sees the pose where the picture's does.
    pose = made["pose"].astype(float)
    seen, whole = pose @ made["camera"].T, pose @ camera.T
    seen, whole = (p[:, :2] / p[:, 2:] for p in (seen, whole))
    np.testing.assert_allclose(
        seen @ to_picture[:, :2].T + to_picture[:, 2], whole, atol=0.01
    )


def test_turned_pictures_are_stored_upright(picture, tmp_path):
    from PIL import Image

    path, _ = picture
    turned = tmp_path / "turned.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(path) as image:
        image.save(turned, exif=exif, quality=95)
    _, made, _ = record(turned, (250, 300, 400), max_side=400)
    found = cutouts.decode(made["image"])
    expected = photos.read_photo(turned)
    assert found.shape == expected.shape == (600, 500, 3)
    assert np.abs(found.astype(int) - expected).mean() < 2


@pytest.mark.parametrize(
    "box", [(900, 200, 100), (200, -300, 100), (200, 200, 0), (np.nan, 200, 10)]
)
def test_boxes_without_a_picture(picture, box):
    people = person(picture[0], (10, 10, 10))
    people.boxes[0] = box
    with pytest.raises(ValueError, match="lies outside|no usable box"):
        cutouts.photo_record(people, 0, root=".")


def test_missing_and_damaged_pictures(tmp_path):
    (tmp_path / "bad.jpg").write_bytes(b"\xff\xd8\xff nothing")
    with pytest.raises(ValueError, match="bad.jpg"):
        record(tmp_path / "bad.jpg", (10, 10, 10))
    with pytest.raises(FileNotFoundError, match="none.jpg"):
        record(tmp_path / "none.jpg", (10, 10, 10))
    with pytest.raises(ValueError, match="does not decode"):
        cutouts.decode(b"\xff\xd8\xff nothing")
