"""People of one file of COCO keypoint annotations, whoever wrote it.

Ids are compared by value, for some programs write 1, others 1.0 or "1". Who
has no labelled joint, belongs to another category or is a crowd is left out
and counted; who contradicts the format is a bad record.

Source: "Data format, 2. Keypoint Detection", cocodataset.org/#format-data:
`keypoints` is x, y, v for each joint, 0-indexed; v is 0 where not labelled,
1 labelled and hidden, 2 visible; `bbox` is x, y, width, height.
"""

import dataclasses
import math

import numpy as np

from ordinal_tf import skeleton
from ordinal_tf.data.files import existing, text
from ordinal_tf.data.readers import ids, joint_names, picture_names, plausible


@dataclasses.dataclass(frozen=True)
class Person:
    """One annotation: where it stands in the file, and what it says.

    Attributes:
        number: its `id`, as `ids.by_value` gives it, or None.
        path, image: `pathlib.Path` of the picture, and its `file_name`.
        points, known: `(J, 2)` pixels, 0 where not known; `(J,)` bool.
        bbox: x, y, width, height, or None.
        beside: bool, the file's `bbox` does not hold the joints, so that
            there is none.
    """

    number: int | str | None
    path: object
    image: str
    points: np.ndarray
    known: np.ndarray
    bbox: tuple[float, ...] | None
    beside: bool


def read_people(path, folders, bad, *, category=None, ignore_joints=()):
    """Reads a file.

    Args:
        path: `pathlib.Path` of the file.
        folders: where the pictures may lie, see `picture_names.Pictures`.
        bad: `labels.BadRecords`; its `report` is told of what was decided.
        category: str, the name or the id of the category to read; None for
            the one that has keypoints, or is called person.
        ignore_joints: names of joints to leave out.

    Returns:
        `joint_names.NamedJoints`, and a list of `Person`.

    Raises:
        ValueError: the file is missing or not in this layout, a joint's name
            looks like a typing mistake, or there are too many bad records.
    """
    content = _load(path)
    names, categories = _choose_category(path, content, category)
    try:
        joints = joint_names.read_names(names, ignore=ignore_joints)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    for note in joints.notes:
        bad.report(f"{path}: {note}")
    rows = _pictures(path, content)
    pictures = picture_names.Pictures(
        [row["file_name"] for row in rows.values()], folders
    )
    # Joints of which none of ours follows, such as ears, make no person.
    used = skeleton.mapping(joints.body, skeleton.H36M17).weights.any(axis=0)
    people, numbers = [], set()
    for place, row in enumerate(content["annotations"]):
        number = ids.by_value(row.get("id"))
        try:
            reason = _left_out(row, categories, len(content["categories"]))
            if reason is None:
                if number in numbers:
                    raise ValueError("it has no `id` of its own.")
                numbers |= {number} - {None}
                points, known = _points(row["keypoints"], len(names))
                columns = list(joints.columns)
                points, known = points[columns], known[columns]
                if not (known & used).any():
                    reason = "without a labelled joint that is used"
            if reason is not None:
                bad.leave_out(reason)
                continue
            person = _person(row, number, points, known, rows, pictures)
        except (ValueError, TypeError, OverflowError) as error:
            who = f"at place {place}" if number is None else f"{number}"
            bad.skip(f"annotation {who} of {path}: {error}")
            continue
        people.append(person)
    return joints, people


def _load(path):
    existing.file(path, "it must hold COCO keypoint annotations")
    content = text.read_json(path)
    if not isinstance(content, dict):
        content = {}
    for key in ("images", "annotations", "categories"):
        rows = content.get(key)
        if not isinstance(rows, list) or not all(
            isinstance(row, dict) for row in rows
        ):
            raise ValueError(
                f"{path} has no list of objects `{key}`; COCO keypoint "
                "annotations hold `images`, `annotations` and `categories`."
            )
    return content


def _choose_category(path, content, wanted):
    """Names of the joints, and ids of the categories that have these."""
    joints, names = {}, {}
    for category in content["categories"]:
        number = ids.by_value(category.get("id"))
        if category.get("keypoints") and number is not None:
            joints[number] = _joints_of(path, category)
            names[number] = str(category.get("name", ""))
    if not joints:
        raise ValueError(
            f"{path}: `categories` must hold one that has an `id` and names "
            "its `keypoints`. Found: 0."
        )
    listed = ", ".join(f"{names[one]!r}" for one in joints)
    if wanted is not None:
        chosen = [
            one
            for one in joints
            if names[one].casefold() == str(wanted).strip().casefold()
        ] or [one for one in joints if one == ids.by_value(wanted)]
        if not chosen:
            raise ValueError(
                f"{path}: no category with keypoints is called {wanted!r}; "
                f"there are: {listed}."
            )
    elif len(set(joints.values())) == 1:
        chosen = list(joints)
    else:
        chosen = [one for one in joints if names[one].casefold() == "person"]
    if len({joints[one] for one in chosen}) != 1:
        raise ValueError(
            f"{path}: several categories have keypoints ({listed}), and they "
            "are not the same; choose one by its name, as `category`."
        )
    return joints[chosen[0]], set(chosen)


