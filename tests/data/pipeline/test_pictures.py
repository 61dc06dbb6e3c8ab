"""What the bytes say before they are decoded, against Pillow and by hand."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from ordinal_tf.data.files.photos import MAX_JPEG_PIXELS, MAX_PIXELS
from ordinal_tf.data.pipeline import pictures

ORIENTATION = 0x0112


@pytest.fixture(scope="module")
def header():
    """The function in a graph, traced once."""
    spec = tf.TensorSpec((), tf.string)
    return tf.function(pictures.jpeg_header, input_signature=[spec])


@pytest.fixture(scope="module")
def orientation(header):
    return lambda data: header(data)[0]


@pytest.fixture(scope="module")
def opened():
    """Opens bytes in a graph, as a dict of arrays."""
    spec = tf.TensorSpec((), tf.string)

    @tf.function(input_signature=[spec])
    def graph(data):
        return pictures.open_encoded(data)._asdict()

    return lambda data: {k: v.numpy() for k, v in graph(data).items()}


def picture():
    coarse = np.random.default_rng(0).integers(0, 256, (3, 4, 3), np.uint8)
    return Image.fromarray(coarse).resize((40, 24), Image.Resampling.BICUBIC)


def jpeg(tags=None, **options):
    exif = Image.Exif()
    exif.update(tags or {})
    data = io.BytesIO()
    picture().save(data, "JPEG", exif=exif, quality=95, **options)
    return data.getvalue()


# Where the stored corners (0, 0), (39, 0) and (0, 23) of 40 x 24 pixels
# belong (EXIF 2.32, tag 0x0112: where row 0 and column 0 are seen).
CORNERS = {
    1: ((0, 0), (39, 0), (0, 23)),
    2: ((39, 0), (0, 0), (39, 23)),
    3: ((39, 23), (0, 23), (39, 0)),
    4: ((0, 23), (39, 23), (0, 0)),
    5: ((0, 0), (0, 39), (23, 0)),
    6: ((23, 0), (23, 39), (0, 0)),
    7: ((23, 39), (23, 0), (0, 39)),
    8: ((0, 39), (0, 0), (23, 39)),
}


@pytest.mark.parametrize("kind", CORNERS)
def test_every_orientation(opened, kind):
    # Other tags before and behind it, one of them text.
    data = jpeg({0x010F: "maker", ORIENTATION: kind, 0x0132: "2018:06:18"})
    found = opened(data)
    assert found["shape"].tolist() == [24, 40]
    assert found["size"].tolist() == ([24, 40] if kind < 5 else [40, 24])
    corners = np.array([[0, 0, 1], [39, 0, 1], [0, 23, 1]])
    places = corners @ found["to_photo"].T
    np.testing.assert_array_equal(places, CORNERS[kind])
    assert found["jpeg"] and found["data"] == data
    assert found["pixels"].shape == (0, 0, 3)


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


def test_png_is_decoded(opened):
    data = io.BytesIO()
    picture().save(data, "PNG")
    found = opened(data.getvalue())
    np.testing.assert_array_equal(found["pixels"], picture())
    assert not found["jpeg"]
    np.testing.assert_array_equal(found["to_photo"], np.eye(2, 3))


def test_other_bytes_are_refused(opened):
    data = io.BytesIO()
    picture().save(data, "GIF")
    for other in (data.getvalue(), b"", b"\xff\xd8"):
        with pytest.raises(
            tf.errors.InvalidArgumentError, match="must be JPEG or PNG"
        ):
            opened(other)


def frame(kind, width, height, components=3):
    sides = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    content = b"\x08" + sides + bytes([components])
    content += b"".join(bytes([i + 1, 0x11, 0]) for i in range(components))
    length = (len(content) + 2).to_bytes(2, "big")
    return bytes([0xFF, kind]) + length + content


def scan(components):
    content = bytes([components]) + b"\x01\x00" * components + b"\0\x3f\0"
    return b"\xff\xda" + (len(content) + 2).to_bytes(2, "big") + content


@pytest.mark.parametrize(
    ("kind", "components", "scanned", "expected"),
    [
        (0xC0, 3, 3, True),
        (0xC1, 3, 3, True),
        (0xC0, 1, 1, True),
        (0xC2, 3, 3, False),  # Progressive.
        (0xC0, 3, 1, False),  # A scan for each colour.
        (0xC9, 3, 3, False),  # Arithmetic.
    ],
)
def test_what_decodes_row_by_row(header, kind, components, scanned, expected):
    """ITU-T T.81: figures B.3 and B.4, table B.1."""
    front = b"\xff\xd8\xff\xfe\0\x04\xff\xc2"  # A comment like a frame.
    data = front + frame(kind, 40, 24, components)
    data += b"\xff\xc4\0\x0a" + bytes(8) + scan(scanned)
    assert bool(header(data)[1]) is expected
    # Where no scan comes, nothing is known.
    assert not header(data[: -len(scan(scanned))])[1]


def test_pillow_s_files_by_row(header):
    assert header(jpeg())[1]
    assert not header(jpeg(progressive=True))[1]


def huge(width, height, **options):
    """A small JPEG whose header promises many pixels."""
    data = jpeg(**options)
    for marker in (b"\xff\xc0\0\x11\x08", b"\xff\xc2\0\x11\x08"):
        sides = height.to_bytes(2, "big") + width.to_bytes(2, "big")
        at = data.find(marker)
        if at >= 0:
            return data[: at + 5] + sides + data[at + 9 :]
    raise AssertionError("no frame")


def test_sizes_are_refused_before_decoding(opened):
    """JPEG by rows, JPEG held whole, and PNG, each at its own limit."""
    assert 2 * MAX_PIXELS < 200_000_000 <= MAX_JPEG_PIXELS < 65_500**2
    assert opened(huge(16_000, 12_500))["shape"].tolist() == [12_500, 16_000]
    edge = MAX_JPEG_PIXELS // 10_000
    assert opened(huge(10_000, edge))["shape"][0] == edge
    message = "more than may be decoded"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        opened(huge(10_000, edge + 1))
    whole = MAX_PIXELS // 10_000
    assert opened(huge(10_000, whole, progressive=True))["jpeg"]
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        opened(huge(10_000, whole + 1, progressive=True))
    data = io.BytesIO()
    picture().save(data, "PNG")
    png = data.getvalue()
    for width, height in ((10_000, whole + 1), (70_000, 2), (2**31, 2**31)):
        sides = width.to_bytes(4, "big") + height.to_bytes(4, "big")
        with pytest.raises(tf.errors.InvalidArgumentError, match=message):
            opened(png[:16] + sides + png[24:])


def test_arrays():
    pixels = np.asarray(picture())
    found = pictures.open_pixels(tf.constant(pixels))
    np.testing.assert_array_equal(found.pixels, pixels)
    assert found.size.numpy().tolist() == [24, 40]
    with pytest.raises(tf.errors.InvalidArgumentError, match="no pixels"):
        pictures.open_pixels(tf.zeros((0, 5, 3), tf.uint8))
