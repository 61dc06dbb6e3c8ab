"""An exported model as a Python function of photographs."""

import json
import pathlib

import numpy as np
import tensorflow as tf

from ordinal_tf import paths
from ordinal_tf.boxes import check_boxes
from ordinal_tf.data.files import photos

_SIGNATURES = {"serving_default", "photo", "pixels"}


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
    missing = _SIGNATURES - set(model.signatures)
    if missing:
        raise ValueError(
            f"{version} lacks the signatures {', '.join(sorted(missing))}: it "
            "is not a model of tools.export, or one of an older version; "
            "tools.export --model=DIR writes that again."
        )
    return Predictor(model, version)


class Predictor:
    """Finds people's poses in photographs; see `load`.

    Attributes:
        card: dict, the model card: joints, units, training figures.
        input_size: int, side of the crops that the network sees.
    """

    def __init__(self, model, version):
        self._model = model
        self._signatures = model.signatures
        self._crops = model.signatures["serving_default"]
        _, inputs = self._crops.structured_input_signature
        self.input_size = inputs["image"].shape[1]
        card = version / paths.CARD
        self.card = json.loads(card.read_text()) if card.is_file() else {}

    def predict(self, photo, boxes=None, *, least_score=None):
        """Poses of the people in a photograph, or in several.

        Args:
            photo: path of a picture (any kind, EXIF-rotated too), its bytes,
                a binary file, a PIL image, or uint8 RGB `(H, W, 3)`; or a
                list of these.
            boxes: `(P, 3)` centre x, centre y and side in photo pixels, one
                per person; None finds them, see `finding`. Of a list of
                photographs a list of these, or None.
            least_score: float, least `person_score` of people who are found;
                None is the model's own, `finding.LEAST_SCORE`.

        Returns:
            dict of float32 arrays, one row a person: `box` `(P, 3)`,
            `keypoints` `(P, 17, 2)` photo pixels, `ordinal_depth` `(P, 17)`,
            `pose` `(P, 17, 3)` mm, root-relative, camera axes, `score`
            `(P, 17)` in [0, 1], and `person_score` `(P,)`: how sure it is
            that somebody is there, the surest first, and 1 of given boxes.
            Joints as `ordinal_tf.joints` names them. Of a list of photographs
            a list of these.

        Raises:
            ValueError: not a picture, damaged, an array of another kind, or
                see `boxes.check_boxes`.
            OSError: the file cannot be opened.
        """
        if isinstance(photo, list | tuple):
            boxes = [None] * len(photo) if boxes is None else boxes
            if len(boxes) != len(photo):
                raise ValueError(
                    "`boxes` of several photographs must be a list, one entry "
                    f"each. Received: {len(boxes)} for {len(photo)}."
                )
            pairs = zip(photo, boxes, strict=True)
            return [
                self.predict(one, its, least_score=least_score)
                for one, its in pairs
            ]
        data, (height, width) = photos.for_graph(photo)
        if boxes is None:
            boxes = np.zeros((0, 3), np.float32)
        else:
            boxes = check_boxes(boxes, width, height)
            if not len(boxes):  # Which would ask the graph to look.
                return self._nobody()
        inputs = {"boxes": boxes}
        if not len(boxes) and least_score is not None:
            name = "find"
            inputs = {"least_score": np.float32(least_score)}
            if isinstance(data, bytes):
                data = photos.read_photo(data)
            inputs["pixels"] = data
        elif isinstance(data, bytes):
            name, inputs["photo"] = "photo", [data]
        else:
            name, inputs["pixels"] = "pixels", data
        tensors = {key: tf.constant(value) for key, value in inputs.items()}
        try:
            found = self._signature(name)(**tensors)
        except tf.errors.InvalidArgumentError as error:
            raise ValueError(
                "The picture is truncated or damaged: "
                f"{photos.name_of(photo)}: {_reason(error)}"
            ) from error
        return {name: value.numpy() for name, value in found.items()}

    def _signature(self, name):
        if name not in self._signatures:
            raise ValueError(
                f"This model has no signature {name!r}, for it was exported "
                "by an older version; tools.export --model=DIR writes it again."
            )
        return self._signatures[name]

    def _nobody(self):
        shapes = self._signatures["photo"].structured_outputs
        return {
            name: np.zeros((0, *spec.shape[1:]), np.float32)
            for name, spec in shapes.items()
        }

    def crops(self, image):
        """The `serving_default` signature on `(B, S, S, 3)` uint8 crops.

        Returns:
            dict of tensors as `predict`, keypoints in crop pixels, no box.
        """
        return self._crops(image=image)


def _reason(error):
    """What TensorFlow says, without where in its graph."""
    return error.message.split("[[")[0].strip().splitlines()[-1]
