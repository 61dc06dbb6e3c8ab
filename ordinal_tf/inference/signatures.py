"""What an exported model answers to: photo bytes or crops to 3D poses.

The graph decodes what the crops show, crops, runs the image network on the
crop and its mirror image, decodes the volume, and runs the reconstruction
network. It has no Python and no custom op. However many people and
photographs a request has, the networks run once, on all of them; without boxes
the finder runs before, and the networks twice.
"""

import functools

import tensorflow as tf

from ordinal_tf import boxes as box_limits
from ordinal_tf import geometry
from ordinal_tf.data.pipeline import crops, pictures
from ordinal_tf.inference import finding
from ordinal_tf.models import decoding, lifting

# People are looked for in the photograph decoded once, its longer side this
# many crops long, where it has the pixels.
_LOOK_CROPS = 3


def chain(
    network, reconstruction, *, kind, depth_bins, depth_scale, mirror=True
):
    """The two networks as one function of crops.

    Args:
        network: volume or coordinates network.
        reconstruction: see `lifting.build_reconstruction`.
        kind: str, the image network's `model.name`.
        depth_bins: int, D of the last stack; None for coordinates.
        depth_scale: float, ordinal depths times this are what the
            reconstruction network was trained on.
        mirror: bool, average with the mirrored crop.

    Returns:
        Function of `(B, S, S, 3)` uint8 to the dict of the signature
        `serving_default`.
    """

    def predict_crops(image):
        found = decoding.predict_crops(
            network, image, name=kind, depth_bins=depth_bins, mirror=mirror
        )
        depth = found["ordinal_depth"] * depth_scale
        pose = lifting.lift(reconstruction, found["keypoints"], depth)
        return {**found, "pose": pose}

    return predict_crops