def _joints_of(path, category):
    joints = category["keypoints"]
    if not isinstance(joints, list) or not all(map(_is_name, joints)):
        raise ValueError(f"{path}: `keypoints` of a category must be names.")
    return tuple(joints)


def _is_name(value):
    return isinstance(value, str) and value.strip() and "\0" not in value


def _pictures(path, content):
    """dict of id to the entry of `images`."""
    rows = {}
    for row in content["images"]:
        number = ids.by_value(row.get("id"))
        if number is None or not _is_name(row.get("file_name")):
            raise ValueError(
                f"{path}: an entry of `images` lacks `id` or `file_name`: "
                f"{str(row)[:80]}."
            )
        if number in rows:
            raise ValueError(f"{path}: two `images` have the id {number}.")
        rows[number] = row
    return rows


def _left_out(row, categories, count):
    """Why an annotation is of no use here, or None."""
    category = row.get("category_id")
    # Where there is one category, some programs do not name it.
    if not (category is None and count == 1):
        if ids.by_value(category) not in categories:
            return "of other categories"
    if _is_true(row.get("iscrowd")):
        return "crowds (`iscrowd`)"
    values = row.get("keypoints")
    if values is None or values == []:
        return "without keypoints"
    return None


def _is_true(value):
    """Whether a flag is set, however it is written."""
    if isinstance(value, str):
        value = value.strip().casefold()
        value = {"": 0, "false": 0, "true": 1}.get(value, value)
    if value is None or value is False or value is True:
        return bool(value)
    number = ids.by_value(value)
    if number not in (0, 1):
        raise ValueError(f"`iscrowd` must be 0 or 1. Found: {str(value)[:40]}.")
    return number == 1


def _points(values, count):
    """`(J, 2)` pixels and `(J,)` bool of a list of x, y, v."""
    if isinstance(values, list) and all(isinstance(v, list) for v in values):
        values = [v for triple in values for v in triple]
    if not isinstance(values, list) or len(values) != 3 * count:
        found = len(values) if isinstance(values, list) else "none"
        raise ValueError(
            f"`keypoints` needs {3 * count} numbers, x, y, v for each of "
            f"the category's {count} joints. Found: {found}."
        )
    if any(v not in (0, 1, 2) or isinstance(v, bool) for v in values[2::3]):
        raise ValueError("a joint's v in `keypoints` must be 0, 1 or 2.")
    known = np.array(values[2::3]) > 0
    points = np.zeros((count, 2))
    # Where v is 0, x and y may be anything.
    for k in np.flatnonzero(known):
        points[k] = _number(values[3 * k]), _number(values[3 * k + 1])
    nowhere = known & ~points.any(axis=1)
    if nowhere.sum() > 1:
        raise ValueError(
            f"{nowhere.sum()} of its joints lie at exactly 0, 0, as programs "
            "write it for joints without a place; give them v = 0."
        )
    return points, known


def _number(value):
    """A finite number of a JSON list."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{str(value)[:40]!r} is no number.")
    if not math.isfinite(value) or abs(value) > 1e6:
        raise ValueError(f"{value} is no coordinate.")
    return float(value)


def _person(row, number, points, known, rows, pictures):
    """`Person` of an annotation whose joints are read."""
    picture = rows.get(ids.by_value(row.get("image_id")))
    if picture is None:
        raise ValueError(f"its image_id {row.get('image_id')} is unknown.")
    _check_place(points[known], picture)
    bbox = _bbox(row.get("bbox"))
    beside = bbox is not None and not _holds(bbox, points[known])
    bbox = None if beside else bbox
    if bbox is None and known.sum() < 2:
        raise ValueError("one joint and no `bbox` around it make no box.")
    path = pictures.find(picture["file_name"])
    if path is None:
        raise ValueError(f"there is no picture {picture['file_name']}.")
    name = picture["file_name"]
    return Person(number, path, name, points, known, bbox, beside)


def _bbox(values):
    """x, y, width, height; None where they are missing, as programs say it."""
    if values is None or values == []:
        return None
    if not isinstance(values, list) or len(values) != 4:
        raise ValueError(f"`bbox` must be x, y, width, height: {values}.")
    if any(v is None or v != v for v in values):
        return None
    bbox = tuple(_number(v) for v in values)
    # Some write zeros where they know none.
    return bbox if min(bbox[2:]) > 0 else None


def _holds(bbox, points):
    """Whether at least half of the joints lie in a box, or on its edge."""
    low = np.array(bbox[:2])
    inside = (points >= low - 1) & (points <= low + bbox[2:] + 1)
    return inside.all(axis=1).mean() >= 0.5


def _check_place(points, picture):
    """Joints may lie outside of a picture that cuts the person, but near."""
    fault = plausible.spread_fault(points)
    if fault:
        raise ValueError(fault)
    width, height = picture.get("width"), picture.get("height")
    if not all(type(v) in (int, float) and v > 0 for v in (width, height)):
        return
    size = np.array([width, height])
    if ((points < -size) | (points > 2 * size)).any():
        raise ValueError(
            f"a joint lies far outside of the {width} x {height} picture."
        )
