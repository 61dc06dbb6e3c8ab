"""Encoded photographs inside a graph: checked, decoded, upright.

TensorFlow's decoders leave a picture as the camera held it; the EXIF tag that
says how to turn it is read here from the bytes, with operations that any
graph session has.
"""

import tensorflow as tf

from ordinal_tf.data.pipeline import transforms

# A decoded picture of this size takes 240 MB; a small file can ask for more.
MAX_PIXELS = 80_000_000

_APP1, _START_OF_SCAN = 0xE1, 0xDA
_ORIENTATION = 0x0112
_MOST_TAGS = 256


def decode_upright(data):
    """JPEG or PNG bytes to uint8 RGB `(H, W, 3)`, turned as EXIF says.

    Running the graph fails with `InvalidArgumentError` where the bytes are of
    another kind, damaged, or of more than `MAX_PIXELS` pixels; the last
    before anything is decoded. The EXIF of a PNG is not read.

    Args:
        data: string scalar.
    """
    with tf.control_dependencies([_check(data)]):
        image = transforms.decode_photo(data)
    return upright(image, orientation(data))


def orientation(data):
    """The EXIF orientation of JPEG bytes, int32 1 to 8; 1 where none is.

    Source: JEITA CP-3451 (EXIF 2.3), 4.5 and 4.6.4; TIFF 6.0, section 2.
    """
    # Where the tag is at all, it is in front.
    raw = tf.io.decode_raw(tf.strings.substr(data, 0, 1 << 16), tf.uint8)
    size = tf.size(raw)
    raw = tf.concat([tf.cast(raw, tf.int32), [0]], axis=0)

    def byte(i):
        """Bytes at `i`, 0 outside."""
        return tf.gather(raw, tf.where((i >= 0) & (i < size), i, size))

    def big(i):
        return 256 * byte(i) + byte(i + 1)

    def is_exif(at):
        name = (big(at + 4) == 0x4578) & (big(at + 6) == 0x6966)
        return (big(at) == 0xFF00 + _APP1) & name

    def is_other(at):
        marker = (byte(at) == 0xFF) & (byte(at + 1) != _START_OF_SCAN)
        return marker & ~is_exif(at)

    # Segments: marker, length without the marker, content.
    start = tf.constant(2)
    (at,) = tf.while_loop(is_other, lambda at: [at + 2 + big(at + 2)], [start])
    tiff = at + 10
    little = byte(tiff) == 0x49

    def short(i):
        swapped = 256 * byte(i + 1) + byte(i)
        return tf.where(little, swapped, big(i))

    def long(i):
        high, low = short(i), short(i + 2)
        return tf.where(little, 65536 * low + high, 65536 * high + low)

    tags = tiff + long(tiff + 4)
    count = tf.minimum(short(tags), _MOST_TAGS)
    entries = tags + 2 + 12 * tf.range(count)
    values = tf.where(short(entries) == _ORIENTATION, short(entries + 8), 0)
    value = tf.reduce_max(tf.concat([values, [0]], axis=0))
    known = is_exif(at) & (value >= 1) & (value <= 8)
    return tf.where(known, value, 1)


def upright(image, orientation):
    """Turns `(H, W, 3)` as an EXIF orientation (int32 scalar) says."""

    def member(*kinds):
        return tf.reduce_any(orientation == tf.constant(kinds))

    def turn():
        turned = tf.cond(
            orientation >= 5,
            lambda: tf.transpose(image, [1, 0, 2]),
            lambda: image,
        )
        rows = tf.where(member(3, 4, 7, 8), -1, 1)
        columns = tf.where(member(2, 3, 6, 7), -1, 1)
        return turned[::rows, ::columns]

    return tf.cond(orientation > 1, turn, lambda: image)


def _check(photo):
    """Asserts JPEG or PNG, and a size that fits in memory, undecoded."""
    jpeg = tf.strings.substr(photo, 0, 3) == b"\xff\xd8\xff"
    png = tf.strings.substr(photo, 0, 8) == b"\x89PNG\r\n\x1a\n"
    known = tf.debugging.Assert(
        tf.logical_or(jpeg, png), ["`photo` must be JPEG or PNG bytes"]
    )
    with tf.control_dependencies([known]):
        pixels = tf.cond(
            jpeg,
            lambda: tf.reduce_prod(
                tf.cast(tf.image.extract_jpeg_shape(photo)[:2], tf.int64)
            ),
            lambda: _png_pixels(photo),
        )
    return tf.debugging.Assert(
        pixels <= MAX_PIXELS,
        [f"`photo` has more than {MAX_PIXELS} pixels:", pixels],
    )


def _png_pixels(photo):
    # Width and height: four bytes each, big-endian, in the first chunk.
    header = tf.strings.substr(photo, 16, 8)
    raw = tf.cast(tf.io.decode_raw(header, tf.uint8), tf.int64)
    sides = tf.reshape(raw, [2, 4])
    places = tf.constant([1 << 24, 1 << 16, 1 << 8, 1], tf.int64)
    return tf.reduce_prod(tf.reduce_sum(sides * places, axis=1))
