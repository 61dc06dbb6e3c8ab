r"""How a model fails: its figures by kind of person, and the worst pictures.

    python -m tools.dev.list_failures --model=saved_models/lite \
        --data=prepared/lspet_held --data=prepared/people_test \
        --sheet=out/worst.jpg

Of each prepared folder a table: what share of the people is upside down, seen
from behind, cut off (see `_kinds`), PCK@0.2 of these, and PCK@0.2 if
a joint may also be at its other side's, so that the difference is sides taken
for each other. --sheet draws the twelve worst of the last folder. The last
line of standard output is JSON: a dict from folder to kind to figures.
"""

import json
import pathlib

import numpy as np
from absl import flags

import ordinal_tf
from ordinal_tf import drawing, files, skeleton
from ordinal_tf.data.pipeline import sources
from ordinal_tf.data.prepared import cutouts, reading
from ordinal_tf.evaluation import scoring

from . import _common, _kinds

_MODEL = flags.DEFINE_string(
    "model", None, "Folder of a model, or a shipped one's name.", required=True
)
_DATA = flags.DEFINE_multi_string(
    "data", None, "Folder that tools.prepare wrote.", required=True
)
_SHEET = flags.DEFINE_string("sheet", None, "Picture to write.")


def main():
    model = ordinal_tf.load(_MODEL.value)
    found = {}
    for folder in _DATA.value:
        known, _ = scoring.predictions(
            model.crops,
            sources.prepared_source(folder),
            input_size=model.input_size,
        )
        found[folder], share = _figures(known)
        print(f"\n{folder}, {len(share)} people")
        print(f"{'':16}{'people, %':>10}{'PCK, %':>8}{'either side, %':>16}")
        for kind, row in found[folder].items():
            print(
                f"{kind:16}{row['people']:10.1f}{row['pck']:8.1f}"
                f"{row['either_side']:16.1f}"
            )
    if _SHEET.value:
        worst = np.argsort(share, kind="stable")[:12]
        pictures = _pictures(reading.open_prepared(folder), worst)
        sheet = drawing.prediction_sheet(model.predict, pictures)
        files.write_picture(pathlib.Path(_SHEET.value), sheet)
        print(f"Wrote {_SHEET.value}.")
    print(json.dumps(found))


def _figures(known):
    """Figures by kind, and the share of right joints of each person."""
    true, mask = known["true"], known["mask"]
    right, counted = scoring.correct_joints(true, mask, known["keypoints"])
    mirror = list(skeleton.H36M17.mirror)
    other, _ = scoring.correct_joints(true, mask, known["keypoints"][:, mirror])
    either = (right | other) & counted
    everybody = {"everybody": np.ones(len(true), bool)}
    rows = {}
    for kind, of in (everybody | _kinds.of_people(true, mask)).items():
        joints = max(counted[of].sum(), 1)
        rows[kind] = {
            "people": 100 * float(of.mean()),
            "pck": 100 * float(right[of].sum() / joints),
            "either_side": 100 * float(either[of].sum() / joints),
        }
    return rows, right.sum(1) / np.maximum(counted.sum(1), 1)


def _pictures(people, rows):
    for row in rows:
        record = people.read(int(row))
        yield cutouts.decode(record["image"]), record["box"]


if __name__ == "__main__":
    _common.run(main)
