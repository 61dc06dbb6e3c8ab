"""What the card counts."""

import numpy as np
import pytest

from ordinal_tf import skeleton
from ordinal_tf.data.prepared import cards
from tests import prepared_files

BODY = skeleton.H36M17


def standing(chest):
    """A pose, upright or lying, whose chest faces along a unit vector."""
    chest = np.array(chest, float)
    up = np.array((0.0, -1.0, 0.0) if chest[1] == 0 else (1.0, 0.0, 0.0))
    left = np.cross(up, chest)
    pose = np.zeros((17, 3), np.float32)
    pose[BODY.index("left_hip")] = 130 * left
    pose[BODY.index("right_hip")] = -130 * left
    pose[BODY.index("thorax")] = 450 * up
    return pose


@pytest.mark.parametrize(
    "chest, name",
    [
        ((0, 0, -1), "to the camera"),
        ((0, 0, 1), "away"),
        ((1, 0, 0), "to the right"),
        ((-0.8, 0, -0.6), "to the left"),
        ((0, -1, 0), "up"),
        ((0, 1, 0), "down"),
    ],
)
def test_where_the_chest_faces(chest, name):
    pose = standing(chest)
    assert cards.VIEWS[cards.view(pose)] == name
    if name == "to the camera":
        # Of somebody whom we face, the left hip is on the right.
        assert pose[BODY.index("left_hip"), 0] > 0


def test_what_is_seen_and_faced():
    note = {}
    for i, chest in enumerate([(0, 0, -1), (0, 0, -1), (1, 0, 0)]):
        record = prepared_files.record(i)
        record["pose"] = standing(chest)
        record["pose_mask"] = np.full(17, i != 1)
        record["visible_mask"] = np.ones(17, bool)
        record["visible"] = np.arange(17) < (5, 9, 17)[i]
        cards.add_to_note(note, record, length=100, picture=i)
    card = cards.statistics([{}, note])
    assert card["views"] == {
        **dict.fromkeys(cards.VIEWS, 0),
        "to the camera": 1,
        "to the right": 1,
    }
    seen = list(card["seen"].values())
    expected = np.repeat([1.0, 0.6667, 0.3333], [5, 4, 8])
    np.testing.assert_allclose(seen, expected)


def test_what_people_read_of_relations_and_of_what_is_left_out(tmp_path):
    card = prepared_files.write_prepared(tmp_path / "out", count=3)
    said = cards.text(card)
    assert f"relations  {3 * 136} pairs of 3 people: " in said
    assert "left out   nothing" in said
    card["relations"] = dict.fromkeys(card["relations"], 0)
    assert "relations  none annotated; training derives them" in cards.text(
        card
    )
    del card["coverage"]["depth"]
    card["left_out"] = {"crowds": 2, "frames": 1}
    card["notes"] = ["One.", "Two."]
    said = cards.text(card)
    assert "relations  0 pairs of 0 people" in said
    assert "left out   2 crowds, 1 frames" in said
    assert "note       One.\nnote       Two." in said
    # A card that was written before these were.
    del card["left_out"], card["notes"]
    assert "left out   nothing" in cards.text(card)
