"""A file of JSON lines that only grows, and loses none that it acknowledged.

A line is on the disk before `append` returns. A line that was cut off when a
machine or a server died was acknowledged to nobody and is removed when the
file is opened again.
"""

import fcntl
import json
import os
import pathlib


class Journal:
    """An opened journal; one process at a time may have it.

    Attributes:
        path: `pathlib.Path`.
        entries: list of dicts, what was in it when it was opened.
        removed: int, bytes of a line that was cut off.
    """

    def __init__(self, path):
        """Opens or creates a journal.

        Raises `ValueError` where another process has it, or a line other than
        the last is damaged.
        """
        self.path = pathlib.Path(path)
        self._file = open(self.path, "a+b", buffering=0)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise ValueError(
                f"{self.path} is in use by another program; several people "
                "annotate through one."
            ) from None
        self._file.seek(0)
        try:
            self.entries, self.removed = self._read(self._file.read())
        except ValueError:
            self._file.close()
            raise

    def append(self, entry):
        """Writes one dict, and returns when it is on the disk.

        Raises `OSError` where it could not be written; nothing of it stays.
        """
        line = json.dumps(entry, sort_keys=True).encode() + b"\n"
        size = self._file.seek(0, os.SEEK_END)
        try:
            while line:
                line = line[self._file.write(line) :]
            os.fsync(self._file.fileno())
        except OSError:
            self._file.truncate(size)
            raise

    def close(self):
        """Lets another process have it."""
        self._file.close()

    def _read(self, data):
        *whole, rest = data.split(b"\n")
        entries = []
        for number, line in enumerate(whole, start=1):
            try:
                entry = json.loads(line)
                if not isinstance(entry, dict):
                    raise ValueError("it is no object")
            except ValueError as error:
                raise ValueError(
                    f"line {number} of {self.path} is damaged ({error}); "
                    "repair or remove it."
                ) from None
            entries.append(entry)
        if rest:
            self._file.truncate(len(data) - len(rest))
            os.fsync(self._file.fileno())
        return entries, len(rest)
