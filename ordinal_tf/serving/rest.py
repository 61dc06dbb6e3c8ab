"""TF-Serving's REST API, health and metrics, as an ASGI application."""

import asyncio
import contextlib
import json
import re

from starlette import applications, requests, responses, routing

from ordinal_tf.serving import errors, json_tensors, replies
from ordinal_tf.serving.core import pick_signature

_MODEL = re.compile(
    r"/v1/models/(?P<name>[^/:]+)"
    r"(?:/versions/(?P<version>[0-9]+)|/labels/(?P<label>[^/:]+))?"
    r"(?:(?P<metadata>/metadata)|:(?P<verb>[a-z]+))?"
)
_LARGEST_VERSION = 2**63 - 1


def make_app(core, *, timeout_s):
    """The application.

    Args:
        core: `core.Core`.
        timeout_s: float, from the first byte of a request to its answer.

    Returns:
        `starlette.applications.Starlette`.
    """

    async def model(request):
        return await _model(core, request, timeout_s)

    async def healthz(_):
        return responses.PlainTextResponse("ok\n")

    async def readyz(_):
        if core.ready:
            return responses.PlainTextResponse("ready\n")
        why = "draining" if core.draining else "loading"
        return responses.PlainTextResponse(f"{why}\n", status_code=503)

    async def metrics(_):
        page, kind = core.metrics.page(
            pending=core.scheduler.pending, available=core.available
        )
        return responses.Response(page, headers={"content-type": kind})

    async def nothing(request, _):
        return _error(404, f"There is nothing at {_path(request)}.")

    async def wrong_method(request, _):
        return _error(
            405, f"{request.method} does not go with {_path(request)}."
        )

    return applications.Starlette(
        routes=[
            routing.Route("/healthz", healthz),
            routing.Route("/readyz", readyz),
            routing.Route("/metrics", metrics),
            # Where TF-Serving's monitoring.config usually puts it.
            routing.Route("/monitoring/prometheus/metrics", metrics),
            routing.Route(
                "/v1/{rest:path}",
                model,
                methods=["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
            ),
        ],
        exception_handlers={404: nothing, 405: wrong_method},
    )


async def _model(core, request, timeout_s):
    match = _MODEL.fullmatch(request.scope["path"])
    parts = match.groupdict() if match else dict.fromkeys(_MODEL.groupindex)
    verb = parts["verb"]
    if verb:
        # Each name that a client made up would add a series to the metrics.
        method = verb if verb == "predict" else "unknown"
    else:
        method = "metadata" if parts["metadata"] else "status"
    try:
        with core.answer("rest", method, parts["name"]):
            async with asyncio.timeout(timeout_s):
                expected = "POST" if verb else "GET"
                if match is None or request.method != expected:
                    raise errors.invalid(
                        f"Malformed request: {request.method} {_path(request)}"
                    )
                body = await _HANDLERS[method](core, request, parts)
    except errors.ServingError as error:
        return _error(error.http_status, error.message)
    return responses.Response(body, media_type="application/json")


async def _status(core, _, parts):
    versions = core.versions_of(parts["name"])
    with contextlib.ExitStack() as stack:
        number = _number(parts)
        if parts["label"]:
            number = stack.enter_context(
                versions.use(label=parts["label"])
            ).number
        return _pretty(replies.status_json(replies.status(versions, number)))


async def _metadata(core, _, parts):
    name = parts["name"]
    with core.use(name, _number(parts), parts["label"] or "") as version:
        return _pretty(replies.metadata_json(name, version))


async def _predict(core, request, parts):
    number, label = _number(parts), parts["label"] or ""
    with core.use(parts["name"], number, label) as version:
        body = await _body(request, core.limit.body_bytes)
        rows = False

        def read(model):
            nonlocal rows
            asked = json_tensors.read_json(body)
            signature = pick_signature(
                model,
                json_tensors.signature_name(asked),
                errors.CODES.INVALID_ARGUMENT,
            )
            inputs, rows = json_tensors.inputs_from_json(
                asked, signature.inputs
            )
            return signature.name, inputs

        outputs = await _unless_gone(request, core.predict(version, read))
    return json_tensors.json_from_outputs(outputs, rows=rows)


async def _unimplemented(core, request, parts):
    raise errors.ServingError(
        errors.CODES.UNIMPLEMENTED,
        f"This server has no {parts['verb'][:40]}; it predicts, and tells the "
        "status and the metadata of its models.",
    )


_HANDLERS = {
    "status": _status,
    "metadata": _metadata,
    "predict": _predict,
    "unknown": _unimplemented,
}


async def _body(request, most):
    """The request's body.

    Raises:
        errors.ServingError: larger than `most` bytes, or compressed: a
            megabyte can become a thousand; or the client has gone.
    """
    encoding = request.headers.get("content-encoding", "identity")
    if encoding.lower() != "identity":
        raise errors.ServingError(
            errors.CODES.INVALID_ARGUMENT,
            "The body must not be compressed. Received the content encoding "
            f"{encoding[:40]!r}.",
            http_status=415,
        )
    too_large = errors.ServingError(
        errors.CODES.RESOURCE_EXHAUSTED,
        f"The body is larger than the {most} bytes that this server takes.",
        http_status=413,
    )
    length = request.headers.get("content-length", "0")
    if length.isdigit() and int(length) > most:
        raise too_large
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > most:
                raise too_large
    except requests.ClientDisconnect:
        raise _gone() from None
    return bytes(body)


async def _unless_gone(request, coroutine):
    """Result of a coroutine, which is cancelled when the client goes away.

    Raises:
        errors.ServingError: CANCELLED; nobody will read it.
    """
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


def _number(parts):
    if parts["version"] is None:
        return None
    number = int(parts["version"][:30])
    if number > _LARGEST_VERSION:
        raise errors.invalid(
            f"Failed to convert version: {parts['version'][:30]} to numeric."
        )
    return number


def _path(request):
    """The path for a message, as long as it is short."""
    return request.scope["path"][:200]


def _pretty(reply):
    return json.dumps(reply, indent=1).encode()


def _error(status, message):
    return responses.JSONResponse({"error": message}, status_code=status)
