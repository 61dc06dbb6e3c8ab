"""The report of scores: what `report.write` shows of one, or of two."""

import cv2
import numpy as np
from keras import ops

from ordinal_tf import geometry, skeleton
from ordinal_tf.evaluation import people as labelled
from ordinal_tf.evaluation import protocols, scored, tables

_SHOWN_PX = 264
_MARGIN = 1.3  # Of the gallery's pictures, in boxes.
_FEWEST = 20  # Pairs of joints that were compared less often are not shown.
_PAIRS = 12
# Of each figure what is drawn: kind, what the axis says, as lines or bars.
_KINDS = (
    ("curve", "threshold", "lines"),
    ("joint", "", "bars"),
    ("depth", "true depth from the root, mm", "bars"),
    ("seen", "", "bars"),
    ("relation", "the first joint of the pair is", "bars"),
    ("gap", "how far apart in depth, mm", "bars"),
)


def document(several, *, notes=()):
    """The dict that `report.write` takes.

    Args:
        several: one `scored.Scored` or two.
        notes: sentences to stand below the title.
    """
    one = several[0]
    lines = [one.protocol.title + ".", f"People: {one.data}.", *notes]
    if one.tally.interval(one.figure(one.protocol.figures[0])):
        lines.append(
            f"Intervals hold 95 % of {_replicates(one)} bootstrap replicates "
            f"over {one.tally.units} pictures or clips."
        )
    names = " and ".join(each.name for each in several)
    return {
        "title": f"{names}: {one.protocol.name}",
        "lines": lines,
        "figures": _figures(several),
        "charts": _charts(several),
        "tables": _tables(several),
        "gallery": _gallery(one),
    }


def _replicates(one):
    return len(one.figure(one.protocol.figures[0])) - 1


def _figures(several):
    """Figures of one; of two how they differ, for `_tables` has the rest."""
    one = several[0]
    if len(several) == 2:
        cells = scored.compare(*several)
        names = "difference: {}"
    else:
        values = {key: one.figure(key) for key in one.protocol.figures}
        cells = {
            key: (value[0], one.tally.interval(value))
            for key, value in values.items()
        }
        names = "{}"
    return [
        {
            "name": names.format(protocols.FIGURES[key][0]),
            "value": value,
            "unit": protocols.FIGURES[key][1],
            "interval": around,
        }
        for key, (value, around) in cells.items()
    ]


def _charts(several):
    one = several[0]
    charts = []
    for kind, axis, shape in _KINDS:
        for key in one.protocol.figures:
            series = [_series(each, key, kind) for each in several]
            series = [each for each in series if each["x"]]
            if not series or key in ("n_mpjpe_mm", "auc"):
                continue
            series = _same_cells(series)
            if shape == "lines":
                for each in series:
                    each["x"] = [float(cell) for cell in each["x"]]
            charts.append(
                {
                    "title": f"{protocols.FIGURES[key][0]} {_BY[kind]}",
                    "kind": shape,
                    "x": axis + _UNITS.get((key, kind), ""),
                    "y": tables.head(key),
                    "series": series,
                }
            )
    charts += _group_charts(several)
    return charts


_BY = {
    "curve": "by threshold",
    "joint": "by joint",
    "depth": "by depth",
    "seen": "of visible and of hidden joints",
    "relation": "by relation",
    "gap": "by gap",
}
_UNITS = {
    ("pck", "curve"): ", share of the torso",
    ("pckh", "curve"): ", share of the head",
    ("pck3d", "curve"): ", mm",
}


def _series(one, key, kind):
    names, values, lows, highs = one.cells(key, kind)
    found = {"name": one.name, "x": names, "y": values}
    return {**found, "low": lows, "high": highs}


def _same_cells(series):
    """Series with a value, or NaN, for each cell that any of them has."""
    names = list(dict.fromkeys(cell for one in series for cell in one["x"]))
    found = []
    for one in series:
        place = {cell: k for k, cell in enumerate(one["x"])}
        row = {
            key: [
                one[key][place[name]] if name in place else np.nan
                for name in names
            ]
            for key in ("y", "low", "high")
        }
        found.append({"name": one["name"], "x": names, **row})
    return found


