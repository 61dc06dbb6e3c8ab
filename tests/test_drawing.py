"""Pictures are checked at the pixels whose colour is known."""

import numpy as np
import pytest

from ordinal_tf import drawing, skeleton

H36M = skeleton.H36M17
SIZE = drawing.HEIGHT  # A photo of this height is drawn at its own scale.


@pytest.fixture
def photo():
    return np.full((SIZE, 500, 3), 120, np.uint8)


@pytest.fixture
def person():
    """A person who stands upright, arms out, as (x right, y down, z away)."""
    pose = np.zeros((17, 3))
    places = {
        "hip": (130, 0),
        "knee": (140, 450),
        "ankle": (150, 890),
        "shoulder": (170, -480),
        "elbow": (450, -480),
        "wrist": (700, -480),
    }
    for joint, (x, y) in places.items():
        # Faces the camera, so that the right side is on the left.
        pose[H36M.index(f"right_{joint}")] = -x, y, 0
        pose[H36M.index(f"left_{joint}")] = x, y, 0
    for joint, y in dict(
        spine=-240, thorax=-480, nose=-600, head_top=-720
    ).items():
        pose[H36M.index(joint)] = 0, y, 0
    keypoints = pose[:, :2] * 0.3 + [250, 300]
    return {"keypoints": keypoints, "pose": pose, "score": np.ones(17)}


def colour_at(image, point):
    x, y = np.round(point).astype(int)
    return tuple(int(v) for v in image[y, x])


def changed(person, **changes):
    return {**person, **changes}


def test_sides_have_their_colours(photo, person):
    canvas = drawing.draw_prediction(photo, [person])
    assert canvas.dtype == np.uint8 and canvas.shape[0] == SIZE
    for joint, point in zip(H36M.joints, person["keypoints"], strict=True):
        expected = drawing.side_colour(joint)
        assert colour_at(canvas, point) == expected, joint
    # Far from the person the photo is itself.
    np.testing.assert_array_equal(canvas[600:, :500], photo[600:])


def test_side_colours_differ_for_colour_blind_eyes():
    """Brightness and blue-yellow difference survive red-green blindness."""
    colours = np.array([drawing.RIGHT, drawing.LEFT, drawing.MIDDLE], float)
    yellow_blue = colours[:, :2].mean(1) - colours[:, 2]
    assert yellow_blue[0] - yellow_blue[1] > 150
    assert np.ptp(colours[2]) < 20


def test_arguments_are_not_written_to(photo, person):
    before = {key: value.copy() for key, value in person.items()}
    drawing.draw_prediction(photo, [person])
    assert (photo == 120).all()
    for key, value in before.items():
        np.testing.assert_array_equal(person[key], value)


@pytest.mark.parametrize("nearer", ["left", "right"])
def test_near_limbs_cover_far_ones(photo, person, nearer):
    """Both forearms cross in the picture; the nearer one shows."""
    keypoints, pose = person["keypoints"].copy(), person["pose"].copy()
    crossing = {
        "right_elbow": (200, 400),
        "right_wrist": (300, 500),
        "left_elbow": (300, 400),
        "left_wrist": (200, 500),
    }
    for joint, point in crossing.items():
        keypoints[H36M.index(joint)] = point
        sign = -1 if joint.startswith(nearer) else 1
        pose[H36M.index(joint), 2] = sign * 300
    crossed = changed(person, keypoints=keypoints, pose=pose)
    canvas = drawing.draw_prediction(photo, [crossed])
    expected = drawing.side_colour(f"{nearer}_wrist")
    assert colour_at(canvas, (250, 450)) == expected


def test_unsure_joints_are_hollow_and_faint(photo, person):
    score = np.ones(17)
    wrist, elbow = H36M.index("left_wrist"), H36M.index("left_elbow")
    score[[wrist, elbow]] = 0.05
    canvas = drawing.draw_prediction(photo, [changed(person, score=score)])
    full = np.array(drawing.LEFT, int)
    at = person["keypoints"]
    # Half of the photo shines through the bone, and through the dark middle.
    bone = colour_at(canvas, (at[wrist] + at[elbow]) / 2)
    assert np.abs(bone - (full + 120) / 2).max() <= 1
    dark = (np.array(drawing.RIM) + 120) / 2
    assert np.abs(np.array(colour_at(canvas, at[wrist])) - dark).max() <= 1
    ankle = H36M.index("left_ankle")
    assert colour_at(canvas, at[ankle]) == drawing.LEFT


def test_joints_that_are_not_finite_are_left_out(photo, person):
    keypoints, pose = person["keypoints"].copy(), person["pose"].copy()
    wrist = H36M.index("right_wrist")
    place = keypoints[wrist].copy()
    keypoints[wrist], pose[wrist] = np.nan, np.nan
    canvas = drawing.draw_prediction(
        photo, [changed(person, keypoints=keypoints, pose=pose)]
    )
    assert colour_at(canvas, place) == (120, 120, 120)
    nothing = changed(person, keypoints=keypoints * np.nan, pose=pose * np.nan)
    canvas = drawing.draw_prediction(photo, [nothing])
    np.testing.assert_array_equal(canvas[:, :500], photo)


