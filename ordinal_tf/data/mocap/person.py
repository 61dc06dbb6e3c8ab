"""What poses must be to be a person's: unit, up axis, sides, proportions.

Files often do not say their unit and which way is up, and some say it
wrongly. Here both follow from the body, or the file is refused with the
figure that shows why.
"""

import dataclasses
import functools

import numpy as np

from ordinal_tf import skeleton, vectors
from ordinal_tf.data.mocap import motion
from ordinal_tf.data.readers import plausible

LOWEST_MM, HIGHEST_MM = 1000.0, 2500.0
# A unit is the more likely the nearer it makes the person to this.
_USUAL_MM = 1600.0
# No bone of ours is longer than a thigh, a quarter of the height; the rest is
# for hips and shoulders that systems place apart.
_LONGEST_BONE = 0.42
_SHORTEST_LIMB = 0.05

# Millimetres of the units that motion capture comes in; CMU's is that of its
# ASF files and of their conversions to BVH.
UNITS = {
    "mm": 1.0,
    "cm": 10.0,
    "m": 1000.0,
    "inch": 25.4,
    "dm": 100.0,
    "foot": 304.8,
    "1/0.45 inch": 25.4 / 0.45,
}

# Rotations that bring an axis up, that is, to +y.
TO_Y_UP = {
    "+X": ((0, -1, 0), (1, 0, 0), (0, 0, 1)),
    "-X": ((0, 1, 0), (-1, 0, 0), (0, 0, 1)),
    "+Y": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "-Y": ((1, 0, 0), (0, -1, 0), (0, 0, -1)),
    "+Z": ((1, 0, 0), (0, 0, 1), (0, -1, 0)),
    "-Z": ((1, 0, 0), (0, 0, -1), (0, 1, 0)),
}

_S = skeleton.H36M17
# Vectors of length 0 stay as they are.
unit = functools.partial(vectors.unit, least=1e-9)


@dataclasses.dataclass(frozen=True)
class Understood:
    """How a file was read, for people to check.

    Attributes:
        unit: of the file, such as "cm".
        up: the axis that points up in it, such as "+Y".
        height_mm: standing height, by legs and trunk.
        names: dict from our joints to the file's names, such as
            "LeftUpLeg"; a mean's have " + " between.
        notes: what was found out or left out, in sentences.
    """

    unit: str
    up: str
    height_mm: float
    names: dict[str, str]
    notes: tuple[str, ...] = ()


def height_of_shins(poses):
    """A float as the median `plausible.stature`, by the shins of `(T, 17, 3)`
    alone: knees and ankles follow from markers without any length in mm."""
    shins = [
        _length(poses, f"{side}_knee", f"{side}_ankle")
        for side in ("left", "right")
    ]
    return float(np.median(shins)) / plausible.SHIN


def _length(poses, one, other):
    difference = poses[..., _S.index(one), :] - poses[..., _S.index(other), :]
    return np.linalg.norm(difference, axis=-1)


def choose_unit(tall, stated=None):
    """The unit that makes a height that of a person.

    Args:
        tall: float, the height in the file's numbers.
        stated: unit that the file or its kind says, a key of `UNITS`, or the
            millimetres of one; None where nothing is said.

    Returns:
        Name and millimetres of the unit; and a note where it is not what was
        stated, else None.

    Raises:
        ValueError: none makes a person of 1 to 2.5 m; says the figures.
    """
    said = None
    if stated is not None:
        mm = UNITS.get(stated, stated)
        name = stated if isinstance(stated, str) else _name(mm)
        if LOWEST_MM <= tall * mm <= HIGHEST_MM:
            return name, mm, None
        said = f"in {name} a person would be {_metres(tall * mm)} tall"
    fits = {
        name: abs(np.log(tall * mm / _USUAL_MM))
        for name, mm in UNITS.items()
        if LOWEST_MM <= tall * mm <= HIGHEST_MM
    }
    if not fits:
        sizes = {n: tall * mm for n, mm in UNITS.items()}
        near = sorted(
            sizes, key=lambda n: abs(np.log(max(sizes[n], 1e-9) / _USUAL_MM))
        )
        raise ValueError(
            "by legs and trunk a person in it is "
            + " or ".join(f"{_metres(sizes[n])} tall in {n}" for n in near[:2])
            + "; people of 1 to 2.5 m are read, so scale it, or see whether "
            "its joints are what their names say"
        )
    name = min(fits, key=fits.get)
    return name, UNITS[name], said and f"its unit is taken for {name}: {said}"


def _name(mm):
    for name, value in UNITS.items():
        if np.isclose(mm, value, rtol=1e-3):
            return name
    return f"{mm:.4g} mm"


def _metres(mm):
    return f"{mm / 1000:.3g} m"


