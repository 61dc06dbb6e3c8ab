"""A run as one page: its curves, its figures, the best and worst people."""

import pathlib

import numpy as np

from ordinal_tf import drawing, ordinal
from ordinal_tf.evaluation import report, scoring
from ordinal_tf.training import runs

NAME = "report.html"
_NOT_CURVES = ("step", "best")
_SHEET_PX = 256  # Of a person on a sheet.


def write(workdir, figures, gallery=()):
    """Writes `report.html` of what a run has logged so far.

    Args:
        workdir: folder of the run.
        figures: dict by kind of weights ("last", "ema") of the last score.
        gallery: rows, see `people`.
    """
    workdir = pathlib.Path(workdir)
    rows = runs.read_metrics(workdir)
    curves = [row for row in rows if "loss" in row]
    scores = [row for row in rows if "loss" not in row]
    document = {
        "title": f"Training {workdir.name}",
        "lines": [f"After step {max(row['step'] for row in rows)}."],
        "figures": [
            {"name": f"{key} ({kind})", "value": value, "unit": ""}
            for kind, found in figures.items()
            for key, value in found.items()
            if _is_number(value)
        ],
        "charts": [*_charts(scores), *_charts(curves)],
        "tables": _tables(figures),
        "gallery": list(gallery),
    }
    report.write(workdir / NAME, document)


def people(photos, found, labels):
    """Gallery rows of people, best and worst by the mean error of joints.

    Args:
        photos: `(N, S, S, 3)` uint8 crops.
        found: dict of `keypoints` `(N, 17, 2)`, pixels of them, NaN where not
            found, and `ordinal_depth` `(N, 17)`.
        labels: dict of `keypoints` `(N, 17, 2)`, `keypoint_mask`, `relation`
            and `relation_mask`, as of a training example.

    Returns:
        list of two rows of `report`'s gallery, of at most four people each;
        none of nobody. Each has a `sheet` besides, uint8 RGB: what was found
        of its people above what is labelled, with the relations of the same
        few pairs.
    """
    mask = np.asarray(labels["keypoint_mask"])
    true = np.where(mask[..., None], labels["keypoints"], np.nan)
    points = found["keypoints"]
    distance = np.linalg.norm(points - true, axis=-1)
    # The depth head finds no keypoints.
    seen = np.flatnonzero(np.isfinite(distance).any(1))
    error = np.array([np.nanmean(distance[i]) for i in seen])
    order = seen[np.argsort(error, kind="stable")]
    errors = dict(zip(seen.tolist(), error.tolist(), strict=True))
    signs, _ = ordinal.relations_from_depths(
        found["ordinal_depth"], tolerance=scoring.EQUAL
    )
    signs = np.asarray(signs)

    def row(title, chosen):
        return {
            "title": title,
            "people": [
                {
                    "caption": f"{errors[i]:.1f} pixels",
                    "image": photos[i],
                    "keypoints": points[i],
                    "keypoints_true": true[i],
                }
                for i in chosen.tolist()
            ],
            "sheet": drawing.contact_sheet(
                [drawn(i, ours) for ours in (True, False) for i in chosen],
                len(chosen),
                _SHEET_PX,
            ),
        }

    def drawn(i, ours):
        """A person with what was found, or with the labels."""
        pairs = np.zeros(labels["relation_mask"][i].shape, bool)
        for pair in drawing.shown_pairs(
            true[i], labels["relation_mask"][i], drawing.RELATIONS
        ):
            pairs[pair] = True
        if ours:
            text = f"found, {errors[int(i)]:.1f} pixels"
            joints, relations = points[i], signs[i]
        else:
            text = "labelled"
            joints, relations = true[i], labels["relation"][i]
        picture = drawing.draw_labels(
            photos[i],
            joints,
            np.isfinite(joints).all(-1),
            relations=relations,
            relation_mask=pairs,
        )
        return drawing.write(picture, [(text, drawing.TEXT)], (16, 8), 40)

    if not len(order):
        return []
    half = min(4, (len(order) + 1) // 2)
    rows = [row("Best", order[:half])]
    if len(order) > 1:
        rows.append(row("Worst", order[half:][::-1][:4]))
    return rows


def _is_number(value):
    return isinstance(value, int | float) and not isinstance(value, bool)


def _charts(rows):
    """A chart a figure that more than one row has."""
    keys = dict.fromkeys(
        key
        for row in rows
        for key, value in row.items()
        if _is_number(value) and key not in _NOT_CURVES
    )
    charts = []
    for key in keys:
        known = [row for row in rows if key in row]
        if len(known) > 1:
            x, y = ([row[name] for row in known] for name in ("step", key))
            series = [{"name": key, "x": x, "y": y}]
            charts.append(
                {"title": key, "kind": "lines", "x": "step", "y": key}
                | {"series": series}
            )
    return charts


def _tables(figures):
    """A table a figure that is one of its own for each joint."""
    names = [k for k, v in figures["last"].items() if isinstance(v, dict)]
    return [
        {
            "title": name,
            "columns": ["joint", *figures],
            "rows": [
                [joint, *(found[name][joint] for found in figures.values())]
                for joint in figures["last"][name]
            ],
        }
        for name in names
    ]
