"""An exported model as a Python function of photographs."""

import functools
import json
import pathlib

import numpy as np
import tensorflow as tf

from ordinal_tf import paths
from ordinal_tf.boxes import check_boxes
from ordinal_tf.data.files import photos
from ordinal_tf.inference import finding

OUTPUTS = ("keypoints", "ordinal_depth", "pose", "score")


def load(folder):
    """Loads an exported model.

    Args:
        folder: of `tools.export`: a version folder, or the one above, of
            which the highest version is taken.

    Returns:
        `Predictor`.

    Raises:
        ValueError: no SavedModel of this package there.
    """
    folder = pathlib.Path(folder)
    version = paths.latest_version(folder)
    if not (version / "saved_model.pb").is_file():
        raise ValueError(
            f"{folder} holds no SavedModel; it must be a folder that "
            "tools.export wrote."
        )
    model = tf.saved_model.load(str(version))
    if not {"serving_default", "photo"} <= set(model.signatures):
        raise ValueError(
            f"{version} has no `photo` signature; it is not a model of "
            "tools.export."
        )
    return Predictor(model, version)


class Predictor:
    """Finds people's poses in photographs; see `load`.

    Attributes:
        card: dict, the model card: joints, units, training figures.
        input_size: int, side of the crops that the network sees.
        photo: the `photo` signature.
    """

    def __init__(self, model, version):
        self._model = model
        self.photo = model.signatures["photo"]
        self._crops = model.signatures["serving_default"]
        _, inputs = self._crops.structured_input_signature
        self.input_size = inputs["image"].shape[1]
        card = version / paths.CARD
        self.card = json.loads(card.read_text()) if card.is_file() else {}

    def predict(self, photo, boxes=None):
        """Poses of the people in one photograph.

        Args:
            photo: path of a picture (any kind, EXIF-rotated too), or uint8
                RGB `(H, W, 3)`.
            boxes: `(P, 3)` centre x, centre y and side in photo pixels, one
                per person; None finds one person, see `finding`.

        Returns:
            dict of float32 arrays, one row a person: `box` `(P, 3)`,
            `keypoints` `(P, 17, 2)` photo pixels, `ordinal_depth` `(P, 17)`,
            `pose` `(P, 17, 3)` mm, root-relative, camera axes, and `score`
            `(P, 17)` in [0, 1]. Joints as in `skeleton.H36M17`.

        Raises:
            ValueError: not a picture, or see `boxes.check_boxes`.
            OSError: the file cannot be opened.
        """
        data, (height, width) = _encode(photo)
        if boxes is None:
            # The signature finds the person by itself too, but does not say
            # where; this takes the same passes.
            boxes = finding.find_person(
                functools.partial(self._run, data), width, height
            ).numpy()
        boxes = check_boxes(boxes, width, height)
        found = self._run(data, boxes)
        return {"box": boxes, **found}

    def crops(self, image):
        """The `serving_default` signature on `(B, S, S, 3)` uint8 crops.

        Returns:
            dict of tensors as `predict`, keypoints in crop pixels, no box.
        """
        return self._crops(image=image)

    def _run(self, data, boxes):
        boxes = tf.constant(boxes, tf.float32)
        if not boxes.shape[0]:
            shapes = {"keypoints": (17, 2), "pose": (17, 3)}
            return {
                name: np.zeros((0, *shapes.get(name, (17,))), np.float32)
                for name in OUTPUTS
            }
        found = self.photo(photo=tf.constant([data]), boxes=boxes)
        return {name: found[name].numpy() for name in OUTPUTS}


def _encode(photo):
    """Bytes for the graph, and `(height, width)`."""
    if isinstance(photo, np.ndarray):
        if photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3:
            raise ValueError(
                "`photo` must be a path or uint8 RGB (H, W, 3). Received: "
                f"{photo.dtype} {photo.shape}."
            )
        data = tf.io.encode_png(photo, compression=1).numpy()
        return data, photo.shape[:2]
    data = photos.encode_for_graph(photo)
    return data, photos.size_of(data)
