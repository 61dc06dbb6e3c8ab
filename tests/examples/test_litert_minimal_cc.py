"""The C++ example, compiled and run against the Python package's library."""

import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from ordinal_tf.litert import tflite

litert = pytest.importorskip("ai_edge_litert")

SIZE = 8


@pytest.fixture(scope="module")
def program(request, tmp_path_factory):
    compiler = shutil.which("g++")
    library = pathlib.Path(litert.__file__).parent / "libLiteRt.so"
    if compiler is None or not library.is_file():
        pytest.skip("No C++ compiler, or no LiteRT library for one.")
    work = tmp_path_factory.mktemp("cc")
    headers = work / "litert" / "c"
    headers.mkdir(parents=True)
    root = request.config.rootpath
    stand_in = root / "tests" / "examples" / "litert_c_api.h"
    source = root / "examples" / "litert_minimal.cc"
    for line in source.read_text().splitlines():
        if line.startswith('#include "litert/c/'):
            name = line.split("/")[-1].rstrip('"')
            (headers / name).write_text(f'#include "{stand_in}"\n')
    done = subprocess.run(
        [compiler, "-std=c++17", "-Wall", "-Wextra", "-Werror", f"-I{work}"]
        + [
            source,
            library,
            f"-Wl,-rpath,{library.parent}",
            "-o",
            work / "pose",
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return work / "pose"


def test_joints_of_a_crop(program, tmp_path):
    """A model whose 17 joints follow from its pixels, among other outputs."""

    def predict(image):
        sums = tf.reduce_sum(tf.cast(image, tf.float32), axis=3)
        points = tf.reshape(sums, [1, -1])[:, :34]
        return {
            "keypoints": tf.reshape(points, [1, 17, 2]),
            "ordinal_depth": points[:, :17] * 0.0 - 1.0,
            "score": points[:, :17] * 0.0 + 7.0,
        }

    model, crop = tmp_path / "m.tflite", tmp_path / "crop.rgb"
    model.write_bytes(tflite.convert(predict, SIZE))
    pixels = np.random.default_rng(0).integers(
        0, 256, (SIZE, SIZE, 3), np.uint8
    )
    crop.write_bytes(pixels.tobytes())
    done = subprocess.run(
        [program, model, crop], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found = np.array([line.split() for line in done.stdout.splitlines()], float)
    np.testing.assert_array_equal(found[:, 0], np.arange(17))
    expected = pixels.sum(2, dtype=float).reshape(-1)[:34].reshape(17, 2)
    np.testing.assert_allclose(found[:, 1:], expected, atol=0.006)
    crop.write_bytes(b"short")
    done = subprocess.run([program, model, crop], capture_output=True)
    assert done.returncode == 1 and b"fewer than 192 bytes" in done.stderr


def test_no_model(program, tmp_path):
    done = subprocess.run(
        [program, tmp_path / "nothing", sys.executable], capture_output=True
    )
    assert done.returncode == 1 and b"model failed" in done.stderr
