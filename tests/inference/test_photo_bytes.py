"""Orientation from the bytes, against Pillow."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps

from ordinal_tf.inference import photo_bytes

ORIENTATION = 0x0112


@pytest.fixture(scope="module")
def decode():
    """The function in a graph, traced once."""
    spec = tf.TensorSpec((), tf.string)
    return tf.function(photo_bytes.decode_upright, input_signature=[spec])


@pytest.fixture(scope="module")
def orientation():
    spec = tf.TensorSpec((), tf.string)
    return tf.function(photo_bytes.orientation, input_signature=[spec])


def picture():
    coarse = np.random.default_rng(0).integers(0, 256, (3, 4, 3), np.uint8)
    return Image.fromarray(coarse).resize((40, 24), Image.Resampling.BICUBIC)


def jpeg(tags=None, **options):
    exif = Image.Exif()
    exif.update(tags or {})
    data = io.BytesIO()
    picture().save(data, "JPEG", exif=exif, quality=95, **options)
    return data.getvalue()


@pytest.mark.parametrize("kind", range(1, 9))
def test_every_orientation_as_pillow_turns_it(decode, kind):
    # Other tags before and behind it, one of them text.
    data = jpeg({0x010F: "maker", ORIENTATION: kind, 0x0132: "2018:06:18"})
    with Image.open(io.BytesIO(data)) as image:
        upright = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    assert upright.shape == ((24, 40, 3) if kind < 5 else (40, 24, 3))
    found = decode(data).numpy()
    # The two JPEG decoders may round differently; turned the wrong way the
    # pictures differ by far more.
    np.testing.assert_allclose(found, upright, atol=3)


def exif_segment(tiff):
    content = b"Exif\0\0" + tiff
    return b"\xff\xe1" + (len(content) + 2).to_bytes(2, "big") + content


def tiff(order, value, *, at=8, count=1):
    """A TIFF header and a directory with the orientation in last place."""
    put = {"II": "little", "MM": "big"}[order]
    filler = (0x0100).to_bytes(2, put) + (3).to_bytes(2, put) + b"\0" * 8
    entry = ORIENTATION.to_bytes(2, put) + (3).to_bytes(2, put)
    entry += (1).to_bytes(4, put) + value.to_bytes(2, put) + b"\0\0"
    head = order.encode() + (42).to_bytes(2, put) + at.to_bytes(4, put)
    tags = count.to_bytes(2, put) + filler * (count - 1) + entry
    return head + b"\0" * (at - 8) + tags


@pytest.mark.parametrize("order", ["II", "MM"])
def test_byte_orders_by_the_specification(orientation, order):
    start = jpeg()[:2]
    other = b"\xff\xfe\x00\x06\xff\xe1\xff\xda"  # A comment full of markers.
    segment = exif_segment(tiff(order, 6, at=12, count=3))
    assert orientation(start + other + segment) == 6


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xe1",
        b"\x89PNG\r\n\x1a\n" + b"\xff\xe1" * 20,
        # Lengths, offsets and counts that lead outside.
        b"\xff\xd8\xff\xe0\xff\xff",
        b"\xff\xd8\xff\xe0\x00\x00\xff\xe0\x00\x00",
        b"\xff\xd8" + exif_segment(b"II*\0\xff\xff\xff\xff"),
        b"\xff\xd8" + exif_segment(b"MM\0*\x80\0\0\x08" + b"\xff" * 9),
        b"\xff\xd8" + exif_segment(tiff("II", 6))[:-6],
        # Values that mean nothing, and a tag behind the picture's start.
        b"\xff\xd8" + exif_segment(tiff("II", 0)),
        b"\xff\xd8" + exif_segment(tiff("MM", 9)),
        b"\xff\xd8\xff\xda\0\x02" + exif_segment(tiff("MM", 6)),
    ],
)
def test_damaged_or_without(orientation, data):
    assert orientation(data) == 1


def test_any_bytes_end(orientation):
    """Flipped bits never fail, loop or leave the eight orientations."""
    rng = np.random.default_rng(1)
    clean = np.frombuffer(jpeg({ORIENTATION: 6}), np.uint8)
    for _ in range(200):
        data = clean.copy()
        places = rng.integers(2, 60, 3)
        data[places] = rng.integers(0, 256, 3)
        assert 1 <= orientation(data.tobytes()) <= 8


def test_png_stays(decode):
    data = io.BytesIO()
    picture().save(data, "PNG")
    np.testing.assert_array_equal(decode(data.getvalue()), picture())
