"""Steps from one photograph and its labels to one training example.

Each is a function of tensors and a stateless seed; `pipeline` composes them.
"""

import math

import numpy as np
import tensorflow as tf

from ordinal_tf import geometry


def decode_photo(data):
    """JPEG, PNG, BMP or GIF bytes to uint8 RGB `(H, W, 3)`.

    The accurate inverse DCT is bit-identical to the reference decoder; the
    default one is off by up to eight levels.
    """
    jpeg = tf.strings.substr(data, 0, 3) == b"\xff\xd8\xff"
    return tf.cond(
        jpeg,
        lambda: tf.io.decode_jpeg(
            data, channels=3, dct_method="INTEGER_ACCURATE"
        ),
        lambda: tf.io.decode_image(data, 3, expand_animations=False),
    )


def sample_affine(image, matrix, size):
    """Crops by inverse mapping: one bilinear interpolation, black outside.

    Where the crop shrinks the picture, neighbouring samples would skip
    pixels and alias; the picture is then box-averaged first, by the whole
    factor below the shrinkage, as area interpolation would.

    Args:
        image: `(H, W, 3)` uint8.
        matrix: `(2, 3)` float32, image pixels to crop pixels.
        size: int, side of the crop.

    Returns:
        `(size, size, 3)` float32 in 0 to 255.
    """
    inverse = geometry.invert_affine(matrix)
    # Length of one crop pixel's step in the image, any direction.
    step = tf.sqrt(tf.abs(tf.linalg.det(inverse[:, :2])))
    factor = tf.maximum(tf.cast(tf.floor(step + 0.25), tf.int32), 1)
    image = tf.cond(
        factor > 1,
        lambda: _box_average(image, factor),
        lambda: tf.cast(image, tf.float32),
    )
    # A pixel of the averaged picture covers `factor` of the original ones.
    shrink = tf.cast(factor, tf.float32)
    rows = tf.concat([inverse, [[0.0, 0.0, 1.0]]], axis=0)
    half = (shrink - 1.0) / 2.0
    to_small = tf.stack(
        [
            tf.stack([1.0 / shrink, 0.0, -half / shrink]),
            tf.stack([0.0, 1.0 / shrink, -half / shrink]),
        ]
    )
    flat = tf.reshape(to_small @ rows, [1, 6])
    projective = tf.concat([flat, [[0.0, 0.0]]], axis=1)
    crop = tf.raw_ops.ImageProjectiveTransformV3(
        images=image[None],
        transforms=projective,
        output_shape=tf.constant([size, size]),
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )[0]
    return tf.ensure_shape(crop, [size, size, 3])


def _box_average(image, factor):
    """Means over `factor` x `factor` blocks; the ragged edge is repeated."""
    shape = tf.shape(image)[:2]
    rest = tf.math.floormod(-shape, factor)
    image = tf.cast(image, tf.float32)
    # Repeats the last row and column, so that the border does not darken.
    rows = tf.minimum(tf.range(shape[0] + rest[0]), shape[0] - 1)
    columns = tf.minimum(tf.range(shape[1] + rest[1]), shape[1] - 1)
    image = tf.gather(tf.gather(image, rows, axis=0), columns, axis=1)
    height = (shape[0] + rest[0]) // factor
    width = (shape[1] + rest[1]) // factor
    blocks = tf.reshape(image, [height, factor, width, factor, 3])
    return tf.reduce_mean(blocks, axis=[1, 3])


def random_crop_matrix(box, seed, *, size, rotation_deg, scale, mirror):
    """Draws the crop of one example: turn, scale and mirror.

    Args:
        box: `(3,)` centre x, centre y, side.
        seed: `(2,)` int, the only source of chance.
        size: int, side of the crop.
        rotation_deg: turns are uniform in plus or minus this.
        scale: `(low, high)` of the person's size, log-uniform.
        mirror: bool, mirror half of the examples.

    Returns:
        `(2, 3)` float32 matrix and a bool scalar: mirrored.
    """
    draws = tf.random.stateless_uniform([3], seed)
    limit = math.radians(rotation_deg)
    rotation = (2.0 * draws[0] - 1.0) * limit
    low, high = math.log(scale[0]), math.log(scale[1])
    zoom = tf.exp(low + (high - low) * draws[1])
    flipped = tf.logical_and(mirror, draws[2] < 0.5)
    box = tf.concat([box[:2], box[2:] / zoom], axis=0)
    matrix = geometry.crop_matrix(box, size, rotation=rotation, mirror=flipped)
    return matrix, flipped


def move_labels(labels, matrix, flipped, mirror):
    """Maps keypoints into the crop and trades left and right if mirrored.

    Args:
        labels: dict with the keys of a training example (see `pipeline`) but
            `image`, keypoints in image pixels, `relation_mask` symmetric.
        matrix: `(2, 3)` image to crop.
        flipped: bool scalar.
        mirror: K ints, joint k becomes `mirror[k]`.

    Returns:
        dict with the same keys, `keypoints` in crop pixels and
        `relation_mask` upper triangle only. Depth stays: a mirror leaves it.
    """
    joints = len(mirror)
    order = tf.where(flipped, list(mirror), list(range(joints)))
    keypoints = geometry.apply_affine(matrix, labels["keypoints"])
    pairs = ("relation", "relation_mask")
    moved = {
        key: tf.gather(value, order)
        for key, value in {**labels, "keypoints": keypoints}.items()
    }
    moved.update({key: tf.gather(moved[key], order, axis=1) for key in pairs})
    upper = np.triu(np.ones((joints, joints), bool), k=1)
    moved["relation_mask"] = tf.logical_and(moved["relation_mask"], upper)
    return moved


def random_colour(image, seed, *, channel, brightness):
    """Scales the colour channels and shifts the brightness.

    Args:
        image: `(H, W, 3)` float32 in 0 to 255.
        seed: `(2,)` int.
        channel: each channel is scaled by 1 plus or minus up to this.
        brightness: all are shifted by up to this share of 255.
    """
    draws = 2.0 * tf.random.stateless_uniform([4], seed) - 1.0
    return image * (1.0 + channel * draws[:3]) + 255.0 * brightness * draws[3]
