"""Jobs in a process of their own."""

import cv2
import numpy as np
import pytest
import tensorflow as tf

from ordinal_tf.litert import tflite
from tools.dev import _timing

pytest.importorskip("ai_edge_litert")


def test_litert_without_tensorflow(tmp_path):
    def mean(image):
        return {"mean": tf.reduce_mean(tf.cast(image, tf.float32), (1, 2, 3))}

    path, photo = tmp_path / "mean.tflite", tmp_path / "photo"
    path.write_bytes(tflite.convert(mean, 8))
    ramp = np.arange(300, dtype=np.uint8).reshape(10, 10, 3)
    photo.write_bytes(cv2.imencode(".png", ramp)[1].tobytes())
    found = _timing.measure(
        "litert", path=str(path), photo=str(photo), size=8, runs=2, threads=1
    )
    assert set(found["milliseconds"]) == {"crop", "photo"}
    assert all(value > 0 for value in found["milliseconds"].values())
    # TensorFlow alone would take more.
    assert 10 < found["peak_megabytes"] < 250


def test_failures_have_the_last_words(tmp_path):
    with pytest.raises(ValueError, match="Timing litert failed: .*nowhere"):
        _timing.measure(
            "litert", path=str(tmp_path / "nowhere"), size=8, runs=1, threads=1
        )


def test_opencv_crop_is_centred():
    image = np.zeros((9, 9, 3), np.uint8)
    image[4, 4] = 200
    crop = _timing._opencv_crop(image, (4.0, 4.0, 5.0), 5)
    assert crop[2, 2, 0] == 200 and crop.sum() == 600


def test_pytorch_is_timed_without_tensorflow(tmp_path, monkeypatch):
    """Its threads and memory would count as PyTorch's otherwise."""
    (tmp_path / "torch.py").write_text(
        "import sys\n"
        "def set_num_threads(count):\n"
        "    twin = '_torch_twin' in sys.modules\n"
        "    other = 'tensorflow' in sys.modules\n"
        "    sys.exit(f'{count} threads, {twin=}, {other=}')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match="3 threads, twin=True, other=False"):
        _timing.measure("pytorch", threads=3)
