"""An application of pages: limits, errors in one sentence, and its server."""

import asyncio
import contextlib
import json
import pathlib
import signal
import socket

import uvicorn
from starlette import applications, middleware, responses, routing, staticfiles
from starlette.middleware import trustedhost

from ordinal_tf.annotation import project

STATIC = pathlib.Path(__file__).resolve().parent / "static"
LOOPBACK = ("127.0.0.1", "localhost")
JSON_BYTES = 64 * 1024
# Nothing but our own files runs in a page, and no other page frames it.
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob: "
    "data:; media-src 'self' blob:; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class TooLarge(ValueError):
    """A request's body is larger than it may be."""


def make_app(page, routes, *, host):
    """A page with its routes.

    Args:
        page: str, the file of `static/` that `/` shows.
        routes: list of `starlette.routing.Route`.
        host: str, the address that it will listen on. On loopback, requests
            that came for another name are refused: some other page's script
            may have led the browser here.
    """

    async def index(request):
        return responses.FileResponse(STATIC / page)

    own = [
        routing.Route("/", index),
        routing.Mount("/static", staticfiles.StaticFiles(directory=STATIC)),
    ]
    hosts = list(LOOPBACK) if host in LOOPBACK else ["*"]
    return applications.Starlette(
        routes=[*own, *routes],
        middleware=[
            middleware.Middleware(
                trustedhost.TrustedHostMiddleware, allowed_hosts=hosts
            ),
            middleware.Middleware(_WithHeaders),
        ],
        exception_handlers={
            TooLarge: _answer(413),
            project.Conflict: _answer(409),
            ValueError: _answer(400),
            OSError: _answer(500),
        },
    )


async def read_body(request, most, kind):
    """The bytes of a request.

    Args:
        request: `starlette.requests.Request`.
        most: int, bytes; reading stops there, with `TooLarge`.
        kind: its content type, or it is a `ValueError`. Browsers ask first
            before they let another site's page send one of those that the
            callers name.
    """
    if request.headers.get("content-type", "").partition(";")[0] != kind:
        raise ValueError(f"The content type must be {kind}.")
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > most:
            raise TooLarge(
                f"That is more than {most / 2**20:.3g} MB, the most that is "
                "taken."
            )
    return bytes(data)


async def read_json(request, *keys):
    """Values of a JSON object's keys; `ValueError` where one is missing."""
    data = await read_body(request, JSON_BYTES, "application/json")
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"That is not JSON: {error}.") from error
    if not isinstance(content, dict) or not set(keys) <= set(content):
        raise ValueError(f"A JSON object with {', '.join(keys)} is needed.")
    return [content[key] for key in keys]


def run(app, *, host, port, ready):
    """Serves until SIGINT or SIGTERM; answers what it has begun to.

    Args:
        app: ASGI application.
        host, port: where; port 0 for a free one, `OSError` for a taken one.
        ready: function of the address as a str, called when it listens.
    """
    with listen(host, port) as sock:
        server = make_server(app)
        before = {
            number: signal.signal(number, lambda *_: _stop(server))
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        ready(f"http://{host}:{sock.getsockname()[1]}/")
        try:
            asyncio.run(server.serve(sockets=[sock]))
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def listen(host, port):
    """A listening socket; `OSError` in one sentence where that fails."""
    try:
        return socket.create_server((host, port))
    except OSError as error:
        raise OSError(
            f"Port {port} of {host} cannot be listened on; is another server "
            "running? --port=0 takes a free one."
        ) from error


def make_server(app, **limits):
    """A `uvicorn.Server` that leaves signals alone, for `uvicorn.Config`."""
    limits = {"limit_concurrency": 64, "timeout_graceful_shutdown": 10} | limits
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            **limits,
        )
    )
    # Its own handling would end the process before the caller has cleaned up.
    server.capture_signals = contextlib.nullcontext
    return server


def _stop(server):
    server.should_exit = True


def _answer(status):
    async def handler(request, error):
        text = " ".join(str(error).split()) or type(error).__name__
        return responses.JSONResponse({"error": text}, status)

    return handler


class _WithHeaders:
    """Adds `_HEADERS` to every reply."""

    def __init__(self, app):
        self._app = app

    async def __call__(self, scope, receive, send):
        async def sending(message):
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message["headers"],
                    *((k.encode(), v.encode()) for k, v in _HEADERS.items()),
                ]
            await send(message)

        await self._app(scope, receive, sending)
