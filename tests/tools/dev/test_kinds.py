"""People whose kind one can see."""

import numpy as np
import pytest

from ordinal_tf import skeleton
from tools.dev import _kinds as kinds

# Facing the camera: the person's right is the picture's left.
STANDING = {
    "right_hip": (-10, 0),
    "left_hip": (10, 0),
    "right_shoulder": (-15, -50),
    "left_shoulder": (15, -50),
}


def kinds_of(points, missing=()):
    keypoints = np.zeros((1, 17, 2))
    for joint, point in points.items():
        keypoints[0, skeleton.H36M17.index(joint)] = point
    mask = np.ones((1, 17), bool)
    for joint in missing:
        mask[0, skeleton.H36M17.index(joint)] = False
    found = kinds.of_people(keypoints, mask)
    return {name for name, value in found.items() if value[0]}


def turned(degrees):
    angle = np.deg2rad(degrees)
    turn = np.array(
        [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    )
    return {joint: turn @ point for joint, point in STANDING.items()}


@pytest.mark.parametrize(
    ("degrees", "expected"),
    [
        (0, "upright"),
        (55, "upright"),
        (65, "level"),
        (-90, "level"),
        (115, "level"),
        (125, "upside down"),
        (180, "upside down"),
    ],
)
def test_turning_in_the_picture_is_not_turning_round(degrees, expected):
    found = kinds_of(turned(degrees))
    assert found == {expected, "from the front", "whole"}


def test_behind_and_sideways():
    behind = {joint: (-x, y) for joint, (x, y) in STANDING.items()}
    assert kinds_of(behind) == {"upright", "from behind", "whole"}
    # Shoulders 30 px apart on a trunk of 50: 0.6; a third of it is 0.2.
    side = {joint: (x / 3, y) for joint, (x, y) in STANDING.items()}
    assert kinds_of(side) == {"upright", "from the side", "whole"}


def test_who_is_cut_off():
    assert "cut off" in kinds_of(STANDING, ["left_ankle"])
    assert kinds_of(STANDING, ["left_hip"]) == {"cut off"}
    # No label of LSP has a spine.
    assert "whole" in kinds_of(STANDING, ["spine"])
