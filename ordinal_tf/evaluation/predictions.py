"""Anybody's predictions from a file: .npz, JSON, CSV, or COCO's results.

    .npz   an array for each field, a row a person
    .json  {"joints": [...], "unit": "mm", "people": [{FIELD: ..., ...}, ...]}
    .csv   a row a joint, with columns such as image, person, joint, x_px, y_px,
           ordinal_depth, pose_x_mm, pose_y_mm, pose_z_mm, score
    .json  [{"image_id": 1, "category_id": 1, "keypoints": [x, y, v, ...],
             "score": 0.9}, ...], see `coco_ap`

The first three are also what `tools.predict` writes (docs/outputs.md). Fields
are `image` (the picture's name), `box` (centre x, y, side; pixels),
`person_score`, and with an entry a joint `keypoints` (pixels of the picture),
`ordinal_depth`, `pose` and `score`; those that a protocol does not need may be
missing. `joints` names the joints where they are not those of
`skeleton.H36M17`, `unit` is the unit of `pose`: mm, cm or m (of CSV the
columns' names say it). Without `image`, rows are the people of the data set in
their order. docs/evaluation.md has an example of each.
"""

import csv
import dataclasses
import io
import math
import pathlib

import numpy as np

from ordinal_tf import skeleton
from ordinal_tf.data.files import npz, text
from ordinal_tf.data.readers import joint_names

SUFFIXES = (".npz", ".json", ".csv")
_UNITS_MM = {"mm": 1.0, "cm": 10.0, "m": 1000.0}
_WIDTHS = {"keypoints": (2,), "ordinal_depth": (), "pose": (3,), "score": ()}
_OF_PERSON = {
    "box": ("box_cx_px", "box_cy_px", "box_side_px"),
    "person_score": ("person_score",),
}
_OF_JOINT = {
    "keypoints": ("x_px", "y_px"),
    "ordinal_depth": ("ordinal_depth",),
    "score": ("score",),
}
# A person's joints lie apart by that much, from child to giant, any pose.
_SIZE_MM = (250.0, 5000.0)


@dataclasses.dataclass(frozen=True)
class Predictions:
    """M predicted people, joints of `body` (J of them).

    Attributes:
        path: `pathlib.Path` of the file.
        body: `skeleton.Skeleton`.
        image: list of M str, or None: people in the data set's order.
        box: `(M, 3)` pixels, NaN where unknown.
        person_score: `(M,)`, how sure it is that this is a person; NaN where
            unknown.
        fields: dict of those of `keypoints` `(M, J, 2)` pixels,
            `ordinal_depth` `(M, J)`, `pose` `(M, J, 3)` mm and `score`
            `(M, J)` that the file has, float64, NaN where not found.
    """

    path: pathlib.Path
    body: skeleton.Skeleton
    image: list | None
    box: np.ndarray
    person_score: np.ndarray
    fields: dict

    def __len__(self):
        return len(self.box)


def read(path):
    """Reads a file of any of the formats, but for COCO's results.

    Raises:
        ValueError: another format, joints or unit; names the file.
        OSError: the file cannot be opened.
    """
    path = pathlib.Path(path)
    readers = {".npz": _read_npz, ".json": _read_json, ".csv": _read_csv}
    if path.suffix.lower() not in readers:
        raise ValueError(
            f"{path}: predictions are a file that ends in "
            f"{', '.join(SUFFIXES)}; docs/evaluation.md shows what each holds."
        )
    content = readers[path.suffix.lower()](path)
    return _checked(path, content)


def is_coco(path):
    """Whether a file holds COCO's results: a list, not an object."""
    path = pathlib.Path(path)
    return path.suffix.lower() == ".json" and isinstance(
        text.read_json(path), list
    )


def _read_npz(path):
    arrays = npz.read_arrays(path)
    content = {
        key: arrays[key] for key in (*_OF_PERSON, *_WIDTHS) if key in arrays
    }
    if "image" in arrays:
        content["image"] = [str(name) for name in arrays["image"].reshape(-1)]
    if "joints" in arrays:
        content["joints"] = [str(name) for name in arrays["joints"].ravel()]
    if "unit" in arrays:
        content["unit"] = str(arrays["unit"].reshape(-1)[0])
    return content


def _read_json(path):
    content = text.read_json(path)
    if isinstance(content, list):
        raise ValueError(
            f"{path} is a list, as COCO's results are, which --protocol=coco "
            'reads; others read {"people": [...]}.'
        )
    people = content.get("people") if isinstance(content, dict) else None
    if not isinstance(people, list) or not all(
        isinstance(one, dict) for one in people
    ):
        raise ValueError(f'{path} must be an object {{"people": [...]}}.')
    found = {k: content[k] for k in ("joints", "unit") if k in content}
    for key in ("image", *_OF_PERSON, *_WIDTHS):
        has = [key in one for one in people]
        if any(has) and not all(has):
            raise ValueError(
                f"{path}: person {has.index(False)} has no `{key}`, which "
                "others have; give null for what was not found."
            )
        if any(has):
            found[key] = [one[key] for one in people]
    return found


