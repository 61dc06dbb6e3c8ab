"""A local server with TF-Serving's own face, embedded in a process.

    with server.Server([served], server.Options()) as running:
        print(running.rest_port, running.grpc_port)

gRPC and REST share one event loop, which has a thread to itself; the model
runs in threads of its own.
"""

import asyncio
import concurrent.futures
import dataclasses
import logging
import os
import socket
import threading

from ordinal_tf.serving import core, grpc_service, http_server, rest
from ordinal_tf.serving.limits import Limits
from ordinal_tf.serving.scheduler import Policy

_LOG = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Options:
    """How a server runs.

    Attributes:
        host: str, address to listen on. There is no authentication: leave
            loopback only behind something that has.
        grpc_port: int, 0 for a free one.
        rest_port: int, 0 for a free one.
        policy: `scheduler.Policy`.
        limit: `limits.Limits`.
        timeout_s: float, for a REST request from its first byte to its
            answer; a gRPC client brings its own.
        poll_s: float, between two looks for new versions.
        drain_s: float, how long requests may take after `stop`.
        connections: int, of REST clients at the same time.
        threads: int, as `model.load` takes it.
        config_file: path of the `models.config` that the models came from.
    """

    host: str = "127.0.0.1"
    grpc_port: int = 0
    rest_port: int = 0
    policy: Policy = Policy()
    limit: Limits = Limits()
    timeout_s: float = 30.0
    poll_s: float = 1.0
    drain_s: float = 30.0
    connections: int = 512
    threads: int = 0
    config_file: str | os.PathLike | None = None


class Server:
    """Starts when entered, and drains and stops when left.

    Args:
        served: list of `config.Served`.
        options: `Options`.

    Attributes:
        grpc_port, rest_port: int, where it listens.
        core: `core.Core`.
    """

    def __init__(self, served, options):
        self._served = served
        self._options = options
        self._stopping = None
        self._started = concurrent.futures.Future()
        self._thread = threading.Thread(
            target=self._main, name="serving", daemon=True
        )

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        """Listens, and returns when every model has a version that answers.

        Raises:
            ValueError: a model has no version, or its versions cannot be
                loaded.
            OSError: a port is taken.
        """
        self._thread.start()
        try:
            self._started.result()
        except BaseException:
            self._thread.join()
            raise

    def stop(self):
        """Refuses new requests, answers those under way, frees everything.

        May be called again, and from any thread.
        """
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()

    def _main(self):
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            if self._started.done():
                _LOG.exception("The server ended.")
            else:
                self._started.set_exception(error)

    async def _serve(self):
        options = self._options
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        self.core = core.Core(
            self._served,
            config_file=options.config_file,
            policy=options.policy,
            limit=options.limit,
            threads=options.threads,
        )
        sock = _listen(options.host, options.rest_port)
        self.rest_port = sock.getsockname()[1]
        grpc_server = grpc_service.make_server(
            self.core,
            max_bytes=options.limit.body_bytes,
            max_calls=2 * options.policy.queue,
        )
        try:
            self.grpc_port = grpc_server.add_insecure_port(
                _address(options.host, options.grpc_port)
            )
        except RuntimeError as error:
            sock.close()
            raise OSError(
                f"Port {options.grpc_port} of {options.host} cannot be "
                "listened on; is another server running?"
            ) from error
        web = http_server.make_server(
            rest.make_app(self.core, timeout_s=options.timeout_s),
            max_connections=options.connections,
            drain_s=options.drain_s,
        )
        await grpc_server.start()
        web_task = asyncio.create_task(web.serve(sockets=[sock]))
        poller = asyncio.create_task(self._poll())
        try:
            await self._stopping.wait()
        finally:
            self.core.draining = True
            web.should_exit = True
            poller.cancel()
            await grpc_server.stop(options.drain_s)
            await web_task
            await asyncio.gather(poller, return_exceptions=True)
            await self.core.close()

    async def _poll(self):
        while True:
            try:
                await self.core.poll()
            except Exception:
                _LOG.exception("Looking for versions failed.")
            if not self._started.done():
                self._report_start()
            await asyncio.sleep(self._options.poll_s)

    def _report_start(self):
        for name, model in self.core.models.items():
            if model.available:
                continue
            failed = [version.error for version in model.all if version.error]
            if failed:
                self._fail(ValueError(failed[0]))
                return
            if not model.all:
                self._fail(
                    ValueError(
                        f"{model.served.folder} holds no version of {name!r}: "
                        "it must have folders such as 1, each a SavedModel."
                    )
                )
                return
        if self.core.ready:
            self._started.set_result(None)

    def _fail(self, error):
        self._started.set_exception(error)
        self._stopping.set()


def _listen(host, port):
    """A listening socket for the REST server."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With its protocol named, or asyncio will not turn off Nagle's delay.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise OSError(
            f"Port {port} of {host} cannot be listened on: {error.strerror}."
        ) from error
    return sock


def _address(host, port):
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
