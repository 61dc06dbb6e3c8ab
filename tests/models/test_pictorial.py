"""The choice among places against trying all of them."""

import itertools

import numpy as np
import pytest
from keras import ops

from ordinal_tf import skeleton
from ordinal_tf.models import pictorial

INDEX = skeleton.H36M17.index
JOINTS = ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")
# By hand: the limbs, and the medians of their lengths in shares of a crop.
LIMBS = {
    ("hip", "knee"): 0.23,
    ("knee", "ankle"): 0.24,
    ("shoulder", "elbow"): 0.18,
    ("elbow", "wrist"): 0.16,
    ("hip", "shoulder"): 0.29,
}


def cost(points, p, choice):
    """Of one person and a choice: what the module says it minimises."""

    def place(side, joint):
        k = INDEX(f"{side}_{joint}")
        return points[k, choice[k]]

    def apart(a, b):
        return np.sqrt(np.sum((a - b) ** 2) + 1e-4)

    total = 0.0
    for joint in JOINTS:
        for side in ("right", "left"):
            k = INDEX(f"{side}_{joint}")
            total -= np.log(p[k, choice[k]] + 1e-4)
        together = apart(place("right", joint), place("left", joint)) < 3 / 40
        total += 0.5 * together
    for (near, far), length in LIMBS.items():
        for side in ("right", "left"):
            d = apart(place(side, near), place(side, far))
            total += 0.3 * min(0.5 * (np.log(d / length) / 0.5) ** 2, 5.0)
    return total


@pytest.mark.parametrize("seed", range(4))
def test_choice_is_the_best_of_all(seed):
    rng = np.random.default_rng(seed)
    points = rng.random((17, 2, 2)).astype("float32")
    # Some sides of a joint at one place, which must cost.
    for joint in JOINTS[:3]:
        points[INDEX(f"left_{joint}")] = points[INDEX(f"right_{joint}")]
    p = np.sort(rng.random((17, 2)), axis=1)[:, ::-1].astype("float32")
    found = pictorial.choose(points[None], np.log(p)[None])
    found = ops.convert_to_numpy(found)[0]
    assert found.shape == (17,) and found.dtype == np.int32
    sided = [INDEX(f"{s}_{j}") for j in JOINTS for s in ("right", "left")]
    assert not np.delete(found, sided).any()
    best, least = None, np.inf
    for each in itertools.product((0, 1), repeat=len(sided)):
        choice = np.zeros(17, int)
        choice[sided] = each
        if cost(points, p, choice) < least:
            best, least = choice, cost(points, p, choice)
    np.testing.assert_array_equal(found, best)


def test_people_of_a_batch_do_not_mix():
    rng = np.random.default_rng(0)
    points = rng.random((3, 17, 4, 2)).astype("float32")
    log_p = np.log(rng.random((3, 17, 4))).astype("float32")
    together = ops.convert_to_numpy(pictorial.choose(points, log_p))
    for i in range(3):
        one = pictorial.choose(points[i : i + 1], log_p[i : i + 1])
        np.testing.assert_array_equal(ops.convert_to_numpy(one)[0], together[i])


def test_what_is_certain_stays():
    rng = np.random.default_rng(1)
    points = rng.random((2, 17, 4, 2)).astype("float32")
    log_p = np.full((2, 17, 4), -1e9, "float32")
    log_p[:, :, 0] = 0.0
    found = ops.convert_to_numpy(pictorial.choose(points, log_p))
    assert not found.any()
