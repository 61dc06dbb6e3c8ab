"""Replays the warm-up requests that lie beside an exported graph.

The first run of a graph takes many times as long as the next, so a version
runs before it is announced.

Source: TensorFlow Serving's guide, page "SavedModel Warmup".
"""

import io
import logging
import pathlib

import numpy as np
import tensorflow as tf
from PIL import Image
from tensorflow_serving.apis import prediction_log_pb2

from ordinal_tf.serving import errors, model, tensors

_LOG = logging.getLogger(__name__)
FILE = "assets.extra/tf_serving_warmup_requests"
# TF-Serving replays no more either.
_MOST = 1000
_DEFAULT = "serving_default"
_MAX_BYTES = 2**28


def warm_up(loaded, folder):
    """Runs the recorded requests, or made-up ones where there are none.

    Args:
        loaded: `model.Model`.
        folder: its version folder.

    Returns:
        int, how many requests were run.

    Raises:
        ValueError: a damaged file, or a request that the model refuses.
    """
    path = pathlib.Path(folder, FILE)
    count = 0
    try:
        if not path.is_file():
            return _run_made_up(loaded)
        for record in tf.data.TFRecordDataset(str(path)).take(_MOST):
            log = prediction_log_pb2.PredictionLog.FromString(record.numpy())
            _replay(loaded, log.predict_log.request)
            count += 1
    # A half-copied file ends in whatever its reader hits.
    except Exception as error:
        said = errors.sentence(str(error))
        raise ValueError(
            f"{folder} fails on its warm-up request {count}: {said}"
        ) from error
    return count


def _replay(loaded, request):
    name = request.model_spec.signature_name or _DEFAULT
    specs = loaded.signatures[name].inputs
    inputs = tensors.inputs_from_protos(
        request.inputs, specs, max_bytes=_MAX_BYTES
    )
    loaded.run(name, inputs)


def _run_made_up(loaded):
    """Runs every signature of this package once, on a grey picture."""
    count = 0
    for name, inputs in _made_up(loaded.signatures).items():
        try:
            loaded.run(name, inputs)
        except errors.ServingError as error:
            # Another's signature of the same name; it starts cold.
            _LOG.warning("No warm-up of %s: %s", name, error.message)
            continue
        count += 1
    return count


def _made_up(signatures):
    """dict of inputs by signature, of those whose inputs are known."""
    photo = np.array([_grey_png()], object)
    box = np.array([[32, 32, 64]], np.float32)
    known = {
        ("boxes", "photo"): {"photo": photo, "boxes": box},
        ("boxes", "counts", "photos"): {
            "photos": photo,
            "boxes": box[None],
            "counts": np.ones(1, np.int32),
        },
    }
    found = {}
    for name, signature in signatures.items():
        names = tuple(sorted(signature.inputs))
        if names in known:
            found[name] = known[names]
        elif names == ("image",):
            image = model.example_input(signature.inputs["image"])
            found[name] = {"image": image}
    return found


def _grey_png():
    data = io.BytesIO()
    Image.new("RGB", (64, 64), "grey").save(data, "PNG")
    return data.getvalue()
