"""One SavedModel from photo bytes to 3D pose, for TF-Serving.

The graph decodes, crops, runs the image network on the crop and its mirror
image, decodes the volume, and runs the reconstruction network. It has no
Python and no custom op.
"""

import json
import os
import pathlib
import shutil

import numpy as np
import tensorflow as tf
from tensorflow.python.framework import convert_to_constants

from ordinal_tf import geometry, paths, skeleton
from ordinal_tf.data import transforms
from ordinal_tf.models import inference, lifting

# A decoded picture of this size takes 240 MB; a small file can ask for more.
MAX_PIXELS = 80_000_000

CARD = "assets.extra/card.json"
# Joints that must be seen well enough before they say where the person is.
_SEEN = 0.1
_FEWEST = 4
# Wider than a labelled box: the joints that were not seen lie outside.
_MARGIN = 1.4


class PoseModule(tf.Module):
    """The signatures that chain the two networks, weights frozen in.

    Args:
        network: volume or coordinates network.
        reconstruction: see `lifting.build_reconstruction`.
        kind: str, the image network's `model.name`.
        input_size: int, S, side of the crops.
        depth_bins: int, D of the last stack; None for coordinates.
        depth_scale: float, ordinal depths times this are what the
            reconstruction network was trained on.
        mirror: bool, average with the mirrored crop.
    """

    def __init__(
        self,
        network,
        reconstruction,
        *,
        kind,
        input_size,
        depth_bins,
        depth_scale,
        mirror=True,
    ):
        super().__init__(name="ordinal_tf")
        self.input_size = input_size
        crops = tf.TensorSpec((None, input_size, input_size, 3), tf.uint8)

        def predict_crops(image):
            found = inference.predict_crops(
                network,
                image,
                name=kind,
                depth_bins=depth_bins,
                mirror=mirror,
            )
            return {
                **found,
                "pose": _pose(reconstruction, found, depth_scale),
            }

        self._crops = _freeze(predict_crops, crops)
        self.serve_crops = tf.function(
            self._predict_crops,
            input_signature=[tf.TensorSpec(crops.shape, tf.uint8, "image")],
        )
        self.serve_photo = tf.function(
            self._predict_photo,
            input_signature=[
                tf.TensorSpec((1,), tf.string, "photo"),
                tf.TensorSpec((None, 3), tf.float32, "boxes"),
            ],
        )

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
        photo = photo[0]
        with tf.control_dependencies([_check_photo(photo)]):
            image = transforms.decode_photo(photo)
        with tf.control_dependencies([_check_boxes(boxes)]):
            boxes = tf.identity(boxes)
        boxes = tf.cond(
            tf.shape(boxes)[0] > 0, lambda: boxes, lambda: self._find(image)
        )
        return self._predict_boxes(image, boxes)

    def _predict_boxes(self, image, boxes):
        size = self.input_size
        matrices = geometry.crop_matrix(boxes, size)

        def crop(matrix):
            pixels = transforms.sample_affine(image, matrix, size)
            return tf.cast(tf.round(pixels), tf.uint8)

        spec = tf.TensorSpec((size, size, 3), tf.uint8)
        crops = tf.map_fn(crop, matrices, fn_output_signature=spec)
        found = self._predict_crops(crops)
        found["keypoints"] = geometry.apply_affine(
            geometry.invert_affine(matrices), found["keypoints"]
        )
        return found

    def _find(self, image):
        """Box of the person: the whole picture, then what its joints say."""
        shape = tf.cast(tf.shape(image), tf.float32)
        box = whole_box(shape[1], shape[0])
        found = self._predict_boxes(image, box)
        return box_of_person(found["keypoints"], found["score"], box)


def _pose(reconstruction, found, depth_scale):
    """Root-relative poses `(B, 17, 3)` in mm of decoded crops."""
    vector = lifting.reconstruction_input(
        found["keypoints"], found["ordinal_depth"] * depth_scale
    )
    pose = lifting.reconstruction_output(reconstruction(vector, training=False))
    root = skeleton.H36M17.root
    return pose - pose[:, root : root + 1]


