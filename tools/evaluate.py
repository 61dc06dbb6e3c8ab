r"""Scores an exported model on photographs, or on any prepared dataset.

Example:
    python -m tools.evaluate --model=saved_models/lite \
        --lsp=DATA/lspet_ordinal --first=5401 --last=6000
    python -m tools.evaluate --model=saved_models/lite --data=prepared/h36m \
        --group="act_\d+"

PCK and ordinal accuracy from the 2D labels and relations; from 3D poses, where
the dataset has them, MPJPE, PA-MPJPE (after the best rotation, scale and
translation), N-MPJPE (best scale), 3DPCK and AUC, also for each group of
pictures, such as the actions. The last line of standard output is JSON with
the same figures.

With --protocol the figures are those of a protocol of the field, with
bootstrap intervals, of a model, a LiteRT file, a run of tools.train, or of
anybody's predictions; docs/evaluation.md says what each protocol is.

    python -m tools.evaluate --protocol=h36m-p1 --data=prepared/h36m \
        --model=saved_models/lite --out=out/lite
    python -m tools.evaluate --protocol=lsp --lsp=DATA/lspet_ordinal \
        --predictions=theirs.npz
    python -m tools.evaluate --protocol=ordinal --data=prepared/test \
        --compare saved_models/lite runs/mine --out=out/two
"""

import json
import pathlib
import re

import numpy as np
from absl import app, flags

import ordinal_tf
from ordinal_tf import drawing, files
from ordinal_tf.data.files import photos
from ordinal_tf.data.pipeline import sources
from ordinal_tf.data.prepared import cutouts, reading
from ordinal_tf.data.readers import lsp
from ordinal_tf.evaluation import coco_ap, finding, protocols, scoring, tally

from . import _common, _protocols

# So that `--compare A B --out=DIR` is read to its end.
flags.FLAGS.set_gnu_getopt(True)

_MODEL = flags.DEFINE_string(
    "model",
    "lite",
    "Model folder, or the name of a shipped model; with --protocol also a "
    "LiteRT file or a run of tools.train.",
)
_LSP = flags.DEFINE_string(
    "lsp", None, "Folder in the published ordinal layout."
)
_DATA = flags.DEFINE_string(
    "data", None, "Folder that tools.prepare wrote, instead of --lsp."
)
_GROUP = flags.DEFINE_string(
    "group",
    None,
    "Regular expression: pictures of --data whose names match it in the same "
    "way are also scored by themselves.",
)
_FIRST = flags.DEFINE_integer("first", 5401, "First image of --lsp, from 1.")
_LAST = flags.DEFINE_integer("last", 6000, "Last image of --lsp, included.")
_SKIP_LIMIT = flags.DEFINE_integer(
    "skip_limit", 20, "Bad records of --lsp that may be skipped."
)
_FIND = flags.DEFINE_bool(
    "find", False, "Find the person in the picture instead of using its box."
)
_SHEET = flags.DEFINE_string(
    "sheet", None, "PNG to write with 12 predictions, evenly spread."
)

_PROTOCOL = flags.DEFINE_enum(
    "protocol", None, protocols.NAMES, "Score as this protocol does."
)
_SOURCE = flags.DEFINE_string(
    "source",
    None,
    "Folder of a data set as published, for the protocols mpii and coco "
    "(or coco's annotation file).",
)
_SPLIT = flags.DEFINE_string("split", "val", "Which part of coco's folder.")
_PREDICTIONS = flags.DEFINE_string(
    "predictions", None, "File to score (.npz, .json, .csv) instead of a model."
)
_COMPARE = flags.DEFINE_multi_string(
    "compare",
    None,
    "Two to score on the same people, and how they differ: --compare A B, "
    "each what --model or --predictions may be.",
)
_OUT = flags.DEFINE_string(
    "out",
    None,
    "Folder for report.html, tables, metrics.json and what the model found, "
    "from which a stopped evaluation goes on.",
)
_NAMES = flags.DEFINE_string(
    "names", None, "Text file of the pictures to score, one a line."
)
_REPLICATES = flags.DEFINE_integer(
    "replicates", None, "Bootstrap replicates; 1000, of coco 200.", 0
)
_ALLOW_MISSING = flags.DEFINE_bool(
    "allow_missing", False, "Score poses although some people have none."
)
_WEIGHTS = flags.DEFINE_enum(
    "weights", "last", ["last", "best", "ema"], "Which weights of a run."
)
_BATCH_SIZE = flags.DEFINE_integer("batch_size", 16, "Crops at a time.", 1)


def main(arguments):
    if arguments and not (_PROTOCOL.value and _COMPARE.value):
        raise app.UsageError(f"Unexpected arguments: {arguments}")
    if _PROTOCOL.value:
        _by_protocol(arguments)
        return
    for flag in (_SOURCE, _PREDICTIONS, _COMPARE, _OUT, _NAMES):
        if flag.value:
            raise ValueError(f"--{flag.name} goes with --protocol.")
    if bool(_LSP.value) == bool(_DATA.value):
        raise ValueError("Name what to score on: --lsp, or else --data.")
    if _DATA.value and _FIND.value or _LSP.value and _GROUP.value:
        raise ValueError("--find goes with --lsp, and --group with --data.")
    predictor = ordinal_tf.load(_MODEL.value)
    if _DATA.value:
        people = reading.open_prepared(_DATA.value)
        found = _score_prepared(predictor, people)
    else:
        people = lsp.read_lsp(
            _LSP.value,
            first=_FIRST.value,
            last=_LAST.value,
            skip_limit=_SKIP_LIMIT.value,
        )
        score = _find if _FIND.value else _score
        found = score(predictor, people)
    for joint, value in found["pck_per_joint"].items():
        print(f"{joint:15} PCK@0.2 {value:5.1f} %")
    print(f"{'mean':15} PCK@0.2 {found['pck']:5.1f} %")
    print(
        f"ordinal accuracy {found['ordinal_accuracy']:.1f} % of the unequal "
        f"pairs, {found['equal_close']:.1f} % of the equal pairs close; "
        f"{found['photos']} people, {found['pairs']} pairs"
    )
    if found.get("poses"):
        _print_poses(found)
    if _SHEET.value:
        pictures = _some_pictures(people)
        sheet = drawing.prediction_sheet(predictor.predict, pictures)
        files.write_picture(pathlib.Path(_SHEET.value), sheet)
        print(f"Wrote {_SHEET.value}.")
    print(json.dumps(found))


