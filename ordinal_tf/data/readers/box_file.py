"""Boxes around people, by the names of their pictures.

    {"NAME.jpg": [[cx, cy, side], ...], "FILM.mp4@12": [...], ...}

Pixels of the picture. The name of a video stands for all of its frames,
"FILM.mp4@12" for one, counted from 0.
"""

import difflib

from ordinal_tf.data.files import text, video


def read_boxes(path, names):
    """Reads a file of boxes for pictures.

    Args:
        path: file.
        names: names of the pictures that boxes are wanted for.

    Returns:
        dict of name to list of rows, as the file has it.

    Raises:
        ValueError: no JSON, not this layout, a picture without an entry, or
            an entry of no picture.
    """
    boxes = text.read_json(path)
    if not isinstance(boxes, dict):
        raise ValueError(
            f'{path} must be an object {{"NAME.jpg": [[cx, cy, side], ...]}}.'
        )
    known = set(names)
    named = {name: video.split_path(name)[0] for name in boxes}
    strange = [
        name
        for name, base in named.items()
        if name not in known and base not in known
    ]
    if strange:
        near = difflib.get_close_matches(strange[0], sorted(known), n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise ValueError(
            f"{path} has boxes for {strange[0]}, and no such picture is read "
            f"({len(strange)} such names).{hint}"
        )
    missing = [name for name in names if name not in set(named.values())]
    if missing:
        raise ValueError(
            f"{path} has no boxes for {missing[0]} ({len(missing)} such "
            "pictures); give it an empty list if nobody is in it."
        )
    for name, rows in boxes.items():
        if not isinstance(rows, list) or not all(map(_is_row, rows)):
            raise ValueError(
                f"{path}: the boxes of {name} must be a list of [cx, cy, "
                f"side], in pixels. Found: {str(rows)[:60]}."
            )
    return boxes


def _is_row(row):
    return (
        isinstance(row, list)
        and len(row) == 3
        and all(type(number) in (int, float) for number in row)
    )
