r"""Scores an exported model on photographs with 2D and ordinal labels.

Example:
    python -m tools.evaluate --model=saved_models/lite \
        --lsp=DATA/lspet_ordinal --first=5401 --last=6000

The last line of standard output is JSON with the same figures.
"""

import json
import pathlib

import numpy as np
from absl import app, flags

import ordinal_tf
from ordinal_tf import drawing
from ordinal_tf.data import lsp
from ordinal_tf.data import photos as pictures
from ordinal_tf.training import evaluate

from . import _common

_MODEL = flags.DEFINE_string(
    "model", "lite", "Model folder, or the name of a shipped model."
)
_LSP = flags.DEFINE_string(
    "lsp", None, "Folder in the published ordinal layout.", required=True
)
_FIRST = flags.DEFINE_integer("first", 5401, "First image, from 1.")
_LAST = flags.DEFINE_integer("last", 6000, "Last image, included.")
_SKIP_LIMIT = flags.DEFINE_integer(
    "skip_limit", 20, "Bad records that may be skipped."
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
    photos = lsp.read_lsp(
        _LSP.value,
        first=_FIRST.value,
        last=_LAST.value,
        skip_limit=_SKIP_LIMIT.value,
    )
    predictor = ordinal_tf.load(_MODEL.value)
    if _FIND.value:
        found = _find(predictor, photos)
    else:
        found = evaluate.evaluate(
            predictor.crops, photos, input_size=predictor.input_size
        )
    for joint, value in found["pck_per_joint"].items():
        print(f"{joint:15} PCK@0.2 {value:5.1f} %")
    print(f"{'mean':15} PCK@0.2 {found['pck']:5.1f} %")
    print(
        f"ordinal accuracy {found['ordinal_accuracy']:.1f} % of the unequal "
        f"pairs, {found['equal_close']:.1f} % of the equal pairs close; "
        f"{found['photos']} photographs, {found['pairs']} pairs"
    )
    if _SHEET.value:
        _write_sheet(pathlib.Path(_SHEET.value), predictor, photos)
    print(json.dumps(found))


def _find(predictor, photos):
    keypoints, depths = [], []
    for path in _common.progress(photos.paths, label="evaluate"):
        one = predictor.predict(path)
        keypoints.append(one["keypoints"])
        depths.append(one["ordinal_depth"])
    return evaluate.figures(
        photos.keypoints,
        photos.keypoint_mask,
        photos.relation,
        photos.relation_mask,
        keypoints=np.concatenate(keypoints),
        depths=np.concatenate(depths),
    )


def _write_sheet(path, predictor, photos):
    rows = np.linspace(0, len(photos) - 1, 12).round().astype(int)
    tiles = []
    for row in rows:
        box = photos.boxes[row : row + 1]
        one = predictor.predict(photos.paths[row], box)
        people = [{name: value[0] for name, value in one.items()}]
        image = pictures.read_photo(photos.paths[row])
        tiles.append(drawing.draw_prediction(image, people))
    sheet = drawing.contact_sheet(tiles, columns=3, tile_height=320)
    _common.write_png(path, sheet)
    print(f"Wrote {path}.")


if __name__ == "__main__":
    _common.run(main)
