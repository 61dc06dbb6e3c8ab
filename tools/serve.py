r"""Serves exported models over TF-Serving's own gRPC and REST interfaces.

Example:
    python -m tools.serve --model=saved_models/lite
    curl http://127.0.0.1:8501/v1/models/lite

It listens on loopback, looks for new versions every second, and on SIGTERM
answers what it has accepted before it ends. Flags that TF-Serving has too
carry the same names. The first line of standard output is JSON: where it
listens, once every model answers.
"""

import json
import logging
import os
import pathlib
import signal
import sys
import threading

from absl import app, flags

from ordinal_tf import paths

from . import _common

_MODEL = flags.DEFINE_multi_string(
    "model",
    None,
    "Model folder with version folders, or the name of a shipped model; "
    "NAME=FOLDER serves it under another name than the folder's. May be "
    "repeated.",
)
_CONFIG_FILE = flags.DEFINE_string(
    "model_config_file",
    None,
    "TF-Serving's models.config instead; it is read again when it changes.",
)
_HOST = flags.DEFINE_string(
    "host",
    "127.0.0.1",
    "Address to listen on. There is no authentication.",
)
_PORT = flags.DEFINE_integer(
    "port", 8500, "gRPC port, 0 for a free one.", 0, 65535
)
_REST_PORT = flags.DEFINE_integer(
    "rest_api_port", 8501, "REST port, 0 for a free one.", 0, 65535
)
_BATCHING = flags.DEFINE_bool(
    "enable_batching", True, "Requests may share a run of the model."
)
_BATCH = flags.DEFINE_integer(
    "max_batch_size", 8, "Crops in one run that requests share.", 1
)
_BATCH_MS = flags.DEFINE_float(
    "batch_timeout_ms",
    5.0,
    "How long a request waits for others while another run is under way.",
    0.0,
)
_QUEUE = flags.DEFINE_integer(
    "max_queue",
    128,
    "Requests in the house, waiting or running; more are told to come back "
    "(429, RESOURCE_EXHAUSTED).",
    1,
)
_EXECUTORS = flags.DEFINE_integer(
    "num_batch_threads", 2, "Runs of a model at the same time.", 1
)
_THREADS = flags.DEFINE_integer(
    "tensorflow_intra_op_parallelism",
    0,
    "Threads of TensorFlow's one pool; 0 for one a core.",
    0,
)
_BODY = flags.DEFINE_float(
    "max_body_megabytes", 16.0, "Of one request.", 0.001, 1000.0
)
_PIXELS = flags.DEFINE_float(
    "max_megapixels", 40.0, "Of one picture, decoded.", 0.001, 80.0
)
_BOXES = flags.DEFINE_integer("max_boxes", 64, "People in one request.", 1)
_TIMEOUT = flags.DEFINE_integer(
    "rest_api_timeout_in_ms", 30_000, "Of one REST request.", 1
)
_POLL = flags.DEFINE_float(
    "file_system_poll_wait_seconds",
    1.0,
    "Between two looks for new versions.",
    0.01,
)
_DRAIN = flags.DEFINE_float(
    "drain_seconds", 30.0, "How long requests may take after SIGTERM.", 0.0
)


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    if bool(_MODEL.value) == bool(_CONFIG_FILE.value):
        raise ValueError(
            "Give `--model` or `--model_config_file`, one of them."
        )
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    server, config = _serving()
    if _CONFIG_FILE.value:
        served = config.read(_CONFIG_FILE.value)
    else:
        served = [_served(config, text) for text in _MODEL.value]
    running = server.Server(served, _options(server))
    asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked.set())
    with running:
        report = {
            "host": _HOST.value,
            "grpc_port": running.grpc_port,
            "rest_port": running.rest_port,
            "models": [model.name for model in served],
        }
        print(json.dumps(report), flush=True)
        asked.wait()
        print("Draining.", file=sys.stderr, flush=True)
    print("Stopped.", file=sys.stderr)


def _serving():
    """The library, which is imported late: it takes TensorFlow seconds."""
    try:
        from ordinal_tf.serving import config, server
    except ModuleNotFoundError as error:
        raise ValueError(
            f"{error.name} is not installed; serving needs "
            "`pip install ordinal-tf[serve]`."
        ) from error
    logging.getLogger("ordinal_tf").setLevel(logging.INFO)
    for noisy in ("uvicorn", "tensorflow"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    return server, config


def _served(config, text):
    """`config.Served` of FOLDER, NAME=FOLDER or a shipped model's name."""
    name, equals, folder = text.partition("=")
    folder = paths.find_model(folder if equals else text)
    if (folder / "saved_model.pb").is_file():
        raise ValueError(
            f"{folder} is a version; give the folder above it, whose numbered "
            "folders are served."
        )
    name = name if equals else pathlib.Path(folder).resolve().name
    if not name or "/" in name or ":" in name:
        raise ValueError(
            f"A model's name goes into addresses, so it has no / or :. "
            f"Received: {name!r}."
        )
    return config.Served(name, folder)


def _options(server):
    return server.Options(
        host=_HOST.value,
        grpc_port=_PORT.value,
        rest_port=_REST_PORT.value,
        policy=server.Policy(
            executors=_EXECUTORS.value,
            queue=_QUEUE.value,
            batch=_BATCH.value if _BATCHING.value else 1,
            wait_s=_BATCH_MS.value / 1000.0,
        ),
        limit=server.Limits(
            body_bytes=round(_BODY.value * 2**20),
            pixels=round(_PIXELS.value * 1e6),
            rows=_BOXES.value,
            boxes=_BOXES.value,
        ),
        timeout_s=_TIMEOUT.value / 1000.0,
        poll_s=_POLL.value,
        drain_s=_DRAIN.value,
        threads=_THREADS.value,
        config_file=_CONFIG_FILE.value,
    )


if __name__ == "__main__":
    _common.run(main)
