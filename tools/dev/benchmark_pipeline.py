r"""Times the input pipeline against the plain way and against bare decoding.

Example:
    python -m tools.dev.benchmark_pipeline --lsp=DATA/lspet_ordinal

In one run, on the same cores and the same files:
  pipeline   this package: the part of the picture that the crop shows,
             decoded at the resolution it needs, padded to a batch; the crops
             are turned and coloured by the accelerator (`on_device`)
  on_cpu     the same, but these cores turn and colour too
  plain      what others do: Python processes, OpenCV decodes the whole
             picture, one warpAffine, colours, coordinates as targets
  dense      the same, with the 17 x 64 x 64 x 64 targets of the original
  floor      libjpeg-turbo decodes the same bytes once and does nothing else
on `photos` (LSP-extended) and on `frames` (drawn, 1000 x 1000 pixels and
70 kB as Human3.6M's are). Times are of all processes' work on the cores.

The last line of standard output is JSON: `speedup_vs_plain`,
`speedup_vs_dense`, `share_of_floor` and `milliseconds_per_image`, each of
photos and frames, the same for `on_cpu`, and the settings.
"""

import json
import multiprocessing
import os
import pathlib
import tempfile
import time
from multiprocessing import shared_memory

import cv2
import numpy as np
from absl import flags

from ordinal_tf import geometry, skeleton
from ordinal_tf.data.pipeline import batching, mixing, sources
from ordinal_tf.data.readers import labels, lsp

from . import _common

_LSP = flags.DEFINE_string(
    "lsp", None, "Folder in the published ordinal layout.", required=True
)
_COUNT = flags.DEFINE_integer("count", 480, "Pictures of each kind.")
_BATCH = flags.DEFINE_integer("batch", 16, "Examples in a batch.")
_SIZE = flags.DEFINE_integer("input_size", 256, "Side of the crops.")
_CORES = flags.DEFINE_integer("cores", 1, "Cores to run on.")
_REPEAT = flags.DEFINE_integer("repeat", 5, "Rounds; the best one counts.")

_ORIGINAL_MS = 60.0  # Of one crop, by the notes of the original code.
_DENSE_BATCH = 4  # The original's batch: 71 MB of targets.
_LABELS = (17, 2)


def main():
    cores = _pin(_CORES.value)
    cv2.setNumThreads(1)
    photos = lsp.read_lsp(
        _LSP.value, last=_COUNT.value, skip_limit=20, report=_quiet
    )
    with tempfile.TemporaryDirectory() as folder:
        kinds = {"photos": photos, "frames": _frames(folder, _COUNT.value)}
        found = {}
        for kind, people in kinds.items():
            sizes = [pathlib.Path(path).stat().st_size for path in people.paths]
            size = np.mean(sizes) / 1e3
            print(f"{kind}: {len(people)} pictures of {size:.0f} kB")
            found[kind] = _measure(people)
    _print_table(found, cores)
    print(json.dumps(_figures(found, cores)))


def _pin(count):
    """Keeps this process and those it starts on the first cores it may use."""
    if not hasattr(os, "sched_setaffinity"):
        raise OSError("This system cannot pin a process to cores.")
    allowed = sorted(os.sched_getaffinity(0))
    if not 1 <= count <= len(allowed):
        raise ValueError(
            f"`--cores` must be 1 to {len(allowed)}. Received: {count}."
        )
    os.sched_setaffinity(0, allowed[:count])
    return allowed[:count]


def _quiet(text):
    del text


