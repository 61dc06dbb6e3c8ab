"""Where the person is, with networks that see what the test says."""

import numpy as np
import tensorflow as tf

from ordinal_tf import geometry
from ordinal_tf.inference import finding

WIDTH, HEIGHT = 640, 480
# A person of 100 pixels, right of and below the middle.
JOINTS = (
    np.random.default_rng(0)
    .uniform([400, 300], [460, 400], (17, 2))
    .astype(np.float32)
)
ALL = np.ones(17, bool)


def box_of(joints, margin):
    return geometry.box_around(
        tf.constant(joints[None]), ALL[None], margin=margin
    ).numpy()


class Network:
    """Finds `JOINTS`, the surer the nearer the side of a box is to one."""

    def __init__(self, likes):
        self.likes, self.boxes = likes, []

    def __call__(self, boxes):
        boxes = np.asarray(boxes)
        self.boxes.append(boxes)
        off = np.abs(np.log(boxes[:, 2] / self.likes))
        score = np.exp(-off)[:, None] * np.ones(17, np.float32)
        # What it is less sure of, it puts too far apart.
        middle = JOINTS.mean(0)
        spread = (1 + off)[:, None, None]
        return {
            "keypoints": np.float32(middle + spread * (JOINTS - middle)),
            "score": np.float32(score),
        }


def test_looks_again_and_closer():
    network = Network(likes=150.0)
    box = finding.find_people(network, WIDTH, HEIGHT).numpy()
    first, second = network.boxes
    np.testing.assert_allclose(first, [[319.5, 239.5, 640]])
    assert len(second) == 2
    np.testing.assert_allclose(second[1], second[0] * [1, 1, 0.7], rtol=1e-6)
    # The joints seen in the surer of the two decide.
    surer = np.argmin(np.abs(np.log(second[:, 2] / 150)))
    assert surer == 1
    seen = network(second[1:])["keypoints"][0]
    np.testing.assert_allclose(box, box_of(seen, 1.3), rtol=1e-5)


def test_keeps_the_wider_look_where_that_is_surer():
    network = Network(likes=640.0)
    box = finding.find_people(network, WIDTH, HEIGHT).numpy()
    second = network.boxes[1]
    seen = network(second[:1])["keypoints"][0]
    np.testing.assert_allclose(box, box_of(seen, 1.3), rtol=1e-5)


def test_joints_that_are_not_seen_do_not_count():
    def predict(boxes):
        joints = np.tile(JOINTS, (len(boxes), 1, 1))
        score = np.full((len(boxes), 17), 0.5, np.float32)
        joints[:, 5], score[:, 5] = [0, 0], 0.01
        return {"keypoints": joints, "score": score}

    box = finding.find_people(predict, WIDTH, HEIGHT).numpy()
    rest = np.delete(np.arange(17), 5)
    low, high = JOINTS[rest].min(0), JOINTS[rest].max(0)
    want = [*(low + high) / 2, 1.3 * (high - low).max()]
    np.testing.assert_allclose(box, [want], rtol=1e-5)


def test_nobody_seen_is_the_whole_picture():
    def predict(boxes):
        return {
            "keypoints": np.zeros((len(boxes), 17, 2), np.float32),
            "score": np.zeros((len(boxes), 17), np.float32),
        }

    box = finding.find_people(predict, WIDTH, HEIGHT).numpy()
    np.testing.assert_allclose(box, [[319.5, 239.5, 640]])


def test_the_same_in_a_graph():
    joints = tf.constant(JOINTS)

    def predict(boxes):
        count = tf.shape(boxes)[0]
        return {
            "keypoints": tf.tile(joints[None], [count, 1, 1]),
            "score": tf.ones((count, 17)),
        }

    eager = finding.find_people(predict, WIDTH, HEIGHT)
    graph = tf.function(lambda w, h: finding.find_people(predict, w, h))(
        tf.constant(WIDTH), tf.constant(HEIGHT)
    )
    np.testing.assert_allclose(eager, graph)
    np.testing.assert_allclose(eager, box_of(JOINTS, 1.3), rtol=1e-5)


def test_the_centre_stays_in_the_picture():
    """Or the box could miss it, which is refused as the caller's mistake."""

    def predict(boxes):
        above = np.float32(JOINTS - [0, 480])
        return {
            "keypoints": np.tile(above, (len(boxes), 1, 1)),
            "score": np.ones((len(boxes), 17), np.float32),
        }

    (box,) = finding.find_people(predict, WIDTH, HEIGHT).numpy()
    want = box_of(JOINTS, 1.3)[0]
    np.testing.assert_allclose(box, [want[0], 0, want[2]], rtol=1e-5)
