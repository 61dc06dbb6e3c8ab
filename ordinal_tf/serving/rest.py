"""TF-Serving's REST API, health and metrics, as an ASGI application."""

import asyncio
import functools
import json
import re
import zlib

import prometheus_client
from google.protobuf import json_format
from starlette import applications, exceptions, requests, responses, routing
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_pb2,
)

from ordinal_tf.serving import errors, json_tensors
from ordinal_tf.serving.core import SIGNATURES

_MODEL = re.compile(
    r"/v1/models/(?P<name>[^/:]+)"
    r"(?:/versions/(?P<version>[0-9]{1,18})|/labels/(?P<label>[^/:]+))?"
    r"(?:(?P<metadata>/metadata)|:(?P<verb>[a-z]+))?"
)
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def make_app(core):
    """`starlette.applications.Starlette` of a `core.Core`."""

    async def health(_):
        return responses.PlainTextResponse("ok\n")

    async def metrics(_):
        kind = prometheus_client.CONTENT_TYPE_PLAIN_0_0_4
        page = prometheus_client.generate_latest(core.registry)
        return responses.Response(page, headers={"content-type": kind})

    async def nothing(request, error):
        said = f"{error.detail}: {request.method} {_path(request)}"
        return _error(error.status_code, said)

    return applications.Starlette(
        routes=[
            routing.Route("/healthz", health),
            # The model is loaded before anybody is listened to.
            routing.Route("/readyz", health),
            routing.Route("/metrics", metrics),
            # Where TF-Serving's monitoring.config usually puts it.
            routing.Route("/monitoring/prometheus/metrics", metrics),
            routing.Route(
                "/v1/{rest:path}",
                functools.partial(_model, core),
                methods=_METHODS,
            ),
        ],
        exception_handlers={exceptions.HTTPException: nothing},
    )


async def _model(core, request):
    match = _MODEL.fullmatch(request.scope["path"])
    parts = match.groupdict() if match else dict.fromkeys(_MODEL.groupindex)
    verb = parts["verb"]
    # Each name that a client made up would add a series to the metrics.
    method = "unknown" if verb and verb != "predict" else verb
    method = method or ("metadata" if parts["metadata"] else "status")
    try:
        with core.answer("rest", method):
            async with asyncio.timeout(core.options.timeout_s):
                if not match or request.method != ("POST" if verb else "GET"):
                    raise errors.invalid(
                        f"Malformed request: {request.method} {_path(request)}"
                    )
                spec = model_pb2.ModelSpec(name=parts["name"])
                if parts["version"]:
                    spec.version.value = int(parts["version"])
                if parts["label"]:
                    spec.version_label = parts["label"]
                if method == "unknown":
                    raise errors.unimplemented(verb[:40])
                if method == "predict":
                    body = await _predict(core, request, spec)
                else:
                    body = _about(core, method, spec)
    except errors.ServingError as error:
        return _error(error.http_status, error.message)
    return responses.Response(body, media_type="application/json")


def _about(core, method, spec):
    """bytes of the status or the metadata."""
    if method == "status":
        asked = get_model_status_pb2.GetModelStatusRequest(model_spec=spec)
        if spec.version_label:
            core.check_asked(spec)
        reply = core.status(asked)
    else:
        asked = get_model_metadata_pb2.GetModelMetadataRequest(
            model_spec=spec, metadata_field=[SIGNATURES]
        )
        reply = core.metadata(asked)
    found = json_format.MessageToDict(
        reply,
        preserving_proto_field_name=True,
        always_print_fields_with_no_presence=True,
    )
    for packed in found.get("metadata", {}).values():
        del packed["@type"]
    return json.dumps(found, indent=1).encode()


async def _predict(core, request, spec):
    core.check_asked(spec)
    rows = []
    with core.admit():
        body = await _body(request, core.options.body_bytes)
        read = functools.partial(_read, core, body, rows)
        del body  # What has been parsed goes, for as long as others run.
        outputs = await _unless_gone(request, core.predict(read))
    return json_tensors.json_from_outputs(outputs, rows=rows[0])


def _read(core, body, rows):
    """Signature and inputs of a body; appends to `rows` whether in rows."""
    try:
        asked, name = json_tensors.read_json(body)
        signature = core.signature(name)
        inputs, in_rows = json_tensors.inputs_from_json(asked, signature.inputs)
    except RecursionError:
        raise errors.invalid("The JSON is nested too deeply.") from None
    rows.append(in_rows)
    return signature, inputs


async def _body(request, most):
    """The request's body, decompressed.

    Raises:
        errors.ServingError: larger than `most` bytes, before or after: a
            megabyte can become a thousand; compressed otherwise than by gzip,
            or damaged; or the client has gone.
    """
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding not in ("identity", "gzip"):
        raise errors.ServingError(
            errors.CODES.INVALID_ARGUMENT,
            f"A body may be compressed by gzip, not by {encoding[:40]!r}.",
            http_status=415,
        )
    gzip = zlib.decompressobj(16 + zlib.MAX_WBITS)  # 16: a header of gzip's.
    body, came = bytearray(), 0
    try:
        async for chunk in request.stream():
            came += len(chunk)
            if encoding == "gzip":
                # One byte too many shows that there is more.
                chunk = gzip.decompress(chunk, most + 1 - len(body))
            body += chunk
            if max(came, len(body)) > most:
                raise errors.ServingError(
                    errors.CODES.RESOURCE_EXHAUSTED,
                    f"The body is larger than the {most} bytes that this "
                    "server takes.",
                    http_status=413,
                )
    except requests.ClientDisconnect:
        raise _gone() from None
    except zlib.error:
        raise errors.invalid("The body's gzip is damaged.") from None
    if encoding == "gzip" and (not gzip.eof or gzip.unused_data):
        raise errors.invalid("The body's gzip is cut off, or more follows.")
    return bytes(body)


async def _unless_gone(request, coroutine):
    """Result of a coroutine; CANCELLED when the client has gone meanwhile."""
    work = asyncio.ensure_future(coroutine)
    # Once the body has been read, the next message is the disconnection.
    gone = asyncio.ensure_future(request.receive())
    try:
        await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            return work.result()
        raise _gone()
    finally:
        work.cancel()
        gone.cancel()


def _gone():
    return errors.ServingError(errors.CODES.CANCELLED, "The client has gone.")


def _path(request):
    """The path for a message, as long as it is short."""
    return request.scope["path"][:200]


def _error(status, message):
    headers = {"retry-after": "1"} if status == 429 else None
    return responses.JSONResponse({"error": message}, status, headers)
