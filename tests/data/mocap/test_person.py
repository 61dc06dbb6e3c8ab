"""Unit, up axis, sides and proportions, on a body with an anatomy."""

import numpy as np
import pytest

from ordinal_tf import skeleton
from ordinal_tf.data.mocap import person
from ordinal_tf.data.readers import plausible
from tests import mocap_files

H36M = skeleton.H36M17


def pose(frames=3):
    """`(frames, 17, 3)` mm: the person of `mocap_files`, 1.75 m."""
    where = mocap_files.places()
    middle = {"pelvis": "pelvis", "spine": "spine2", "thorax": "neck"}
    middle |= {"nose": "head", "head_top": "crown"}
    rows = [
        where[middle.get(joint, joint.replace("_", " "))]
        for joint in H36M.joints
    ]
    return np.tile(1000 * np.stack(rows), (frames, 1, 1))


def toes(poses, ahead=120.0):
    ankles = [H36M.index("left_ankle"), H36M.index("right_ankle")]
    return poses[:, ankles] + [0, -60, ahead]


def test_height_is_that_of_the_person():
    # 1.75 m by its crown; legs and trunk tell it within 10 cm.
    np.testing.assert_allclose(plausible.stature(pose()), 1750, atol=100)
    # In whatever pose: with bent knees, both legs in the air.
    bent = pose()
    for side in ("left", "right"):
        hip, knee, ankle = (
            H36M.index(f"{side}_{j}") for j in ("hip", "knee", "ankle")
        )
        shin = bent[:, ankle] - bent[:, knee]
        thigh = bent[:, knee] - bent[:, hip]
        bent[:, knee] = bent[:, hip] + np.linalg.norm(thigh[0]) * np.eye(3)[2]
        bent[:, ankle] = bent[:, knee] + shin
    np.testing.assert_allclose(
        plausible.stature(bent), plausible.stature(pose())
    )


@pytest.mark.parametrize("tall", [1.05, 1.3, 1.6, 1.75, 2.0])
@pytest.mark.parametrize(
    ("unit", "metre"),
    [
        ("mm", 1000),
        ("cm", 100),
        ("m", 1),
        ("inch", 1 / 0.0254),
        ("1/0.45 inch", 0.45 / 0.0254),  # CMU's.
        ("dm", 10),
        ("foot", 1 / 0.3048),
    ],
)
def test_the_unit_follows_from_the_size(unit, metre, tall):
    name, mm, note = person.choose_unit(tall * metre)
    if tall >= 1.3 or unit not in ("1/0.45 inch", "inch", "dm", "foot"):
        assert name == unit and note is None
        assert mm * metre == pytest.approx(1000)
    # What is said, and makes a person, is not doubted.
    assert person.choose_unit(tall * metre, unit) == (name, mm, None) or (
        person.choose_unit(tall * metre, unit)[0] == unit
    )


def test_a_stated_unit_that_makes_no_person_is_doubted_and_said():
    name, mm, note = person.choose_unit(1.7, "mm")
    assert (name, mm) == ("m", 1000.0)
    assert "taken for m" in note and "in mm a person would be 0.0017 m" in note
    assert person.choose_unit(30.0, 25.4 / 0.45) == (
        "1/0.45 inch",
        25.4 / 0.45,
        None,
    )
    assert person.choose_unit(30.0, 25.4)[0] == "1/0.45 inch"
    assert person.choose_unit(170.0, 11.0) == ("11 mm", 11.0, None)


@pytest.mark.parametrize("tall", [0.5, 0.9, 0.001, 5e7])
def test_no_unit_makes_a_person(tall):
    with pytest.raises(ValueError, match="people of 1 to 2.5 m") as error:
        person.choose_unit(tall)
    assert "m tall in " in str(error.value)


def test_the_bounds_of_a_stated_unit():
    for tall, fine in (
        (0.99, False),
        (1.01, True),
        (2.49, True),
        (2.51, False),
    ):
        if fine:
            assert person.choose_unit(tall, "m")[2] is None
        else:
            with pytest.raises(ValueError, match="1 to 2.5 m"):
                person.choose_unit(tall, "m")


