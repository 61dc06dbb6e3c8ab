"""The HTTP server: uvicorn, on a socket of ours, under a time limit."""

import h11
import uvicorn
from uvicorn.protocols.http import h11_impl

# A connection on which no request begins for so long is closed.
_IDLE_S = 60.0


def make_server(app, *, max_connections, drain_s, idle_s=_IDLE_S):
    """A uvicorn server; `await server.serve(sockets=[...])` runs it.

    Args:
        app: ASGI application.
        max_connections: int; more are answered with 503.
        drain_s: float, how long requests may take once it is told to stop.
        idle_s: float, how long a connection may take to begin a request.

    Returns:
        `uvicorn.Server`; `should_exit = True` stops it.
    """

    class Protocol(h11_impl.H11Protocol):
        """Closes connections on which nothing, or half a header, comes.

        uvicorn's own limit counts from the end of a reply alone, so that a
        client which never says anything would stay for good.
        """

        _timer = None

        def connection_made(self, transport):
            super().connection_made(transport)
            self._watch()

        def connection_lost(self, exc):
            super().connection_lost(exc)
            self._stop()

        def data_received(self, data):
            super().data_received(data)
            self._watch()

        def on_response_complete(self):
            super().on_response_complete()
            self._watch()

        def _watch(self):
            if self.conn.their_state is not h11.IDLE:
                self._stop()
            elif self._timer is None and not self.transport.is_closing():
                self._timer = self.loop.call_later(idle_s, self._give_up)

        def _stop(self):
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

        def _give_up(self):
            self._timer = None
            self.transport.close()

    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=Protocol,
            ws="none",
            lifespan="off",
            loop="asyncio",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            limit_concurrency=max_connections,
            timeout_keep_alive=round(idle_s) or 1,
            timeout_graceful_shutdown=round(drain_s) or 1,
        )
    )
