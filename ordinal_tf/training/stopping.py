"""SIGTERM, which a machine sends before it goes: save, then end."""

import contextlib
import signal
import threading


class Stopped(Exception):
    """SIGTERM came."""


class _Stop:
    """What the signal does.

    Attributes:
        asked: bool, the signal came.
        at_once: bool, it interrupts whatever runs; otherwise it waits for
            `check`.
    """

    def __init__(self, at_once):
        self.asked, self.at_once = False, at_once

    def check(self):
        """Raises `Stopped` where the signal came."""
        if self.asked:
            raise Stopped

    @contextlib.contextmanager
    def held_back(self):
        """What runs in here must not be left half done."""
        before, self.at_once = self.at_once, False
        try:
            if before:
                self.check()
            yield
        finally:
            self.at_once = before

    @contextlib.contextmanager
    def let_through(self):
        """What runs in here, within `held_back`, may be left half done."""
        self.at_once = True
        try:
            self.check()
            yield
        finally:
            self.at_once = False


@contextlib.contextmanager
def on_sigterm(at_once=True):
    """Raises `Stopped` in here when SIGTERM comes, or at the next `check`.

    Python takes signals in its main thread alone; elsewhere nothing changes.

    Args:
        at_once: bool, False: only where `let_through` says so.

    Yields:
        an object with `check`, `held_back` and `let_through`.
    """
    stop = _Stop(at_once)

    def came(number, frame):
        del number, frame
        first, stop.asked = not stop.asked, True
        if first and stop.at_once:
            raise Stopped

    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = signal.signal(signal.SIGTERM, came)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGTERM, before)
