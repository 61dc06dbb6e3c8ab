"""Files that must be there."""

import pathlib


def file(path, use=""):
    """`pathlib.Path` of a file; `ValueError` where there is none.

    Args:
        path: file.
        use: str, what it must hold or is for, as the message says it.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise ValueError(f"{path} is missing{use and f'; {use}'}.")
    return path
