"""What evaluate does with --protocol: opens people and answers, writes all."""

import dataclasses
import functools
import hashlib
import json
import os
import pathlib

import numpy as np

import ordinal_tf
from ordinal_tf import files, geometry, paths, skeleton
from ordinal_tf.data.files import text
from ordinal_tf.data.readers import coco, h36m, labels, lsp, mpii
from ordinal_tf.evaluation import (
    answers,
    coco_ap,
    pages,
    people,
    predictions,
    protocols,
    report,
    scored,
    tables,
    tally,
)

from . import _common

_H36M_LABELS = pathlib.PurePath("annot", "valid.mat")
# Files of --out.
TABLE, CSV, LATEX = "table.txt", "table.csv", "table.tex"
METRICS, REPORT, ANSWERS = "metrics.json", "report.html", "answers"


def open_people(protocol, *, data, lsp_folder, source, first, last, skip_limit):
    """`people.People` of what the flags name; one of three is given."""
    if data:
        return people.of_prepared(data)
    if lsp_folder:
        photos = lsp.read_lsp(
            lsp_folder, first=first, last=last, skip_limit=skip_limit
        )
        return people.of_photos(photos, where=lsp_folder)
    if protocol == "mpii":
        photos, heads = mpii.read_with_heads(source, skip_limit=skip_limit)
        return people.of_photos(photos, where=source, head_size=heads)
    path = pathlib.Path(source) / _H36M_LABELS
    if protocol.startswith("h36m") and path.is_file():
        return people.of_photos(_h36m(path), where=source)
    raise ValueError(
        f"--source is for data sets whose protocol needs more than prepared "
        f"people keep (mpii, coco) and for Human3.6M's {_H36M_LABELS}; for "
        f"{protocol} prepare the data set and name it with --data."
    )


def _h36m(path):
    """People of the authors' annotations, whose pictures are not needed."""
    found = h36m.read_annotations(path)
    keypoints = found.views["keypoints_2d"]
    every = np.ones(keypoints.shape[:2], bool)
    return labels.labelled(
        "h36m_valid",
        [f"{name}.jpg" for name in found.names],
        geometry.box_around(keypoints, every, margin=1.2),
        keypoints=keypoints,
        keypoint_mask=every,
        pose=found.poses,
        pose_mask=every,
        camera=found.intrinsics,
        source=skeleton.H36M17_LEFT_FIRST,
    )


def open_answers(name, someone, *, out, weights, batch_size):
    """`answers.Answers` of a file of predictions, or of any kind of network.

    Args:
        name: path of predictions, of a LiteRT file, of a run of tools.train,
            or of an exported model; or the name of a shipped one.
        someone: `people.People`.
        out: folder of the results, or None.
        weights: str, which weights of a run.
        batch_size: int.
    """
    path = pathlib.Path(name)
    if path.suffix.lower() in predictions.SUFFIXES:
        return answers.of_file(predictions.read(path), someone)
    predict, size, fingerprint = _network(path, name, weights)
    return answers.of_network(
        predict,
        someone,
        name=path.name,
        fingerprint=fingerprint,
        input_size=size,
        batch_size=batch_size,
        folder=out and pathlib.Path(out) / ANSWERS,
    )


def _network(path, name, weights):
    """A function of crops, their side, and a fingerprint."""
    if path.suffix == ".tflite":
        from ordinal_tf.litert import lite_file, lite_report

        size = lite_file.read_info(path)["input_size"]
        run = lite_file.open_model(path, threads=os.cpu_count() or 1)
        predict = functools.partial(lite_report.outputs_of, run)
        return predict, size, files.checksum(path)
    if (path / "config.json").is_file():
        from ordinal_tf.training import image, runs

        predict, config = image.load_predict(path, weights)
        fingerprint = files.checksum(runs.weights_path(path, weights))
        return predict, config.model.input_size, fingerprint
    predictor = ordinal_tf.load(name)
    folder = paths.latest_version(paths.find_model(name))
    parts = [folder / "saved_model.pb", *sorted(folder.glob("variables/*"))]
    digest = hashlib.sha256()
    for path in parts:
        digest.update(path.read_bytes())
    return predictor.crops, predictor.input_size, digest.hexdigest()


def evaluate(
    name,
    subjects,
    someone,
    *,
    out,
    wanted,
    replicates,
    allow_missing,
    **options,
):
    """Scores one or two by a protocol that is a mean over people.

    Args:
        name: str, the protocol's.
        subjects: one or two str, see `open_answers`.
        someone: `people.People`.
        out: folder, or None.
        wanted: set of pictures' names, or None.
        replicates: int.
        allow_missing: bool, score poses although some people have none.
        **options: of `open_answers`.

    Returns:
        list of `scored.Scored` and of sentences.
    """
    protocol = protocols.find(name, someone)
    protocols.check(protocol, someone)
    rows, notes = protocols.rows(
        protocol, someone, part=answers.PART, wanted=wanted
    )
    someone = someone.take(rows)
    found = [open_answers(one, someone, out=out, **options) for one in subjects]
    if len({one.name for one in found}) < len(found):
        found = [
            dataclasses.replace(one, name=path)
            for one, path in zip(found, subjects, strict=True)
        ]
    protocols.check(protocol, someone, found)
    several = []
    for one in found:
        update = _common.progress_line(someone.count, f"evaluate {one.name}")
        several.append(
            scored.score(
                protocol,
                someone,
                one,
                replicates=replicates,
                allow_missing=allow_missing,
                progress=update,
            )
        )
        if several[-1].unanswered:
            notes.append(
                f"{one.name} has nothing for {several[-1].unanswered} of "
                f"{someone.count} people: their joints count as wrong, and "
                "they are left out of the errors of poses."
            )
    return several, notes


