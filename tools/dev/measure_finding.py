r"""Measures how well a model finds people by itself.

Example:
    python -m tools.dev.measure_finding --model=saved_models/lite \
        --coco=DATA/everyday --lsp=DATA/lspet_ordinal --limit=200

Recall, precision and AP of squares at an overlap of a half, and COCO's
keypoint AP, on a folder in COCO's layout; PCK@0.2 with the boxes of the labels
and without, on photographs of LSP-extended that the model has not seen; how
many people it finds where nobody is; and the time of a photograph in calls of
the network. `finding.LEAST_SCORE` is chosen by this. The last line of standard
output is JSON with the same figures.
"""

import json
import pathlib

import numpy as np
from absl import flags

import ordinal_tf
from ordinal_tf import boxes as box_shapes
from ordinal_tf import drawing, files, skeleton
from ordinal_tf.data.files import photos, text
from ordinal_tf.data.readers import lsp
from ordinal_tf.evaluation import finding as judging
from ordinal_tf.evaluation import scoring
from ordinal_tf.inference import finding
from ordinal_tf.litert import lite_report
from ordinal_tf.synthetic import people

from . import _common

_MODEL = flags.DEFINE_string(
    "model", "lite", "Model folder, or the name of a shipped model."
)
_COCO = flags.DEFINE_string(
    "coco", None, "Folder with annotations/person_keypoints_*.json."
)
_LSP = flags.DEFINE_string(
    "lsp", None, "Folder in the published ordinal layout."
)
_FIRST = flags.DEFINE_integer("first", 5401, "First image of --lsp, from 1.")
_LAST = flags.DEFINE_integer("last", 6000, "Last image of --lsp, included.")
_LIMIT = flags.DEFINE_integer("limit", 200, "Photographs of --lsp.", 0)
_EMPTY = flags.DEFINE_integer("empty", 20, "Pictures without people.", 0)
_RUNS = flags.DEFINE_integer("runs", 20, "Calls that are timed.", 1)
_LEAST = flags.DEFINE_float(
    "person_score", finding.LEAST_SCORE, "Least score of a person."
)
_DRAWN = flags.DEFINE_string(
    "drawn", None, "Folder for pictures of the people found in --coco."
)

# What is asked of a model to draw the curve; and the precision of a target.
_FLOOR, _PRECISION = 0.02, 0.75
_EMPTY_SEED = 2_000


def main():
    predictor = ordinal_tf.load(_MODEL.value)
    found = {"person_score": _LEAST.value}
    if _COCO.value:
        found["coco"] = _on_coco(predictor)
    if _LSP.value and _LIMIT.value:
        found["lsp"] = _on_lsp(predictor)
    if _EMPTY.value:
        found["empty"] = _on_empty(predictor)
    found["milliseconds"] = _times(predictor)
    _print(found)
    print(json.dumps(found))


def _print(found):
    for name, part in found.items():
        if not isinstance(part, dict):
            print(f"{name:32} {part}")
            continue
        for key, value in part.items():
            shown = f"{value:.3f}" if isinstance(value, float) else value
            print(f"{name + ' ' + key:32} {shown}")


def _on_coco(predictor):
    """Figures of the people found in a folder of COCO's layout."""
    folder = pathlib.Path(_COCO.value)
    paths = sorted(folder.glob("annotations/person_keypoints_*.json"))
    if not paths:
        raise ValueError(
            f"{folder} has no annotations/person_keypoints_*.json."
        )
    split = paths[0].stem.removeprefix("person_keypoints_")
    content = text.read_json(paths[0])
    scores, verdicts, count, rows = [], [], 0, []
    for entry in _common.progress(content["images"], label="coco"):
        picture = folder / split / entry["file_name"]
        found = predictor.predict(picture, least_score=_FLOOR)
        labels = [
            one
            for one in content["annotations"]
            if one["image_id"] == entry["id"]
        ]
        true, ignored, crowds = _labelled(labels)
        verdicts.append(
            judging.judge(
                _seen(found["box"], entry),
                found["person_score"],
                judging.squared(true),
                judging.squared(ignored),
                crowds,
            )
        )
        scores.append(found["person_score"])
        count += len(true)
        rows.append((entry, found))
        if _DRAWN.value:
            _draw(picture, found)
    scores, verdicts = np.concatenate(scores), np.concatenate(verdicts)
    score, recall, precision = judging.curve(scores, verdicts, count)
    ours = score >= _LEAST.value
    good = precision >= _PRECISION
    return {
        "people": count,
        "recall": float(recall[ours].max(initial=0)),
        "precision": float(precision[ours][-1]) if ours.any() else 0.0,
        "ap50": judging.average_precision(recall, precision),
        f"recall_at_precision_{_PRECISION}": float(recall[good].max(initial=0)),
        "its_score": float(score[good].min(initial=1)),
        **_keypoint_ap(paths[0], rows),
    }


