"""COCO's keypoint AP, by its own program, pycocotools.

A joint that the answers never have (a network of 17 Human3.6M joints has no
eyes and ears) is taken out of the labels too, for it would count as infinitely
wrong; how many joints are left stands in the title, and such an AP is no
published one.
"""

import contextlib
import copy
import dataclasses
import importlib.util
import io
import pathlib

import numpy as np

from ordinal_tf import skeleton
from ordinal_tf.data.files import text
from ordinal_tf.evaluation import protocols, tally

FIGURES = ("ap", "ap50", "ap75", "ar")
# Resampling counts detections anew each time, which takes a while.
REPLICATES = 200
_COCO = skeleton.COCO17


@dataclasses.dataclass(frozen=True)
class Labels:
    """A COCO annotation file.

    Attributes:
        path: `pathlib.Path`.
        content: dict, `images`, `annotations` and `categories` of people.
        category: int, the id of people.
    """

    path: pathlib.Path
    content: dict
    category: int


def read_labels(path):
    """Reads `person_keypoints_*.json`; pictures are not needed.

    Raises:
        ValueError: it is no such file; names what is missing.
        OSError: the file cannot be opened.
    """
    path = pathlib.Path(path)
    content = text.read_json(path)
    lists = ("images", "annotations", "categories")
    if not isinstance(content, dict) or not all(
        isinstance(content.get(key), list) for key in lists
    ):
        raise ValueError(f"{path} must hold the lists {', '.join(lists)}.")
    people = [
        one
        for one in content["categories"]
        if tuple(one.get("keypoints", ())) == _COCO.joints
    ]
    if len(people) != 1:
        raise ValueError(
            f"{path} must have one category with COCO's 17 keypoints in their "
            f"order. Found: {len(people)}."
        )
    kept = []
    for one in content["annotations"]:
        if one.get("category_id") != people[0]["id"]:
            continue
        lacking = [
            key
            for key in ("id", "image_id", "keypoints", "area", "bbox")
            if key not in one
        ]
        if lacking:
            raise ValueError(
                f"{path}: annotation {one.get('id')} has no {lacking[0]}, "
                "which COCO's AP needs."
            )
        # pycocotools takes a match with an id of 0 for none.
        kept.append({"iscrowd": 0, **one, "id": len(kept) + 1})
    if not kept:
        raise ValueError(f"{path} has no annotation of a person.")
    people = {**content, "annotations": kept, "categories": people}
    return Labels(path, people, people["categories"][0]["id"])


def read_results(path, labels):
    """Reads COCO's results: a list of detections.

    Raises:
        ValueError: it is no such list, or names pictures that are unknown.
        OSError: the file cannot be opened.
    """
    results = text.read_json(path)
    known = {one["id"] for one in labels.content["images"]}
    for k, one in enumerate(results if isinstance(results, list) else [None]):
        fine = isinstance(one, dict) and {
            "image_id",
            "keypoints",
            "score",
        } <= set(one)
        if not fine or len(one["keypoints"]) != 3 * len(_COCO):
            raise ValueError(
                f"{path}, detection {k}: a detection has image_id, score and "
                f"{3 * len(_COCO)} numbers as keypoints: x, y, v of each joint."
            )
        if one["image_id"] not in known:
            raise ValueError(
                f"{path}, detection {k}: {labels.path} has no image "
                f"{one['image_id']}."
            )
    return [{**one, "category_id": labels.category} for one in results]


def results_of(names, body, keypoints, score, labels, person_score=None):
    """Detections in COCO's form.

    Args:
        names: M names of pictures, bare or with a path.
        body: `skeleton.Skeleton` of J joints.
        keypoints: `(M, J, 2)` pixels, NaN where not found.
        score: `(M, J)`, or None: all the same.
        labels: `Labels`.
        person_score: `(M,)`, what ranks people; where it is NaN or None, the
            mean of their joints' scores does.

    Returns:
        list of dicts, and the names of the joints that they can have.

    Raises:
        ValueError: none of the pictures is known.
    """
    to_coco = skeleton.mapping(body, _COCO)
    has = to_coco.mask & ~to_coco.approximate
    images = {
        pathlib.PurePosixPath(one["file_name"]).name: one["id"]
        for one in labels.content["images"]
    }
    points, known = to_coco.points(
        np.asarray(keypoints, np.float64), np.isfinite(keypoints).all(-1)
    )
    points = np.where((known & has)[..., None], points, 0.0)
    sure = _sure(len(points), score, person_score)
    found = []
    for name, person, one in zip(names, points, sure, strict=True):
        image = images.get(pathlib.PurePosixPath(name).name)
        if image is not None:
            triples = np.column_stack([person, np.ones(len(_COCO))])
            found.append(
                {
                    "image_id": image,
                    "category_id": labels.category,
                    "keypoints": triples.ravel().tolist(),
                    "score": float(one),
                }
            )
    if not found and len(points):
        raise ValueError(
            f"{labels.path} has none of the pictures, such as {names[0]}."
        )
    return found, tuple(np.array(_COCO.joints)[has].tolist())


