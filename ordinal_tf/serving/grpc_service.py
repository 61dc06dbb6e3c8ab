"""TF-Serving's gRPC services, on its published messages."""

import functools

import grpc
from google.protobuf import message, message_factory
from tensorflow_serving.apis import (
    model_service_pb2,
    predict_pb2,
    prediction_service_pb2,
)

from ordinal_tf.serving import errors, tensors

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
    server = grpc.aio.server(
        # Some more than the queue takes, which it refuses in its words.
        maximum_concurrent_rpcs=2 * core.options.queue,
        options=[*_OPTIONS, most],
    )
    for file in (prediction_service_pb2, model_service_pb2):
        for service in file.DESCRIPTOR.services_by_name.values():
            handlers = {
                method.name: grpc.unary_unary_rpc_method_handler(
                    functools.partial(_answer, core, method),
                    response_serializer=lambda reply: reply.SerializeToString(),
                )
                for method in service.methods
            }
            server.add_registered_method_handlers(service.full_name, handlers)
    return server


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
                raise errors.invalid(
                    "The request is no message of this method."
                ) from None
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
        raise errors.invalid(
            f"The signature has no output {errors.short(unknown[0])!r}; "
            f"there are: {', '.join(sorted(signature.outputs))}."
        )

    def read():
        return signature, tensors.inputs_from_protos(
            request.inputs, signature.inputs, max_bytes=core.options.body_bytes
        )

    with core.admit():
        outputs = await core.predict(read)
    reply = predict_pb2.PredictResponse(model_spec=core.spec)
    reply.model_spec.signature_name = signature.name
    for name in wanted:
        reply.outputs[name].CopyFrom(tensors.proto_of(outputs[name]))
    return reply


_LABELS = {  # In the metrics.
    "Predict": "predict",
    "GetModelMetadata": "metadata",
    "GetModelStatus": "status",
}