def choose_up(poses, stated=None):
    """The axis that points up.

    What the file (or its kind) says holds, unless bodies are clearly along
    another axis: heads away from ankles in nearly all frames. Somebody who
    stands on his hands for a whole clip does so above the floor, so the
    opposite of what is said is believed only where the body is below 0.

    Args:
        poses: `(T, 17, 3)` mm.
        stated: "+X" to "-Z", or None.

    Returns:
        "+X" to "-Z"; and a note where it is not what was stated, else None.
    """
    ankles = [_S.index("left_ankle"), _S.index("right_ankle")]
    body = poses[:, _S.index("head_top")] - poses[:, ankles].mean(1)
    body = body / np.maximum(np.linalg.norm(body, axis=-1), 1e-9)[:, None]
    mean = np.median(body, axis=0)
    axis = int(np.argmax(np.abs(mean)))
    found = ("-" if mean[axis] < 0 else "+") + motion.AXES[axis]
    if stated not in TO_Y_UP:
        return found, None
    if stated == found or abs(mean[axis]) < 0.8:
        return stated, None
    if stated[1] == found[1]:
        sign = 1 if stated[0] == "+" else -1
        above = sign * poses[..., axis]
        if above.max() > -above.min():
            return stated, None
    note = f"up is taken for {found}, from feet to head, not for {stated}"
    return found, note


def turn_up(poses, up):
    """`(..., 3)` places with the axis `up` turned to +y."""
    return poses @ np.transpose(TO_Y_UP[up])


def check_sides(poses, toes=None):
    """Refuses poses whose left is right: toes (or knees) point to the front.

    Args:
        poses: `(T, 17, 3)`.
        toes: `(T, 2, 3)` a point of the left foot and of the right, before
            the ankle; None where not known.

    Raises:
        ValueError: they point backwards; says how often.
    """
    hips, knees, ankles = (
        poses[:, [_S.index(f"left_{j}"), _S.index(f"right_{j}")]]
        for j in ("hip", "knee", "ankle")
    )
    up = poses[:, _S.index("thorax")] - poses[:, _S.index("pelvis")]
    front = unit(np.cross(hips[:, 0] - hips[:, 1], up))[:, None]
    what = "toes" if toes is not None else "knees"
    ahead = toes - ankles if toes is not None else 2 * knees - hips - ankles
    # Straight legs say nothing.
    least = 0.04 * plausible.stature(poses)[:, None]
    clear = np.linalg.norm(ahead, axis=-1) > least
    cosine = np.sum(unit(ahead) * front, axis=-1)[clear]
    if len(cosine) and np.median(cosine) < -0.5:
        raise ValueError(
            f"its {what} point backwards ({(cosine < 0).mean():.0%} of the "
            "time), so left and right are exchanged, or its axes are "
            "left-handed; exchange the names, or change the sign of one axis"
        )


def halfway(line):
    """The point at half the length of a line of points `(T, 3)`."""
    line = np.stack(line)
    steps = np.linalg.norm(np.diff(line, axis=0), axis=-1)
    ends = np.cumsum(steps, axis=0)
    half = ends[-1] / 2
    k = np.sum(ends < half, axis=0)
    frame = np.arange(line.shape[1])
    step = np.maximum(steps[k, frame], 1e-9)
    share = 1 - (ends[k, frame] - half) / step
    start, end = line[k, frame], line[k + 1, frame]
    return start + share[:, None] * (end - start)


def sound_frames(poses):
    """Which frames are of one person, of 1 to 2.5 m.

    Args:
        poses: `(T, 17, 3)` mm.

    Returns:
        `(T)` bool.

    Raises:
        ValueError: most are not; says the figure.
    """
    tall = plausible.stature(poses)
    usual = float(np.median(tall))
    if not LOWEST_MM <= usual <= HIGHEST_MM:
        raise ValueError(
            f"by legs and trunk a person in it is {_metres(usual)} tall; "
            "people of 1 to 2.5 m are read"
        )
    fine = (np.abs(tall - usual) <= 0.25 * usual) & np.isfinite(tall)
    fine &= (tall >= LOWEST_MM) & (tall <= HIGHEST_MM)
    bones = np.array(_S.bones)
    sizes = np.linalg.norm(
        poses[:, bones[:, 0]] - poses[:, bones[:, 1]], axis=-1
    )
    fine &= (sizes <= _LONGEST_BONE * usual).all(axis=1)
    limbs = [
        _S.joints[child].endswith(("knee", "ankle", "elbow", "wrist"))
        for child in bones[:, 1]
    ]
    fine &= (sizes[:, limbs] >= _SHORTEST_LIMB * usual).all(axis=1)
    if 2 * fine.sum() < len(poses):
        shares = np.median(sizes, axis=0) / usual
        worst = int(np.argmax(np.where(limbs, np.abs(shares - 0.2), shares)))
        parent, child = (_S.joints[k] for k in bones[worst])
        raise ValueError(
            f"{child} is {_metres(shares[worst] * usual)} from {parent}, of a "
            f"person who is {_metres(usual)} tall; see whether its joints are "
            "what their names say"
        )
    return fine
