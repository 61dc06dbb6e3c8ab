"""TF-Serving's gRPC services, on its published messages."""

import functools
import math

import grpc
import tensorflow as tf
from google.protobuf import message, message_factory
from tensorflow.core.framework import types_pb2
from tensorflow_serving.apis import (
    model_service_pb2,
    predict_pb2,
    prediction_service_pb2,
)

from ordinal_tf.serving import errors

_LABELS = {  # In the metrics.
    "Predict": "predict",
    "GetModelMetadata": "metadata",
    "GetModelStatus": "status",
}
_OPTIONS = [
    # Without this a second server could share the port unnoticed.
    ("grpc.so_reuseport", 0),
    # Clients that have gone without a word, or never say one.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.server_handshake_timeout_ms", 20_000),
]


def make_server(core):
    """`grpc.aio.Server` of a `core.Core`, without a port, not started."""
    most = ("grpc.max_receive_message_length", core.options.body_bytes)
    # Some more than the queue takes, which it refuses in its words.
    calls = 2 * core.options.queue
    server = grpc.aio.server(
        options=[*_OPTIONS, most], maximum_concurrent_rpcs=calls
    )
    for file in (prediction_service_pb2, model_service_pb2):
        for service in file.DESCRIPTOR.services_by_name.values():
            handlers = {m.name: _handler(core, m) for m in service.methods}
            server.add_registered_method_handlers(service.full_name, handlers)
    return server


def _handler(core, method):
    return grpc.unary_unary_rpc_method_handler(
        functools.partial(_answer, core, method),
        response_serializer=lambda reply: reply.SerializeToString(),
    )


async def _answer(core, method, data, context):
    """Reply to the bytes of a message; gRPC would call bad ones UNKNOWN."""
    label = _LABELS.get(method.name, "unknown")
    try:
        with core.answer("grpc", label):
            if label == "unknown":
                raise errors.unimplemented(method.name)
            kind = message_factory.GetMessageClass(method.input_type)
            try:
                request = kind.FromString(data)
            except message.DecodeError:
                said = "The request is no message of this method."
                raise errors.invalid(said) from None
            if not request.HasField("model_spec"):
                raise errors.invalid("Missing ModelSpec.")
            if label == "predict":
                return await _predict(core, request)
            return getattr(core, label)(request)
    except errors.ServingError as error:
        await context.abort(error.code, error.message)


async def _predict(core, request):
    core.check_asked(request.model_spec)
    signature = core.signature(request.model_spec.signature_name)
    wanted = set(request.output_filter) or set(signature.outputs)
    unknown = sorted(wanted - set(signature.outputs))
    if unknown:
        said = f"The signature has no output {errors.short(unknown[0])!r}; "
        known = ", ".join(sorted(signature.outputs))
        raise errors.invalid(f"{said}there are: {known}.")

    def read():
        most = core.options.body_bytes
        return signature, inputs_from_protos(request, signature, most), None

    with core.admit():
        outputs, _ = await core.predict(read)
    reply = predict_pb2.PredictResponse(model_spec=core.spec)
    reply.model_spec.signature_name = signature.name
    for name in wanted:
        reply.outputs[name].CopyFrom(proto_of(outputs[name]))
    return reply


def inputs_from_protos(request, signature, most):
    """dict of the arrays of a `PredictRequest`, those of strings of objects.

    Raises `errors.ServingError`: another name, dtype or shape than a
    `model.Signature` has, values that do not fill the shape, or more than
    `most` bytes: a few of a request can ask for an array of any size.
    """
    signature.check_names(request.inputs)
    arrays = {}
    for name, proto in request.inputs.items():
        dtype, got = signature.inputs[name].dtype, proto.dtype
        if got != dtype.as_datatype_enum:
            if got in types_pb2.DataType.values():
                got = types_pb2.DataType.Name(got)
            said = f"The input {name!r} must be {dtype.name}. Received: "
            raise errors.invalid(f"{said}{got}.")
        shape = [dim.size for dim in proto.tensor_shape.dim]
        signature.check_shape(name, shape)
        if math.prod(shape) * max(dtype.size or 1, 1) > most:
            said = f"The input {name!r} is larger than the {most} bytes that "
            raise errors.too_much(f"{said}this server takes. Shape: {shape}.")
        try:
            arrays[name] = tf.make_ndarray(proto)
        # Values of another count or kind raise whatever they hit.
        except Exception:
            said = f"The values of the input {name!r} do not fill its shape "
            raise errors.invalid(f"{said}{shape}.") from None
    return arrays


def proto_of(value):
    """`TensorProto` of an array."""
    proto = tf.make_tensor_proto(value)
    if proto.dtype == types_pb2.DT_FLOAT and proto.tensor_content:
        # Where TF-Serving puts them; some clients read nothing else.
        proto.ClearField("tensor_content")
        proto.float_val.extend(value.ravel().tolist())
    return proto
