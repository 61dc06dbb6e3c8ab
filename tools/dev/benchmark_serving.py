r"""Measures tools.serve under closed loops of clients, all on this machine.

Example:
    python -m tools.dev.benchmark_serving --model=lite \
        --images=demo/photos/000018.jpg --megapixels=12,40

More clients than `--max_queue`, and `--seconds=120`, make a soak of it. Exits
with 1 where a request got neither an answer nor "come back later", or got
another's. The last line of standard output is JSON: `requests_per_second`,
`milliseconds_p50` and `milliseconds_p99` by protocol and number of clients;
`refused`, `lost`, `wrong`; `server_peak_megabytes` and `server_megabytes` at
its start, under that load, and by size of picture.
"""

import json
import sys

from absl import flags

from ordinal_tf import paths
from ordinal_tf.data.files import photos

from . import _common

_MODEL = flags.DEFINE_string(
    "model", "lite", "Model folder, or the name of a shipped model."
)
_IMAGE = flags.DEFINE_string("images", None, "One picture.", required=True)
_BOX = flags.DEFINE_list(
    "box", None, "cx,cy,side of its person; the whole picture by default."
)
_CLIENTS = flags.DEFINE_list(
    "clients", ["1", "4", "16", "64"], "How many ask at the same time."
)
_SECONDS = flags.DEFINE_float("seconds", 5.0, "Of each measurement.", 0.1, 600)
_QUEUE = flags.DEFINE_integer("max_queue", 32, "As of tools.serve.", 1)
_MEGAPIXELS = flags.DEFINE_list(
    "megapixels", [], "Sizes of the picture in which it is sent too."
)


def main():
    clients = _common.numbers(_CLIENTS, int)
    if not clients or not all(0 < count <= 256 for count in clients):
        raise ValueError(
            f"`--clients` must be numbers from 1 to 256. Received: {clients}."
        )
    sizes = _common.numbers(_MEGAPIXELS, float)
    data = photos.encode_for_graph(_IMAGE.value)
    height, width = photos.size_of(data)
    box = [(width - 1) / 2, (height - 1) / 2, max(width, height)]
    if _BOX.value:
        box = _common.numbers(_BOX, float)
        if len(box) != 3:
            raise ValueError(f"`--box` must be cx,cy,side. Received: {box}.")
    # Late, because only this needs what serving does.
    from . import _load

    print(f"one picture of {width} x {height} pixels, {len(data)} bytes")
    found = _load.measure(
        paths.find_model(_MODEL.value).resolve(),
        data,
        box,
        clients=clients,
        seconds=_SECONDS.value,
        pixels=[round(size * 1e6) for size in sizes],
        queue=_QUEUE.value,
        report=lambda line: print(line, flush=True),
    )
    print("{refused} refused, {lost} lost, {wrong} wrong".format(**found))
    print(json.dumps(found))
    if found["lost"] or found["wrong"]:
        sys.exit(1)


if __name__ == "__main__":
    _common.run(main)
