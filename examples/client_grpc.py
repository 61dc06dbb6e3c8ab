"""Asks a server for the pose of a person, over gRPC.

The server is TF-Serving or `tools.serve`; nothing differs.

    python examples/client_grpc.py photo.jpg --box 320 240 400

Needs TensorFlow, grpcio and tensorflow-serving-api, whose messages hold
TensorFlow's; Pillow too where no box is given. It is free to copy into other
programs.
"""

import argparse
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import grpc  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from tensorflow_serving.apis import (  # noqa: E402
    predict_pb2,
    prediction_service_pb2_grpc,
)

# gRPC's own retries: the server says RESOURCE_EXHAUSTED while it is busy.
RETRIES = """{"methodConfig": [{
  "name": [{"service": "tensorflow.serving.PredictionService"}],
  "retryPolicy": {
    "maxAttempts": 5, "initialBackoff": "0.1s", "maxBackoff": "2s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["RESOURCE_EXHAUSTED", "UNAVAILABLE"]
  }
}]}"""


def connect(address):
    """`grpc.Channel` to a server such as "127.0.0.1:8500"; close it."""
    return grpc.insecure_channel(
        address,
        [
            ("grpc.service_config", RETRIES),
            ("grpc.max_receive_message_length", 64 * 2**20),
        ],
    )


def predict(
    channel, photo, boxes, *, model="lite", version=None, timeout_s=30.0
):
    """Poses of the people in one photograph.

    Args:
        channel: of `connect`.
        photo: bytes of a JPEG or PNG.
        boxes: `(P, 3)` centre x, centre y and side in pixels, one a person.
        model: str.
        version: int; None for the newest.
        timeout_s: float, with all tries.

    Returns:
        dict of arrays, one row a person: `keypoints` `(P, 17, 2)` pixels,
        `ordinal_depth` `(P, 17)`, `pose` `(P, 17, 3)` mm, `score` `(P, 17)`.

    Raises:
        grpc.RpcError: the server refuses the request, or is not there.
    """
    request = predict_pb2.PredictRequest()
    request.model_spec.name = model
    # The signature `photos` takes several pictures; this is a list of one.
    # Unlike `photo`, a server may put it into a batch with other requests.
    request.model_spec.signature_name = "photos"
    if version is not None:
        request.model_spec.version.value = version
    boxes = np.asarray(boxes, np.float32).reshape(1, -1, 3)
    for name, value in (
        ("photos", [photo]),
        ("boxes", boxes),
        ("counts", np.array([boxes.shape[1]], np.int32)),
    ):
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    reply = stub.Predict(request, timeout=timeout_s)
    return {
        name: tf.make_ndarray(proto)[0] for name, proto in reply.outputs.items()
    }


def whole_picture(path):
    """A box around all of a picture: right where one person fills it."""
    from PIL import Image, ImageOps

    with Image.open(path) as image:
        width, height = ImageOps.exif_transpose(image).size
    return [(width - 1) / 2, (height - 1) / 2, max(width, height)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photo", help="JPEG or PNG file")
    parser.add_argument(
        "--server", default="127.0.0.1:8500", help="%(default)s"
    )
    parser.add_argument("--model", default="lite", help="%(default)s")
    parser.add_argument("--version", type=int, help="the newest by default")
    parser.add_argument(
        "--box",
        type=float,
        nargs=3,
        action="append",
        metavar=("CX", "CY", "SIDE"),
        help="square around a person, in pixels; may be repeated",
    )
    arguments = parser.parse_args()
    try:
        with open(arguments.photo, "rb") as file:
            photo = file.read()
        boxes = arguments.box or [whole_picture(arguments.photo)]
        with connect(arguments.server) as channel:
            found = predict(
                channel,
                photo,
                boxes,
                model=arguments.model,
                version=arguments.version,
            )
    except OSError as error:
        sys.exit(f"client_grpc: {error}")
    except grpc.RpcError as error:
        sys.exit(f"client_grpc: {error.code().name}: {error.details()}")
    np.set_printoptions(precision=1, suppress=True)
    for person in range(len(boxes)):
        print(f"person {person}: x and y in pixels, then x, y and z in mm")
        print(
            np.concatenate(
                [found["keypoints"][person], found["pose"][person]], axis=-1
            )
        )


if __name__ == "__main__":
    main()
