"""Labelled photographs to batches of training examples, through tf.data.

Example i of a run is a pure function of (labels, options, seed, i), so a
resumed run continues with the examples that it would have seen. One example
is a dict, batched along a new first axis:

    image          uint8   (S, S, 3)  RGB crop
    keypoints      float32 (17, 2)    pixels of the crop
    keypoint_mask  bool    (17,)
    depth          float32 (17,)      mm, root-relative
    depth_mask     bool    (17,)
    relation       int8    (17, 17)   +1: i is nearer than j
    relation_mask  bool    (17, 17)   annotated pairs, upper triangle
"""

import tensorflow as tf

from ordinal_tf import geometry, skeleton
from ordinal_tf.data import transforms

LABELS = (
    "keypoints",
    "keypoint_mask",
    "depth",
    "depth_mask",
    "relation",
    "relation_mask",
)
_MIRROR = skeleton.H36M17.mirror


def training_dataset(
    photos,
    *,
    input_size,
    batch_size,
    seed,
    first_step=0,
    last_step,
    rotation_deg=30.0,
    scale=(0.75, 1.25),
    mirror=True,
    colour=0.2,
    brightness=0.1,
):
    """Augmented batches for steps `first_step` to `last_step` - 1.

    Each pass over the photographs has an order of its own.

    Args:
        photos: `labels.LabelledPhotos`.
        input_size: int, S.
        batch_size: int.
        seed: int.
        first_step, last_step: which steps of the run to yield.
        rotation_deg, scale, mirror: see `transforms.random_crop_matrix`.
        colour, brightness: see `transforms.random_colour`.

    Returns:
        `tf.data.Dataset` of `last_step - first_step` batches.
    """
    table = _table(photos)
    count = len(photos)

    def example(i):
        epoch, place = i // count, i % count
        row = tf.random.experimental.index_shuffle(
            place, tf.stack([tf.constant(seed, tf.int64), epoch]), count - 1
        )
        box, labels = _row(table, row)
        draw = tf.random.experimental.stateless_fold_in([seed, 0], i)
        matrix, flipped = transforms.random_crop_matrix(
            box,
            draw,
            size=input_size,
            rotation_deg=rotation_deg,
            scale=scale,
            mirror=mirror,
        )
        image = transforms.decode_photo(tf.io.read_file(table["paths"][row]))
        image = transforms.sample_affine(image, matrix, input_size)
        image = transforms.random_colour(
            image,
            tf.random.experimental.stateless_fold_in([seed, 1], i),
            channel=colour,
            brightness=brightness,
        )
        moved = transforms.move_labels(labels, matrix, flipped, _MIRROR)
        return {"image": _to_uint8(image), **moved}

    first, last = first_step * batch_size, last_step * batch_size
    dataset = tf.data.Dataset.range(first, last)
    return _batched(dataset, example, batch_size)


def evaluation_dataset(photos, *, input_size, batch_size):
    """Every photograph once, in order, cropped to its box as it is.

    Args:
        photos: `labels.LabelledPhotos`.
        input_size: int, S.
        batch_size: int; the last batch may be smaller.

    Returns:
        `tf.data.Dataset` of batches.
    """
    table = _table(photos)

    def example(row):
        box, labels = _row(table, row)
        matrix = geometry.crop_matrix(box, input_size)
        image = transforms.decode_photo(tf.io.read_file(table["paths"][row]))
        image = transforms.sample_affine(image, matrix, input_size)
        moved = transforms.move_labels(labels, matrix, False, _MIRROR)
        return {"image": _to_uint8(image), **moved}

    dataset = tf.data.Dataset.range(len(photos))
    return _batched(dataset, example, batch_size)


def _table(photos):
    keys = ("paths", "boxes", *LABELS)
    return {key: tf.constant(getattr(photos, key)) for key in keys}


def _row(table, row):
    return table["boxes"][row], {key: table[key][row] for key in LABELS}


def _to_uint8(image):
    return tf.cast(tf.clip_by_value(tf.round(image), 0.0, 255.0), tf.uint8)


def _batched(dataset, example, batch_size):
    dataset = dataset.map(example, num_parallel_calls=tf.data.AUTOTUNE)
    return dataset.batch(batch_size).prefetch(4)
