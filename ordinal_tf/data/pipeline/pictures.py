"""Pictures inside a graph: checked, their header read, not yet decoded.

TensorFlow's decoders leave a picture as the camera held it. The EXIF tag that
says how to turn it is read here from the bytes, with operations that any
graph session has, and becomes part of the map from its pixels to those of the
photograph as people see it: nothing is ever turned but crops.
"""

import typing

import numpy as np
import tensorflow as tf

from ordinal_tf.data.files.photos import MAX_JPEG_PIXELS, MAX_PIXELS

# Of a side, in any format; JPEG has no longer ones.
_LONGEST = 65_535

_APP1, _START_OF_SCAN = 0xE1, 0xDA
_ORIENTATION = 0x0112
_MOST_TAGS = 256
_MOST_SEGMENTS = 256
# Frames that decode row by row: baseline and extended sequential.
_SEQUENTIAL = (0xC0, 0xC1)
# Markers of a frame's header, which has the number of components.
_FRAMES = [0xC0 + i for i in range(16) if i not in (4, 8, 12)]

# Upright x and y of EXIF orientations 1 to 8, as factors of stored x, y,
# width - 1 and height - 1.
_TURNS = np.array(
    [
        [[1, 0, 0, 0], [0, 1, 0, 0]],
        [[-1, 0, 1, 0], [0, 1, 0, 0]],
        [[-1, 0, 1, 0], [0, -1, 0, 1]],
        [[1, 0, 0, 0], [0, -1, 0, 1]],
        [[0, 1, 0, 0], [1, 0, 0, 0]],
        [[0, -1, 0, 1], [1, 0, 0, 0]],
        [[0, -1, 0, 1], [-1, 0, 1, 0]],
        [[0, 1, 0, 0], [-1, 0, 1, 0]],
    ],
    np.float32,
)


class Picture(typing.NamedTuple):
    """A picture that `crops` can cut from; tensors.

    Attributes:
        jpeg: bool scalar, decoded anew for each crop, no more than it needs.
        data: string scalar, the bytes of a JPEG.
        pixels: uint8 `(H, W, 3)` of all others, empty of a JPEG.
        shape: `(2,)` int32, height and width as stored.
        to_photo: `(2, 3)` float32, stored pixels to those of the photograph
            as people see it.
        size: `(2,)` int32, height and width of that photograph.
    """

    jpeg: tf.Tensor
    data: tf.Tensor
    pixels: tf.Tensor
    shape: tf.Tensor
    to_photo: tf.Tensor
    size: tf.Tensor


def open_encoded(data):
    """Reads what the bytes of a picture say before they are decoded.

    The EXIF of a PNG is not read.

    Args:
        data: string scalar, JPEG or PNG bytes.

    Returns:
        `Picture`.

    Raises:
        InvalidArgumentError: when the graph runs, for bytes that are of another
            kind, damaged, or promise too many pixels: `MAX_JPEG_PIXELS` of a
            JPEG that decodes row by row, `MAX_PIXELS` of all others, which are
            held in memory whole. The last is seen before anything is decoded.
    """
    jpeg = is_jpeg(data)
    png = tf.strings.substr(data, 0, 8) == b"\x89PNG\r\n\x1a\n"
    known = tf.debugging.Assert(
        jpeg | png, ["`photo` must be JPEG or PNG bytes"]
    )
    with tf.control_dependencies([known]):
        shape = tf.cond(
            jpeg,
            lambda: tf.image.extract_jpeg_shape(data)[:2],
            lambda: _png_shape(data),
        )
    orientation, by_rows = jpeg_header(data)
    most = tf.where(by_rows, MAX_JPEG_PIXELS, MAX_PIXELS)
    with tf.control_dependencies([_check_size(shape, most)]):
        shape = tf.identity(shape)
        pixels = tf.cond(
            jpeg,
            lambda: tf.zeros((0, 0, 3), tf.uint8),
            lambda: tf.io.decode_png(data, channels=3),
        )
    turned = orientation >= 5
    return Picture(
        jpeg=jpeg,
        data=data,
        pixels=pixels,
        shape=shape,
        to_photo=_turn(orientation, shape),
        size=tf.where(turned, shape[::-1], shape),
    )


def open_pixels(pixels):
    """`Picture` of uint8 RGB `(H, W, 3)`; fails as `open_encoded` does."""
    shape = tf.shape(pixels)[:2]
    with tf.control_dependencies([_check_size(shape, MAX_PIXELS)]):
        shape = tf.identity(shape)
    return Picture(
        jpeg=tf.constant(False),
        data=tf.constant(b""),
        pixels=pixels,
        shape=shape,
        to_photo=tf.eye(2, 3),
        size=shape,
    )


def is_jpeg(data):
    """Bool of strings, scalar or not: bytes of a JPEG."""
    return tf.strings.substr(data, 0, 3) == b"\xff\xd8\xff"