class Signatures(tf.Module):
    """What the model answers to, around any function of crops.

    Args:
        predict_crops: as `chain` returns.
        input_size: int, S, side of the crops.
        find: function of a picture `(1, F, F, 3)` uint8, of any F divisible
            by 32, to the answer of the finder, see `finder.build_head`.
    """

    def __init__(self, predict_crops, input_size, find):
        super().__init__(name="ordinal_tf")
        self.input_size = input_size
        self._crops, self._finder = predict_crops, find
        crops = (None, input_size, input_size, 3)
        # There is no Python control flow to convert, and looking takes long.
        function = functools.partial(tf.function, autograph=False)
        self.serve_crops = function(
            self._predict_crops,
            input_signature=[tf.TensorSpec(crops, tf.uint8, "image")],
        )
        self.serve_photo = function(
            self._predict_photo,
            input_signature=[
                tf.TensorSpec((1,), tf.string, "photo"),
                tf.TensorSpec((None, 3), tf.float32, "boxes"),
            ],
        )
        self.serve_pixels = function(
            self._predict_pixels,
            input_signature=[
                tf.TensorSpec((None, None, 3), tf.uint8, "pixels"),
                tf.TensorSpec((None, 3), tf.float32, "boxes"),
            ],
        )
        self.serve_find = function(
            self._predict_found,
            input_signature=[
                tf.TensorSpec((None, None, 3), tf.uint8, "pixels"),
                tf.TensorSpec((), tf.float32, "least_score"),
            ],
        )
        self.serve_photos = function(
            self._predict_photos,
            input_signature=[
                tf.TensorSpec((None,), tf.string, "photos"),
                tf.TensorSpec((None, None, 3), tf.float32, "boxes"),
                tf.TensorSpec((None,), tf.int32, "counts"),
            ],
        )

    def by_name(self):
        """Dict of the five `tf.function`s by signature."""
        return {
            "serving_default": self.serve_crops,
            "photo": self.serve_photo,
            "pixels": self.serve_pixels,
            "find": self.serve_find,
            "photos": self.serve_photos,
        }

    def _predict_crops(self, image):
        count = tf.shape(image)[0]
        # Convolutions on the CPU do not take an empty batch.
        image = tf.cond(
            count > 0,
            lambda: image,
            lambda: tf.zeros((1, *image.shape[1:]), tf.uint8),
        )
        found = self._crops(image)
        return {name: value[:count] for name, value in found.items()}

    def _predict_photo(self, photo, boxes):
        # A server that merges two requests breaks the static shape: reshaping
        # fails then, where an index would give both the first one's people.
        picture = pictures.open_encoded(tf.reshape(photo, []))
        return self._predict_picture(picture, boxes)

    def _predict_pixels(self, pixels, boxes):
        return self._predict_picture(pictures.open_pixels(pixels), boxes)

    def _predict_picture(self, picture, boxes):
        with tf.control_dependencies([_check_boxes(boxes)]):
            boxes = tf.identity(boxes)
        return tf.cond(
            tf.shape(boxes)[0] > 0,
            lambda: self._predict_boxes(picture, boxes),
            lambda: self._find(picture, finding.LEAST_SCORE),
        )

    def _predict_found(self, pixels, least_score):
        return self._find(pictures.open_pixels(pixels), least_score)

    def _predict_photos(self, photos, boxes, counts):
        with tf.control_dependencies([_check_counts(photos, boxes, counts)]):
            # Of the padding nothing is read, so it may be anything.
            people = tf.where(tf.sequence_mask(counts, tf.shape(boxes)[1]))
        real = tf.gather_nd(boxes, people)
        with tf.control_dependencies([_check_boxes(real)]):
            real = tf.identity(real)

        def crops_of(inputs):
            photo, boxes, count = inputs
            picture = pictures.open_encoded(photo)
            found = crops.crop_boxes(picture, boxes[:count], self.input_size)
            empty = [[0, tf.shape(boxes)[0] - count], [0, 0], [0, 0], [0, 0]]
            return tf.pad(found, empty)

        size = self.input_size
        padded = tf.map_fn(
            crops_of,
            (photos, boxes, counts),
            fn_output_signature=tf.TensorSpec((None, size, size, 3), tf.uint8),
        )
        found = self._predict_crops_of(tf.gather_nd(padded, people), real)
        shape = tf.shape(boxes, out_type=tf.int64)[:2]
        return {
            name: tf.scatter_nd(
                people,
                value,
                tf.concat([shape, value.shape[1:].as_list()], axis=0),
            )
            for name, value in found.items()
        }

    def _predict_boxes(self, picture, boxes):
        """Predicts the people in boxes of a `pictures.Picture`."""
        shown = crops.crop_boxes(picture, boxes, self.input_size)
        return self._predict_crops_of(shown, boxes)

    def _predict_crops_of(self, images, boxes):
        """Predicts crops of those boxes; keypoints in photo pixels."""
        found = self._predict_crops(images)
        back = geometry.invert_affine(
            geometry.crop_matrix(boxes, self.input_size)
        )
        keypoints = geometry.apply_affine(back, found["keypoints"])
        return {
            **found,
            "keypoints": keypoints,
            "box": boxes,
            # That somebody is there, whoever gave the box has said.
            "person_score": tf.ones_like(boxes[:, 0]),
        }

    def _find(self, picture, least_score):
        """Predicts the people whom a `pictures.Picture` shows."""
        small = crops.shrink(picture, _LOOK_CROPS * self.input_size)
        rectangles, chance = finding.look(self._finder, small)
        size = tf.cast(picture.size, tf.float32)
        height, width = size[0], size[1]
        boxes = finding.boxes_of(rectangles, width, height)
        first = self._predict_boxes(small, boxes)
        boxes = finding.closer(first, width, height)
        found = self._predict_boxes(picture, boxes)
        score = finding.person_score(chance, found["score"])
        found = {**found, "person_score": score}
        rows = finding.apart(found, least_score)
        return {name: tf.gather(value, rows) for name, value in found.items()}


def _check_counts(photos, boxes, counts):
    people = tf.shape(boxes)[1]
    sound = tf.reduce_all((counts >= 0) & (counts <= people))
    photo_count, box_count = tf.shape(photos)[0], tf.shape(boxes)[0]
    sound &= (photo_count == box_count) & (photo_count == tf.size(counts))
    sound &= photo_count > 0
    return tf.debugging.Assert(
        sound,
        [
            "`photos`, `boxes` and `counts` must agree in number, be of one "
            "photo at least, and a count lie in 0 to the second size of "
            "`boxes`; received counts",
            counts,
        ],
    )


def _check_boxes(received):
    # NaN is neither above nor below.
    sound = tf.reduce_all(tf.abs(received) <= box_limits.LARGEST)
    sound &= tf.reduce_all(received[:, 2] > box_limits.SMALLEST)
    return tf.debugging.Assert(
        sound,
        [
            f"`boxes` must be finite, with a side above {box_limits.SMALLEST} "
            f"and nothing beyond {box_limits.LARGEST:g}; received",
            received,
        ],
    )
