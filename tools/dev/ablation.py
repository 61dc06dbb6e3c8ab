r"""The paper's ablations on data that everyone has, and two of our own.

A table is trained row by row, once a seed, from the pre-trained encoder:

    supervision  each head with known depths and with relations (Table 1)
    mixtures     people with poses, and photographs' 2D or order (Table 2)
    relations    how many relations of each person are needed
    mistakes     what relations of the wrong sign cost

Example:
    python -m tools.prepare synthetic --count=8000 --out=prepared/people
    python -m tools.prepare synthetic --count=500 --seed=1 --out=prepared/test
    python -m tools.ablation --table=supervision --people=prepared/people \
        --people_test=prepared/test --workdir=runs/ablation

The same command continues where it stopped. After every training it prints
what there is so far; the last line of standard output is JSON: `rows`, of each
row its figures with `mean`, `spread` (standard deviation) and `seeds`, and of
the table supervision `ratios`, weak over full.
"""

import json
import pathlib

from absl import flags
from ml_collections import config_flags

from . import _ablation, _common

_CONFIG = config_flags.DEFINE_config_file(
    "config", _common.config_path("ablation"), "Network and training."
)
_TABLE = flags.DEFINE_enum(
    "table", "supervision", sorted(_ablation.TABLES), "Which table."
)
_ONLY_ROW = flags.DEFINE_multi_string(
    "only_row", [], "A row of it; may be repeated. All of them by default."
)
_PEOPLE = flags.DEFINE_string(
    "people", None, "Prepared people with poses.", required=True
)
_PEOPLE_TEST = flags.DEFINE_string(
    "people_test", None, "The same, to score on.", required=True
)
_PHOTOS = flags.DEFINE_string(
    "photos", "", "Prepared photographs with relations, for mixtures."
)
_PHOTOS_TEST = flags.DEFINE_string("photos_test", "", "To score on, if any.")
_RECONSTRUCTION = flags.DEFINE_string(
    "reconstruction", "", "Run of tools.train_reconstruction to score with."
)
_WORKDIR = flags.DEFINE_string(
    "workdir", None, "Folder of all runs, made where missing.", required=True
)
_SEEDS = flags.DEFINE_integer("seeds", 3, "Trainings of each row.", 1)

_TITLES = {
    "depth_mm": "depth mm",
    "order": "order %",
    "pa_mpjpe": "PA-MPJPE",
    "lifted_pa_mpjpe": "PA lifted",
    "pck": "photos PCK",
    "ordinal_accuracy": "photos order",
}


def main():
    config, table = _CONFIG.value, _TABLE.value
    data = _ablation.Data(
        people=_PEOPLE.value,
        people_test=_PEOPLE_TEST.value,
        photos=_PHOTOS.value,
        photos_test=_PHOTOS_TEST.value,
        reconstruction=_RECONSTRUCTION.value,
    )
    answer = {}
    for found in _ablation.run(
        table,
        config,
        data,
        pathlib.Path(_WORKDIR.value) / table,
        seeds=_SEEDS.value,
        only=_ONLY_ROW.value,
        progress=lambda name: _common.progress_line(config.train.steps, name),
    ):
        answer = {"table": table, "rows": _ablation.summary(found)}
        if table == "supervision":
            answer["ratios"] = _ablation.ratios(found)
        print(table_text(answer), flush=True)
    print(json.dumps(answer))


def table_text(answer):
    """The table for people, a line a row."""
    rows = answer["rows"]
    keys = [key for key in _TITLES if any(key in row for row in rows.values())]
    lines = [["", "seeds", *(_TITLES[key] for key in keys)]]
    for name, row in rows.items():
        seeds = str(next(iter(row.values()))["seeds"])
        lines.append([name, seeds, *(_cell(row.get(key), 1) for key in keys)])
    for head, ratio in answer.get("ratios", {}).items():
        seeds = str(ratio["seeds"])
        lines.append([f"{head}: weak / full", seeds, _cell(ratio, 3)])
    return _common.columns(lines)


def _cell(figure, digits):
    if figure is None:
        return "-"
    text = f"{figure['mean']:.{digits}f}"
    if figure["spread"] is not None:
        text += f" +- {figure['spread']:.{digits}f}"
    return text


if __name__ == "__main__":
    _common.run(main)
