"""Whether labels can be a person's: a wrong unit shows in their sizes."""

import numpy as np

from ordinal_tf import skeleton

# Bones of Human3.6M's subject S9, mm, who is about as tall as _STATURE_MM.
_BONES_MM = {
    ("hip", "knee"): 472.0,
    ("knee", "ankle"): 469.0,
    ("shoulder", "elbow"): 296.0,
    ("elbow", "wrist"): 249.0,
}
_TRUNK_MM = 507.0  # From the pelvis over the spine to the thorax.
_STATURE_MM = 1780.0
# A child and a giant, with room for what a reader's joints are off.
SHORTEST_MM, TALLEST_MM = 900.0, 2600.0
_LEAST_BONES = 3
# No two joints of the tallest are farther apart, arms up.
_FARTHEST_MM = 1.3 * TALLEST_MM
_UNITS = {"metres": 1000.0, "centimetres": 10.0, "micrometres": 0.001}

_SMALLEST_PX = 2.0  # Joints within fewer pixels are no labels of a person.
# Sides of the box, in extents of the joints that it was made for.
_LEAST_SIDE, _MOST_SIDE = 0.5, 20.0
_MANY_JOINTS = 8  # Of fewer, the box may hold much more than the joints.


def stature_mm(pose, known):
    """How tall the people are who have such bones, `(N,)`; NaN: not known.

    Args:
        pose: `(N, 17, 3)` in the order of `skeleton.H36M17`.
        known: `(N, 17)` bool.
    """
    index = skeleton.H36M17.index
    bones = [(index("pelvis"), index("thorax"), _TRUNK_MM)] + [
        (index(f"{side}_{a}"), index(f"{side}_{b}"), length)
        for side in ("left", "right")
        for (a, b), length in _BONES_MM.items()
    ]
    pose = np.where(known[..., None], pose, np.nan)
    share = np.stack(
        [
            np.linalg.norm(pose[:, a] - pose[:, b], axis=-1) / length
            for a, b, length in bones
        ],
        axis=1,
    )
    enough = np.isfinite(share).sum(1) >= _LEAST_BONES
    tall = np.full(len(pose), np.nan)
    if enough.any():
        tall[enough] = _STATURE_MM * np.nanmedian(share[enough], axis=1)
    return tall


def pose_faults(pose, known):
    """What is wrong with poses in millimetres.

    Args:
        pose, known: see `stature_mm`.

    Returns:
        list of N: a sentence with the figure that shows it, or None.
    """
    tall = stature_mm(pose, known)
    low = np.where(known[..., None], pose, np.inf).min(1)
    high = np.where(known[..., None], pose, -np.inf).max(1)
    apart = np.where(known.any(1), np.max(high - low, axis=-1), 0.0)
    faults = []
    for size, far in zip(tall.tolist(), apart.tolist(), strict=True):
        fault = None
        if size < SHORTEST_MM or size > TALLEST_MM:
            fault = (
                f"its bones are those of a person of {_length(size)}"
                f"{_unit(size)}"
            )
        elif far > _FARTHEST_MM:
            fault = f"its joints lie {_length(far)} apart."
        faults.append(fault)
    return faults


def check_clip(where, pose):
    """`ValueError` where the middle one of many poses is nobody's.

    Args:
        where: str, what messages call them.
        pose: `(N, 17, 3)` mm, all known.
    """
    tall = stature_mm(pose, np.ones(pose.shape[:2], bool))
    middle = np.argsort(tall)[len(tall) // 2] if len(tall) else 0
    one = pose[middle : middle + 1]
    for fault in pose_faults(one, np.ones(one.shape[:2], bool)):
        if fault:
            raise ValueError(f"{where}: {fault}")


def spread_fault(points):
    """What is wrong with the known joints `(J, 2)` of a person, or None."""
    size = np.ptp(points, axis=0).max()
    if len(points) > 2 and size < _SMALLEST_PX:
        return (
            f"its {len(points)} joints lie within {size:.2g} pixels; are these "
            "shares of the picture's size?"
        )
    return None


def box_faults(boxes, points, known):
    """What is wrong with boxes and joints in pixels.

    Args:
        boxes: `(N, 3)` centre x, centre y, side.
        points: `(N, J, 2)`.
        known: `(N, J)` bool.

    Returns:
        list of N: a sentence with the figure that shows it, or None.
    """
    faults = []
    for side, place, mask in zip(boxes[:, 2], points, known, strict=True):
        if mask.sum() < 3:
            faults.append(None)
            continue
        size = np.ptp(place[mask], axis=0).max()
        fault = spread_fault(place[mask])
        if not fault and side < _LEAST_SIDE * size:
            fault = (
                f"its box has a side of {side:.3g} pixels, and its joints "
                f"reach over {size:.3g}."
            )
        many = mask.sum() >= _MANY_JOINTS
        if not fault and many and side > _MOST_SIDE * size:
            fault = (
                f"its box has a side of {side:.3g} pixels, and its joints "
                f"reach over no more than {size:.3g}."
            )
        faults.append(fault)
    return faults


def _length(mm):
    return f"{mm:.3g} mm" if mm < 100 else f"{mm / 1000:.3g} m"


def _unit(size):
    """A hint at the unit that would make a person of it."""
    for name, mm in _UNITS.items():
        if 1200 < size * mm < 2200:
            return f"; are these {name} instead of millimetres?"
    return "."
