"""Boxes around people, by the names of their pictures.

    {"NAME.jpg": [[cx, cy, side], ...], "FILM.mp4@12": [...], ...}

Pixels of the picture. The name of a video stands for all of its frames,
"FILM.mp4@12" for one, counted from 0.
"""

import difflib
import json

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
    try:
        boxes = json.loads(text.read_text(path))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not JSON: {error}.") from error
    if not isinstance(boxes, dict):
        raise ValueError(
            f'{path} must be an object {{"NAME.jpg": [[cx, cy, side], ...]}}.'
        )
    names = list(names)
    # Of a video, single frames may have boxes.
    named = {name: video.split_path(name)[0] for name in boxes}
    strange = [name for name, base in named.items() if base not in names]
    missing = [name for name in names if name not in named.values()]
    if missing:
        more = f" Its {strange[0]} is none of the pictures." if strange else ""
        raise ValueError(
            f"{path} has no boxes for {missing[0]} ({len(missing)} such "
            f"pictures); give it an empty list if nobody is in it.{more}"
        )
    if strange:
        near = difflib.get_close_matches(strange[0], names, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise ValueError(
            f"{path} has boxes for {strange[0]}, and no such picture is read "
            f"({len(strange)} such names).{hint}"
        )
    for name, rows in boxes.items():
        # The rows themselves are checked where the picture's size is known.
        if not isinstance(rows, list):
            raise ValueError(
                f"{path}, {name}: Boxes must be rows of centre x, centre y, "
                f"side, in pixels. Found: {str(rows)[:60]}."
            )
    return boxes
