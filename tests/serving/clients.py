"""Thin clients for the tests, one a protocol."""

import base64
import http.client
import json

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import (
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

PATIENCE_S = 30.0


class Rest:
    """REST on one kept-alive connection; `close` it.

    Attributes:
        headers: of the last reply.
        connections: int, how often it had to connect.
    """

    def __init__(self, port):
        self._connection = http.client.HTTPConnection(
            "127.0.0.1", port, timeout=PATIENCE_S
        )
        self.close = self._connection.close
        self.connections = 0
        connect = self._connection.connect

        def counted():
            self.connections += 1
            connect()

        self._connection.connect = counted

    def ask(self, method, path, body=None, headers=None):
        """Status and text of a reply; `body` is bytes or JSON-able."""
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        self._connection.request(method, path, body, headers or {})
        reply = self._connection.getresponse()
        self.headers = reply.headers
        return reply.status, reply.read().decode()

    def get(self, path):
        return self.ask("GET", path)

    def predict(self, body, *, model="tiny", version=""):
        """Status and JSON of a prediction."""
        path = f"/v1/models/{model}{version}:predict"
        status, text = self.ask("POST", path, body)
        return status, json.loads(text)


class Grpc:
    """gRPC stubs on one channel; `close` it."""

    def __init__(self, port, compression=None):
        self.channel = grpc.insecure_channel(
            f"127.0.0.1:{port}", compression=compression
        )
        self.close = self.channel.close
        self.prediction = prediction_service_pb2_grpc.PredictionServiceStub(
            self.channel
        )
        self.models = model_service_pb2_grpc.ModelServiceStub(self.channel)

    def predict(self, request, timeout=PATIENCE_S):
        """dict of arrays of a reply; raises `grpc.RpcError`."""
        reply = self.prediction.Predict(request, timeout=timeout)
        return {k: tf.make_ndarray(v) for k, v in reply.outputs.items()}

    def refused(self, request):
        """Code and sentence of a request that is not answered."""
        try:
            self.predict(request)
        except grpc.RpcError as error:
            return error.code(), error.details()
        raise AssertionError("The request was answered.")


def request(signature, *, model="tiny", version=None, label="", **inputs):
    """`PredictRequest` of arrays."""
    message = predict_pb2.PredictRequest()
    message.model_spec.name = model
    message.model_spec.signature_name = signature
    if version is not None:
        message.model_spec.version.value = version
    if label:
        message.model_spec.version_label = label
    for name, value in inputs.items():
        message.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    return message


def photo(data, boxes):
    """`PredictRequest` of one photograph."""
    boxes = np.reshape(np.asarray(boxes, np.float32), (-1, 3))
    return request("photo", photo=[data], boxes=boxes)


def b64(data):
    return {"b64": base64.b64encode(data).decode()}


def photo_json(data, boxes):
    return {
        "signature_name": "photo",
        "inputs": {"photo": [b64(data)], "boxes": boxes},
    }
