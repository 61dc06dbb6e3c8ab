r"""Overloads tools.serve on this machine while its versions swap.

Example:
    python -m tools.dev.soak_serving --model=lite \
        --photo=demo/photos/000018.jpg --minutes=3

Exits with 1 where a request got neither a result nor "come back later", or a
result was wrong. The last line of standard output is JSON.
"""

import json
import os
import sys

from absl import app, flags

from ordinal_tf import paths
from ordinal_tf.data.files import photos

from . import _common

_MODEL = flags.DEFINE_string(
    "model", "lite", "Model folder, or the name of a shipped model."
)
_PHOTO = flags.DEFINE_string("photo", None, "Picture.", required=True)
_MINUTES = flags.DEFINE_float("minutes", 3.0, "How long.", 0.05, 600.0)
_CLIENTS = flags.DEFINE_integer(
    "clients", 32, "That ask without pause, half over each protocol.", 2, 256
)
_QUEUE = flags.DEFINE_integer("max_queue", 16, "As of tools.serve.", 1)
_SWAP = flags.DEFINE_float("swap_seconds", 5.0, "Between two versions.", 0.5)


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    data = photos.encode_for_graph(_PHOTO.value)
    height, width = photos.size_of(data)
    folder = paths.find_model(_MODEL.value)
    from ordinal_tf.serving import soak

    found = soak.soak(
        folder,
        data,
        [(width - 1) / 2, (height - 1) / 2, max(width, height)],
        seconds=60.0 * _MINUTES.value,
        clients=_CLIENTS.value,
        queue=_QUEUE.value,
        swap_s=_SWAP.value,
        report=lambda line: print(line, flush=True),
    )
    bad = found["failures"] or found["wrong"] or found["pending"]
    print(
        f"{found['failures']} failures, {found['refused']} refused, "
        f"{found['wrong']} of {found['checked']} results wrong, "
        f"{found['versions']} versions, {found['left']} clients left early."
    )
    print(json.dumps(found))
    if bad:
        sys.exit(1)


if __name__ == "__main__":
    _common.run(main)
