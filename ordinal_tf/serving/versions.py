"""The versions of one model: found on disk, loaded, swapped, let go.

Versions are numbered folders below the model's own. A new one is loaded and
warmed up while the old one serves on; the old one goes when its last request
has been answered. All methods belong to one event loop.
"""

import asyncio
import contextlib
import dataclasses
import enum
import logging
import os
import pathlib
import re
import time

from ordinal_tf.serving import errors, model, warmup

_LOG = logging.getLogger(__name__)
# A folder that changed less than this ago may still be being copied.
_SETTLE_S = 2.0
_REMEMBERED = 20


class State(enum.Enum):
    """As TF-Serving names them, with its numbers."""

    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50


class Version:
    """One version: its state and, while it is loaded, its model.

    Attributes:
        number: int.
        state: `State`.
        error: str, why it could not be loaded; "" where nothing failed.
        model: `model.Model`; None unless loaded.
    """

    def __init__(self, number):
        self.number = number
        self.state = State.START
        self.error = ""
        self.model = None
        self.snapshot = None
        self._users = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def hold(self):
        """Keeps the version loaded until the matching `release`."""
        self._users += 1
        self._idle.clear()

    def release(self):
        self._users -= 1
        if not self._users:
            self._idle.set()

    def unload(self):
        """Takes the version out of service at once.

        Returns:
            coroutine that frees the model when nobody uses it any more.
        """
        self.state = State.UNLOADING
        return self._free()

    async def _free(self):
        await self._idle.wait()
        loaded, self.model = self.model, None
        await asyncio.to_thread(loaded.close)
        self.state = State.END


class Versions:
    """The versions of one model.

    Args:
        served: `config.Served`.
        threads: int, as `model.load` takes it.

    Attributes:
        served: `config.Served`; may be replaced between two polls.
    """

    def __init__(self, served, *, threads=0):
        self.served = served
        self._threads = threads
        self._versions = {}
        self._unloading = set()

    @property
    def available(self):
        """Sorted version numbers that answer requests."""
        return sorted(
            number
            for number, version in self._versions.items()
            if version.state is State.AVAILABLE
        )

    @property
    def all(self):
        """list of `Version`, the highest number first."""
        return [self._versions[n] for n in sorted(self._versions)[::-1]]

    @contextlib.contextmanager
    def use(self, number=None, label=""):
        """A version, loaded for as long as the context lasts.

        Args:
            number: int; None for the highest that is available.
            label: str, instead of a number.

        Raises:
            errors.ServingError: NOT_FOUND, in TF-Serving's words.
        """
        name = self.served.name
        if label:
            if label not in self.served.labels:
                raise errors.not_found(
                    f"Unrecognized servable version label: {label[:80]}"
                )
            number = self.served.labels[label]
        numbers = self.available
        if number is None and not numbers:
            raise errors.not_found(
                f"Servable not found for request: Latest({name})"
            )
        if number is not None and number not in numbers:
            raise errors.not_found(
                f"Servable not found for request: Specific({name}, {number})"
            )
        version = self._versions[numbers[-1] if number is None else number]
        version.hold()
        try:
            yield version
        finally:
            version.release()

    async def poll(self):
        """Looks at the folder once, loads what is new, lets the rest go.

        A version that cannot be loaded is remembered with its error and
        tried again when its files change. Versions go only once those that
        are wanted instead have been loaded, and never all of them.
        """
        found = await asyncio.to_thread(scan, self.served.folder)
        wanted = self.served.choose(found)
        for number in wanted:
            await self._load(number, found[number])
        if wanted and set(wanted) <= set(self.available):
            for number in set(self.available) - set(wanted):
                task = asyncio.create_task(self._versions[number].unload())
                self._unloading.add(task)
                task.add_done_callback(self._unloading.discard)
                _LOG.info("%s: %d goes", self.served.name, number)
        self._forget(wanted)

    async def close(self):
        """Frees every version, each once it is not used any more."""
        await asyncio.gather(
            *self._unloading,
            *(self._versions[number].unload() for number in self.available),
        )

    async def _load(self, number, snapshot):
        version = self._versions.get(number)
        if version is None or version.state is State.END and not version.error:
            version = self._versions[number] = Version(number)
        busy = (State.LOADING, State.AVAILABLE, State.UNLOADING)
        if version.state in busy:
            return
        unchanged = snapshot == version.snapshot
        if version.error and unchanged:
            return
        version.state, version.error = State.START, ""
        version.snapshot = snapshot
        if not unchanged and time.time() - snapshot.newest < _SETTLE_S:
            return
        version.state = State.LOADING
        folder = self.served.folder / snapshot.name
        start = time.monotonic()
        try:
            version.model = await asyncio.to_thread(
                _load, folder, self._threads
            )
        except ValueError as error:
            version.state, version.error = State.END, str(error)
            _LOG.error("%s: %s", self.served.name, error)
            return
        version.state = State.AVAILABLE
        seconds = time.monotonic() - start
        _LOG.info("%s: %d serves, %.1f s", self.served.name, number, seconds)

    def _forget(self, wanted):
        """Drops the oldest that have ended, so that the list stays short."""
        ended = [v for v in self.all if v.state is State.END]
        for version in ended[_REMEMBERED:]:
            if version.number not in wanted:
                del self._versions[version.number]


def _load(folder, threads):
    loaded = model.load(folder, threads=threads)
    try:
        warmup.warm_up(loaded, folder)
    except ValueError:
        loaded.close()
        raise
    return loaded


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """What a version folder holds: a change means somebody still writes.

    Attributes:
        name: str, of the folder.
        files: tuple of (path, bytes, time of change in ns).
        newest: float, seconds since the epoch of the last change.
    """

    name: str
    files: tuple
    newest: float


def scan(folder):
    """Finds the version folders below a model's.

    Args:
        folder: path; a missing one holds nothing.

    Returns:
        dict from version number to `Snapshot`.
    """
    found = {}
    try:
        children = sorted(pathlib.Path(folder).iterdir())
    except OSError as error:
        _LOG.warning("%s cannot be read: %s", folder, error)
        return found
    for child in children:
        # 18 digits fit a signed 64-bit integer.
        if re.fullmatch(r"[0-9]{1,18}", child.name):
            with contextlib.suppress(OSError):  # It vanished meanwhile.
                found[int(child.name)] = _snapshot(child)
    return found


def _snapshot(folder):
    files = []
    for root, _, names in os.walk(folder):
        for path in (
            pathlib.Path(root),
            *map(pathlib.Path(root).joinpath, names),
        ):
            stat = path.stat()
            files.append(
                (str(path.relative_to(folder)), stat.st_size, stat.st_mtime_ns)
            )
    if not files:
        raise NotADirectoryError(folder)
    newest = max(changed for _, _, changed in files) / 1e9
    return Snapshot(folder.name, tuple(sorted(files)), newest)
