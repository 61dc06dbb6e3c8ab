"""What the finder learns from: pictures, targets, and the loss of each."""

import numpy as np
import pytest
import tensorflow as tf

from ordinal_tf.inference import finding
from ordinal_tf.models import finder
from tools.dev import _canvases, _finder_loss

SIZE, CELLS = 128, 128 // finder.STRIDE


def photo(rng, kind):
    """A red person of 40 x 80 on blue, or blue alone."""
    image = np.zeros((120, 160, 3), np.uint8)
    image[..., 2] = 250
    if kind == "empty":
        return image, None, None
    image[20:100, 50:90, 0] = 250
    image[20:100, 50:90, 2] = 0
    x, y = np.meshgrid(np.linspace(51, 88, 4), np.linspace(21, 98, 4))
    joints = np.stack([x, y], -1).reshape(-1, 2)
    joints = np.concatenate([joints, [[0, 0]]])
    mask = np.ones(17, bool)
    mask[16] = False
    return image, joints, mask


def test_people_are_where_the_table_says(monkeypatch):
    monkeypatch.setattr(_canvases, "_coloured", lambda rng, image: image)
    monkeypatch.setattr(_canvases, "_HIDING", 0.0)
    counts = []
    for i in range(20):
        image, table = _canvases.draw(np.random.default_rng(i), SIZE, photo)
        assert image.shape == (SIZE, SIZE, 3)
        red = (image[..., 0] > 60) & (image[..., 2] < 60)
        kinds = table[:, 4]
        inside = np.zeros((SIZE, SIZE), bool)
        for left, top, right, bottom, kind in table[kinds > 0]:
            rows = slice(int(np.floor(top)), int(np.ceil(bottom)) + 1)
            columns = slice(int(np.floor(left)), int(np.ceil(right)) + 1)
            inside[rows, columns] = True
            if kind == _canvases.PERSON:
                assert red[rows, columns].mean() > 0.5
        # Red is a person's, save what shows of one beyond the last joints.
        assert (red & ~inside).mean() < 0.1
        counts.append((kinds == _canvases.PERSON).sum())
    assert 1 <= np.mean(counts) < 9


def test_what_is_hidden_does_not_count():
    _, joints, mask = photo(None, "person")
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