def jpeg_header(data):
    """What the segments in front of a JPEG's first scan say.

    Args:
        data: string scalar, any bytes.

    Returns:
        the EXIF orientation, int32 1 to 8, 1 where none is; and bool: it is
        sure to decode row by row. Progressive pictures, and those with a scan
        for each colour, are held in memory whole.

    Source: ITU-T T.81, B.2; JEITA CP-3451 (EXIF 2.3), 4.5 and 4.6.4; TIFF
    6.0, section 2.
    """
    length = tf.strings.length(data)

    def front(at):
        """The first ten bytes from `at` on, zeros beyond the end."""
        part = tf.strings.substr(data, tf.minimum(at, length), 10)
        raw = tf.cast(tf.io.decode_raw(part, tf.uint8), tf.int32)
        return tf.concat([raw, tf.zeros(10, tf.int32)], axis=0)[:10]

    def unfinished(at, head, exif, frame):
        return (head[0] == 0xFF) & (head[1] != _START_OF_SCAN)

    def step(at, head, exif, frame):
        named = tf.reduce_all(head[4:8] == [0x45, 0x78, 0x69, 0x66])
        is_exif = (head[1] == _APP1) & named & (exif == 0)
        is_frame = tf.reduce_any(head[1] == tf.constant(_FRAMES))
        exif = tf.where(is_exif, at, exif)
        frame = tf.where(is_frame, tf.stack([head[1], head[9]]), frame)
        # Marker, length without the marker, content.
        at = at + 2 + 256 * head[2] + head[3]
        return [at, front(at), exif, frame]

    start = tf.constant(2)
    _, head, exif, frame = tf.while_loop(
        unfinished,
        step,
        [start, front(start), tf.constant(0), tf.constant([0, 0])],
        maximum_iterations=_MOST_SEGMENTS,
    )
    kind, components = frame[0], frame[1]
    at_scan = (head[0] == 0xFF) & (head[1] == _START_OF_SCAN)
    by_rows = tf.reduce_any(kind == tf.constant(_SEQUENTIAL)) & at_scan
    by_rows &= head[4] == components
    tiff = tf.strings.substr(data, tf.minimum(exif + 10, length), 1 << 16)
    return tf.where(exif > 0, _orientation(tiff), 1), by_rows


def _orientation(tiff):
    """The EXIF orientation in the bytes of a TIFF header and its tags."""
    raw = tf.cast(tf.io.decode_raw(tiff, tf.uint8), tf.int32)
    size = tf.size(raw)
    raw = tf.concat([raw, [0]], axis=0)

    def byte(i):
        """Bytes at `i`, 0 outside."""
        return tf.gather(raw, tf.where((i >= 0) & (i < size), i, size))

    little = byte(tf.constant(0)) == 0x49

    def short(i):
        first, second = byte(i), byte(i + 1)
        return tf.where(little, 256 * second + first, 256 * first + second)

    def long(i):
        first, second = short(i), short(i + 2)
        return tf.where(little, 65536 * second + first, 65536 * first + second)

    tags = long(tf.constant(4))
    count = tf.minimum(short(tags), _MOST_TAGS)
    entries = tags + 2 + 12 * tf.range(count)
    values = tf.where(short(entries) == _ORIENTATION, short(entries + 8), 0)
    value = tf.reduce_max(tf.concat([values, [0]], axis=0))
    return tf.where((value >= 1) & (value <= 8), value, 1)


def _turn(orientation, shape):
    """`(2, 3)` float32, stored to upright pixels."""
    turn = tf.gather(tf.constant(_TURNS), orientation - 1)
    # Width first, and pixel centres lie on integers.
    last = tf.cast(shape[::-1], tf.float32) - 1.0
    offset = tf.linalg.matvec(turn[:, 2:], last)
    return tf.concat([turn[:, :2], offset[:, None]], axis=1)


def _check_size(shape, most):
    """Asserts a size that fits in memory."""
    pixels = tf.reduce_prod(tf.cast(shape, tf.int64))
    sound = (pixels > 0) & (pixels <= tf.cast(most, tf.int64))
    sound &= tf.reduce_max(shape) <= _LONGEST
    return tf.debugging.Assert(
        sound,
        [
            "`photo` has no pixels, more than may be decoded, or too long a "
            f"side (above {_LONGEST}); height and width:",
            shape,
            "most pixels:",
            most,
        ],
    )


def _png_shape(data):
    # Width and height: four bytes each, big-endian, in the first chunk.
    header = tf.strings.substr(data, 16, 8)
    raw = tf.cast(tf.io.decode_raw(header, tf.uint8), tf.int64)
    sides = tf.reshape(raw, [2, 4])
    places = tf.constant([1 << 24, 1 << 16, 1 << 8, 1], tf.int64)
    width_height = tf.reduce_sum(sides * places, axis=1)
    # Beyond int32 there is nothing to decode either.
    return tf.cast(tf.minimum(width_height, 2**31 - 1)[::-1], tf.int32)
