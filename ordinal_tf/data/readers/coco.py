"""Photographs with COCO keypoints: COCO itself, and people's own pictures.

Annotations are COCO's keypoint JSON. Its `categories` name the joints, and
joints are mapped by those names, so a file with another set of known joints
(LSP's, MPII's) is read as well. Own pictures may come with depth relations,
see `relations_jsonl`.

Source: "Data format, 2. Keypoint Detection", cocodataset.org/#format-data:
`keypoints` is x, y, v for each joint, 0-indexed; v is 0 where not labelled,
1 labelled and hidden, 2 visible; `bbox` is x, y, width, height.
"""

import dataclasses
import difflib
import json
import math
import pathlib

import numpy as np

from ordinal_tf import geometry, skeleton
from ordinal_tf.data.readers import labels
from ordinal_tf.data.readers import relations_jsonl as lines

# A person's box in COCO encloses the whole silhouette, about 1.13 times the
# extent of the joints, around which boxes have a margin of 1.25.
_BBOX_MARGIN = 1.1


@dataclasses.dataclass
class _Person:
    """One annotation: where it stands in the file, and what it says."""

    number: int | str
    path: str
    image: str
    points: np.ndarray
    known: np.ndarray
    bbox: tuple[float, ...] | None


def read_coco(source, *, split="train", year=2017, skip_limit=10, report=print):
    """Reads COCO as published: `annotations/` beside `train2017/`.

    Args:
        source: path of the folder.
        split: "train" or "val".
        year: int, 2017 or 2014.
        skip_limit: int, how many bad records are skipped with a report
            before it is an error.
        report: function of one str that tells the user of each.

    Returns:
        `labels.LabelledPhotos`, 2D only; crowds and people without a labelled
        joint are left out.

    Raises:
        ValueError: a file is missing or not in this layout, or there are too
            many bad records.
    """
    source = pathlib.Path(source)
    name = f"{split}{year}"
    return _read(
        f"coco_{name}",
        source / "annotations" / f"person_keypoints_{name}.json",
        source / name,
        None,
        labels.BadRecords(str(source), skip_limit, report),
    )


def read_custom(source, *, split=None, skip_limit=0, report=print):
    """Reads own pictures: `annotations.json`, `images/`, `relations.jsonl`.

    Args:
        source: path of the folder. Without `images/`, pictures lie in the
            folder itself; without `relations.jsonl`, labels are 2D only.
        split: str such as "val", for `annotations_val.json` and
            `relations_val.jsonl`; None for the names above.
        skip_limit: int, how many bad records (a person, or a line of
            relations) are skipped with a report before it is an error.
        report: function of one str that tells the user of each.

    Returns:
        `labels.LabelledPhotos`, a row for each person with a labelled joint.

    Raises:
        ValueError: a file is missing or not in this layout, a joint has no
            known name, nobody is left, or there are too many bad records.
    """
    source = pathlib.Path(source)
    if not source.is_dir():
        raise ValueError(
            f"{source} is no folder; name the one that holds annotations.json."
        )
    ending = f"_{split}" if split else ""
    images, relations = source / "images", source / f"relations{ending}.jsonl"
    return _read(
        source.resolve().name,
        source / f"annotations{ending}.json",
        images if images.is_dir() else source,
        relations if relations.exists() else None,
        labels.BadRecords(str(source), skip_limit, report),
    )


def custom_skeleton(source, *, split=None):
    """The `skeleton.Skeleton` that `read_custom` maps from.

    Raises:
        ValueError: annotations are missing, or not in this layout.
    """
    ending = f"_{split}" if split else ""
    path = pathlib.Path(source) / f"annotations{ending}.json"
    body, _ = _bodies(path, _load_json(path))
    return body


def _read(name, annotations, images, relations, bad):
    body, people = _read_people(annotations, images, bad)
    if not people:
        raise ValueError(
            f"{annotations}: no usable person; each needs a labelled joint."
        )
    to_ours = skeleton.mapping(body, skeleton.H36M17)
    keypoints, keypoint_mask = to_ours.points(
        np.stack([person.points for person in people]),
        np.stack([person.known for person in people]),
    )
    count, joints = len(people), len(skeleton.H36M17)
    relation = np.zeros((count, joints, joints), np.int8)
    relation_mask = np.zeros((count, joints, joints), bool)
    if relations is not None:
        numbers = [(person.image, person.number) for person in people]
        given = lines.read_relations(relations, body, numbers, bad)
        relation, relation_mask = lines.map_relations(given, body, count)
    return labels.labelled(
        name,
        [person.path for person in people],
        _boxes(people),
        keypoints=keypoints,
        keypoint_mask=keypoint_mask,
        relation=relation,
        relation_mask=relation_mask,
    )


def _load_json(path):
    if not path.is_file():
        raise ValueError(
            f"{path} is missing; it must hold COCO keypoint annotations."
        )
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"{path} is not valid JSON ({error}); it is cut off or damaged, "
            "export it again."
        ) from error
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


