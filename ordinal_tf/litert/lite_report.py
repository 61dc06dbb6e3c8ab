"""What the variants of a LiteRT file cost and what they change."""

import time

import numpy as np

from ordinal_tf.evaluation import scoring
from ordinal_tf.models import decoding

# A file that changes more than this is not recommended.
MOST_MOVED = 5.0  # % of the joints, by more than a heatmap cell.
MOST_PCK_LOST = 1.0  # Points.
# Nor one that is slower than the fastest by more than this factor, however
# small it is.
SLOWER = 1.1
RULE = (
    "Of the files with the pose, leave out what answers with numbers that "
    f"are not finite, moves more than {MOST_MOVED:g} % of the joints by more "
    f"than a cell, or loses more than {MOST_PCK_LOST:g} point of PCK; leave "
    f"out what takes more than {SLOWER:g} times as long as the fastest of the "
    "rest, at two threads; take the smallest."
)


def outputs_of(run, crops):
    """Outputs of a function of one crop on all of `(N, S, S, 3)`, stacked."""
    found = [run(crop) for crop in np.asarray(crops)]
    return {name: np.stack([one[name] for one in found]) for name in found[0]}


def changes(reference, found):
    """How a variant's answers differ from the reference's.

    Args:
        reference, found: dicts with `keypoints` `(N, 17, 2)` crop pixels,
            `ordinal_depth` `(N, 17)` and, unless it was left out, `pose`
            `(N, 17, 3)` mm.

    Returns:
        dict: `moved_half_cell`, `moved_one_cell` (% of the joints that moved
        further than that), `moved_mean_px`, `moved_worst_px`, `depth_mean`,
        and with a pose `pose_mean_mm` and `pose_median_mm` (MPJPE against
        the reference, whose root is at the same place).
    """
    moved = np.linalg.norm(found["keypoints"] - reference["keypoints"], axis=-1)
    depth = np.abs(found["ordinal_depth"] - reference["ordinal_depth"])
    report = {
        "moved_half_cell": _percent(moved > decoding.CELL / 2),
        "moved_one_cell": _percent(moved > decoding.CELL),
        "moved_mean_px": float(moved.mean()),
        "moved_worst_px": float(moved.max()),
        "depth_mean": float(depth.mean()),
    }
    if "pose" in found:
        error = np.linalg.norm(found["pose"] - reference["pose"], axis=-1)
        report["pose_mean_mm"] = float(error.mean())
        report["pose_median_mm"] = float(np.median(error))
    return report


def scores(found, truth):
    """PCK and ordinal accuracy in %, of labelled people.

    Args:
        found: dict as in `changes`.
        truth: `(keypoints of the crops, labels.LabelledPhotos)`.
    """
    keypoints, people = truth
    figures = scoring.figures(
        keypoints,
        people.keypoint_mask,
        people.relation,
        people.relation_mask,
        keypoints=found["keypoints"],
        depths=found["ordinal_depth"],
    )
    return {key: figures[key] for key in ("pck", "ordinal_accuracy")}


def milliseconds(call, *, runs=20):
    """Least wall time of a call in ms: what it takes when nothing disturbs."""
    call()
    best = np.inf
    for _ in range(runs):
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return 1000.0 * best


def recommended(rows, *, reference_pck=None):
    """Name of the file to take, as `RULE` says.

    Args:
        rows: list of dicts with `file`, `bytes`, `ms_2_threads`, what
            `changes` returns and, with `reference_pck`, `pck`.
        reference_pck: float, PCK of the reference in %, or None.

    Returns:
        str, or None where every file is out.
    """

    def sound(row):
        if not np.isfinite(row.get("pose_mean_mm", np.nan)):
            return False
        if not row["moved_one_cell"] <= MOST_MOVED:
            return False
        lost = 0.0 if reference_pck is None else reference_pck - row["pck"]
        return lost <= MOST_PCK_LOST

    left = [row for row in rows if sound(row)]
    if not left:
        return None
    fastest = min(row["ms_2_threads"] for row in left)
    left = [row for row in left if row["ms_2_threads"] <= SLOWER * fastest]
    return min(left, key=lambda row: row["bytes"])["file"]


_COLUMNS = (
    ("MB", lambda row: row["bytes"] and row["bytes"] / 1e6, ".2f"),
    ("ms, 1 thread", lambda row: row.get("ms_1_thread"), ".1f"),
    ("ms, 2 threads", lambda row: row.get("ms_2_threads"), ".1f"),
    ("moved > 1/2 cell, %", lambda row: row["moved_half_cell"], ".2f"),
    ("moved > 1 cell, %", lambda row: row["moved_one_cell"], ".2f"),
    ("mean px", lambda row: row["moved_mean_px"], ".2f"),
    ("worst px", lambda row: row["moved_worst_px"], ".1f"),
    ("pose, mm", lambda row: row.get("pose_mean_mm"), ".1f"),
    ("PCK, %", lambda row: row.get("pck"), ".1f"),
    ("ordinal, %", lambda row: row.get("ordinal_accuracy"), ".1f"),
)


def table(rows):
    """The rows as lines of a Markdown table."""
    lines = ["| file | " + " | ".join(name for name, *_ in _COLUMNS) + " |"]
    lines.append("|---" * (len(_COLUMNS) + 1) + "|")
    for row in rows:
        values = [(value(row), form) for _, value, form in _COLUMNS]
        cells = ["-" if v is None else format(v, form) for v, form in values]
        lines.append(f"| {row['file']} | " + " | ".join(cells) + " |")
    return lines


def _percent(mask):
    return float(100.0 * np.mean(mask))
