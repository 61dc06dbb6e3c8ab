"""Draws poses of `families.FAMILIES`: angles, balance, what cannot be."""

import numpy as np

from ordinal_tf.data.mocap import motion
from ordinal_tf.synthetic import chance
from ordinal_tf.synthetic.pose import families, figure, limits

_OWN = dict(zip(("near", "far"), limits.SIDES, strict=True))
_LEG, _ARM = ("hip", "knee"), ("shoulder", "elbow")
# Share of people whose left and right limbs do the same.
_ALIKE = 0.35
# Share of people whose arms are of the same style.
_SAME_STYLE = 0.5
# Who rests on something is out of balance by this, degrees.
_UNSTEADY = 2.0
# The uneven floor of people who lie, mm.
_BED = 120.0
# Poses that are tried at once, and how often.
_BATCH = 12
_TRIES = 60


def sample_pose(rng, family):
    """A pose of a family.

    Drawn again where limbs run through the body, where it cannot rest on
    what it should, or where angles combine to what nobody can do.

    Args:
        rng: `np.random.Generator`.
        family: name in `families.FAMILIES`.

    Returns:
        `(17, 3)` float64 mm, y up, pelvis at 0; lengths are
        `figure.LENGTHS`.
    """
    ways = families.FAMILIES[family]
    way = ways[chance.index(rng, [way.get("share", 1) for way in ways])]
    for _ in range(_TRIES):
        drawn = draw_way(rng, way)
        for pose in drawn[fits(drawn, way)]:
            if limits.within_limits(pose, tolerance_deg=1.0):
                return pose
    raise RuntimeError(f"No pose of {family!r} in {_TRIES * _BATCH} tries.")


def draw_way(rng, way):
    """`(N, 17, 3)` poses of one way of a family, fitting or not."""
    alike = {limb: rng.random() < _ALIKE for limb in (_LEG, _ARM)}
    shared, angles = {}, {}
    for name, (mean, spread) in _ranges(rng, way).items():
        noise = _cut_normal(rng, _BATCH)
        own, _, limbs = name.partition("_")
        if own in _OWN:
            if alike[_LEG if limbs.startswith(_LEG) else _ARM]:
                noise = 0.3 * noise + shared.setdefault(limbs, noise)
            name = f"{_OWN[own]}_{limbs}"
        degrees = mean + spread * noise
        if name not in ("lean", "tilt"):
            degrees = np.clip(degrees, *np.degrees(limits.limit_of(name)))
        angles[name] = np.radians(degrees)
    drawn = figure.forward(angles)
    if "facing" in way:
        drawn = figure.lay(drawn, way["facing"])
    elif "on" in way:
        drawn = figure.balance(
            drawn, _named(way["on"]), hanging=way.get("hang", False)
        )
    else:
        return drawn
    unsteady = np.radians(_UNSTEADY * _cut_normal(rng, (2, _BATCH)))
    aside, ahead = map(motion.rotation, "XZ", unsteady)
    return drawn @ aside @ ahead


def fits(drawn, way):
    """`(N,)` bool: no limb meets another, and people rest as they should."""
    fine = ~figure.meets(drawn)
    if way.get("facing") == "aside":
        return fine & figure.stands(drawn, ("right_hip",), slack_mm=_BED)
    if "facing" in way:
        return fine & figure.stands(drawn, ("pelvis",), slack_mm=_BED)
    if "on" in way and not way.get("hang"):
        return fine & figure.stands(drawn, _named(way["on"]))
    return fine


def _ranges(rng, way):
    """`{angle: (mean, spread)}` of a way, its arms chosen."""
    styles = way.get("arms", families.UPRIGHT_ARMS)
    first, second = rng.integers(len(styles), size=2)
    if rng.random() < _SAME_STYLE:
        second = first
    arms = {}
    for own, style in (("near", first), ("far", second)):
        for name, value in families.ARMS[styles[style]].items():
            side, _, limbs = name.partition("_")
            if side not in _OWN:
                arms[f"{own}_{name}"] = value
            elif side == own:
                arms[f"{own}_{limbs}"] = value
    ranges = {}
    for given in (families.REST, arms, way):
        for name, value in given.items():
            if name.startswith((*_LEG, *_ARM)):
                ranges.update({f"{own}_{name}": value for own in _OWN})
            elif name in ("lean", "tilt") or "_" in name:
                ranges[name] = value
    return ranges


def _named(joints):
    """Joints with left for near and right for far."""
    named = []
    for joint in joints:
        own, _, rest = joint.partition("_")
        named.append(f"{_OWN[own]}_{rest}" if own in _OWN else joint)
    return tuple(named)


def _cut_normal(rng, shape):
    return np.clip(rng.standard_normal(shape), -2, 2)
