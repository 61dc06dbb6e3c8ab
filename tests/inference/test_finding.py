"""Where people are, from what a finder and a pose network say."""

import numpy as np
import pytest
import tensorflow as tf

from ordinal_tf import boxes
from ordinal_tf.data.pipeline import pictures
from ordinal_tf.inference import finding, signatures
from ordinal_tf.models import finder

STRIDE = 8


def answer(people, cells=(20, 24), stride=STRIDE):
    """What a sure finder says of rectangles in its picture's pixels."""
    out = np.full((*cells, 5), -9.0, np.float32)
    for left, top, right, bottom, logit in people:
        column = round(((left + right) / 2 + 0.5) / stride - 0.5)
        row = round(((top + bottom) / 2 + 0.5) / stride - 0.5)
        x, y = (np.array([column, row]) + 0.5) * stride - 0.5
        extent = np.array([x - left, y - top, right - x, bottom - y])
        out[row, column] = [logit, *np.log(extent / stride)]
    return out


def people_of(found):
    rectangles, chance = found
    return rectangles.numpy(), chance.numpy()


def test_candidates_surest_first():
    people = [(10, 20, 50, 120, 1.0), (90, 30, 150, 70, 3.0)]
    rectangles, chance = people_of(finding.candidates(answer(people), STRIDE))
    want = np.array(people)[::-1]
    np.testing.assert_allclose(rectangles, want[:, :4], rtol=1e-4)
    np.testing.assert_allclose(chance, 1 / (1 + np.exp(-want[:, 4])), rtol=1e-5)


def test_nobody():
    rectangles, chance = people_of(finding.candidates(answer([]), STRIDE))
    assert rectangles.shape == (0, 4) and chance.shape == (0,)


def test_one_person_is_one_candidate():
    # The cell beside a peak is less sure; two peaks, one rectangle.
    out = answer([(10, 20, 90, 120, 2.0)])
    row, column = np.argwhere(out[..., 0] == 2.0)[0]
    out[row, column + 1, :] = out[row, column]
    out[row, column + 1, 0] = 1.0
    out[row + 3, column] = [1.5, *np.log([5, 9.25, 5, 3.25])]
    rectangles, _ = people_of(finding.candidates(out, STRIDE))
    np.testing.assert_allclose(rectangles, [[10, 20, 90, 120]], rtol=1e-4)


def test_no_more_than_the_most():
    rng = np.random.default_rng(0)
    out = rng.normal(2, 1, (60, 60, 5)).astype(np.float32)
    out[..., 1:] = 0.0
    rectangles, chance = people_of(finding.candidates(out, STRIDE))
    assert len(rectangles) == finding._MOST
    assert (np.diff(chance) <= 0).all()


def test_rectangles_stay_in_the_picture():
    # The finder's picture shows 640 x 480 pixels in 320, below 40 rows.
    people = [(100, 100, 140, 200, 4.0), (-50, 30, 90, 140, 3.0)]

    def find(shown):
        side = shown.shape[1]
        people_there = people if side == finding.SIZE else []
        cells = side // finder.STRIDE
        return answer(people_there, (cells, cells), finder.STRIDE)[None]

    picture = pictures.open_pixels(np.zeros((480, 640, 3), np.uint8))
    found, chance = finding.look(find, picture)
    # Cut at the left and top edge.
    want = [[200.5, 120.5, 280.5, 320.5], [-0.5, -0.5, 180.5, 200.5]]
    np.testing.assert_allclose(found, want, atol=1e-2)
    np.testing.assert_allclose(chance, 1 / (1 + np.exp([-4.0, -3.0])))


def test_boxes_of_rectangles():
    rectangles = np.float32([[200, 120, 280, 320], [638, 10, 639.5, 10.5]])
    found = finding.boxes_of(rectangles, 640.0, 480.0).numpy()
    side = boxes.OF_RECTANGLE * 200
    np.testing.assert_allclose(found[0], [240, 220, side], rtol=1e-5)
    np.testing.assert_allclose(found[1], [638.75, 10.25, 1.62], rtol=1e-5)
    # A speck, and one beyond the last column: boxes of a pixel, within it.
    specks = np.float32([[5, 5, 5.1, 5.1], [639.4, 0, 639.5, 0.1]])
    found = finding.boxes_of(specks, 640.0, 480.0).numpy()
    np.testing.assert_allclose(found[:, 2], 1.0)
    assert found[1, 0] == 639


def test_the_second_look_goes_to_the_joints():
    points = np.random.default_rng(0).uniform(100, 180, (1, 17, 2))
    points[0, 5] = 900  # Not seen.
    score = np.full((1, 17), 0.5, np.float32)
    score[0, 5] = 0.01
    box = np.float32([[150, 150, 200]])
    found = {"keypoints": np.float32(points), "score": score, "box": box}
    (got,) = finding.closer(found, 640.0, 480.0).numpy()
    rest = np.delete(points[0], 5, axis=0)
    low, high = rest.min(0), rest.max(0)
    middle = ((low + high) / 2 + 150) / 2
    side = np.sqrt(1.25 * (high - low).max() * 200)
    np.testing.assert_allclose(got, [*middle, side], rtol=1e-5)
    # Where too little was seen, it stays.
    found["score"] = np.full((1, 17), 0.01, np.float32)
    np.testing.assert_allclose(finding.closer(found, 640.0, 480.0), box)