def _by_protocol(others):
    """Scores as a protocol does.

    Args:
        others: arguments that are no flags: the second to compare.
    """
    subjects = [*(_COMPARE.value or ()), *others]
    if _COMPARE.value:
        if len(subjects) != 2 or _PREDICTIONS.value:
            raise ValueError(
                f"--compare takes two, --compare A B. Received: {subjects}."
            )
    else:
        subjects = [_PREDICTIONS.value or _MODEL.value]
    given = [f for f in (_DATA, _LSP, _SOURCE) if f.value]
    if len(given) != 1 or _FIND.value or _GROUP.value or _SHEET.value:
        raise ValueError(
            "--protocol takes one of --data, --lsp and --source, and neither "
            "--find nor --group nor --sheet; of people that a program finds "
            "by itself, score what it wrote with --predictions."
        )
    options = {
        "out": _OUT.value,
        "weights": _WEIGHTS.value,
        "batch_size": _BATCH_SIZE.value,
    }
    if _PROTOCOL.value == protocols.COCO:
        if not _SOURCE.value or _NAMES.value:
            raise ValueError(
                "coco needs areas and crowds, which only its own file has: "
                "name its folder or the annotation file with --source, alone."
            )
        found = _protocols.evaluate_coco(
            subjects,
            source=_SOURCE.value,
            split=_SPLIT.value,
            replicates=_replicates(coco_ap.REPLICATES),
            skip_limit=_SKIP_LIMIT.value,
            **options,
        )
    else:
        found = _protocols.evaluate(
            _PROTOCOL.value,
            subjects,
            _protocols.open_people(
                _PROTOCOL.value,
                data=_DATA.value,
                lsp_folder=_LSP.value,
                source=_SOURCE.value,
                first=_FIRST.value,
                last=_LAST.value,
                skip_limit=_SKIP_LIMIT.value,
            ),
            wanted=_NAMES.value and _protocols.read_names(_NAMES.value),
            replicates=_replicates(tally.REPLICATES),
            allow_missing=_ALLOW_MISSING.value,
            **options,
        )
    _protocols.tell(*found, _OUT.value)


def _replicates(default):
    return default if _REPLICATES.value is None else _REPLICATES.value


def _score(predictor, photos):
    return scoring.evaluate(
        predictor.crops, photos, input_size=predictor.input_size
    )


def _score_prepared(predictor, people):
    arguments, pose = scoring.predictions(
        predictor.crops,
        sources.prepared_source(people.folder),
        input_size=predictor.input_size,
    )
    # Of each record what is needed, lest all pictures stay in memory.
    wanted = ("pose", "pose_mask", "name")
    records = [
        {key: record[key] for key in wanted}
        for record in map(people.read, range(len(people)))
    ]
    true = np.stack([record["pose"] for record in records])
    mask = np.stack([record["pose_mask"] for record in records])
    found = scoring.figures(**arguments)
    found |= scoring.pose_figures(true, mask, pose)
    if _GROUP.value:
        names = [_group_of(record["name"]) for record in records]
        groups = {}
        for group in sorted(set(names)):
            rows = np.array([name == group for name in names])
            groups[group] = scoring.pose_figures(
                true[rows], mask[rows], pose[rows]
            )
        found["groups"] = groups
    return found


def _group_of(name):
    match = re.search(_GROUP.value, name)
    return match[0] if match else "other"


def _print_poses(found):
    columns = ("mpjpe", "pa_mpjpe", "n_mpjpe", "pck3d", "auc")
    heads = ("MPJPE", "PA-MPJPE", "N-MPJPE", "3DPCK, %", "AUC, %")
    print(f"{'':15}" + "".join(f"{head:>10}" for head in heads))
    for name, row in {**found.get("groups", {}), "all poses": found}.items():
        if row["poses"]:
            cells = "".join(f"{row[column]:10.1f}" for column in columns)
            print(f"{name:15}{cells}  of {row['poses']}")
    for joint, value in found["mpjpe_per_joint"].items():
        print(f"{joint:15} error {value:6.1f} mm")


def _find(predictor, photos):
    keypoints, depths = [], []
    pairs = list(zip(photos.paths, photos.boxes, strict=True))
    for path, box in _common.progress(pairs, label="evaluate"):
        one, _ = finding.of_box(predictor.predict(path), box)
        keypoints.append(one["keypoints"])
        depths.append(one["ordinal_depth"])
    return scoring.figures(
        photos.keypoints,
        photos.keypoint_mask,
        photos.relation,
        photos.relation_mask,
        keypoints=np.concatenate(keypoints),
        depths=np.concatenate(depths),
    )


def _some_pictures(people):
    """Yields uint8 RGB and the box of a dozen people."""
    for row in np.linspace(0, len(people) - 1, 12).round().astype(int):
        if isinstance(people, reading.PreparedSet):
            record = people.read(row)
            yield cutouts.decode(record["image"]), record["box"]
        else:
            yield photos.read_photo(people.paths[row]), people.boxes[row]


if __name__ == "__main__":
    _common.run(main)