def _read_people(path, images, bad):
    """The skeleton of a file, and its `_Person`s."""
    content = _load_json(path)
    body, categories = _bodies(path, content)
    pictures = {}
    for row in content["images"]:
        name = row.get("file_name")
        if not _is_id(row.get("id")) or not _is_name(name):
            raise ValueError(
                f"{path}: an entry of `images` lacks `id` or `file_name`: "
                f"{str(row)[:80]}."
            )
        if row["id"] in pictures:
            raise ValueError(f"{path}: two `images` have the id {row['id']}.")
        pictures[row["id"]] = row
    # Joints of which none of ours follows, such as ears, make no person.
    used = skeleton.mapping(body, skeleton.H36M17).weights.any(axis=0)
    exists = {}
    people, numbers = [], set()
    for place, row in enumerate(content["annotations"]):
        category = row.get("category_id")
        if row.get("iscrowd") or not _is_id(category):
            continue
        if category not in categories:
            continue
        number = row.get("id")
        try:
            if not _is_id(number) or number in numbers:
                raise ValueError("it has no `id` of its own.")
            numbers.add(number)
            person = _person(row, body, used, pictures, images)
            if person is None:
                continue
            if person.path not in exists:
                exists[person.path] = pathlib.Path(person.path).is_file()
            if not exists[person.path]:
                raise ValueError(f"there is no picture {person.path}.")
        except (ValueError, TypeError, OverflowError) as error:
            who = f"{number}" if _is_id(number) else f"at place {place}"
            bad.skip(f"annotation {who} of {path}: {error}")
            continue
        people.append(person)
    return body, people


def _bodies(path, content):
    """The skeleton that categories name, and the ids of these categories."""
    bodies = {
        category["id"]: _category_skeleton(path, category)
        for category in content["categories"]
        if category.get("keypoints") and _is_id(category.get("id"))
    }
    if len(set(bodies.values())) != 1:
        raise ValueError(
            f"{path}: `categories` must hold one that has an `id` and names "
            f"its `keypoints`. Found: {len(bodies)}."
        )
    return next(iter(bodies.values())), set(bodies)


def _is_id(value):
    return isinstance(value, (int, str)) and not isinstance(value, bool)


def _is_name(value):
    return isinstance(value, str) and value.strip() and "\0" not in value


def _category_skeleton(path, category):
    """Skeleton of a category's joints; one of ours where it has its joints."""
    joints = category["keypoints"]
    if not isinstance(joints, list) or not all(map(_is_name, joints)):
        raise ValueError(f"{path}: `keypoints` of a category must be names.")
    for body in skeleton.SKELETONS:
        if tuple(joints) == body.joints:
            return body
    _check_names(path, joints)
    if len(set(joints)) < len(joints):
        raise ValueError(f"{path}: a category names a joint twice: {joints}.")
    name = "coco17" if {"left_eye", "right_eye"} & set(joints) else "custom"
    # Nobody walks this tree: mapping goes by names.
    parents = (-1, *[0] * (len(joints) - 1))
    return skeleton.Skeleton(name, tuple(joints), parents, 0)


def _check_names(path, joints):
    known = {joint for body in skeleton.SKELETONS for joint in body.joints}
    for joint in joints:
        if joint not in known:
            near = difflib.get_close_matches(joint, sorted(known), n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise ValueError(
                f"{path}: no joint is known as {joint!r}.{hint} Rename it as "
                "in ordinal_tf/skeleton.py, or remove it."
            )


def _person(row, body, used, pictures, images):
    """`_Person` of an annotation, None where no `used` joint is labelled."""
    picture = pictures.get(row.get("image_id"))
    if picture is None:
        raise ValueError(f"its image_id {row.get('image_id')} is unknown.")
    values = row.get("keypoints")
    if not isinstance(values, list) or len(values) != 3 * len(body):
        found = len(values) if isinstance(values, list) else "none"
        raise ValueError(
            f"`keypoints` needs {3 * len(body)} numbers, x, y, v for each of "
            f"the category's {len(body)} joints. Found: {found}."
        )
    triples = np.array([_number(v) for v in values]).reshape(-1, 3)
    if not np.isin(triples[:, 2], (0, 1, 2)).all():
        raise ValueError("a joint's v in `keypoints` must be 0, 1 or 2.")
    known = triples[:, 2] > 0
    if not (known & used).any():
        return None
    _check_inside(triples[known, :2], picture)
    bbox = row.get("bbox")
    if bbox is not None:
        bbox = tuple(_number(v) for v in bbox)
        if len(bbox) != 4:
            raise ValueError(f"`bbox` must be x, y, width, height: {bbox}.")
        if min(bbox[2:]) <= 0:
            bbox = None  # Some tools write zeros where they know none.
    if bbox is None and known.sum() < 2:
        raise ValueError("one joint and no `bbox` make no box.")
    return _Person(
        number=row["id"],
        path=str(images / picture["file_name"]),
        image=picture["file_name"],
        points=triples[:, :2],
        known=known,
        bbox=bbox,
    )


def _number(value):
    """A finite number of a JSON list."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{str(value)[:40]!r} is no number.")
    if not math.isfinite(value) or abs(value) > 1e6:
        raise ValueError(f"{value} is no coordinate.")
    return float(value)


def _check_inside(points, picture):
    """Joints may lie outside of a picture that cuts the person, but near."""
    width, height = picture.get("width"), picture.get("height")
    if not all(type(v) in (int, float) and v > 0 for v in (width, height)):
        return
    size = np.array([width, height])
    if ((points < -size) | (points > 2 * size)).any():
        raise ValueError(
            f"a joint lies far outside of the {width} x {height} picture."
        )


def _boxes(people):
    """`(N, 3)` boxes, around the `bbox` where there is one, or the joints.

    The `bbox` also knows of limbs that nobody labelled.
    """
    with_bbox = np.array([person.bbox is not None for person in people])
    points = np.stack([person.points for person in people])
    known = np.stack([person.known for person in people])
    around = np.asarray(geometry.box_around(points, known))
    corners = np.array([person.bbox or (0, 0, 0, 0) for person in people])
    corners = corners.reshape(-1, 2, 2).cumsum(axis=1)
    silhouettes = geometry.box_around(
        corners, np.ones(corners.shape[:2], bool), margin=_BBOX_MARGIN
    )
    return np.where(with_bbox[:, None], np.asarray(silhouettes), around)
