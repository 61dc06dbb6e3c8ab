"""What a request may ask for."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from ordinal_tf.serving import errors, limits, server
from tests.serving import tiny

LIMIT = server.Options(pixels=2000, rows=3)
PHOTO = tiny.jpeg(1)  # 40 x 30


def check(**inputs):
    limits.check({k: np.asarray(v) for k, v in inputs.items()}, LIMIT)


def photo(data, *boxes):
    check(
        photo=np.array([data], object), boxes=np.float32(boxes).reshape(-1, 3)
    )


@pytest.mark.parametrize("data", [PHOTO, tiny.png(1), tiny.png(1, width=1)])
def test_pictures_that_pass(data):
    photo(data)
    photo(data, [0, 0, 2], [5, 5, 3000], [-1, 0, 2])


@pytest.mark.parametrize(
    "data, message",
    [
        (b"", "another kind or cut off"),
        (b"GIF89a\x01\x00\x01\x00\x00\x00\x00;", "another kind"),
        (PHOTO[:20], "cut off"),
        (tiny.png(1)[:20], "cut off"),
        (tiny.png(1, width=41, height=50), "more than the 2000"),
        # Only its header says so: 100,000 x 100,000 pixels.
        (tiny.png(1)[:16] + 2 * (100_000).to_bytes(4, "big"), "cut off|pixels"),
    ],
)
def test_pictures_that_do_not(data, message):
    with pytest.raises(errors.ServingError, match=message):
        photo(data, [5, 5, 5])


def test_a_hundred_megapixels_in_a_few_bytes():
    head = struct.pack(">IIBBBBB", 10_000, 10_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + head
    data = (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", len(head))
        + chunk
        + struct.pack(">I", zlib.crc32(chunk))
    )
    data += (
        struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    )
    with pytest.raises(errors.ServingError, match="more than the 2000"):
        photo(data, [5, 5, 5])


@pytest.mark.parametrize(
    "box, message",
    [
        ([np.nan, 5, 5], "must be finite"),
        ([5, np.inf, 5], "must be finite"),
        ([5, 5, np.inf], "must be finite"),
        ([5, 5, 0], "side above 0"),
        ([5, 5, -4], "side above 0"),
        ([5, 5, 1e30], "far larger than the picture of 40 x 30"),
        ([-6, 5, 10], "outside the picture of 40 x 30"),
        ([5, -6, 10], "outside"),
        ([45, 5, 10], "outside"),
        ([5, 35, 10], "outside"),
    ],
)
def test_boxes(box, message):
    with pytest.raises(errors.ServingError, match=message):
        photo(PHOTO, [5, 5, 5], box)


def test_a_picture_on_its_side():
    """Its boxes may be in the pixels of either way up."""
    data = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 30)).save(data, "JPEG", exif=exif)
    photo(data.getvalue(), [5, 38, 4], [38, 5, 4])
    with pytest.raises(errors.ServingError, match="outside"):
        photo(data.getvalue(), [5, 48, 4])


def test_too_many():
    with pytest.raises(errors.ServingError, match="`boxes` has 4 rows"):
        photo(PHOTO, *[[5, 5, 5]] * 4)
    with pytest.raises(errors.ServingError, match="`image` has 4 rows"):
        check(image=np.zeros((4, 2, 2, 3)))
    with pytest.raises(errors.ServingError, match="`photos` has 4 rows"):
        check(photos=np.array([PHOTO] * 4, object))
    check(image=np.zeros((3, 2, 2, 3)), photos=np.array([PHOTO] * 3, object))


def test_each_of_several_photos():
    """The second picture and its own boxes, not the first one's."""

    def photos(second=PHOTO, box=(5, 5, 5), counts=(1, 1)):
        boxes = np.array([[[5, 5, 5]], [box]], np.float32)
        check(
            photos=np.array([PHOTO, second], object),
            boxes=boxes,
            counts=np.array(counts, np.int32),
        )

    photos()
    photos(second=tiny.png(1, width=4, height=300), box=[2, 290, 5])
    for wrong, message in (
        ({"second": b"x"}, "`photos` 1 must be the bytes of a JPEG or PNG"),
        ({"second": tiny.png(1, height=90)}, "`photos` 1 has more than"),
        ({"box": [5, 290, 5]}, "outside the picture of 40 x 30"),
        ({"box": [5, 5, np.nan]}, "must be finite"),
    ):
        with pytest.raises(errors.ServingError, match=message):
            photos(**wrong)
    # Numbers that do not agree are for the graph to refuse.
    photos(counts=(1,))
    photos(counts=(1, -1))


def test_padding_is_not_looked_at():
    boxes = np.array([[[5, 5, 5], [np.nan, 0, -1]]])
    check(
        photos=np.array([PHOTO], object),
        boxes=boxes,
        counts=np.array([1], np.int32),
    )


def test_other_models_pass():
    check(words=np.zeros((1000, 2)))
    check(photo=np.zeros((2, 2)), photos=np.zeros(2))
