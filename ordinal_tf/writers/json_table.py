"""Predictions as JSON: what everything means, then one person a line."""

import json

import numpy as np

from ordinal_tf import files, skeleton

# What each column is; others are written as they are.
FIELDS = {
    "image": "name of the picture; NAME.mp4@12 is frame 12 of a video, from 0",
    "time": "seconds from the start of the video; null for a photograph",
    "person": "number that a person keeps from frame to frame",
    "person_score": "how sure it is that this is a person, 0 to 1",
    "box": "centre x, centre y, side: pixels of the picture",
    "keypoints": "x, y of each joint: pixels of the picture, x right, y down, "
    "origin at the centre of the top-left pixel",
    "ordinal_depth": "of each joint, in no unit; grows away from the camera",
    "pose": "x, y, z of each joint: mm, root-relative (from the pelvis); x "
    "right, y down, z away from the camera",
    "pose_camera": "x, y, z of each joint: mm, absolute (from the camera); x "
    "right, y down, z away; null where the intrinsics are not known",
    "intrinsics": "fx, fy, cx, cy: pixels of the picture; null where not known",
    "score": "of each joint, 0 to 1",
}
DECIMALS = 6


def write_json_table(path, table):
    """Writes a table, see `formats`, as one JSON object.

    `joints` and `parents` (-1 at the top) name the joints in their order,
    `fields` says what each column is, `people` has an object a row. Numbers
    have 6 decimals; what is not known is null.
    """
    skel = skeleton.H36M17
    head = {
        "format": "ordinal_tf predictions",
        "version": 1,
        "joints": skel.joints,
        "parents": skel.parents,
        "fields": {key: FIELDS[key] for key in FIELDS if key in table},
    }
    with files.whole(path) as new, open(new, "w", encoding="utf-8") as file:
        file.write(json.dumps(head, indent=1)[:-2] + ',\n "people": [')
        for row in range(len(table["image"])):
            person = {key: plain(table[key][row]) for key in table}
            line = json.dumps(person, allow_nan=False)
            file.write(("," if row else "") + "\n  " + line)
        file.write("\n ]\n}\n")


def plain(value):
    """A cell as JSON can hold it; None for what is not all finite."""
    if not np.issubdtype(np.asarray(value).dtype, np.floating):
        return value.tolist() if hasattr(value, "tolist") else value
    if not np.isfinite(value).all():
        return None
    return np.round(np.asarray(value, np.float64), DECIMALS).tolist()
