"""Boxes around people, by the names of their pictures.

Our JSON, COCO's results and annotations, and CSV:

    {"NAME.jpg": [[cx, cy, side], ...], "FILM.mp4@12": [...], ...}
    [{"image_id": 12, "category_id": 1, "bbox": [x, y, w, h], "score": 0.9}]
    image,x,y,width,height,score

Pixels of the picture. The name of a video stands for all of its frames,
"FILM.mp4@12" for one, counted from 0.
"""

import csv
import difflib
import json
import math
import pathlib

from ordinal_tf import boxes as box_shapes
from ordinal_tf.data.files import text, video

# Where detectors' scores are given, less sure rows are left out.
SCORE = 0.5
# COCO's number for people.
_PERSON = 1
# What columns a CSV may have, and the box of a row.
_COLUMNS = {
    ("cx", "cy", "side"): lambda row: row,
    ("x", "y", "width", "height"): lambda row: _of_bbox(row),
    ("x1", "y1", "x2", "y2"): lambda row: box_shapes.square(*row),
}


def read_boxes(path, names, *, least_score=SCORE):
    """Reads a file of boxes for pictures.

    Args:
        path: file.
        names: names of the pictures that boxes are wanted for.
        least_score: float, of the rows that have a score.

    Returns:
        dict of name to list of rows: centre x, centre y, side, as the file
        has them. In COCO's layouts and CSV, where nobody has no row, a
        picture may lack an entry: nobody is in it.

    Raises:
        ValueError: none of these layouts, a picture without an entry in our
            JSON, or an entry of no picture.
    """
    names = list(names)
    content = text.read_text(path)
    # Brackets open every JSON that can be meant.
    is_json = content.lstrip().startswith(("{", "["))
    if pathlib.Path(path).suffix.lower() == ".csv" or not is_json:
        return _named(path, _read_csv(path, content, least_score), names)
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not JSON: {error}.") from error
    if isinstance(found, dict) and "annotations" in found:
        files = _coco_files(path, found)
        return _read_coco(path, found["annotations"], names, files, least_score)
    if isinstance(found, list) and found:
        return _read_coco(path, found, names, None, least_score)
    if not isinstance(found, dict):
        raise ValueError(
            f'{path} must be an object {{"NAME.jpg": [[cx, cy, side], ...]}}, '
            'or COCO\'s results [{"image_id": 12, "bbox": [x, y, w, h]}].'
        )
    for name, rows in found.items():
        # The rows themselves are checked where the picture's size is known.
        if not isinstance(rows, list):
            raise ValueError(
                f"{path}, {name}: Boxes must be rows of centre x, centre y, "
                f"side, in pixels. Found: {str(rows)[:60]}."
            )
    return _named(path, found, names, whole=True)


def _named(path, boxes, names, *, whole=False):
    """The boxes, their names checked; `whole` wants one of every picture."""
    # Of a video, single frames may have boxes.
    named = {name: video.split_path(name)[0] for name in boxes}
    strange = [name for name, base in named.items() if base not in names]
    missing = [name for name in names if name not in named.values()]
    if missing and whole:
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
    return boxes


def _coco_files(path, found):
    try:
        return {entry["id"]: entry["file_name"] for entry in found["images"]}
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"{path} looks like COCO's annotations, but its images lack id or "
            "file_name."
        ) from error


def _read_coco(path, rows, names, files, least_score):
    """Boxes of COCO's rows; those of pictures that are not read stay away."""
    places = {}
    for name in names:
        stem = pathlib.PurePath(name).stem
        places |= {name: name, stem: name}
        # COCO calls picture 790 "000000000790.jpg".
        if stem.isascii() and stem.isdigit():
            places[int(stem)] = name
    boxes, known = {}, False
    for number, row in enumerate(rows, start=1):
        try:
            image, box = row["image_id"], [float(v) for v in row["bbox"]]
            score = float(row.get("score", 1.0))
            if len(box) != 4:
                raise ValueError(f"bbox of {len(box)} numbers")
            image = image if files is None else files[image]
            name = places.get(image)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ValueError(
                f"{path}, row {number}: COCO's rows need image_id and bbox "
                f"[x, y, width, height] in pixels. Found: {str(row)[:80]}."
            ) from error
        known |= name is not None
        sure = score >= least_score and row.get("category_id", 1) == _PERSON
        if name is not None and sure and not row.get("iscrowd"):
            boxes.setdefault(name, []).append(_of_bbox(box))
    if not known:
        raise ValueError(
            f"{path} has boxes for none of the pictures that are read: its "
            f"image_id must be a file's name, or the number that it is, and "
            f"none is {names[0]}."
        )
    return boxes


def _read_csv(path, content, least_score):
    reader = csv.DictReader(content.splitlines())
    head = [name.strip() for name in reader.fieldnames or ()]
    reader.fieldnames = head
    columns = next((kind for kind in _COLUMNS if {*kind} <= {*head}), None)
    if columns is None or "image" not in head:
        kinds = "; or ".join(", ".join(kind) for kind in _COLUMNS)
        raise ValueError(
            f"{path} is neither JSON nor a CSV of boxes, whose first line "
            f"names the columns: image, and {kinds}; maybe score. Found: "
            f"{', '.join(head)[:80]}."
        )
    boxes = {}
    for row in reader:
        try:
            values = [float(row[name]) for name in columns]
            score = float(row.get("score") or 1.0)
            name = row["image"].strip()
        except (TypeError, ValueError, AttributeError) as error:
            raise ValueError(
                f"{path}, line {reader.line_num}: a row needs image and the "
                f"numbers {', '.join(columns)}."
            ) from error
        rows = boxes.setdefault(name, [])
        if score >= least_score:
            rows.append(_COLUMNS[columns](values))
    return boxes


def _of_bbox(row):
    left, top, width, height = row
    if not all(map(math.isfinite, row)):
        return [left, top, math.nan]  # Refused with the other bad boxes.
    # COCO counts from the top-left pixel's corner, we from its middle.
    return box_shapes.square(
        left - 0.5, top - 0.5, left + width - 0.5, top + height - 0.5
    )
