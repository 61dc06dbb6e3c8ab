"""gRPC's tensors both ways, and what does not fit."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2
from tensorflow_serving.apis import predict_pb2

from ordinal_tf.serving import errors, grpc_service, model

SIGNATURE = model.Signature(
    "",
    {
        "x": tf.TensorSpec((None, 2), tf.float32),
        "s": tf.TensorSpec(None, tf.string),
    },
    {},
)


def parse(x=None, s=None, **more):
    inputs = {"x": [[1.0, 2.0]] if x is None else x, "s": b"a"}
    protos = {
        name: value
        if isinstance(value, tensor_pb2.TensorProto)
        else tf.make_tensor_proto(value)
        for name, value in {**inputs, **more}.items()
    }
    request = predict_pb2.PredictRequest(inputs=protos)
    return grpc_service.inputs_from_protos(request, SIGNATURE, 1000)


def test_arrays():
    found = parse()
    np.testing.assert_array_equal(found["x"], np.float32([[1, 2]]))
    assert found["s"] == b"a"


def proto(shape, **fields):
    made = tensor_pb2.TensorProto(dtype=1, **fields)
    for size in shape:
        made.tensor_shape.dim.add(size=size)
    return made


@pytest.mark.parametrize(
    "x, message",
    [
        (np.float64([[1, 2]]), "'x' must be float32. Received: DT_DOUBLE"),
        ([1.0, 2.0], r"shape \[\?, 2\]. Received: \[2\]"),
        ([[1.0]], r"Received: \[1, 1\]"),
        (proto([-1, 2]), r"Received: \[-1, 2\]"),
        (proto([2, 2], tensor_content=b"abc"), "do not fill its shape"),
        (proto([1, 2], float_val=[1, 2, 3]), "do not fill"),
        (proto([10**6, 2], float_val=[1]), "larger than the 1000 bytes"),
        (tensor_pb2.TensorProto(dtype=999), "Received: 999"),
    ],
)
def test_tensors_that_do_not_fit(x, message):
    with pytest.raises(errors.ServingError, match=message):
        parse(x)


def test_names_are_named_but_not_at_length():
    with pytest.raises(errors.ServingError) as caught:
        SIGNATURE.check_names({"y" * 9999: 0})
    assert "missing: s, x" in caught.value.message
    assert len(caught.value.message) < 300


@pytest.mark.parametrize(
    "value, field",
    [
        (np.float32([[1, 2], [3, 4]]), "float_val"),
        (np.array([b"a", b""], object), "string_val"),
        (np.float32(3), "float_val"),
        (np.zeros((0, 17, 2), np.float32), "float_val"),
        # Of other kinds, as TensorFlow has them.
        (np.float16([1.5, 2]), "tensor_content"),
        (np.uint8([1, 255]), "tensor_content"),
        (np.array([True, False]), "bool_val"),
    ],
)
def test_round_trip(value, field):
    made = grpc_service.proto_of(value)
    back = tf.make_ndarray(made)
    assert back.dtype == value.dtype and back.shape == value.shape
    np.testing.assert_array_equal(back, value)
    assert bool(getattr(made, field)) == bool(value.size)
