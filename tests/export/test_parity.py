"""What counts as the same model, and the process of its own."""

import numpy as np
import pytest
import tensorflow as tf

from ordinal_tf.export import parity, session
from ordinal_tf.inference import finding

SHAPES = {
    "keypoints": (10, 17, 2),
    "ordinal_depth": (10, 17),
    "pose": (10, 17, 3),
    "score": (10, 17),
}


def answers(seed=0):
    rng = np.random.default_rng(seed)
    return {
        name: rng.uniform(-100, 100, shape).astype(np.float32)
        for name, shape in SHAPES.items()
    }


def nobody():
    return {name: np.zeros((0, *s[1:]), "f4") for name, s in SHAPES.items()}


def test_rounding_passes_and_nobody_too():
    live = [answers(), nobody()]
    found = [{k: v + 1e-3 for k, v in one.items()} for one in live]
    parity.compare(live, found, precision="float32")


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("change", [5.0, np.nan, np.inf])
def test_a_twentieth_of_the_joints_fails(name, change):
    live, found = answers(), answers()
    found[name][0, :9] += change  # Of 170 joints.
    with pytest.raises(ValueError, match=f"{name!r}.* at 9 of 170 joints"):
        parity.compare([live], [found], precision="float32")
    # One joint can jump to a cell that was about as good.
    found[name][0, 1:9] = live[name][0, 1:9]
    parity.compare([live], [found], precision="float32")


def test_half_precision_may_do_more():
    live, found = answers(), answers()
    found["keypoints"] += 0.7
    parity.compare([live], [found], precision="float16")
    with pytest.raises(ValueError, match="'keypoints'"):
        parity.compare([live], [found], precision="float32")


def test_shapes_must_agree():
    found = {k: v[:9] for k, v in answers().items()}
    with pytest.raises(ValueError, match="has shape"):
        parity.compare([answers()], [found], precision="float32")


def test_requests_cover_every_signature():
    requests = parity.example_requests(32)
    assert {name for name, _ in requests} == {
        "serving_default",
        "photo",
        "photos",
        "pixels",
    }
    again = parity.example_requests(32)
    for (_, inputs), (_, same) in zip(requests, again, strict=True):
        for key, value in inputs.items():
            np.testing.assert_array_equal(value, same[key])


class Echo(tf.Module):
    """Byte strings in, their lengths out."""

    @tf.function(input_signature=[tf.TensorSpec((None,), tf.string, "data")])
    def lengths(self, data):
        return {"length": tf.strings.length(data)}


def test_another_process_gets_the_same_bytes(tmp_path):
    echo = Echo()
    tf.saved_model.save(
        echo, str(tmp_path), signatures={"lengths": echo.lengths}
    )
    data = np.array([b"ab\0", b"", b"\0\0"], object)
    none = np.array([], object)
    found, empty = session.run_apart(
        tmp_path, [("lengths", {"data": data}), ("lengths", {"data": none})]
    )
    np.testing.assert_array_equal(found["length"], [3, 0, 2])
    assert empty["length"].shape == (0,)
    # Inside this process it is the same, and what fails says so.
    with session.loaded(tmp_path) as run:
        np.testing.assert_array_equal(
            run("lengths", {"data": data})["length"], [3, 0, 2]
        )
        assert tf.executing_eagerly()


def test_another_process_says_what_is_wrong(tmp_path):
    with pytest.raises(ValueError, match="does not run in a process of its"):
        session.run_apart(tmp_path / "nothing", [])


def test_found_boxes():
    boxes = np.array([[50, 60, 40], [10, 20, 30]], "f4")

    def found(boxes, sure=(0.9, 0.8)):
        return {"box": boxes, "person_score": np.array(sure, "f4")}

    live = found(boxes)
    parity.check_found(live, found(boxes + np.float32([2.9, -2.9, 2.9])))
    # In another order; and without whom both are hardly sure enough of.
    parity.check_found(live, found(boxes[::-1]))
    unsure = (0.9, finding.LEAST_SCORE + 0.01)
    parity.check_found(found(boxes, unsure), found(boxes[:1], unsure[:1]))
    for other in (
        found(boxes + [0, 0, 3.1]),
        found(boxes[:1], (0.9,)),
        found(boxes * np.nan),
    ):
        with pytest.raises(ValueError, match="finds people elsewhere"):
            parity.check_found(live, other)
        with pytest.raises(ValueError, match="finds people elsewhere"):
            parity.check_found(other, live)
