"""Detectors of others: what their outputs mean, and what is refused."""

import numpy as np
import pytest

from ordinal_tf import boxes
from ordinal_tf.inference import detector

# A picture of 320 x 200 is shown in 160 x 160 at a half.
IMAGE = np.full((200, 320, 3), 50, np.uint8)
SIDE = 160
# Two people and a dog, in the detector's pixels; scores.
PEOPLE = np.float32([[10, 10, 30, 70], [80, 20, 140, 60]])
DOG = np.float32([[50, 50, 60, 60]])
ALL = np.concatenate([PEOPLE, DOG])
SCORES = np.float32([0.9, 0.7, 0.8])
CLASSES = np.float32([0, 0, 16])


def wanted(rows=(0, 1)):
    return [boxes.square(*(PEOPLE[row] * 2 - 0.5)) for row in rows]


def as_ssd():
    table = ALL[:, [1, 0, 3, 2]] / SIDE
    return [table[None], CLASSES[None], SCORES[None], np.float32([3])]


def as_yolo8():
    middle, size = (ALL[:, :2] + ALL[:, 2:]) / 2, ALL[:, 2:] - ALL[:, :2]
    scores = np.zeros((3, 80), np.float32)
    scores[range(3), CLASSES.astype(int)] = SCORES
    table = np.concatenate([middle, size, scores], 1)
    # Each twice, as without suppression; and thousands of nothing.
    table = np.concatenate([table, table * 0.999, np.zeros((94, 84))])
    return [np.float32(table.T[None])]


def as_yolo5():
    table = as_yolo8()[0][0].T
    return [np.insert(table, 4, 1.0, axis=1)[None]]


def as_torchvision():
    return [ALL, CLASSES.astype(np.int64), SCORES]


def as_rtm():
    table = np.column_stack([ALL, SCORES])[None]
    return [table, CLASSES[None].astype(np.int64)]


def as_yolo10():
    return [np.column_stack([ALL, SCORES, CLASSES])[None]]


@pytest.mark.parametrize(
    "layout",
    [as_ssd, as_yolo8, as_yolo5, as_torchvision, as_rtm, as_yolo10],
)
@pytest.mark.parametrize("first", [True, False])
def test_layouts(layout, first, tmp_path, monkeypatch):
    given = []

    def opened(path):
        shape = [1, 3, SIDE, SIDE] if first else [1, SIDE, SIDE, 3]
        return (
            lambda picture: given.append(picture) or layout(),
            [(shape, np.float32)],
        )

    monkeypatch.setattr(detector, "_open_onnx", opened)
    path = tmp_path / "people.onnx"
    path.touch()
    found = detector.open_detector(path)(IMAGE)
    np.testing.assert_allclose(found, wanted(), rtol=1e-3)
    (picture,) = given
    assert picture.shape == ((1, 3, 160, 160) if first else (1, 160, 160, 3))
    # The picture above, grey below.
    shown = picture[0] if first else np.moveaxis(picture[0], 2, 0)
    np.testing.assert_allclose(shown[:, :100], 50 / 255)
    np.testing.assert_allclose(shown[:, 100:], 114 / 255)
    sure = detector.open_detector(path, least_score=0.85)(IMAGE)
    np.testing.assert_allclose(sure, wanted([0]), rtol=1e-3)
    dogs = detector.open_detector(path, person=16)(IMAGE)
    assert len(dogs) == 1


def test_outputs_that_are_not_understood(tmp_path, monkeypatch):
    monkeypatch.setattr(
        detector,
        "_open_onnx",
        lambda path: (
            lambda picture: [np.zeros((1, 1000))],
            [([1, 3, "height", "width"], np.float32)],
        ),
    )
    path = tmp_path / "classes.onnx"
    path.touch()
    detect = detector.open_detector(path)
    with pytest.raises(ValueError, match=r"classes.onnx has .* \[1, 1000\]"):
        detect(IMAGE)


def test_files_that_are_none(tmp_path):
    with pytest.raises(ValueError, match="must be a detector as .onnx or"):
        detector.open_detector(tmp_path / "a.pt")
    with pytest.raises(ValueError, match="There is no detector .*a.onnx"):
        detector.open_detector(tmp_path / "a.onnx")
    for name, package in (
        ("a.onnx", "onnxruntime"),
        ("a.tflite", "ai_edge_litert"),
    ):
        pytest.importorskip(package)
        (tmp_path / name).write_bytes(b"nothing of the kind")
        with pytest.raises(ValueError, match=f"{name} is no .* file that runs"):
            detector.open_detector(tmp_path / name)


def test_an_onnx_file(tmp_path):
    pytest.importorskip("onnxruntime")
    onnx = pytest.importorskip("onnx")
    helper, kinds = onnx.helper, onnx.TensorProto
    table = np.column_stack([ALL, SCORES, CLASSES])[None].astype(np.float32)
    # The table, and nothing of the picture.
    nodes = [
        helper.make_node("ReduceMax", ["image"], ["most"], keepdims=0),
        helper.make_node("Mul", ["most", "nothing"], ["zero"]),
        helper.make_node("Add", ["table", "zero"], ["found"]),
    ]
    graph = helper.make_graph(
        nodes,
        "detector",
        [
            helper.make_tensor_value_info(
                "image", kinds.FLOAT, [1, 3, SIDE, SIDE]
            )
        ],
        [helper.make_tensor_value_info("found", kinds.FLOAT, table.shape)],
        [
            onnx.numpy_helper.from_array(table, "table"),
            onnx.numpy_helper.from_array(np.float32(0), "nothing"),
        ],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10
    )
    onnx.save(model, tmp_path / "people.onnx")
    found = detector.open_detector(tmp_path / "people.onnx")(IMAGE)
    np.testing.assert_allclose(found, wanted(), rtol=1e-3)


def test_a_litert_file(tmp_path):
    pytest.importorskip("ai_edge_litert")
    import tensorflow as tf

    class Found(tf.Module):
        @tf.function(
            input_signature=[tf.TensorSpec((1, SIDE, SIDE, 3), tf.uint8)]
        )
        def __call__(self, image):
            zero = 0.0 * tf.reduce_max(tf.cast(image, tf.float32))
            return [zero + output for output in as_ssd()]

    module = Found()
    data = tf.lite.TFLiteConverter.from_concrete_functions(
        [module.__call__.get_concrete_function()], module
    ).convert()
    path = tmp_path / "people.tflite"
    path.write_bytes(data)
    found = detector.open_detector(path)(IMAGE)
    np.testing.assert_allclose(found, wanted(), rtol=1e-3)
