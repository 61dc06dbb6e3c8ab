"""TF-Serving's REST API, health and metrics, as an ASGI application."""

import asyncio
import functools
import json
import re
import zlib

import prometheus_client
from google.protobuf import json_format
from starlette import applications, exceptions, requests, responses, routing
from tensorflow_serving.apis import get_model_metadata_pb2 as metadata_pb2
from tensorflow_serving.apis import get_model_status_pb2 as status_pb2
from tensorflow_serving.apis import model_pb2

from ordinal_tf.serving import errors, json_tensors
from ordinal_tf.serving.core import SIGNATURES

_MODEL = re.compile(
    r"/v1/models/(?P<name>[^/:]+)"
    r"(?:/versions/(?P<version>[0-9]{1,18})|/labels/(?P<label>[^/:]+))?"
    r"(?:(?P<metadata>/metadata)|:(?P<verb>[a-z]+))?"
)


def make_app(core):
    """`starlette.applications.Starlette` of a `core.Core`."""

    every = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

    async def health(_):
        return responses.PlainTextResponse("ok\n")

    async def metrics(_):
        kind = prometheus_client.CONTENT_TYPE_PLAIN_0_0_4
        page = prometheus_client.generate_latest(core.registry)
        return responses.Response(page, headers={"content-type": kind})

    async def model(request):
        return await _model(request, core)

    async def nothing(request, error):
        return _error(error.status_code, f"{error.detail}: {_asked(request)}")

    return applications.Starlette(
        routes=[
            routing.Route("/healthz", health),
            # The model is loaded before anybody is listened to.
            routing.Route("/readyz", health),
            routing.Route("/metrics", metrics),
            # Where TF-Serving's monitoring.config usually puts it.
            routing.Route("/monitoring/prometheus/metrics", metrics),
            routing.Route("/v1/{rest:path}", model, methods=every),
        ],
        exception_handlers={exceptions.HTTPException: nothing},
    )


async def _model(request, core):
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
                    said = f"Malformed request: {_asked(request)}"
                    raise errors.invalid(said)
                spec = model_pb2.ModelSpec(
                    name=parts["name"], version_label=parts["label"]
                )
                if parts["version"]:
                    spec.version.value = int(parts["version"])
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
        reply = core.status(status_pb2.GetModelStatusRequest(model_spec=spec))
    else:
        asked = metadata_pb2.GetModelMetadataRequest(
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
    with core.admit():
        body = await _body(request, core.options.body_bytes)
        read = functools.partial(json_tensors.read, body, core.signature)
        work = core.predict(read)
        del body, read  # Once parsed they go, for as long as others run.
        outputs, rows = await _unless_gone(request, work)
    return json_tensors.json_from_outputs(outputs, rows=rows)


async def _body(request, most):
    """The request's body, decompressed.

    Raises `errors.ServingError`: larger than `most` bytes, before or after (a
    megabyte can become a thousand), not gzip, damaged, or the client left.
    """
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding not in ("identity", "gzip"):
        code = errors.CODES.INVALID_ARGUMENT
        said = f"A body may be compressed by gzip, not by {encoding[:40]!r}."
        raise errors.ServingError(code, said, http_status=415)
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
                said = f"The body is larger than the {most} bytes "
                said += "that this server takes."
                raise errors.too_much(said, http_status=413)
    except requests.ClientDisconnect:
        raise _gone() from None
    except zlib.error:
        raise errors.invalid("The body's gzip is damaged.") from None
    if encoding == "gzip" and (not gzip.eof or gzip.unused_data):
        raise errors.invalid("The body's gzip is cut off, or more follows.")
    return bytes(body)


async def _unless_gone(request, coroutine):
    """Result of a coroutine, or CANCELLED when the client has gone before."""
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


def _asked(request):
    return f"{request.method} {request.scope['path'][:200]}"


def _error(status, message):
    headers = {"retry-after": "1"} if status == 429 else None
    return responses.JSONResponse({"error": message}, status, headers)
