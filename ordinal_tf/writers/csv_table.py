"""Predictions as CSV: one joint a line, units in the columns' names."""

import csv

import numpy as np

from ordinal_tf import files, skeleton
from ordinal_tf.writers.json_table import DECIMALS

# Columns of a person, and of a joint, by the table's arrays. `pose` is
# root-relative, `camera` absolute.
_OF_PERSON = {
    "image": ("image",),
    "time": ("time_s",),
    "person": ("person",),
    "person_score": ("person_score",),
    "box": ("box_cx_px", "box_cy_px", "box_side_px"),
}
_OF_JOINT = {
    "keypoints": ("x_px", "y_px"),
    "score": ("score",),
    "ordinal_depth": ("ordinal_depth",),
    "pose": ("pose_x_mm", "pose_y_mm", "pose_z_mm"),
    "pose_camera": ("camera_x_mm", "camera_y_mm", "camera_z_mm"),
}


def write_csv_table(path, table):
    """Writes a table, see `formats`; cells that are not known are empty."""
    of_person = {key: _OF_PERSON[key] for key in _OF_PERSON if key in table}
    of_joint = {key: _OF_JOINT[key] for key in _OF_JOINT if key in table}
    names = [
        *(name for columns in of_person.values() for name in columns),
        "joint",
        *(name for columns in of_joint.values() for name in columns),
    ]
    with (
        files.whole(path) as new,
        open(new, "w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        for row in range(len(table["image"])):
            person = [
                cell for key in of_person for cell in _cells(table[key][row])
            ]
            values = [
                np.reshape(table[key][row], (len(skeleton.H36M17), -1))
                for key in of_joint
            ]
            for joint, cells in zip(
                skeleton.H36M17.joints,
                _cells(np.concatenate(values, axis=-1)),
                strict=True,
            ):
                writer.writerow([*person, joint, *cells])


def _cells(values):
    """Numbers with 6 decimals at most, NaN as nothing; `(..., C)` as lists."""
    values = np.atleast_1d(values)
    if not np.issubdtype(values.dtype, np.floating):
        return values.tolist()
    cells = np.round(values.astype(np.float64), DECIMALS).astype(object)
    cells[~np.isfinite(values)] = ""
    return cells.tolist()
