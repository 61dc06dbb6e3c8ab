"""The example's crop is the one that the models were trained on."""

import ast
import importlib.util
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from ordinal_tf.data.pipeline import crops, pictures
from ordinal_tf.litert import lite_file, tflite

pytest.importorskip("ai_edge_litert")


@pytest.fixture(scope="module")
def example(request):
    path = request.config.rootpath / "examples" / "litert_minimal.py"
    spec = importlib.util.spec_from_file_location("litert_minimal", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def picture():
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (61, 83, 3), np.uint8)


@pytest.mark.parametrize(
    "box",
    [
        (40.0, 30.0, 32.0),  # As large as the crop.
        (41.3, 28.7, 17.5),
        (20.0, 30.0, 57.9),  # Shrinks, by just less than two,
        (33.3, 31.1, 150.0),  # and with a ragged edge, black around it.
        (-40.0, 0.0, 60.0),
    ],
)
def test_crop(example, picture, box):
    size = 32
    (expected,) = crops.crop_boxes(
        pictures.open_pixels(tf.constant(picture)),
        tf.constant([box], tf.float32),
        size,
    ).numpy()
    found = example.crop(picture, box, size)
    assert found.dtype == np.uint8 and found.shape == (size, size, 3)
    # float32 and float64 may round a half either way.
    np.testing.assert_allclose(found.astype(int), expected, atol=1)
    assert np.mean(found != expected) < 0.02


def test_keypoints_come_back_to_the_picture(example, picture, tmp_path):
    """A model that answers the corners and the middle of its input."""
    points = np.array([[0, 0], [31, 31], [15.5, 15.5]], np.float32)

    def corners(image):
        mean = tf.reduce_mean(tf.cast(image, tf.float32))
        return {
            "keypoints": tf.constant(points)[None] + 0.0 * mean,
            "score": tf.fill([1, 3], mean / 255.0),
        }

    data = tflite.convert(corners, 32)
    info = {"joints": ["a", "b", "c"], "input_size": 32}
    path = tmp_path / "m.tflite"
    path.write_bytes(lite_file.with_info(data, info))
    found = example.predict(path, picture, (40.0, 30.0, 64.0))
    # Crop pixels are two of the picture: their centres are half a one apart.
    np.testing.assert_allclose(
        found["keypoints"], [[9, -1], [71, 61], [40, 30]], atol=1e-4
    )
    Image.fromarray(picture).save(tmp_path / "p.png")
    done = subprocess.run(
        [sys.executable, example.__file__, path, tmp_path / "p.png"]
        + ["40", "30", "64"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if " px" in line]
    assert [line.split()[:3] for line in lines] == [
        ["a", "9.0", "-1.0"],
        ["b", "71.0", "61.0"],
        ["c", "40.0", "30.0"],
    ]
    score = float(lines[0].split()[-1])
    assert score == pytest.approx(found["score"][0], abs=0.01)


def test_needs_nothing_else(example):
    """Neither TensorFlow nor this package."""
    text = pathlib.Path(example.__file__).read_text(encoding="utf-8")
    names = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module)
    tops = {name.partition(".")[0] for name in names}
    assert {"numpy", "ai_edge_litert", "PIL"} <= tops
    assert tops <= sys.stdlib_module_names | {"numpy", "ai_edge_litert", "PIL"}