def _group_charts(several):
    one = several[0]
    if not one.tally.groups:
        return []
    key = one.protocol.figures[0]
    groups = sorted({g for each in several for g in each.tally.groups})
    series = []
    for each in several:
        rows = [
            each.figure(key, group)
            if group in each.tally.groups
            else np.full(_replicates(each) + 1, np.nan)
            for group in groups
        ]
        around = [each.tally.interval(row) or (np.nan, np.nan) for row in rows]
        series.append(
            {
                "name": each.name,
                "x": groups,
                "y": [row[0] for row in rows],
                "low": [low for low, _ in around],
                "high": [high for _, high in around],
            }
        )
    title = f"{protocols.FIGURES[key][0]} by {one.protocol.groups}"
    chart = {"title": title, "kind": "bars", "x": "", "series": series}
    return [{**chart, "y": tables.head(key)}]


def _tables(several):
    found = []
    if len(several) == 2:
        one, other = several
        rows = [
            [each.name, *(tables.shown(*c) for c in tables.rows(each)[-1][2])]
            for each in several
        ]
        cells = scored.compare(*several).values()
        name = f"{one.name} minus {other.name}, paired"
        rows.append([name, *(tables.shown(*c, sign="+") for c in cells)])
        heads = [tables.head(key) for key in one.protocol.figures]
        columns = ["", *heads]
        found.append({"title": "Figures", "columns": columns, "rows": rows})
    for one in several:
        if one.tally.groups:
            heads = [tables.head(key) for key in one.protocol.figures]
            found.append(
                {
                    "title": f"{one.name} by {one.protocol.groups}",
                    "columns": ["", "people", *heads],
                    "rows": [
                        [name, people, *(value for value, _ in cells)]
                        for name, people, cells in tables.rows(one)
                    ],
                }
            )
        pairs = _pairs(one)
        if pairs:
            found.append(
                {
                    "title": f"{one.name}: the pairs that it tells apart worst",
                    "columns": ["pair", "ordinal accuracy, %"],
                    "rows": pairs[:_PAIRS],
                }
            )
    return found


def _pairs(one):
    """`[name, %]` of the pairs of joints, the worst first."""
    key = "ordinal_accuracy"
    found = [
        [cell, one.values((key, "pair", cell))[0]]
        for figure, kind, cell in one.tally.columns
        if (figure, kind) == (key, "pair")
        and one.tally.count((figure, kind, cell)) >= _FEWEST
    ]
    return sorted(found, key=lambda row: row[1])


def _gallery(one):
    key = one.protocol.figures[0]
    name, unit, *_ = protocols.FIGURES[key]
    gallery = []
    for title, rows in scored.extremes(one) if one.people else ():
        truth, found = one.people.read(rows), one.answers.of(rows)
        people = [
            _person(
                one.people,
                row,
                {k: v[n] for k, v in truth.items()},
                {k: v[n] for k, v in found.items()},
                f"{_short(truth['name'][n])}: {one.each[row]:.1f} {unit}",
            )
            for n, row in enumerate(rows)
        ]
        gallery.append({"title": f"{title}, by {name}", "people": people})
    return gallery


def _short(name):
    """The end of a picture's name, which may be a long path."""
    return "/".join(name.replace("\\", "/").split("/")[-2:])


def _person(people, row, truth, found, caption):
    """A person of `report.write`, the picture cut out around the box."""
    try:
        image = people.picture(row)
    except (ValueError, OSError):
        # Labels may be scored without their pictures.
        image = None
    box = np.asarray(truth["window_box"], np.float64) * [1, 1, _MARGIN]
    matrix = ops.convert_to_numpy(geometry.crop_matrix(box[None], _SHOWN_PX))
    back = ops.convert_to_numpy(
        geometry.invert_affine(truth["to_picture"][None])
    )

    def place(points, known):
        points = np.where(known[:, None], points, np.nan)[None]
        return labelled.moved(labelled.moved(points, back), matrix)[0]

    person = {"caption": caption}
    if image is not None:
        size = (_SHOWN_PX, _SHOWN_PX)
        person["image"] = cv2.warpAffine(image, matrix[0], size)
    if truth["keypoint_mask"].any():
        known = truth["keypoint_mask"]
        person["keypoints_true"] = place(truth["keypoints"], known)
    known = np.isfinite(found["keypoints"]).all(-1)
    if known.any():
        person["keypoints"] = place(found["keypoints"], known)
    poses = {
        "pose": (found["pose"], np.isfinite(found["pose"]).all(-1)),
        "pose_true": (truth["pose"], truth["pose_mask"]),
    }
    root = skeleton.H36M17.root
    for key, (pose, known) in poses.items():
        if known[root]:
            pose = pose - pose[root]
            person[key] = np.where(known[:, None], pose, np.nan)
    return person
