r"""Draws what runs scored as they trained, one after another, as one SVG.

    python -m tools.dev.draw_curves --run=runs/1 --run=runs/2 \
        --figure=pck --figure=ordinal_accuracy --out=docs/curves.svg

A chart a figure of `metrics.jsonl`, above each other; along x the examples
seen, where each run goes on from the one before it. The page of one run is its
own `report.html`.
"""

import pathlib

from absl import flags

from ordinal_tf import files
from ordinal_tf.evaluation import charts
from ordinal_tf.training import runs

from . import _common

_RUNS = flags.DEFINE_multi_string(
    "run", None, "Folder of a run; repeat in their order.", required=True
)
_FIGURES = flags.DEFINE_multi_string(
    "figure", ["pck", "ordinal_accuracy"], "Figure of the held-out scores."
)
_OUT = flags.DEFINE_string("out", None, "SVG file to write.", required=True)

_ACROSS = "thousands of examples"
# As in the report's page; a file of its own brings its own.
_STYLE = (
    "svg{background:#fff}text{fill:#5a6474;font:12px system-ui,sans-serif}"
    ".grid{stroke:#d5dae2}"
)


def main():
    scores = list(_scores(_RUNS.value))
    parts = []
    for k, figure in enumerate(_FIGURES.value):
        series = [
            {
                "name": name,
                "x": [x for x, row in rows if figure in row],
                "y": [row[figure] for _, row in rows if figure in row],
            }
            for name, rows in scores
        ]
        if not any(one["x"] for one in series):
            raise ValueError(f"No run was scored by {figure!r}.")
        chart = charts.draw(
            {"title": figure, "kind": "lines", "x": _ACROSS, "y": figure}
            | {"series": series}
        )
        place = f'y="{k * charts.HEIGHT}" height="{charts.HEIGHT}"'
        parts.append(chart.replace("<svg ", f"<svg {place} ", 1))
    height = charts.HEIGHT * len(parts)
    files.write_text(
        pathlib.Path(_OUT.value),
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{charts.WIDTH}" '
        f'height="{height}"><style>{_STYLE}</style>{"".join(parts)}</svg>\n',
    )
    print(_OUT.value)


def _scores(folders):
    """Yields each run's name and `(thousands of examples, score)`."""
    seen = 0
    for folder in folders:
        batch = runs.read_config(folder).train.batch_size / 1000
        rows = runs.read_metrics(folder)
        scored = [row for row in rows if "loss" not in row]
        yield (
            pathlib.Path(folder).name,
            [(seen + batch * row["step"], row) for row in scored],
        )
        seen += batch * max((row["step"] for row in rows), default=0)


if __name__ == "__main__":
    _common.run(main)