def _frames(folder, count):
    """Drawn people of 450 pixels in frames as of a capture studio."""
    rng = np.random.default_rng(0)
    floor = np.full((1000, 1000, 3), 120, np.uint8)
    for _ in range(60):
        colour = rng.integers(30, 226, 3).tolist()
        low = rng.integers(0, 1000, 2)
        high = low + rng.integers(20, 300, 2)
        cv2.rectangle(floor, low.tolist(), high.tolist(), colour, -1)
    paths, keypoints = [], []
    for k in range(count):
        points = rng.uniform(0, 1, (17, 2)) * (200, 400)
        points += rng.uniform(250, 400, 2)
        image = floor.copy()
        for x, y in points.astype(int).tolist():
            cv2.circle(image, (x, y), 25, rng.integers(0, 256, 3).tolist(), -1)
        # Sensor noise as strong as makes files of Human3.6M's size.
        noise = rng.normal(0, 2.5, (1000, 1000, 1))
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
        path = pathlib.Path(folder, f"{k:05}.jpg")
        cv2.imwrite(str(path), image, [cv2.IMWRITE_JPEG_QUALITY, 75])
        paths.append(str(path))
        keypoints.append(points)
    every = np.ones((count, 17), bool)
    return labels.labelled(
        "frames",
        paths,
        geometry.box_around(np.array(keypoints), every, margin=1.15),
        keypoints=np.array(keypoints),
        keypoint_mask=every,
    )


def _measure(people):
    """Milliseconds of the cores' work per image, by way."""
    ways = {
        "pipeline": _ours(people, on_device=True),
        "on_cpu": _ours(people, on_device=False),
        "plain": _Plain(people, dense=False),
        "dense": _Plain(people, dense=True),
        "floor": _floor(people),
    }
    best = dict.fromkeys(ways, np.inf)
    # Round by round, so that what else the machine does hits all alike.
    for _ in range(_REPEAT.value):
        for name, run in ways.items():
            best[name] = min(best[name], run())
    for name in ("plain", "dense"):
        ways[name].close()
    return best


def _ours(people, *, on_device):
    mix = mixing.mix_sources([sources.photos_source(people)], [1.0])
    steps = len(people) // _BATCH.value
    seconds = {"first": 0}

    def run():
        # Another pass over the same pictures, as in training.
        first = seconds["first"]
        seconds["first"] += steps + 2
        dataset = iter(
            batching.training_dataset(
                mix,
                input_size=_SIZE.value,
                batch_size=_BATCH.value,
                seed=0,
                first_step=first,
                last_step=first + steps + 2,
                on_device=on_device,
            )
        )
        for _ in range(2):  # Threads start, and buffers fill.
            next(dataset)
        start = time.process_time()
        count = sum(len(batch["keypoints"]) for batch in dataset)
        return 1e3 * (time.process_time() - start) / count

    return run


def _floor(people):
    data = [np.fromfile(path, np.uint8) for path in people.paths]

    def run():
        start = time.process_time()
        for one in data:
            cv2.imdecode(one, cv2.IMREAD_COLOR)
        return 1e3 * (time.process_time() - start) / len(data)

    return run


