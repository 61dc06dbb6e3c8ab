"""Kinds of people that an image network finds harder than others."""

import numpy as np

from ordinal_tf import skeleton

_SIDES = ("right", "left")
_SIDEWAYS = 0.25  # Shoulders nearer than this share of the trunk, as seen.


def of_people(keypoints, mask):
    """Which people are upside down, level, seen from behind, cut off.

    Of somebody without labelled hips and shoulders nothing is known but that
    the person is cut off.

    Args:
        keypoints: `(N, 17, 2)` pixels, y down.
        mask: `(N, 17)` bool, those that are labelled.

    Returns:
        dict from a name to `(N,)` bool: "upright" (the trunk within 60
        degrees of it), "level" and "upside down" (within 60 degrees of that);
        "from the front", "from behind" and "from the side" (by the shoulders,
        along a quarter of the trunk or less); "cut off" (a joint of LSP's 14
        is not labelled) and "whole".
    """

    def point(joint):
        return keypoints[:, skeleton.H36M17.index(joint)]

    sides = {
        joint: [point(f"{side}_{joint}") for side in _SIDES]
        for joint in ("hip", "shoulder")
    }
    named = [skeleton.H36M17.index(f"{s}_{j}") for j in sides for s in _SIDES]
    known = mask[:, named].all(1)
    trunk = np.mean(sides["shoulder"], 0) - np.mean(sides["hip"], 0)
    across = sides["shoulder"][1] - sides["shoulder"][0]
    length = np.maximum(np.linalg.norm(trunk, axis=-1), 1e-6)
    up = -trunk[:, 1] / length
    # Of somebody who faces the camera the left shoulder lies clockwise of up.
    turn = trunk[:, 0] * across[:, 1] - trunk[:, 1] * across[:, 0]
    turn /= length**2
    to_labelled = skeleton.mapping(skeleton.H36M17, skeleton.LSP14)
    there = to_labelled.points(keypoints, mask)[1]
    return {
        "upright": known & (up > 0.5),
        "level": known & (np.abs(up) <= 0.5),
        "upside down": known & (up < -0.5),
        "from the front": known & (turn > _SIDEWAYS),
        "from behind": known & (turn < -_SIDEWAYS),
        "from the side": known & (np.abs(turn) <= _SIDEWAYS),
        "cut off": ~there.all(1),
        "whole": there.all(1),
    }