TURNS = {
    "+X": np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 1]]),
    "-X": np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]]),
    "+Y": np.eye(3),
    "-Y": np.diag([1, -1, -1]),
    "+Z": np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]]),
    "-Z": np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]]),
}


@pytest.mark.parametrize("up", TURNS)
@pytest.mark.parametrize("stated", [None, *TURNS])
def test_up_is_from_feet_to_head(up, stated):
    upright = pose()
    found, note = person.choose_up(upright @ TURNS[up].T, stated)
    assert found == up
    assert (note is None) == (stated in (None, up))
    np.testing.assert_allclose(
        person.turn_up(upright @ TURNS[up].T, found), upright, atol=1e-9
    )


@pytest.mark.parametrize("up", TURNS)
def test_turning_an_axis_up_is_no_mirror(up):
    turn = np.array(person.TO_Y_UP[up])
    assert np.linalg.det(turn) == pytest.approx(1)
    np.testing.assert_array_equal(turn @ TURNS[up], np.eye(3))


def test_a_handstand_is_one():
    """Upside down, but above the floor: what is said holds."""
    handstand = pose() * [1, -1, -1] + [0, 1750, 0]
    assert person.choose_up(handstand, "+Y") == ("+Y", None)
    # Below it, and nothing said: the head is up.
    assert person.choose_up(pose() * [1, -1, -1], None)[0] == "-Y"


def test_who_bends_or_lies_across_the_axes_does_not_turn_the_world():
    turn = np.radians(50)
    lean = np.array(
        [
            [1, 0, 0],
            [0, np.cos(turn), -np.sin(turn)],
            [0, np.sin(turn), np.cos(turn)],
        ]
    )
    assert person.choose_up(pose() @ lean.T, "+Y") == ("+Y", None)


def test_left_is_left():
    poses = pose()
    person.check_sides(poses, toes(poses))
    swapped = poses[:, list(H36M.mirror)]
    with pytest.raises(ValueError, match="toes point backwards.*100%"):
        person.check_sides(swapped, toes(swapped))
    mirrored = poses * [-1, 1, 1]
    with pytest.raises(ValueError, match="left-handed"):
        person.check_sides(mirrored, toes(mirrored))
    # Mirrored and exchanged, it is a person again.
    person.check_sides(swapped * [-1, 1, 1], toes(swapped * [-1, 1, 1]))


def test_knees_tell_where_toes_are_not_known():
    poses = pose()
    person.check_sides(poses * [-1, 1, 1])  # Straight legs say nothing.
    for side in ("left", "right"):
        poses[:, H36M.index(f"{side}_knee"), 2] += 150
    person.check_sides(poses)
    with pytest.raises(ValueError, match="knees point backwards"):
        person.check_sides(poses * [-1, 1, 1])
    # Half of the time it may look so, as of one leg that is turned.
    poses[:, H36M.index("left_knee"), 2] -= 300
    person.check_sides(poses)


def test_frames_of_no_person_are_left_out():
    poses = pose(8)
    poses[1] *= 1.5  # A giant for a frame.
    poses[2, H36M.index("left_wrist")] += 1000  # A marker that jumps.
    poses[3, H36M.index("left_ankle")] = poses[3, H36M.index("left_knee")]
    fine = person.sound_frames(poses)
    assert fine.tolist() == [True, False, False, False] + [True] * 4


def test_most_frames_must_be_of_a_person():
    poses = pose(8)
    poses[2:, H36M.index("left_wrist")] += [0, 3000, 0]
    with pytest.raises(
        ValueError, match=r"left_wrist is 2\.\d+ m from left_elbow.*1\.66 m"
    ):
        person.sound_frames(poses)
    for factor, tall in ((0.5, "0.8"), (1.6, "2.[678]")):
        with pytest.raises(ValueError, match=rf"is {tall}\d* m tall"):
            person.sound_frames(pose() * factor)