def _read_csv(path):
    table = csv.DictReader(io.StringIO(text.read_text(path)))
    names = table.fieldnames or ()
    if "joint" not in names or not {"image", "person"} & set(names):
        raise ValueError(
            f"{path} must begin with the names of its columns: image, person, "
            f"joint and numbers. Found: {', '.join(map(str, names))[:80]}."
        )
    of_joint, unit = _columns(names)
    of_person = {
        key: columns
        for key, columns in _OF_PERSON.items()
        if set(columns) <= set(names)
    }
    joints, people, who = {}, [], None
    for line, row in enumerate(table, start=2):
        joint = row["joint"] or ""
        joints.setdefault(joint, len(joints))
        one = row.get("image"), row.get("person")
        # Without numbers, a joint that comes again begins another person.
        if one != who or joint in people[-1]["joints"]:
            who = one
            people.append({"image": one[0], "joints": {}})
            for key, columns in of_person.items():
                numbers = _row(path, line, row, columns)
                people[-1][key] = numbers if len(columns) > 1 else numbers[0]
        people[-1]["joints"][joint] = {
            key: _row(path, line, row, columns)
            for key, columns in of_joint.items()
        }
    content = {"joints": list(joints), "unit": unit}
    for key, columns in of_joint.items():
        nothing = {key: [math.nan] * len(columns)}
        rows = [
            [one["joints"].get(joint, nothing)[key] for joint in joints]
            for one in people
        ]
        array = np.array(rows, np.float64).reshape(
            len(people), len(joints), len(columns)
        )
        content[key] = array if _WIDTHS[key] else array[..., 0]
    for key in ("image" if "image" in names else None, *of_person):
        if key:
            content[key] = [one[key] for one in people]
    return content


def _columns(names):
    """Columns of each field that a header has, and the unit of poses."""
    found = {
        key: columns
        for key, columns in _OF_JOINT.items()
        if set(columns) <= set(names)
    }
    for unit in _UNITS_MM:
        columns = tuple(f"pose_{axis}_{unit}" for axis in "xyz")
        if set(columns) <= set(names):
            return {**found, "pose": columns}, unit
    return found, "mm"


def _row(path, line, row, columns):
    """Numbers of some columns; NaN where a cell is empty."""
    try:
        return [float(row[c]) if row[c] else math.nan for c in columns]
    except (ValueError, TypeError):
        raise ValueError(
            f"{path}, line {line}: a number is none: {row}."
        ) from None


def _checked(path, content):
    fields = {key: content[key] for key in _WIDTHS if key in content}
    if not set(fields) - {"score"}:
        raise ValueError(
            f"{path} has none of keypoints, ordinal_depth and pose; "
            "docs/evaluation.md shows what a predictions file holds."
        )
    count = len(next(iter(fields.values())))
    joints, body, columns = _joints(path, content, fields)
    for key, value in fields.items():
        shape = (count, len(joints), *_WIDTHS[key])
        fields[key] = _numbers(path, key, value, shape)[:, columns]
    image = content.get("image")
    if image is not None and len(image) != count:
        raise ValueError(f"{path}: {len(image)} images for {count} people.")
    of_person = {}
    for key, columns in _OF_PERSON.items():
        shape = (count, len(columns)) if len(columns) > 1 else (count,)
        value = content.get(key, np.full(shape, np.nan))
        of_person[key] = _numbers(path, key, value, shape)
    if "pose" in fields:
        fields["pose"] = fields["pose"] * _millimetres(path, content)
        _check_size(path, fields["pose"])
    return Predictions(
        path,
        body,
        None if image is None else list(image),
        **of_person,
        fields=fields,
    )


def _joints(path, content, fields):
    """Names in the file, their skeleton, and the columns that it takes."""
    if "joints" in content:
        joints = content["joints"]
        try:
            named = joint_names.read_names(joints)
        except (ValueError, TypeError) as error:
            raise ValueError(f"{path}: {error}") from error
        return joints, named.body, list(named.columns)
    joints = skeleton.H36M17.joints
    for key, value in fields.items():
        try:
            found = next((len(r) for r in value if r is not None), len(joints))
        except TypeError:
            found = 0
        if found != len(joints):
            raise ValueError(
                f"{path}: `{key}` has {found} joints and no `joints` names "
                f"them; without names they are the {len(joints)} of this "
                f"package, {joints[0]} to {joints[-1]}."
            )
    return joints, skeleton.H36M17, list(range(len(joints)))


def _numbers(path, key, value, shape):
    try:
        array = np.array(value, np.float64)
    except (ValueError, TypeError):
        # Rows of None, or of different lengths.
        array = _filled(value, shape)
    if array is None or array.shape != shape:
        found = "rows of different lengths" if array is None else array.shape
        raise ValueError(
            f"{path}: `{key}` must have shape {shape}. Found: {found}."
        )
    return np.where(np.isfinite(array), array, np.nan)


def _filled(value, shape):
    """Nested lists as an array, NaN for a None of a joint or a person."""
    array = np.full(shape, np.nan)
    try:
        for k, row in enumerate(value):
            for j, one in enumerate(() if row is None else row):
                if one is not None:
                    array[k, j] = np.array(one, np.float64)
    except (ValueError, TypeError, IndexError):
        return None
    return array


def _millimetres(path, content):
    unit = content.get("unit", "mm")
    if unit not in _UNITS_MM:
        raise ValueError(
            f"{path}: `unit` of poses is one of {', '.join(_UNITS_MM)}. "
            f"Found: {unit!r}."
        )
    return _UNITS_MM[unit]


def _check_size(path, pose):
    known = np.isfinite(pose).all(-1)
    low = np.where(known[..., None], pose, np.inf).min(1)
    high = np.where(known[..., None], pose, -np.inf).max(1)
    some = known.sum(1) > 1
    if not some.any():
        return
    size = float(np.median(np.linalg.norm((high - low)[some], axis=-1)))
    if not _SIZE_MM[0] <= size <= _SIZE_MM[1]:
        raise ValueError(
            f"{path}: half of its poses are {size:.4g} mm large or less, "
            "which is no person; is their unit another one? Say so with "
            "`unit`: mm, cm or m."
        )