def _freeze(function, spec):
    """The function with its variables as constants, traced once.

    Both signatures call the one result, so the graph holds the networks
    once, and nothing needs restoring in a session.
    """
    concrete = tf.function(function).get_concrete_function(spec)
    frozen = convert_to_constants.convert_variables_to_constants_v2(
        concrete, lower_control_flow=False
    )
    # Freezing flattens a dict in the order of its keys.
    names = sorted(concrete.structured_outputs)
    return lambda image: dict(zip(names, frozen(image), strict=True))


def whole_box(width, height):
    """Box `(1, 3)` around a whole picture of that many pixels."""
    side = tf.maximum(width, height)
    return tf.stack([(width - 1.0) / 2.0, (height - 1.0) / 2.0, side])[None]


def box_of_person(keypoints, score, box):
    """The box that a first pass suggests.

    Args:
        keypoints: `(B, 17, 2)` photo pixels.
        score: `(B, 17)`.
        box: `(B, 3)` the box of the first pass, kept where fewer than four
            joints were seen well.

    Returns:
        `(B, 3)` float32.
    """
    seen = score >= _SEEN
    enough = tf.reduce_sum(tf.cast(seen, tf.int32), axis=-1) >= _FEWEST
    seen = tf.logical_or(seen, ~enough[:, None])
    around = geometry.box_around(keypoints, seen, margin=_MARGIN)
    return tf.where(enough[:, None], around, box)


def _check_boxes(boxes):
    sound = tf.reduce_all(tf.math.is_finite(boxes))
    sound = tf.logical_and(sound, tf.reduce_all(boxes[:, 2] > 0.0))
    return tf.debugging.Assert(
        sound, ["`boxes` must be finite, with a side above 0; received", boxes]
    )


def _check_photo(photo):
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


def export(module, folder, card, networks=None):
    """Writes the next version of a model below `folder`.

    The export is reloaded and compared with the live networks before it
    gets its name, so a version folder is always whole and right.

    Args:
        module: `PoseModule`.
        folder: path; version N + 1 follows the highest in it, from 1.
        card: JSON-able dict, stored as `assets.extra/card.json`.
        networks: dict from a file name in the version folder to the Keras
            model whose weights to store there, for warm starts.

    Returns:
        `pathlib.Path` of the version folder.

    Raises:
        ValueError: the reloaded model differs from the live one.
    """
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    version = max([0, *paths.versions(folder)]) + 1
    new = folder / f"new_{version}"
    shutil.rmtree(new, ignore_errors=True)
    try:
        tf.saved_model.save(
            module,
            str(new),
            signatures={
                "serving_default": module.serve_crops,
                "photo": module.serve_photo,
            },
        )
        _compare(module, new)
        extra = new / CARD
        extra.parent.mkdir(exist_ok=True)
        extra.write_text(json.dumps(card, indent=2) + "\n")
        for name, network in (networks or {}).items():
            network.save_weights(new / name)
        os.replace(new, folder / str(version))
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return folder / str(version)


def _compare(module, folder):
    """Checks a written model against the live one on noise, 2 and 3 crops."""
    reloaded = tf.saved_model.load(str(folder)).signatures["serving_default"]
    size = module.input_size
    for count in (2, 3):
        noise = np.random.default_rng(count).integers(
            0, 256, (count, size, size, 3), np.uint8
        )
        live = module.serve_crops(tf.constant(noise))
        for name, value in reloaded(image=tf.constant(noise)).items():
            worst = np.abs(value.numpy() - live[name].numpy()).max()
            if not worst < 1e-2:
                raise ValueError(
                    f"The exported model's {name!r} differs from the live "
                    f"one by {worst}; nothing was kept."
                )
