"""TF-Serving's gRPC services, on its published stubs."""

import grpc
from google.protobuf import message
from tensorflow_serving.apis import (
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from ordinal_tf.serving import errors, replies, tensors
from ordinal_tf.serving.core import pick_signature

_METADATA_FIELD = "signature_def"


def make_server(core, *, max_bytes, max_calls):
    """A server with both services; the caller adds the port and starts it.

    Args:
        core: `core.Core`.
        max_bytes: int, of one message in either direction.
        max_calls: int, at the same time; gRPC itself refuses more.

    Returns:
        `grpc.aio.Server`.
    """
    server = grpc.aio.server(
        interceptors=[_Malformed()],
        maximum_concurrent_rpcs=max_calls,
        options=[
            ("grpc.max_receive_message_length", max_bytes),
            # Without this a second server could share the port unnoticed.
            ("grpc.so_reuseport", 0),
            # Clients that have gone without a word, or never say one.
            ("grpc.keepalive_time_ms", 60_000),
            ("grpc.server_handshake_timeout_ms", 20_000),
        ],
    )
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        _Prediction(core, max_bytes), server
    )
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(
        _Models(core), server
    )
    return server


class _Prediction(prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self, core, max_bytes):
        self._core = core
        self._max_bytes = max_bytes

    async def Predict(self, request, context):
        return await _answer(
            self._core, context, "predict", request, self._predict
        )

    async def _predict(self, request):
        spec = _spec(request)
        with self._core.use(*_which(spec)) as version:
            signature = pick_signature(
                version.model,
                spec.signature_name,
                errors.CODES.FAILED_PRECONDITION,
            )
            wanted = _wanted(request.output_filter, signature)

            def read(_):
                return signature.name, tensors.inputs_from_protos(
                    request.inputs,
                    signature.inputs,
                    max_bytes=self._max_bytes,
                )

            outputs = await self._core.predict(version, read)
            reply = predict_pb2.PredictResponse()
            reply.model_spec.name = spec.name
            reply.model_spec.version.value = version.number
            reply.model_spec.signature_name = signature.name
        for name in wanted:
            reply.outputs[name].CopyFrom(tensors.proto_of(outputs[name]))
        return reply

    async def GetModelMetadata(self, request, context):
        return await _answer(
            self._core, context, "metadata", request, self._metadata
        )

    async def _metadata(self, request):
        spec = _spec(request)
        fields = list(request.metadata_field)
        if set(fields) != {_METADATA_FIELD}:
            raise errors.invalid(
                f'`metadata_field` must be "{_METADATA_FIELD}". Received: '
                f"{tensors.short(fields)}."
            )
        with self._core.use(*_which(spec)) as version:
            return replies.metadata(spec.name, version)

    async def Classify(self, request, context):
        await _unimplemented(context, "Classify")

    async def Regress(self, request, context):
        await _unimplemented(context, "Regress")

    async def MultiInference(self, request, context):
        await _unimplemented(context, "MultiInference")


class _Models(model_service_pb2_grpc.ModelServiceServicer):
    def __init__(self, core):
        self._core = core

    async def GetModelStatus(self, request, context):
        return await _answer(
            self._core, context, "status", request, self._status
        )

    async def _status(self, request):
        spec = _spec(request)
        versions = self._core.versions_of(spec.name)
        number = spec.version.value if spec.HasField("version") else None
        return replies.status(versions, number)

    async def HandleReloadConfigRequest(self, request, context):
        await _unimplemented(context, "HandleReloadConfigRequest")


class _Malformed(grpc.aio.ServerInterceptor):
    """Answers messages that cannot be parsed; gRPC would call them UNKNOWN."""

    async def intercept_service(self, continuation, details):
        handler = await continuation(details)
        if handler is None or handler.unary_unary is None:
            return handler

        def parse(data):
            try:
                return handler.request_deserializer(data)
            except message.DecodeError:
                return None

        async def call(request, context):
            if request is None:
                await context.abort(
                    errors.CODES.INVALID_ARGUMENT,
                    "The request is no message of this method.",
                )
            return await handler.unary_unary(request, context)

        return grpc.unary_unary_rpc_method_handler(
            call, parse, handler.response_serializer
        )


async def _answer(core, context, method, request, function):
    """Result of a coroutine function of the request, or its error's code."""
    name = request.model_spec.name
    try:
        with core.answer("grpc", method, name):
            return await function(request)
    except errors.ServingError as error:
        await context.abort(error.code, error.message)


async def _unimplemented(context, method):
    await context.abort(
        errors.CODES.UNIMPLEMENTED,
        f"This server has no {method}; it predicts, and tells the status and "
        "the metadata of its models.",
    )


def _spec(request):
    if not request.HasField("model_spec"):
        raise errors.invalid("Missing ModelSpec.")
    return request.model_spec


def _which(spec):
    number = spec.version.value if spec.HasField("version") else None
    return spec.name, number, spec.version_label


def _wanted(names, signature):
    """Names of the outputs to send; all where the request names none."""
    unknown = sorted(set(names) - set(signature.outputs))
    if unknown:
        raise errors.invalid(
            f"The signature has no output {tensors.short(unknown[0])!r}; "
            f"there are: {', '.join(sorted(signature.outputs))}."
        )
    return set(names) or set(signature.outputs)
