"""People of a folder in COCO's layout, for judging who is found."""

import pathlib

import numpy as np

from ordinal_tf.data.files import text


def read_coco(folder):
    """The pictures of a folder in COCO's layout, and where their people are.

    Args:
        folder: with `annotations/person_keypoints_SPLIT.json` and `SPLIT/`.

    Returns:
        The path of the annotations, and a list of (path, COCO's entry,
        rectangles `(P, 4)` of people with joints, without, and of crowds).

    Raises:
        ValueError: no such file.
    """
    folder = pathlib.Path(folder)
    paths = sorted(folder.glob("annotations/person_keypoints_*.json"))
    if not paths:
        raise ValueError(
            f"{folder} has no annotations/person_keypoints_*.json."
        )
    split = paths[0].stem.removeprefix("person_keypoints_")
    content = text.read_json(paths[0])
    return paths[0], [
        (
            folder / split / entry["file_name"],
            entry,
            _rectangles(content["annotations"], entry["id"]),
        )
        for entry in content["images"]
    ]


def _rectangles(labels, image):
    kinds = ([], [], [])
    for one in labels:
        if one["image_id"] != image:
            continue
        left, top, width, height = one["bbox"]
        kind = 2 if one["iscrowd"] else int(not one["num_keypoints"])
        kinds[kind].append([left, top, left + width, top + height])
    return [np.array(kind, float).reshape(-1, 4) for kind in kinds]
