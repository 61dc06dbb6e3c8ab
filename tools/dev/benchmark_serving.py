r"""Measures tools.serve under closed loops of clients, all on this machine.

Example:
    python -m tools.dev.benchmark_serving --model=lite \
        --photo=demo/photos/000018.jpg

The last line of standard output is JSON: `requests_per_second`,
`milliseconds_p50` and `milliseconds_p99` by protocol, with and without
batching, by number of clients; `lost`; `ratio_to_model`.
"""

import json
import os

from absl import app, flags

from ordinal_tf import paths
from ordinal_tf.data.files import photos

from . import _common

_MODEL = flags.DEFINE_string(
    "model", "lite", "Model folder, or the name of a shipped model."
)
_PHOTO = flags.DEFINE_string("photo", None, "Picture.", required=True)
_BOX = flags.DEFINE_list(
    "box", None, "cx,cy,side of its person; the whole picture by default."
)
_CLIENTS = flags.DEFINE_list(
    "clients", ["1", "4", "16", "64"], "How many ask at the same time."
)
_SECONDS = flags.DEFINE_float("seconds", 5.0, "Of each measurement.", 0.1, 600)
_BATCH = flags.DEFINE_integer("max_batch_size", 8, "As of tools.serve.", 1)
_EXECUTORS = flags.DEFINE_integer(
    "num_batch_threads", 2, "As of tools.serve.", 1
)


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    clients = _numbers(_CLIENTS.value, int, "clients")
    if not clients or not all(0 < count <= 256 for count in clients):
        raise ValueError(
            f"`--clients` must be numbers from 1 to 256. Received: {clients}."
        )
    data = photos.encode_for_graph(_PHOTO.value)
    height, width = photos.size_of(data)
    box = [(width - 1) / 2, (height - 1) / 2, max(width, height)]
    if _BOX.value:
        box = _numbers(_BOX.value, float, "box")
        if len(box) != 3:
            raise ValueError(f"`--box` must be cx,cy,side. Received: {box}.")
    folder = paths.find_model(_MODEL.value)
    from ordinal_tf.serving import benchmark, server

    print(f"one picture of {width} x {height} pixels, {len(data)} bytes")
    found = benchmark.measure(
        folder,
        data,
        box,
        clients=clients,
        seconds=_SECONDS.value,
        policy=server.Policy(executors=_EXECUTORS.value, batch=_BATCH.value),
        report=lambda line: print(line, flush=True),
    )
    print(
        f"{found['lost']} lost; gRPC gives {found['ratio_to_model']:.2f} of "
        "what the model alone does."
    )
    print(json.dumps(found))


def _numbers(values, kind, flag):
    try:
        return [kind(value) for value in values]
    except ValueError:
        raise ValueError(
            f"`--{flag}` must be numbers. Received: {','.join(values)}."
        ) from None


if __name__ == "__main__":
    _common.run(main)
