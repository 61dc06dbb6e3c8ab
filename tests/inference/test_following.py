"""People from frame to frame."""

import numpy as np
import pytest

from ordinal_tf.inference import following

BODY = np.random.default_rng(0).uniform(-40, 40, (17, 2)).astype(np.float32)


def people(*places, score=0.8):
    count = len(places)
    middle = np.float32(places).reshape(-1, 2)
    return {
        "box": np.column_stack([middle, np.full(count, 100.0)]).astype("f4"),
        "keypoints": middle[:, None] + BODY,
        "ordinal_depth": np.zeros((count, 17), np.float32),
        "pose": np.zeros((count, 17, 3), np.float32),
        "score": np.full((count, 17), score, np.float32),
        "person_score": np.full(count, 0.9, np.float32),
    }


class Finder:
    """Answers with what each frame says; where it is asked to look, that."""

    def __init__(self, again=0.8):
        self.again, self.asked = again, []

    def __call__(self, frame, boxes):
        if boxes is None:
            return people(*frame)
        self.asked.append(np.asarray(boxes))
        return people(*np.asarray(boxes)[:, :2], score=self.again)


def follow(frames, *, again=0.8, step=0.04, **options):
    finder = Finder(again)
    follower = following.Follower(finder, **options)
    found = [follower(frame, i * step) for i, frame in enumerate(frames)]
    return found, finder


def test_numbers_stay_where_the_order_changes():
    frames = [
        [(100, 100), (300, 100)],
        [(308, 100), (106, 102)],
        [(112, 104), (316, 100), (600, 50)],
    ]
    found, _ = follow(frames)
    assert [one["person"].tolist() for one in found] == [
        [0, 1],
        [1, 0],
        [0, 1, 2],
    ]
    assert found[0]["person"].dtype == np.int32


def test_who_is_missed_is_looked_for():
    frames = [[(100, 100), (300, 100)], [(104, 100)], [(108, 100), (300, 100)]]
    found, finder = follow(frames)
    assert [one["person"].tolist() for one in found] == [[0, 1], [0, 1], [0, 1]]
    # Where the joints were.
    (asked,) = finder.asked
    middle = 300 + (BODY[:, 0].min() + BODY[:, 0].max()) / 2
    np.testing.assert_allclose(asked[0, 0], middle, rtol=1e-5)
    assert found[1]["person_score"][1] == pytest.approx(0.8)


def test_who_is_not_there_any_more_goes():
    frames = [[(100, 100)], [], [(100, 100)]]
    found, _ = follow(frames, again=0.05)
    assert [one["person"].tolist() for one in found] == [[0], [], [0]]
    # After half a second it is somebody else.
    found, _ = follow(frames, again=0.05, step=0.4)
    assert [one["person"].tolist() for one in found] == [[0], [], [1]]


def test_two_never_become_one():
    """Of a person who was lost, none is made of another's joints."""

    class Near(Finder):
        def __call__(self, frame, boxes):
            if boxes is None:
                return people(*frame)
            return people(*[(100, 100)] * len(boxes))

    follower = following.Follower(Near())
    follower([(100, 100), (180, 100)], 0.0)
    found = follower([(100, 100)], 0.04)
    assert found["person"].tolist() == [0]


def test_given_boxes_are_all():
    finder = Finder()
    follower = following.Follower(finder)
    follower(None, 0.0, np.float32([[100, 100, 90], [300, 100, 90]]))
    found = follower(None, 0.04, np.float32([[302, 100, 90]]))
    assert found["person"].tolist() == [1]
    assert len(finder.asked) == 2


def test_smoothing_calms_noise_and_follows_motion():
    rng = np.random.default_rng(0)
    still = [[tuple(100 + rng.normal(0, 2, 2))] for _ in range(60)]
    rough, _ = follow(still)
    smooth, _ = follow(still, smooth=True)

    def shake(found):
        points = np.stack([one["keypoints"][0] for one in found])
        return np.diff(points[20:], axis=0).std()

    assert shake(smooth) < 0.5 * shake(rough)
    # Of somebody who runs, 12 pixels a frame, it is not far behind.
    running = [[(100 + 12 * i, 100)] for i in range(60)]
    smooth, _ = follow(running, smooth=True)
    behind = running[-1][0][0] - (smooth[-1]["keypoints"][0] - BODY)[:, 0]
    assert 0 <= behind.mean() < 12
    # What it says of the first frame is the first frame's.
    np.testing.assert_array_equal(
        smooth[0]["keypoints"], people(*running[0])["keypoints"]
    )


def test_one_euro_by_hand():
    # At rest the cut-off is 1.5 Hz: alpha = r / (r + 1), r = 2 pi 1.5 / 10.
    state, value = following.one_euro(None, np.zeros(1), 0.0)
    state, value = following.one_euro(state, np.ones(1), 0.1, unit=1e9)
    turn = 2 * np.pi * 1.5 * 0.1
    np.testing.assert_allclose(value, turn / (turn + 1), rtol=1e-6)


def test_likeness():
    same = following.likeness(BODY[None], BODY[None], [100])
    off = following.likeness(BODY[None], BODY[None] + [10, 0], [100])
    np.testing.assert_allclose(same, [[1]])
    np.testing.assert_allclose(off, [[np.exp(-0.5)]], rtol=1e-5)
