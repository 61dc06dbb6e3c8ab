r"""Times an exported model's signatures on this machine.

Example:
    python -m tools.benchmark_inference --model=saved_models/lite \
        --photo=demo/photos/cameraman.png

The last line of standard output is JSON: `milliseconds_per_photo` of both
signatures, the ratio of `photo` to the network alone, `megabytes`.
"""

import json
import pathlib
import statistics
import time

import numpy as np
import tensorflow as tf
from absl import app, flags

import ordinal_tf
from ordinal_tf import paths
from ordinal_tf.data import photos

from . import _common

_MODEL = flags.DEFINE_string(
    "model", "lite", "Model folder, or the name of a shipped model."
)
_PHOTO = flags.DEFINE_string("photo", None, "Picture.", required=True)
_RUNS = flags.DEFINE_integer("runs", 30, "Timed calls of each.", lower_bound=1)


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    predictor = ordinal_tf.load(_MODEL.value)
    data = photos.encode_for_graph(_PHOTO.value)
    height, width = photos.size_of(data)
    box = [[(width - 1) / 2, (height - 1) / 2, max(width, height)]]
    size = predictor.input_size
    noise = np.random.default_rng(0).integers(
        0, 256, (1, size, size, 3), np.uint8
    )
    photo, image = tf.constant([data]), tf.constant(noise)
    boxes, none = tf.constant(box, tf.float32), tf.zeros((0, 3))
    times = {
        "serving_default": _time(lambda: predictor.crops(image)),
        "photo": _time(lambda: predictor.photo(photo=photo, boxes=boxes)),
        "photo_finding": _time(
            lambda: predictor.photo(photo=photo, boxes=none)
        ),
    }
    folder = paths.find_model(_MODEL.value)
    megabytes = _megabytes(folder)
    baseline = times["serving_default"]
    print(f"one picture of {width} x {height} pixels, one person")
    for name, milliseconds in times.items():
        ratio = milliseconds / baseline
        print(f"{name:16} {milliseconds:7.1f} ms  {ratio:5.2f} x crop alone")
    print(f"{megabytes:.1f} MB on disk")
    report = {
        "milliseconds_per_photo": times,
        "ratio_to_crop": {k: v / baseline for k, v in times.items()},
        "megabytes": megabytes,
    }
    print(json.dumps(report))


def _time(call):
    """Median milliseconds after a warm-up."""
    for _ in range(3):
        call()
    seconds = []
    for _ in range(_RUNS.value):
        start = time.perf_counter()
        call()["pose"].numpy()
        seconds.append(time.perf_counter() - start)
    return 1000.0 * statistics.median(seconds)


def _megabytes(folder):
    files = [p for p in pathlib.Path(folder).rglob("*") if p.is_file()]
    return sum(p.stat().st_size for p in files) / 1e6


if __name__ == "__main__":
    _common.run(main)