def _labelled(labels):
    """Rectangles `(P, 4)` of people with joints, without, and of crowds."""
    kinds = ([], [], [])
    for one in labels:
        left, top, width, height = one["bbox"]
        kind = 2 if one["iscrowd"] else int(not one["num_keypoints"])
        kinds[kind].append([left, top, left + width, top + height])
    return [np.array(kind, float).reshape(-1, 4) for kind in kinds]


def _seen(boxes, entry):
    """Squares that boxes show, without the margin that they have."""
    boxes = np.array(boxes, float)
    boxes[:, 2] /= box_shapes.OF_RECTANGLE
    return box_shapes.rectangles(boxes)


def _keypoint_ap(path, rows):
    """COCO's AP of the keypoints, where pycocotools is installed."""
    try:
        import pycocotools  # noqa: F401

        from ordinal_tf.evaluation import coco_ap
    except ImportError:
        return {}
    labels = coco_ap.read_labels(path)
    names, points, sure = [], [], []
    for entry, found in rows:
        names += [entry["file_name"]] * len(found["box"])
        points.append(found["keypoints"])
        sure.append(np.repeat(found["person_score"][:, None], 17, axis=1))
    results, joints = coco_ap.results_of(
        names,
        skeleton.H36M17,
        np.concatenate(points),
        np.concatenate(sure),
        labels,
    )
    resampled = coco_ap.Resampled(labels, results, joints, replicates=0)
    return {
        f"keypoint_{key}": float(resampled.ratio((key, "all", ""))[0])
        for key in ("ap", "ap50")
    }


def _draw(path, found):
    kept = found["person_score"] >= _LEAST.value
    image = photos.read_photo(path)
    people = [
        {key: value[row] for key, value in found.items()}
        for row in np.flatnonzero(kept)
    ]
    target = pathlib.Path(_DRAWN.value) / f"{path.stem}.png"
    target.parent.mkdir(parents=True, exist_ok=True)
    files.write_picture(target, drawing.draw_prediction(image, people))


def _on_lsp(predictor):
    """PCK with the boxes of the labels and without."""
    labels = lsp.read_lsp(
        _LSP.value, first=_FIRST.value, last=_LAST.value, skip_limit=20
    )
    rows = np.linspace(0, len(labels) - 1, min(_LIMIT.value, len(labels)))
    labels = labels.take(rows.round().astype(int))
    given, alone, missed, more = [], [], 0, 0
    for path, box in _common.progress(
        list(zip(labels.paths, labels.boxes, strict=True)), label="lsp"
    ):
        given.append(predictor.predict(path, box[None]))
        found = predictor.predict(path, least_score=_LEAST.value)
        one, there = judging.of_box(found, box)
        alone.append(one)
        missed += not there
        more += len(found["box"]) - there
    pck, pck_given = _pck(labels, alone), _pck(labels, given)
    return {
        "photos": len(labels),
        "pck_with_boxes": pck_given,
        "pck_without_boxes": pck,
        "pck_lost": pck_given - pck,
        "not_found": missed,
        "others_found": more,
    }


def _pck(labels, found):
    return scoring.figures(
        labels.keypoints,
        labels.keypoint_mask,
        labels.relation,
        labels.relation_mask,
        keypoints=np.concatenate([one["keypoints"] for one in found]),
        depths=np.concatenate([one["ordinal_depth"] for one in found]),
    )["pck"]


def _on_empty(predictor):
    """How many people are found where nobody is."""
    counts, surest = [], 0.0
    for i in range(_EMPTY.value):
        picture = people.draw_empty(i, seed=_EMPTY_SEED, size=512)
        found = predictor.predict(picture, least_score=_FLOOR)
        sure = found["person_score"]
        counts.append(int((sure >= _LEAST.value).sum()))
        surest = max(surest, float(sure.max(initial=0)))
    for value in (0, 127, 255):
        plain = np.full((480, 640, 3), value, np.uint8)
        found = predictor.predict(plain, least_score=_LEAST.value)
        counts.append(len(found["box"]))
    return {
        "pictures": len(counts),
        "with_people": sum(count > 0 for count in counts),
        "surest": surest,
    }


def _times(predictor):
    """The least time of a photograph of one person, ms."""
    picture = people.SyntheticPeople(0, size=512)[0]
    size = predictor.input_size
    crop = np.zeros((1, size, size, 3), np.uint8)
    found = predictor.predict(picture["image"])
    calls = {
        "network": lambda: predictor.crops(crop)["pose"].numpy(),
        "with_box": lambda: predictor.predict(
            picture["image"], picture["box"][None]
        ),
        "without": lambda: predictor.predict(picture["image"]),
    }
    times = {
        name: lite_report.milliseconds(call, runs=_RUNS.value)
        for name, call in calls.items()
    }
    times["calls"] = times["without"] / times["network"]
    times["people"] = len(found["box"])
    return times


if __name__ == "__main__":
    _common.run(main)
