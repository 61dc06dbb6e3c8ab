"""Replays the warm-up requests that lie beside an exported graph.

The first run of a graph takes many times as long as the next, so a version
runs before it is announced.

Source: TensorFlow Serving's guide, page "SavedModel Warmup".
"""

import pathlib

import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from ordinal_tf.serving import errors, model, tensors

FILE = "assets.extra/tf_serving_warmup_requests"
# TF-Serving replays no more either.
_MOST = 1000
_DEFAULT = "serving_default"
_MAX_BYTES = 2**28


def warm_up(loaded, folder):
    """Runs the recorded requests, or one on zeros where there are none.

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
            return _run_zeros(loaded)
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


def _run_zeros(loaded):
    signature = loaded.signatures.get(_DEFAULT)
    if signature is None:
        return 0
    specs = signature.inputs
    if any(spec.dtype == tf.string for spec in specs.values()):
        return 0
    loaded.run(
        _DEFAULT,
        {name: model.example_input(spec) for name, spec in specs.items()},
    )
    return 1