def test_keypoints_scale_with_the_photo(person):
    """Pixel centres: a photo of twice the size has its joints at 2x + 0.5."""
    large = np.full((2 * SIZE, 1000, 3), 120, np.uint8)
    keypoints = 2 * person["keypoints"] + 0.5
    canvas = drawing.draw_prediction(
        large, [changed(person, keypoints=keypoints)]
    )
    expected = drawing.draw_prediction(large[::2, ::2], [person])
    np.testing.assert_array_equal(canvas, expected)


def views(canvas):
    """The two 3D views of one person, without their captions."""
    half = (canvas.shape[1] - 500) // 2
    views = canvas[40:, 500 : 500 + half], canvas[40:, 500 + half :]
    return [view[: SIZE - 80] for view in views]


def columns_of(view, colour):
    """Columns where a colour, faded or not, shows: its hue decides."""
    view = view.astype(int)
    red_over_blue = view[..., 0] - view[..., 2]
    mask = red_over_blue > 60 if colour == "right" else red_over_blue < -60
    return np.flatnonzero(mask.any(0))


def test_front_view_is_the_cameras(photo, person):
    front, side = views(drawing.draw_prediction(photo, [person]))
    right, left = columns_of(front, "right"), columns_of(front, "left")
    # The right arm reaches out to the left of the picture.
    assert right.min() < left.min() and right.max() < left.max()
    # From the right of the picture the spread arms foreshorten.
    assert np.ptp(columns_of(side, "left")) < 0.6 * np.ptp(left)


def test_side_view_has_what_is_near_the_camera_on_its_left(photo, person):
    """Seen from the right of the picture, away from the camera is right."""
    pose = person["pose"].copy()
    pose[H36M.index("left_wrist")] = 170, -480, -600
    pose[H36M.index("right_wrist")] = -170, -480, 600
    pose[H36M.index("left_elbow")] = 170, -480, -300
    pose[H36M.index("right_elbow")] = -170, -480, 300
    _, side = views(
        drawing.draw_prediction(photo, [changed(person, pose=pose)])
    )
    left, right = columns_of(side, "left"), columns_of(side, "right")
    assert left.min() < right.min() and left.max() < right.max()


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 6])
def test_any_number_of_people(photo, person, count):
    box = np.array([250.0, 300.0, 400.0])
    people = [changed(person, box=box)] * count
    canvas = drawing.draw_prediction(photo, people)
    assert canvas.shape[0] == SIZE and canvas.shape[1] > 900


@pytest.mark.parametrize("shape", [(1, 1), (3, 900), (900, 3), (64, 2000)])
def test_any_size_of_photo(person, shape):
    canvas = drawing.draw_prediction(np.zeros((*shape, 3), np.uint8), [person])
    assert canvas.shape[0] == SIZE


def test_labels_show_relations(photo, person):
    """One pair: the full disc is the nearer joint's, the ring the other's."""
    near, far = H36M.index("left_wrist"), H36M.index("right_ankle")
    relations, mask = np.zeros((17, 17), int), np.zeros((17, 17), bool)
    relations[near, far], relations[far, near] = 1, -1
    mask[min(near, far), max(near, far)] = True
    known = np.ones(17, bool)
    known[H36M.index("head_top")] = False
    picture = drawing.draw_labels(
        photo,
        person["keypoints"],
        known,
        relations=relations,
        relation_mask=mask,
    )
    at = person["keypoints"]
    assert colour_at(picture, at[near]) == drawing.NEARER
    assert colour_at(picture, at[far]) == drawing.RIM
    assert colour_at(picture, at[H36M.index("head_top")]) == (120, 120, 120)
    assert colour_at(picture, at[H36M.index("nose")]) == drawing.MIDDLE
    # Not annotated: no green at all.
    plain = drawing.draw_labels(
        photo,
        person["keypoints"],
        known,
        relations=relations,
        relation_mask=np.zeros_like(mask),
    )
    assert not (plain == drawing.NEARER).all(-1).any()


def test_contact_sheet():
    red, green = np.zeros((2, 10, 20, 3), np.uint8)
    red[..., 0], green[..., 1] = 200, 200
    tall = np.full((40, 20, 3), 99, np.uint8)
    sheet = drawing.contact_sheet([red, green, tall], 2, 10)
    # Two columns of 20 and two rows of 10, six pixels round each.
    assert sheet.shape == (6 + 16 + 16, 6 + 26 + 26, 3)
    np.testing.assert_array_equal(sheet[6:16, 6:26], red)
    np.testing.assert_array_equal(sheet[6:16, 32:52], green)
    # The tall one shrinks to 5 columns, in the middle of its cell.
    np.testing.assert_array_equal(sheet[22:32, 13:18], tall[:10, :5])
    assert (sheet[22:32, 32:52] == drawing.BACKGROUND).all()


@pytest.mark.parametrize(("count", "columns"), [(0, 3), (2, 0)])
def test_contact_sheet_needs_something(count, columns):
    images = [np.zeros((4, 4, 3), np.uint8)] * count
    with pytest.raises(ValueError, match="contact sheet"):
        drawing.contact_sheet(images, columns, 10)
