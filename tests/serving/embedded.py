"""A server in a thread of the test's own process."""

import asyncio
import threading

from ordinal_tf.serving import model, server


class Server:
    """Serves a model folder as "tiny" while it is entered.

    Attributes:
        core: `core.Core`, with the server's ports and its model.
    """

    def __init__(self, folder, *, name="tiny", **options):
        self._model = folder, name
        self._options = server.Options(**options)
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._main, daemon=True)
        self._failure = None

    def __enter__(self):
        self._thread.start()
        assert self._ready.wait(60)
        if self._failure:
            raise self._failure
        self.rest_port = self.core.rest_port
        self.grpc_port = self.core.grpc_port
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Drains and stops; may be called again."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(60)
            assert not self._thread.is_alive()

    def _main(self):
        try:
            asyncio.run(self._serve())
        except Exception as error:
            self._failure = error
            self._ready.set()

    async def _serve(self):
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        loaded = model.load(*self._model, threads=1)
        async with server.serve(loaded, self._options) as self.core:
            self._ready.set()
            await self._stop.wait()
