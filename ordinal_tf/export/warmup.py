"""Requests that TF-Serving runs before it announces a version.

The first run of a graph takes many times as long as the next; with these no
client has to wait for it.

Source: TensorFlow Serving's guide, page "SavedModel Warmup".
"""

import importlib.util
import pathlib

import tensorflow as tf

from ordinal_tf import files

FILE = "assets.extra/tf_serving_warmup_requests"


def check_installed():
    """Raises `ValueError` where the requests' protos are not installed."""
    # The protos of TF-Serving are a package of their own, which nothing but
    # serving needs.
    if importlib.util.find_spec("tensorflow_serving") is None:
        raise ValueError(
            "Warm-up requests need the package tensorflow-serving-api: "
            "install it, or export without them (--nowarm_up)."
        )


def write(folder, requests, *, name):
    """Writes the warm-up file of a SavedModel.

    Args:
        folder: path of the SavedModel.
        requests: list of (signature's name, dict of input arrays).
        name: str, the model's, as its folder is called.

    Returns:
        `pathlib.Path` of the file: one `PredictionLog` a record.
    """
    from tensorflow_serving.apis import prediction_log_pb2

    path = pathlib.Path(folder, FILE)
    path.parent.mkdir(exist_ok=True)
    with files.whole(path) as new, tf.io.TFRecordWriter(str(new)) as records:
        for signature, inputs in requests:
            log = prediction_log_pb2.PredictionLog()
            request = log.predict_log.request
            request.model_spec.name = name
            request.model_spec.signature_name = signature
            for key, value in inputs.items():
                proto = tf.make_tensor_proto(value)
                request.inputs[key].CopyFrom(proto)
            records.write(log.SerializeToString())
    return path
