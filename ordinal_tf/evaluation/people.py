"""The labelled people that a protocol scores, read a few at a time."""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Callable

import numpy as np

from ordinal_tf.data.files import photos as pictures
from ordinal_tf.data.pipeline import sources
from ordinal_tf.data.prepared import cutouts, reading

_IDENTITY = np.eye(3, dtype=np.float32)[:2]
_LABELS = (*sources.LABELS, "pose", "pose_mask")


@dataclasses.dataclass(frozen=True)
class People:
    """N labelled people, K = 17 joints of `skeleton.H36M17`.

    Attributes:
        name: str, the data set and where it lies, for messages.
        count: int, N.
        labelled: str, name of the skeleton that was labelled.
        knows: frozenset, of "keypoints", "relation", "depth", "pose",
            "visible" and "head" what some of the people have.
        read: function of a list of rows that returns a dict: `name`, list of
            str, the pictures; `keypoints` `(P, K, 2)` and `box` `(P, 3)` in
            pixels of the original picture; the other labels as
            `labels.LabelledPhotos` has them; `visible` and `visible_mask`
            `(P, K)`; `head_size` `(P,)` pixels, NaN where unknown; and, for
            crops, `window_box` `(P, 3)` and `to_picture` `(P, 2, 3)`, from
            pixels of what is cropped to those of the picture.
        picture: function of a row that returns uint8 RGB of what is cropped.
        source: function without arguments that returns the `sources.Source`
            of the same people in the same order; it opens their pictures.
        fingerprint: str that changes with people and labels.
        views: int, so many people of consecutive numbers are one person in
            one pose.
    """

    name: str
    count: int
    labelled: str
    knows: frozenset
    read: Callable
    picture: Callable
    source: Callable
    fingerprint: str
    views: int = 1

    def take(self, rows):
        """The people at `rows`, ints, in that order."""
        rows = np.array(rows, np.int64)
        if np.array_equal(rows, np.arange(self.count)):
            return self
        number = hashlib.sha256(self.fingerprint.encode() + rows.tobytes())
        return dataclasses.replace(
            self,
            count=len(rows),
            read=lambda some: self.read(rows[np.asarray(some, int)].tolist()),
            picture=lambda row: self.picture(int(rows[row])),
            source=lambda: sources.taken(self.source(), rows),
            fingerprint=number.hexdigest(),
        )


def of_prepared(folder):
    """`People` of a folder that `tools.prepare` wrote.

    Raises:
        ValueError: see `reading.open_prepared`.
    """
    opened = reading.open_prepared(folder)
    card = opened.card

    def read(rows):
        records = opened.read_many(rows)
        keys = (*_LABELS, "visible", "visible_mask", "to_picture", "box")
        found = {
            key: np.stack([one[key] for one in records])
            if records
            else np.zeros((0, *reading.records.FIELDS[key][1]))
            for key in keys
        }
        found["name"] = [one["name"] for one in records]
        found["window_box"] = found["box"]
        found["box"] = _moved_box(found["box"], found["to_picture"])
        found["keypoints"] = moved(found["keypoints"], found["to_picture"])
        found["head_size"] = np.full(len(records), np.nan)
        return found

    coverage = card["coverage"]
    has = {
        "keypoints": "keypoint" in coverage,
        "relation": card["relations"]["people"] > 0,
        "depth": "depth" in coverage,
        "pose": "pose" in coverage,
        "visible": "visible" in coverage,
    }
    checksums = [one["sha256"] for one in card["shards"]]
    return People(
        name=f"{folder} ({card['name']})",
        count=len(opened),
        labelled=card["joints"]["from"],
        knows=frozenset(key for key, known in has.items() if known),
        read=read,
        picture=lambda row: cutouts.decode(opened.read(row)["image"]),
        source=functools.cache(lambda: sources.prepared_source(folder)),
        fingerprint=_digest(json.dumps(checksums).encode()),
        views=int(card["options"].get("views", 1)),
    )


def of_photos(photos, *, where, head_size=None):
    """`People` of `labels.LabelledPhotos`.

    Args:
        photos: `labels.LabelledPhotos`.
        where: path that it was read from, for messages.
        head_size: `(N,)` pixels, or None where nobody knows.
    """
    count, joints = photos.keypoint_mask.shape
    unknown = np.zeros((count, joints), bool)
    heads = np.full(count, np.nan) if head_size is None else head_size
    columns = {
        **{key: getattr(photos, key) for key in _LABELS},
        "visible": unknown,
        "visible_mask": unknown,
        "box": photos.boxes,
        "window_box": photos.boxes,
        "to_picture": np.broadcast_to(_IDENTITY, (count, 2, 3)),
        "head_size": np.asarray(heads, np.float64),
    }

    def read(rows):
        found = {key: array[rows] for key, array in columns.items()}
        found["name"] = [str(path) for path in photos.paths[rows]]
        return found

    has = {
        "keypoints": photos.keypoint_mask.any(),
        "relation": photos.relation_mask.any(),
        "depth": photos.depth_mask.any(),
        "pose": photos.pose_mask.any(),
        "head": np.isfinite(columns["head_size"]).any(),
    }
    labels = [photos.paths.tobytes(), columns["head_size"].tobytes()]
    labels += [columns[key].tobytes() for key in (*_LABELS, "box")]
    return People(
        name=f"{where} ({photos.name})",
        count=count,
        labelled=photos.source.name,
        knows=frozenset(key for key, known in has.items() if known),
        read=read,
        picture=lambda row: pictures.read_photo(photos.paths[row]),
        source=functools.cache(lambda: sources.as_source(photos)),
        fingerprint=_digest(*labels),
    )


def moved(points, matrix):
    """`(P, K, 2)` points after the affine maps `(P, 2, 3)`."""
    turned = np.einsum("pij,pkj->pki", matrix[..., :2], points)
    return turned + matrix[:, None, :, 2]


def _moved_box(box, matrix):
    centre = moved(box[:, None, :2], matrix)[:, 0]
    zoom = np.sqrt(matrix[:, 0, 0] * matrix[:, 1, 1])
    return np.column_stack([centre, zoom * box[:, 2]])


def _digest(*parts):
    digest = hashlib.sha256()
    for part in parts:
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()
