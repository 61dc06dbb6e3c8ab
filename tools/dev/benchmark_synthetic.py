r"""How fast synthetic people are rendered on one core, and what takes long.

    python -m tools.dev.benchmark_synthetic --count=200

The process pins itself to one core. What is made once and kept (tables, the
pictures of things in the background) is timed apart, as `startup_seconds`. The
baseline in the same run is decoding the JPEG files that come out, which reading
them from disk would cost at least.
"""

import contextlib
import cProfile
import json
import os
import pstats
import time

import cv2
import numpy as np
import threadpoolctl
from absl import flags

from ordinal_tf.synthetic import people
from ordinal_tf.synthetic.scene import sprites

from . import _common

_COUNT = flags.DEFINE_integer("count", 200, "Pictures.", lower_bound=10)
_SEED = flags.DEFINE_integer("seed", 0, "Which people.", lower_bound=0)
_SIZE = flags.DEFINE_integer("size", 256, "Side in pixels.", lower_bound=32)
_PRESET = flags.DEFINE_enum(
    "preset", "photographs", sorted(people.PRESETS), "What they are like."
)
_VIEWS = flags.DEFINE_integer(
    "views", 4, "Pictures of each posed body; 4 is tools.prepare's default.", 1
)

# What the table lists: functions that `people` calls.
_STEPS = {
    "pose from the pool or from angles": "draw_pose",
    "skin, posed": "pose_body",
    "normals": "normals",
    "look": "sample_look",
    "camera": "sample_camera",
    "background": "draw_background",
    "person drawn and lit": "render",
    "occluders": "draw_occluders",
    "camera effects and JPEG": "finish",
    "labels": "_labels",
}


def measure(rendered, count):
    """Milliseconds of CPU per picture of `people[0]` to `people[count - 1]`.

    Returns:
        float; dict of float over `_STEPS`; list of the JPEG files.
    """
    files = []
    start = time.process_time()
    for i in _common.progress(range(count), label="render"):
        files.append(rendered[i]["jpeg"])
    whole = (time.process_time() - start) / count * 1e3
    # Again with a profiler, which only shares are taken from.
    profiler = cProfile.Profile(time.process_time)
    profiler.enable()
    for i in range(count):
        rendered[i]
    profiler.disable()
    spent = {}
    for (path, _, name), (*_, total, _) in pstats.Stats(profiler).stats.items():
        if "synthetic" in path:
            spent[name] = max(spent.get(name, 0.0), total)
    total = spent["__getitem__"]
    return (
        whole,
        {step: whole * spent.get(f, 0) / total for step, f in _STEPS.items()},
        files,
    )


@contextlib.contextmanager
def _one_core():
    """Keeps this process on one core meanwhile, where the system can."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    pinned = hasattr(os, "sched_setaffinity")
    if pinned:
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        cv2.setNumThreads(threads)
        if pinned:
            os.sched_setaffinity(0, before)


def start_up(rendered, beyond):
    """Seconds of CPU until pictures cost what they will cost from then on."""
    start = time.process_time()
    for kind in sprites.KINDS:
        for number in range(sprites.VARIANTS):
            sprites.sprite(kind, number)
    # Files are read and the other tables are made with the first pictures.
    for i in range(10):
        rendered[beyond + i]
    return time.process_time() - start


def _decoding(files):
    """Milliseconds of CPU to decode one of the files."""
    arrays = [np.frombuffer(file, np.uint8) for file in files]
    best = np.inf
    for _ in range(5):
        start = time.process_time()
        for array in arrays:
            cv2.imdecode(array, cv2.IMREAD_COLOR)
        best = min(best, time.process_time() - start)
    return best / len(files) * 1e3


def main():
    with _one_core(), threadpoolctl.threadpool_limits(1):
        rendered = people.SyntheticPeople(
            _SEED.value,
            size=_SIZE.value,
            preset=_PRESET.value,
            views=_VIEWS.value,
        )
        startup = start_up(rendered, beyond=_COUNT.value)
        whole, steps, files = measure(rendered, _COUNT.value)
        decoding = _decoding(files)
    for step, milliseconds in steps.items():
        print(f"{step:36}{milliseconds:7.1f} ms")
    rest = whole - sum(steps.values())
    print(f"{'everything else':36}{rest:7.1f} ms")
    print(f"{'one picture':36}{whole:7.1f} ms")
    print(f"{'decoding its JPEG (baseline)':36}{decoding:7.1f} ms")
    print(f"{'before the first picture':36}{startup:7.1f} s")
    print(
        json.dumps(
            {
                "images_per_second_per_core": 1e3 / whole,
                "milliseconds": {**steps, "everything else": rest},
                "startup_seconds": startup,
                "times_decoding": whole / decoding,
                "size": _SIZE.value,
                "preset": _PRESET.value,
                "views": _VIEWS.value,
                "bytes_per_image": float(np.mean([len(f) for f in files])),
            },
            sort_keys=True,
        )
    )


if __name__ == "__main__":
    _common.run(main)
