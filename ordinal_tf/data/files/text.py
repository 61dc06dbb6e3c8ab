"""Reads text that any program wrote: UTF-8 or UTF-16, with its byte order mark.

Editors and shells of Windows put a mark in front of a file's first character;
it says how the text is encoded and is no part of it.
"""

import codecs
import json
import pathlib

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_text(path, *, encoding="utf-8"):
    """The text of a file, without the mark; line ends become "\\n".

    Args:
        path: file.
        encoding: str, of a file without a mark.

    Raises:
        ValueError: bytes of another encoding; names the file.
        OSError: the file cannot be opened.
    """
    data = pathlib.Path(path).read_bytes()
    encoding = next(
        (name for mark, name in _MARKS if data.startswith(mark)), encoding
    )
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 text: {error}") from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_json(path, *, remedy="export it again"):
    """What a file says in JSON.

    Args:
        path: file.
        remedy: str, what messages tell people to do about a damaged file.

    Returns:
        dict, list, str, number, bool or None.

    Raises:
        ValueError: cut off, damaged, or no JSON; names the file.
        OSError: the file cannot be opened.
    """
    try:
        return json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"{path} is not valid JSON ({error}); it is cut off or damaged, "
            f"{remedy}."
        ) from error