class _Plain:
    """Python processes that fill batches in shared memory.

    Shared memory, because sending arrays between processes costs more than
    warping them.
    """

    def __init__(self, people, *, dense):
        self.batch = _DENSE_BATCH if dense else _BATCH.value
        count = len(people) // (4 if dense else 1)
        self.rows = np.arange(count // self.batch * self.batch)
        shapes = {
            "image": (self.batch, _SIZE.value, _SIZE.value, 3),
            "keypoints": (self.batch, *_LABELS),
        }
        size = int(np.prod(shapes["image"]))
        size += 4 * int(np.prod(shapes["keypoints"]))
        if dense:
            size += 4 * self.batch * 17 * 64**3
        self.memory = shared_memory.SharedMemory(create=True, size=size)
        table = {
            "paths": people.paths,
            "boxes": people.boxes,
            "keypoints": people.keypoints,
        }
        # One worker a core would fill one slot each: what is timed is their
        # work, not how they wait for each other, so one does.
        self.pool = multiprocessing.get_context("spawn").Pool(
            1, _start_worker, (table, self.memory.name, _SIZE.value, dense)
        )

    def __call__(self):
        order = np.random.default_rng(0).permutation(self.rows)
        batches = order.reshape(-1, self.batch)
        seconds = sum(self.pool.imap(_fill, batches))
        return 1e3 * seconds / len(order)

    def close(self):
        self.pool.close()
        self.pool.join()
        self.memory.close()
        self.memory.unlink()


_worker = {}  # Of a worker process.


def _start_worker(table, memory, size, dense):
    cv2.setNumThreads(1)
    _worker.update(
        table=table,
        memory=shared_memory.SharedMemory(memory),
        size=size,
        dense=dense,
        rng=np.random.default_rng(os.getpid()),
    )


def _fill(rows):
    """Makes a batch in the shared memory; the seconds that it took.

    As PyTorch's loader does: examples one by one, then stacked into memory
    that the training process sees too.
    """
    start = time.process_time()
    size, buffer = _worker["size"], _worker["memory"].buf
    count = len(rows)
    found = [_plain_example(row) for row in rows]
    images = np.ndarray((count, size, size, 3), np.uint8, buffer)
    points = np.ndarray((count, *_LABELS), np.float32, buffer, images.nbytes)
    np.stack([image for image, _ in found], out=images)
    np.stack([point for _, point in found], out=points)
    if _worker["dense"]:
        offset = images.nbytes + points.nbytes
        volume = np.ndarray((count, 17, 64, 64, 64), np.float32, buffer, offset)
        np.stack([_volume(point) for _, point in found], out=volume)
    return time.process_time() - start


_MIRROR = list(skeleton.H36M17.mirror)


def _plain_example(row):
    table, size, rng = _worker["table"], _worker["size"], _worker["rng"]
    image = cv2.cvtColor(
        cv2.imread(str(table["paths"][row])), cv2.COLOR_BGR2RGB
    )
    cx, cy, side = table["boxes"][row]
    zoom = size / side * np.exp(rng.uniform(np.log(0.75), np.log(1.25)))
    matrix = cv2.getRotationMatrix2D(
        (float(cx), float(cy)), rng.uniform(-30, 30), float(zoom)
    )
    matrix[:, 2] += (size - 1) / 2 - np.array([cx, cy])
    points = table["keypoints"][row]
    if rng.random() < 0.5:
        matrix[0] = -matrix[0]
        matrix[0, 2] += size - 1
        points = points[_MIRROR]
    crop = cv2.warpAffine(image, matrix, (size, size))
    weights = np.zeros((3, 4), np.float32)
    np.fill_diagonal(weights, rng.uniform(0.8, 1.2, 3))
    weights[:, 3] = rng.uniform(-25.5, 25.5)
    points = points @ matrix[:, :2].T + matrix[:, 2]
    return cv2.transform(crop, weights), points.astype(np.float32)


_PROFILE = np.exp(-0.5 * ((np.arange(13) - 6) / 3.25) ** 2)
_KERNEL = np.einsum("z,y,x->zyx", *[_PROFILE.astype(np.float32)] * 3)


def _volume(points):
    """A Gaussian of 13 cells per joint, at a made-up depth."""
    volume = np.zeros((17, 64, 64, 64), np.float32)
    cells = np.clip(points * 64 / _worker["size"], 7, 56).astype(int)
    for joint, (x, y) in enumerate(cells):
        z = 7 + 3 * joint % 50
        volume[joint, z - 6 : z + 7, y - 6 : y + 7, x - 6 : x + 7] = _KERNEL
    return volume


def _figures(found, cores):
    def ratio(over, under):
        return {
            kind: round(times[over] / times[under], 3)
            for kind, times in found.items()
        }

    def of(way):
        return {
            "speedup_vs_plain": ratio("plain", way),
            "speedup_vs_dense": ratio("dense", way),
            "share_of_floor": ratio("floor", way),
            "milliseconds_per_image": {
                kind: round(times[way], 4) for kind, times in found.items()
            },
        }

    return {
        **of("pipeline"),
        "on_cpu": of("on_cpu"),
        "input_size": _SIZE.value,
        "cores": len(cores),
    }


def _print_table(found, cores):
    print(f"{'':10}" + "".join(f"{kind:>26}" for kind in found))
    for name in next(iter(found.values())):
        line = f"{name:10}"
        for times in found.values():
            line += f"{times[name]:12.3f} ms {1e3 / times[name]:7.0f} /s"
        print(line)
    for kind, times in found.items():
        print(
            f"{kind}: {_ORIGINAL_MS / times['on_cpu']:.0f} times as fast as "
            f"the {_ORIGINAL_MS:.0f} ms of the original's crop; per core, on "
            f"core {', '.join(map(str, cores))}"
        )


if __name__ == "__main__":
    _common.run(main)
