"""Photographs with COCO keypoints: COCO itself, and people's own pictures.

Annotations are COCO's keypoint JSON, see `coco_file`. Its `categories` name
the joints, and joints are mapped by those names, so a file with another set of
known joints (LSP's, MPII's, CrowdPose's) is read as well, see `joint_names`.
Own pictures may come with depth relations, see `relations_jsonl`.
"""

import pathlib

import numpy as np

from ordinal_tf import geometry, skeleton
from ordinal_tf.data.readers import coco_file, labels
from ordinal_tf.data.readers import relations_jsonl as lines

# A person's box in COCO encloses the whole silhouette, about 1.13 times the
# extent of the joints, around which boxes have a margin of 1.25.
_BBOX_MARGIN = 1.1

# Where programs put their annotations and pictures: ours first, then
# Roboflow, Label Studio, FiftyOne, CVAT. `*` is the split.
_FILES = (
    "annotations.json",
    "_annotations.coco.json",
    "result.json",
    "labels.json",
    "annotations/person_keypoints_default.json",
)
_FILES_OF_SPLIT = (
    "annotations_*.json",
    "*/_annotations.coco.json",
    "annotations/person_keypoints_*.json",
)
_FOLDERS = ("images", "", "data", "images/default")


def read_coco(
    source,
    *,
    split="train",
    category=None,
    ignore_joints=(),
    skip_limit=10,
    report=print,
):
    """Reads COCO as published: `annotations/` beside `train2017/`.

    Args:
        source: path of the folder.
        split: "train" or "val".
        category, ignore_joints: see `coco_file.read_people`.
        skip_limit, report: see `labels.BadRecords`.

    Returns:
        `labels.LabelledPhotos`, 2D only.

    Raises:
        ValueError: see `readers`.
    """
    source = pathlib.Path(source)
    name = f"{split}2017"
    path = source / "annotations" / f"person_keypoints_{name}.json"
    bad = labels.BadRecords(str(path), skip_limit, report)
    options = {"category": category, "ignore_joints": ignore_joints}
    return _read(f"coco_{name}", path, [source / name], bad, **options)


def read_custom(
    source,
    *,
    split=None,
    category=None,
    ignore_joints=(),
    skip_limit=0,
    report=print,
):
    """Reads own pictures: `annotations.json`, `images/`, `relations.jsonl`.

    Args:
        source: path of the folder. Pictures may lie in it or in a folder
            inside, as the programs that export COCO's format have it, and
            annotations may have the name that these give. Without
            `relations.jsonl`, labels are 2D only.
        split: str such as "val", for `annotations_val.json` and
            `relations_val.jsonl`; None for the names above.
        category, ignore_joints: see `coco_file.read_people`.
        skip_limit, report: see `labels.BadRecords`; a line of relations is a
            record, too.

    Returns:
        `labels.LabelledPhotos`, a row for each person with a labelled joint.

    Raises:
        ValueError: see `readers`.
    """
    source = pathlib.Path(source)
    if not source.is_dir():
        raise ValueError(
            f"{source} is no folder; name the one that holds annotations.json."
        )
    path = _find_annotations(source, split)
    folders = [source / name for name in _FOLDERS]
    if split:
        folders[:0] = [source / split, source / "images" / split]
    return _read(
        source.resolve().name,
        path,
        [*folders, path.parent],
        labels.BadRecords(str(path), skip_limit, report),
        relations=source / f"relations{f'_{split}' if split else ''}.jsonl",
        category=category,
        ignore_joints=ignore_joints,
    )


def _find_annotations(source, split):
    names = _FILES
    if split:
        names = [name.replace("*", split) for name in _FILES_OF_SPLIT]
    for name in names:
        if (source / name).is_file():
            return source / name
    return source / names[0]  # Which is missing, as the next step says.


def _read(name, path, folders, bad, *, relations=None, **options):
    """`labels.LabelledPhotos`; arguments as of `coco_file.read_people`.

    `relations` is the path of a file, which need not exist, of relations.
    """
    joints, people = coco_file.read_people(path, folders, bad, **options)
    body = joints.body
    relation, relation_mask = None, None
    if people and relations is not None and relations.exists():
        numbers = [(person.image, person.number) for person in people]
        given = lines.read_relations(relations, joints, numbers, bad)
        relation, relation_mask = lines.map_relations(given, body, len(people))
    notes = list(joints.notes)
    beside = sum(person.beside for person in people)
    if beside:
        notes.append(
            f"The `bbox` of {beside} people does not hold their joints; their "
            "boxes are made of the joints instead."
        )
        bad.report(f"{path}: {notes[-1]}")
    bad.finish(people)
    points = np.stack([person.points for person in people])
    known = np.stack([person.known for person in people])
    to_ours = skeleton.mapping(body, skeleton.H36M17)
    keypoints, keypoint_mask = to_ours.points(points, known)
    return labels.labelled(
        name,
        [str(person.path) for person in people],
        _boxes(people, points, known),
        keypoints=keypoints,
        keypoint_mask=keypoint_mask,
        relation=relation,
        relation_mask=relation_mask,
        source=body,
        left_out=bad.left_out,
        notes=notes,
    )


def _boxes(people, points, known):
    """`(N, 3)` boxes, around the `bbox` where there is one, or the joints.

    The `bbox` also knows of limbs that nobody labelled.
    """
    with_bbox = np.array([person.bbox is not None for person in people])
    around = np.asarray(geometry.box_around(points, known))
    corners = np.array([person.bbox or (0, 0, 0, 0) for person in people])
    corners = corners.reshape(-1, 2, 2).cumsum(axis=1)
    silhouettes = geometry.box_around(
        corners, np.ones(corners.shape[:2], bool), margin=_BBOX_MARGIN
    )
    return np.where(with_bbox[:, None], np.asarray(silhouettes), around)
