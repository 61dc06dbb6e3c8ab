"""What the finder learns from: pictures, targets, and the loss of each."""

import numpy as np
import pytest
import tensorflow as tf

from ordinal_tf.inference import finding
from ordinal_tf.models import finder
from tools.dev import _canvases, _finder_loss

SIZE, CELLS = 128, 128 // finder.STRIDE
OTHERS = np.array([[110, 40, 129, 79, _canvases.PERSON]], float)


def photo(rng, kind):
    """A red person of 40 x 80 on blue, and a green one; or blue alone."""
    image = np.zeros((120, 160, 3), np.uint8)
    image[..., 2] = 250
    if kind == "empty":
        return image, None, None, np.zeros((0, 5))
    image[20:100, 50:90, 0] = 250
    image[20:100, 50:90, 2] = 0
    x, y = np.meshgrid(np.linspace(51, 88, 4), np.linspace(21, 98, 4))
    joints = np.stack([x, y], -1).reshape(-1, 2)
    joints = np.concatenate([joints, [[0, 0]]])
    mask = np.ones(17, bool)
    mask[16] = False
    image[40:80, 110:130, 1] = 250
    image[40:80, 110:130, 2] = 0
    return image, joints, mask, OTHERS


def test_people_are_where_the_table_says(monkeypatch):
    monkeypatch.setattr(_canvases, "_coloured", lambda rng, image: image)
    monkeypatch.setattr(_canvases, "_HIDING", 0.0)
    counts = []
    for i in range(20):
        image, table = _canvases.draw(np.random.default_rng(i), SIZE, photo)
        assert image.shape == (SIZE, SIZE, 3)
        red = (image[..., 0] > 60) & (image[..., 2] < 60)
        green = (image[..., 1] > 60) & (image[..., 2] < 60)
        kinds = table[:, 4]
        inside = np.zeros((SIZE, SIZE), bool)
        for left, top, right, bottom, kind in table[kinds > 0]:
            rows = slice(int(np.floor(top)), int(np.ceil(bottom)) + 1)
            columns = slice(int(np.floor(left)), int(np.ceil(right)) + 1)
            inside[rows, columns] = True
            if kind == _canvases.PERSON:
                here = red[rows, columns].mean(), green[rows, columns].mean()
                assert max(here) > 0.5
        # Red is a person's, save what shows of one beyond the last joints.
        assert ((red | green) & ~inside).mean() < 0.1
        counts.append((kinds == _canvases.PERSON).sum())
    assert 1 <= np.mean(counts) < 9


def test_what_is_hidden_does_not_count():
    _, joints, mask, _ = photo(None, "person")
    last = np.array([159, 119])
    left, top, right, bottom, kind = _canvases._person(joints, mask, last)
    beyond = 0.08 * 77
    np.testing.assert_allclose(
        [left, top, right, bottom],
        [51 - beyond, 21 - beyond, 88 + beyond, 98 + beyond],
    )
    assert kind == _canvases.PERSON
    # Behind a table, from row 60 on.
    table = np.array([0, 60, 160, 120])
    row = _canvases._person(joints, mask, last, table)
    assert row[1] > 21 - beyond and row[3] <= 60
    # All but a column of four is behind a wall; then all.
    wall = np.array([60, 0, 160, 120])
    assert _canvases._person(joints, mask, last, wall)[2] < 60
    every = np.array([0, 0, 160, 120])
    row = _canvases._person(joints, mask, last, every)
    assert row is None or row[4] == _canvases.PERHAPS


def test_others_who_are_cut_off():
    corners, last = np.array([[-30.0, 10], [10, 60]]), np.array([99, 79])
    row = _canvases._other(corners, _canvases.PERSON, last)
    # A quarter of them shows.
    np.testing.assert_array_equal(row, [0, 10, 10, 60, _canvases.PERHAPS])
    row = _canvases._other(corners + [20, 0], _canvases.PERSON, last)
    np.testing.assert_array_equal(row, [0, 10, 30, 60, _canvases.PERSON])
    assert _canvases._other(corners - 50, _canvases.PERSON, last) is None