def evaluate_coco(
    subjects, *, source, split, out, replicates, skip_limit, **options
):
    """Scores one or two by COCO's AP; see `evaluate`.

    Args:
        source: path of COCO's folder, or of an annotation file.
        split: str, "val" or "train", of a folder.
        skip_limit: int, bad records of the labels that may be skipped.
    """
    path = pathlib.Path(source)
    folder = None if path.is_file() else path
    if folder:
        file = f"person_keypoints_{split}2017.json"
        path = folder / "annotations" / file
    truth = coco_ap.read_labels(path)
    results, notes = [], []
    for one in subjects:
        if pathlib.Path(one).suffix.lower() in predictions.SUFFIXES:
            results.append(_coco_results(one, truth))
            continue
        if folder is None:
            raise ValueError(
                f"A network needs pictures: name COCO's folder with --source, "
                f"not {path}."
            )
        photos = coco.read_coco(folder, split=split, skip_limit=skip_limit)
        someone = people.of_photos(photos, where=folder)
        given = open_answers(one, someone, out=out, **options)
        results.append((given.name, *_coco_answers(given, someone, truth)))
        notes.append(
            f"{given.name} was given the labels' own boxes, so nobody is found "
            "where nobody is."
        )
    joints = [
        joint
        for joint in skeleton.COCO17.joints
        if all(joint in has for _, _, has in results)
    ]
    protocol = coco_ap.protocol(joints)
    several = [
        scored.Scored(
            name,
            protocol,
            str(path),
            coco_ap.Resampled(truth, found, joints, replicates=replicates),
        )
        for name, found, _ in results
    ]
    return several, notes


def _coco_results(path, truth):
    """Name, detections and joints of a file."""
    name = pathlib.Path(path).name
    if predictions.is_coco(path):
        found = coco_ap.read_results(path, truth)
        return name, found, skeleton.COCO17.joints
    table = predictions.read(path)
    if table.image is None or "keypoints" not in table.fields:
        raise ValueError(f"{path}: coco needs `image` and `keypoints`.")
    score = table.fields.get("score")
    points = table.fields["keypoints"]
    return name, *coco_ap.results_of(
        table.image, table.body, points, score, truth, table.person_score
    )


def _coco_answers(given, someone, truth):
    """Detections and joints of a network's answers."""
    found, has = [], ()
    update = _common.progress_line(someone.count, f"evaluate {given.name}")
    for first in range(0, someone.count, answers.PART):
        rows = range(first, min(someone.count, first + answers.PART))
        part = given.part(first // answers.PART)
        names = someone.read(list(rows))["name"]
        some, has = coco_ap.results_of(
            names, skeleton.H36M17, part["keypoints"], part["score"], truth
        )
        found += some
        update(rows.stop)
    return found, has


def read_names(path):
    """The set of pictures' names that a file lists, one a line."""
    lines = text.read_text(path).splitlines()
    names = {line.strip() for line in lines} - {""}
    if not names:
        raise ValueError(f"{path} lists no pictures, one a line.")
    return names


def tell(several, notes, out):
    """Prints the table, writes everything to `out`, and prints JSON last."""
    units = several[0].tally.units
    if units < tally.LEAST_UNITS:
        notes = [
            *notes,
            f"No intervals: the people are of {units} pictures or clips, and "
            f"of fewer than {tally.LEAST_UNITS} nobody can tell.",
        ]
    table = tables.text(several)
    print(table, end="")
    for note in notes:
        print(note)
    found = tables.figures(several)
    if out:
        folder = pathlib.Path(out)
        folder.mkdir(parents=True, exist_ok=True)
        files.write_text(folder / TABLE, table)
        files.write_text(folder / CSV, tables.csv_text(several))
        files.write_text(folder / LATEX, tables.latex(several))
        files.write_json(folder / METRICS, found)
        page = pages.document(several, notes=notes)
        report.write(folder / REPORT, page)
        names = (TABLE, CSV, LATEX, METRICS, REPORT)
        print(f"Wrote {', '.join(names)} to {folder}.")
    print(json.dumps(_short(found)))


def _short(found):
    """The same without breakdowns, of which there are hundreds."""
    return {
        key: _short(value) if key in ("a", "b") else value
        for key, value in found.items()
        if key != "breakdown"
    }