def test_the_smaller_picture_shows_the_same():
    # Two grey halves, the edge a quarter from the top.
    shown = np.full((1, finding.SIZE, finding.SIZE, 3), 40, np.uint8)
    shown[:, finding.SIZE // 4 :] = 200
    small = finding.coarser(shown).numpy()[0]
    side = finding.COARSE_SIZE
    assert small.shape == (side, side, 3) and small.dtype == np.uint8
    assert (small[: side // 4] == 40).all() and (
        small[side // 4 :] == 200
    ).all()
    # Every other pixel: averaged, not picked.
    shown = np.full((1, finding.SIZE, finding.SIZE, 3), 100, np.uint8)
    shown[:, ::2] = 200
    small = finding.coarser(shown).numpy()
    assert 100 < small.min() and small.max() < 200


def test_large_people_are_found_in_a_smaller_picture():
    times = finding.SIZE / finding.COARSE_SIZE
    near = np.float32([[10, 20, 50, 100], [20, 20, 280, 300]])
    coarse = np.float32(
        [
            [8, 8, 111, 119.5],  # As the second of the first look.
            [0, 0, 30, 127],  # Somebody else.
            [40, 10, 60, 70],  # Too small to count.
        ]
    )
    found, chance = finding.with_large(
        (near, np.float32([0.3, 0.4])), (coarse, np.float32([0.8, 0.2, 0.9]))
    )
    np.testing.assert_allclose(
        found,
        [(coarse[0] + 0.5) * times - 0.5, near[0], coarse[1] * times + 0.75],
    )
    np.testing.assert_allclose(chance, [0.8, 0.3, 0.2])
    none = np.zeros((0, 4), np.float32), np.zeros(0, np.float32)
    found, chance = finding.with_large(none, none)
    assert found.shape == (0, 4) and chance.shape == (0,)


def test_the_graph_looks_twice():
    """Somebody whom only the smaller picture shows is found."""
    shown = []

    def find(picture):
        side = picture.shape[1]
        shown.append(side)
        cells = side // finder.STRIDE
        out = np.full((1, cells, cells, 5), -9.0, np.float32)
        if side < finding.SIZE:
            # Three quarters of the picture.
            out[0, cells // 2, cells // 2] = [3.0, *np.log([cells * 0.375] * 4)]
        return tf.constant(out)

    def predict(crops):
        count = tf.shape(crops)[0]
        return {
            "keypoints": tf.zeros((count, 17, 2)),
            "ordinal_depth": tf.zeros((count, 17)),
            "pose": tf.zeros((count, 17, 3)),
            "score": tf.ones((count, 17)),
        }

    graph = signatures.Signatures(predict, 64, find)
    found = graph.serve_find(np.zeros((256, 256, 3), np.uint8), 0.2)
    assert set(shown) == {finding.SIZE, finding.COARSE_SIZE}
    assert found["box"].shape == (1, 3)


def test_who_is_the_same():
    rng = np.random.default_rng(0)
    person = rng.uniform(0, 100, (17, 2))
    found = {
        "keypoints": np.float32([person, person + 3, person + 60]),
        "box": np.float32([[50, 50, 120], [53, 53, 120], [110, 110, 120]]),
        "person_score": np.float32([0.5, 0.8, 0.6]),
    }
    np.testing.assert_array_equal(finding.apart(found, 0.2), [1, 2])
    np.testing.assert_array_equal(finding.apart(found, 0.7), [1])
    np.testing.assert_array_equal(finding.apart(found, 0.9), [])
    # A small person in front of a large one is another.
    found["keypoints"][1] = person * 0.2 + 40
    found["box"][1, 2] = 24
    np.testing.assert_array_equal(finding.apart(found, 0.2), [1, 2, 0])


def test_score_of_a_person():
    score = np.float32([[0.5] * 17, [0.0] * 17])
    got = finding.person_score(np.float32([0.9, 0.9]), score).numpy()
    assert got[0] == pytest.approx(np.sqrt(0.45)) and got[1] == 0


def test_the_same_in_a_graph():
    people = [(10, 20, 50, 120, 1.0), (90, 30, 150, 70, 3.0)]
    eager = finding.candidates(answer(people), STRIDE)
    spec = tf.TensorSpec((None, None, 5))
    graph = tf.function(
        lambda one: finding.candidates(one, STRIDE), input_signature=[spec]
    )
    for one, other in zip(eager, graph(answer(people)), strict=True):
        np.testing.assert_allclose(one, other)
