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
"""

import json
import pathlib
import re

import numpy as np
from absl import app, flags

import ordinal_tf
from ordinal_tf import drawing, files
from ordinal_tf.data.files import photos as pictures
from ordinal_tf.data.pipeline import sources
from ordinal_tf.data.prepared import cutouts, reading
from ordinal_tf.data.readers import lsp
from ordinal_tf.evaluation import scoring

from . import _common

_MODEL = flags.DEFINE_string(
    "model", "lite", "Model folder, or the name of a shipped model."
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


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
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
        _write_sheet(pathlib.Path(_SHEET.value), predictor, people)
    print(json.dumps(found))


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
    for path in _common.progress(photos.paths, label="evaluate"):
        one = predictor.predict(path)
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


def _write_sheet(path, predictor, people):
    rows = np.linspace(0, len(people) - 1, 12).round().astype(int)
    tiles = []
    for row in rows:
        image, box = _picture(people, row)
        one = predictor.predict(image, box[None])
        drawn = [{name: value[0] for name, value in one.items()}]
        tiles.append(drawing.draw_prediction(image, drawn))
    sheet = drawing.contact_sheet(tiles, columns=3, tile_height=320)
    files.write_picture(path, sheet)
    print(f"Wrote {path}.")


def _picture(people, row):
    """uint8 RGB and the box of a person."""
    if isinstance(people, reading.PreparedSet):
        record = people.read(row)
        return cutouts.decode(record["image"]), record["box"]
    return pictures.read_photo(people.paths[row]), people.boxes[row]


if __name__ == "__main__":
    _common.run(main)
