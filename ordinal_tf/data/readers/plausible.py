"""Whether labels can be a person's: a wrong unit shows in their sizes."""

import numpy as np

from ordinal_tf import skeleton

# Of a standing height (Drillis and Contini 1966, as in Winter, Biomechanics and
# Motor Control of Human Movement, Fig. 4.1); the trunk is 0.288 from hip to
# shoulder, and our thorax 6 cm above the shoulders.
_THIGH, SHIN, _TRUNK = 0.245, 0.246, 0.319
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


def stature(pose, known=None):
    """How tall the people stand who have such legs and trunks.

    Args:
        pose: `(N, 17, 3)` in the order of `skeleton.H36M17`, any unit.
        known: `(N, 17)` bool; None where all are.

    Returns:
        `(N,)` floats, the unit of `pose`; NaN of fewer than three known bones.
    """
    pose = np.asarray(pose)
    if known is not None:
        pose = np.where(known[..., None], pose, np.nan)

    def length(one, other):
        one, other = map(skeleton.H36M17.index, (one, other))
        return np.linalg.norm(pose[:, one] - pose[:, other], axis=-1)

    trunk = length("pelvis", "spine") + length("spine", "thorax")
    straight = length("pelvis", "thorax")
    bones = [(1.0, _TRUNK, np.where(np.isnan(trunk), straight, trunk))]
    for side in ("left", "right"):
        thigh = length(f"{side}_hip", f"{side}_knee")
        shin = length(f"{side}_knee", f"{side}_ankle")
        bones += [(0.5, _THIGH, thigh), (0.5, SHIN, shin)]
    # Where all are known: a leg, the mean of both, and the trunk.
    weights, shares, lengths = map(np.array, zip(*bones, strict=True))
    there = np.isfinite(lengths)
    total = np.sum(weights[:, None] * np.where(there, lengths, 0.0), axis=0)
    share = (weights * shares) @ there
    enough = there.sum(0) >= _LEAST_BONES
    return np.where(enough, total, np.nan) / np.where(enough, share, 1.0)


def pose_faults(pose, known):
    """What is wrong with poses.

    Args:
        pose: `(N, 17, 3)` mm.
        known: `(N, 17)` bool.

    Returns:
        list of a sentence with the figure, or None, for each.
    """
    tall = stature(pose, known)
    low = np.where(known[..., None], pose, np.inf).min(1)
    high = np.where(known[..., None], pose, -np.inf).max(1)
    apart = np.where(known.any(1), np.max(high - low, axis=-1), 0.0)

    def fault(size, far):
        if size < SHORTEST_MM or size > TALLEST_MM:
            said = "its bones are those of a person of "
            return f"{said}{_length(size)}{_unit(size)}"
        if far > _FARTHEST_MM:
            return f"its joints lie {_length(far)} apart."
        return None

    return list(map(fault, tall.tolist(), apart.tolist()))


def check_clip(where, pose):
    """Refuses a clip whose middle pose, by height, is nobody's.

    Args:
        where: str, what messages call it.
        pose: `(N, 17, 3)` mm, all known.

    Raises:
        ValueError: says what is wrong with that pose.
    """
    tall = stature(pose)
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
    """What is wrong with boxes and joints.

    Args:
        boxes: `(N, 3)` centre x, centre y, side, pixels.
        points: `(N, J, 2)` pixels.
        known: `(N, J)` bool.

    Returns:
        list of a sentence, or None, for each.
    """

    def fault(box, place):
        if not (np.abs(box) < 1e5).all() or box[2] < 1:
            return "its center and scale make no box."
        if not len(place):
            return "no joint is annotated."
        size = np.ptp(place, axis=0).max()
        most = _MOST_SIDE if len(place) >= _MANY_JOINTS else np.inf
        fits = _LEAST_SIDE * size <= box[2] and not box[2] > most * size
        spread = spread_fault(place)
        if spread or fits or len(place) < 3:
            return spread
        return (
            f"its box has a side of {box[2]:.3g} pixels, and its joints reach "
            f"over {size:.3g}."
        )

    people = zip(boxes, points, known, strict=True)
    return [fault(box, place[mask]) for box, place, mask in people]


def _length(mm):
    return f"{mm:.3g} mm" if mm < 100 else f"{mm / 1000:.3g} m"


def _unit(size):
    """A hint at the unit that would make a person of it."""
    for name, mm in _UNITS.items():
        if 1200 < size * mm < 2200:
            return f"; are these {name} instead of millimetres?"
    return "."
