"""Writes files that are whole or not there at all.

Each is written under a temporary name in its own folder, `new_` before its
own name, and renamed when it is complete, so that nobody reads a half file
and one of before outlives a failure.
"""

import contextlib
import hashlib
import json
import pathlib

import cv2
import numpy as np


@contextlib.contextmanager
def whole(path):
    """Gives a file its name once it is written.

    Args:
        path: file, which may exist; its folder must.

    Yields:
        `pathlib.Path` to write to. When the block ends well it replaces
        `path`; when the block raises it is removed and `path` is as before.
    """
    path = pathlib.Path(path)
    new = path.with_name(f"new_{path.name}")
    try:
        yield new
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def write_bytes(path, data):
    """Writes bytes."""
    with whole(path) as new:
        new.write_bytes(data)


def write_text(path, text):
    """Writes text as UTF-8, its line ends as they are."""
    write_bytes(path, text.encode())


def write_json(path, content, *, indent=2):
    """Writes what JSON can hold, with a line end at the end."""
    write_text(path, json.dumps(content, indent=indent) + "\n")


def write_npz(path, arrays, *, compressed=False):
    """Writes a dict of NumPy arrays, byte for byte the same each time."""
    save = np.savez_compressed if compressed else np.savez
    # An open file, because NumPy appends `.npz` to other names.
    with whole(path) as new, open(new, "wb") as file:
        save(file, **arrays)


def checksum(path):
    """str, SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_picture(path, image):
    """Writes uint8 RGB `(H, W, 3)` as its name's ending says.

    Raises:
        OSError: it cannot be written.
    """
    with whole(path) as new:
        if not cv2.imwrite(str(new), cv2.cvtColor(image, cv2.COLOR_RGB2BGR)):
            raise OSError(f"Could not write {new}.")
