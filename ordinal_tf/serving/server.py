"""A local server with TF-Serving's own face, on one event loop.

async with serve(model.load(folder, "lite"), Options()) as serving:
    print(serving.rest_port, serving.grpc_port)
    await asyncio.Event().wait()
"""

import asyncio
import contextlib
import dataclasses
import socket

import h11

from ordinal_tf.serving import core, grpc_service, rest
from ordinal_tf.web import pages


@dataclasses.dataclass(frozen=True)
class Options:
    """How a server runs, and what one request may take."""

    # There is no authentication: leave loopback only behind what has some.
    host: str = "127.0.0.1"
    grpc_port: int = 0  # 0 for a free one.
    rest_port: int = 0
    runs: int = 2  # Of the model at the same time.
    queue: int = 32  # Requests, waiting or running; more come back later.
    body_bytes: int = 16 * 2**20  # Base64 and JSON count too.
    pixels: int = 40_000_000  # Of a picture once decoded.
    rows: int = 64  # Crops or pictures, and people in all of them.
    # Of a REST request, first byte to answer; a gRPC client brings its own.
    timeout_s: float = 30.0
    drain_s: float = 30.0  # For requests when the server is told to stop.
    connections: int = 512  # Of REST clients at the same time.
    idle_s: float = 60.0  # Of a REST connection until a request has begun.


@contextlib.asynccontextmanager
async def serve(model, options):
    """Serves a `model.Model` for the time of the context; frees it after.

    Yields the `core.Core`, with its ports. The end of the context refuses new
    requests and answers those under way. Raises `OSError` for a taken port.
    """
    async with contextlib.AsyncExitStack() as stack:
        serving = core.Core(model, options)
        stack.push_async_callback(serving.close)
        calls = grpc_service.make_server(serving)
        host, six = options.host, ":" in options.host
        family = socket.AF_INET6 if six else socket.AF_INET
        # With its protocol named, or asyncio will not turn off Nagle's delay.
        sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        stack.enter_context(sock)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        port, address = options.rest_port, f"[{host}]" if six else host
        try:
            sock.bind((host, port))
            port = options.grpc_port
            serving.grpc_port = calls.add_insecure_port(f"{address}:{port}")
        except (OSError, RuntimeError) as error:
            said = f"Port {port} of {host} cannot be listened on; is another "
            raise OSError(said + "server running?") from error
        serving.rest_port = sock.getsockname()[1]
        web = pages.make_server(
            rest.make_app(serving),
            limit_concurrency=options.connections,
            timeout_keep_alive=round(options.idle_s) or 1,
            timeout_graceful_shutdown=round(options.drain_s) or 1,
        )
        await calls.start()
        task = asyncio.create_task(web.serve(sockets=[sock]))
        sweeper = asyncio.create_task(_close_idle(web, options.idle_s))
        try:
            while not (web.started or task.done()):
                await asyncio.sleep(0.01)
            yield serving
        finally:
            sweeper.cancel()
            web.should_exit = True
            await asyncio.gather(calls.stop(options.drain_s), task)


async def _close_idle(web, idle_s):
    """Closes connections on which no request begins; uvicorn's limit counts
    from the end of a reply alone."""
    before = {}
    while await asyncio.sleep(idle_s / 2, True):
        here = web.server_state.connections
        # A new request is a new cycle.
        now = {c: c.cycle for c in here if c.conn.their_state is h11.IDLE}
        for connection, cycle in now.items():
            if before.get(connection, web) is cycle:
                connection.transport.close()
        before = now