def test_who_else_was_found():
    table = np.zeros((_canvases.MOST, 5))
    table[0] = [10, 10, 50, 110, _canvases.PERSON]
    found = np.float32(
        [
            [12, 12, 52, 112],  # The person again.
            [60, 10, 90, 110],  # Somebody else, surely,
            [61, 10, 91, 110],  # who is found twice.
            [30, 60, 60, 100],  # Two thirds within the first: a part.
            [60, 120, 90, 127],  # Perhaps somebody,
            [0, 120, 30, 127],  # and hardly.
        ]
    )
    chance = np.float32([0.9, 0.8, 0.7, 0.6, 0.4, 0.1])
    _canvases.add_found(table, found, chance)
    np.testing.assert_array_equal(table[1], [*found[1], _canvases.PERSON])
    np.testing.assert_array_equal(table[2], [*found[4], _canvases.PERHAPS])
    assert not table[3:].any()
    # Nobody is sure enough; and there is no more room.
    table[1:] = 0
    _canvases.add_found(table, found, chance, sure=np.inf)
    assert (table[1:4, 4] == _canvases.PERHAPS).all()
    table[:, 4] = _canvases.PERHAPS
    kept = table.copy()
    _canvases.add_found(table, found, chance)
    np.testing.assert_array_equal(table, kept)


def test_targets_decode_to_the_people():
    table = np.zeros((_canvases.MOST, 5), np.float32)
    table[0] = [10, 20, 50, 100, _canvases.PERSON]
    table[1] = [70, 40, 110, 60, _canvases.PERSON]
    table[2] = [100, 100, 120, 120, _canvases.PERHAPS]
    out = _finder_loss.targets(table, CELLS)
    assert (out[..., 0] == 1).sum() == 2 and not out[6, 6, 6]
    logit = np.where(out[..., :1] == 1, 3.0, -9.0)
    answer = np.concatenate([logit, out[..., 1:5]], -1).astype(np.float32)
    rectangles, _ = finding.candidates(answer, finder.STRIDE)
    rectangles = rectangles.numpy()[np.argsort(rectangles[:, 0])]
    np.testing.assert_allclose(rectangles, table[:2, :4], atol=1e-3)


def test_loss_of_right_and_wrong():
    table = np.zeros((_canvases.MOST, 5), np.float32)
    table[0] = [10, 20, 50, 100, _canvases.PERSON]
    table[1] = [100, 100, 120, 120, _canvases.PERHAPS]
    target = _finder_loss.targets(table, CELLS)
    logit = np.where(target[..., :1] == 1, 12.0, -12.0)
    right = np.concatenate([logit, target[..., 1:5]], -1).astype(np.float32)

    def loss(answer):
        return float(_finder_loss.loss(target[None], answer[None]))

    assert loss(right) == pytest.approx(0, abs=1e-3)
    # Somebody where perhaps somebody is costs nothing; elsewhere it does.
    perhaps, nobody, missed, small = (right.copy() for _ in range(4))
    perhaps[6, 6, 0] = 5.0
    assert loss(perhaps) == pytest.approx(0, abs=1e-3)
    nobody[1, 6, 0] = 5.0
    assert loss(nobody) > 3
    missed[..., 0] = -12.0
    assert loss(missed) > 10
    # Half as far each way: a quarter of the rectangle.
    small[..., 1:] -= np.log(2)
    assert loss(small) == pytest.approx(
        2 * 0.75 + 0.3 * 4 * np.log(2), abs=1e-2
    )


def test_gradients_are_finite():
    target = _finder_loss.targets(np.zeros((1, 5), np.float32), CELLS)
    answer = tf.Variable(np.full((1, CELLS, CELLS, 5), 60.0, np.float32))
    with tf.GradientTape() as tape:
        loss = _finder_loss.loss(target[None], answer)
    assert np.isfinite(tape.gradient(loss, answer)).all()