def _sure(count, score, person_score):
    """`(M,)`: how sure each detection is, 0 where nobody says."""
    mean = np.ones(count)
    if score is not None:
        known = np.isfinite(score)
        total = np.where(known, score, 0).sum(1)
        mean = total / np.maximum(known.sum(1), 1)
    if person_score is None:
        return mean
    return np.where(np.isfinite(person_score), person_score, mean)


class Resampled:
    """AP of detections, with replicates over pictures, as `tally.Tally` is.

    Args:
        labels: `Labels`.
        results: list of detections.
        joints: names of COCO's joints that count.
        replicates: int, B.

    Attributes:
        people: dict of None to how many people are labelled.
        units: int, pictures.
        columns, groups: as those of a tally.
    """

    def __init__(self, labels, results, joints, *, replicates):
        if importlib.util.find_spec("pycocotools") is None:
            raise ValueError(
                "COCO's AP is counted by pycocotools: pip install "
                "'ordinal-tf[coco]'."
            )
        if not results:
            raise ValueError(
                f"Nobody was found in the pictures of {labels.path}."
            )
        content = _only(labels.content, joints)
        evaluation = _evaluated(content, results)
        self.people = {
            None: sum(
                one["num_keypoints"] > 0 and not one["iscrowd"]
                for one in content["annotations"]
            )
        }
        self.units = len(evaluation.params.imgIds)
        self.groups = []
        self.columns = [(key, "all", "") for key in FIGURES]
        rng = np.random.default_rng(0)
        rows = [np.arange(self.units)]
        rows += [
            rng.integers(0, self.units, self.units) for _ in range(replicates)
        ]
        self._values = np.array([_summary(evaluation, some) for some in rows])

    def ratio(self, name, group=None):
        """See `tally.Tally.ratio`."""
        del group
        return self._values[:, self.columns.index(name)]

    def interval(self, values):
        """See `tally.Tally.interval`."""
        return tally.interval(values, self.units)


def protocol(joints):
    """`protocols.Protocol` for tables and reports; it has no columns."""
    which = (
        "17 joints"
        if len(joints) == len(_COCO)
        else f"the {len(joints)} joints that the answers have, so not to be "
        f"compared with published AP ({', '.join(joints)})"
    )
    return protocols.Protocol(
        name=protocols.COCO,
        title=f"COCO keypoints: AP by object keypoint similarity, over {which}",
        needs=(),
        uses=("keypoints",),
        figures=FIGURES,
        columns=None,
        joints=(),
    )


def _only(content, joints):
    """Labels with the other joints unlabelled."""
    kept = np.isin(_COCO.joints, joints)
    content = copy.deepcopy(content)
    for one in content["annotations"]:
        triples = np.array(one["keypoints"], np.float64).reshape(-1, 3)
        triples[~kept] = 0
        one["keypoints"] = triples.ravel().tolist()
        one["num_keypoints"] = int((triples[:, 2] > 0).sum())
    return content


def _evaluated(content, results):
    from pycocotools import coco, cocoeval

    # It prints what it does.
    with contextlib.redirect_stdout(io.StringIO()):
        truth = coco.COCO()
        truth.dataset = content
        truth.createIndex()
        # loadRes copies the `info` of the labels, which may have none.
        content.setdefault("info", {})
        found = truth.loadRes([dict(one) for one in results])
        evaluation = cocoeval.COCOeval(truth, found, "keypoints")
        evaluation.params.areaRng = evaluation.params.areaRng[:1]
        evaluation.params.areaRngLbl = evaluation.params.areaRngLbl[:1]
        evaluation.evaluate()
    return evaluation


def _summary(evaluation, images):
    """AP, AP50, AP75 and AR in 0 to 1 over pictures, some maybe twice."""
    one = copy.copy(evaluation)
    one.evalImgs = [evaluation.evalImgs[k] for k in images]
    with contextlib.redirect_stdout(io.StringIO()):
        one.accumulate()
    precision, recall = one.eval["precision"], one.eval["recall"]

    def mean(values):
        values = values[values > -1]
        return values.mean() if values.size else np.nan

    at = {round(t, 2): k for k, t in enumerate(one.params.iouThrs)}
    return [
        mean(precision),
        mean(precision[at[0.5]]),
        mean(precision[at[0.75]]),
        mean(recall),
    ]
