"""A model with the package's signatures that costs nothing to make or run.

Its answers are arithmetic on the pixels, so that every test knows them:
keypoints are the mean of each channel in both coordinates, depth and score
zeros and ones, and every coordinate of the pose is `offset`, which tells
models apart. With photographs, `box` says where it looked.
"""

import io

import numpy as np
import tensorflow as tf
from PIL import Image

SIZE = 8
JOINTS = 17


class Tiny(tf.Module):
    """Signatures as `ordinal_tf.inference.signatures.Signatures` has them."""

    def __init__(self, offset):
        super().__init__()
        self.offset = float(offset)

    def _answer(self, means):
        """Outputs `(B, ...)` of mean pixel values `(B,)`."""
        count = tf.shape(means)[0]
        return {
            "keypoints": tf.tile(means[:, None, None], [1, JOINTS, 2]),
            "ordinal_depth": tf.zeros([count, JOINTS]),
            "pose": tf.fill([count, JOINTS, 3], self.offset),
            "score": tf.ones([count, JOINTS]),
        }

    @tf.function(
        input_signature=[
            tf.TensorSpec((None, SIZE, SIZE, 3), tf.uint8, "image")
        ]
    )
    def crops(self, image):
        return self._answer(
            tf.reduce_mean(tf.cast(image, tf.float32), axis=(1, 2, 3))
        )

    @tf.function(
        input_signature=[
            tf.TensorSpec((1,), tf.string, "photo"),
            tf.TensorSpec((None, 3), tf.float32, "boxes"),
        ]
    )
    def photo(self, photo, boxes):
        mean = _mean(photo[0])
        people = tf.maximum(tf.shape(boxes)[0], 1)
        found = self._answer(tf.fill([people], mean))
        missing = people - tf.shape(boxes)[0]
        return {**found, "box": tf.pad(boxes, [[0, missing], [0, 0]])}

    @tf.function(
        input_signature=[
            tf.TensorSpec((None,), tf.string, "photos"),
            tf.TensorSpec((None, None, 3), tf.float32, "boxes"),
            tf.TensorSpec((None,), tf.int32, "counts"),
        ]
    )
    def photos(self, photos, boxes, counts):
        means = tf.map_fn(_mean, photos, fn_output_signature=tf.float32)
        shape = tf.shape(boxes)
        # Only so that the graph uses all of its inputs.
        means += 0.0 * tf.cast(counts, tf.float32)
        found = self._answer(tf.repeat(means, shape[1]))
        found = {
            name: tf.reshape(
                value, tf.concat([shape[:2], tf.shape(value)[1:]], 0)
            )
            for name, value in found.items()
        }
        return {**found, "box": boxes}


def _mean(data):
    image = tf.io.decode_jpeg(data, channels=3)
    return tf.reduce_mean(tf.cast(image, tf.float32))


def export(folder, *, offset=0.0):
    """Writes a version folder; its poses are `offset` everywhere."""
    module = Tiny(offset)
    signatures = {
        "serving_default": module.crops,
        "photo": module.photo,
        "photos": module.photos,
    }
    tf.saved_model.save(module, str(folder), signatures=signatures)


def jpeg(value, *, width=40, height=30):
    """Bytes of a picture of one grey."""
    return _encoded(value, width, height, "JPEG")


def png(value, *, width=40, height=30):
    return _encoded(value, width, height, "PNG")


def _encoded(value, width, height, kind):
    data = io.BytesIO()
    Image.new("RGB", (width, height), (value,) * 3).save(data, kind)
    return data.getvalue()


def crop(value, count=1):
    """uint8 `(count, S, S, 3)` of one grey."""
    return np.full((count, SIZE, SIZE, 3), value, np.uint8)
