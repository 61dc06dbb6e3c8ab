r"""Serves one model over TF-Serving's own gRPC and REST interfaces.

Example:
    python -m tools.serve --model=lite
    curl http://127.0.0.1:8501/v1/models/lite

It serves the highest version, listens on loopback, and on SIGTERM answers
what it has accepted before it ends. The first line of standard output is
JSON: where it listens, once the model answers.

For versions, labels, batching and several models take TF-Serving; where it is
installed, `--engine=tensorflow_model_server` starts that instead. Flags of it
follow behind `--`, and flags that both have carry the same names.
"""

import asyncio
import json
import logging
import os
import pathlib
import shutil
import signal
import sys

from absl import app, flags

from ordinal_tf import paths

from . import _common

_BINARY = "tensorflow_model_server"
_MODEL = flags.DEFINE_string(
    "model",
    None,
    "Model folder with version folders, or the name of a shipped model; "
    "NAME=FOLDER serves it under another name than the folder's.",
    required=True,
)
_ENGINE = flags.DEFINE_enum(
    "engine", "python", ["python", _BINARY], "What serves."
)
_PORT = flags.DEFINE_integer(
    "port", 8500, "gRPC port, 0 for a free one.", 0, 65535
)
_REST_PORT = flags.DEFINE_integer(
    "rest_api_port", 8501, "REST port, 0 for a free one.", 0, 65535
)
_TIMEOUT = flags.DEFINE_integer(
    "rest_api_timeout_in_ms", 30_000, "Of one REST request.", 1
)
_THREADS = flags.DEFINE_integer(
    "tensorflow_intra_op_parallelism", 0, "0 for one a core.", 0
)
_HOST = flags.DEFINE_string(
    "host", "127.0.0.1", "Address to listen on. There is no authentication."
)
_RUNS = flags.DEFINE_integer(
    "max_runs", 2, "Runs of the model at the same time.", 1
)
_QUEUE = flags.DEFINE_integer(
    "max_queue",
    32,
    "Requests in the house, waiting or running; more are told to come back "
    "(429, RESOURCE_EXHAUSTED).",
    1,
)
_BODY = flags.DEFINE_float(
    "max_body_megabytes", 16.0, "Of one request, unpacked.", 0.001, 1000.0
)
_PIXELS = flags.DEFINE_float(
    "max_megapixels", 40.0, "Of one picture, decoded.", 0.001, 80.0
)
_BOXES = flags.DEFINE_integer(
    "max_boxes", 64, "People, crops or pictures in one request.", 1
)
_DRAIN = flags.DEFINE_float(
    "drain_seconds", 30.0, "How long requests may take after SIGTERM.", 0.0
)
_OWN = (_HOST, _RUNS, _QUEUE, _BODY, _PIXELS, _BOXES, _DRAIN)


def main(arguments):
    name, equals, folder = _MODEL.value.partition("=")
    folder = paths.find_model(folder if equals else name)
    if (folder / "saved_model.pb").is_file():
        raise ValueError(
            f"{folder} is a version; give the folder above it, whose highest "
            "version is served."
        )
    name = name if equals else pathlib.Path(folder).resolve().name
    if not name or "/" in name or ":" in name:
        raise ValueError(
            f"A model's name goes into addresses, so it has no / or :. "
            f"Received: {name!r}."
        )
    if _ENGINE.value == _BINARY:
        _become_tensorflow_serving(name, folder, arguments)
    if arguments:
        raise app.UsageError(f"Unexpected arguments: {arguments}")
    # oneDNN's own allocator never gives the memory of a large picture back.
    os.environ.setdefault("TF_ONEDNN_USE_SYSTEM_ALLOCATOR", "1")
    with _common.needing("serve", "serving needs"):
        from ordinal_tf.serving import model, server
    for noisy in ("uvicorn", "tensorflow"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    options = server.Options(
        host=_HOST.value,
        grpc_port=_PORT.value,
        rest_port=_REST_PORT.value,
        runs=_RUNS.value,
        queue=_QUEUE.value,
        body_bytes=round(_BODY.value * 2**20),
        pixels=round(_PIXELS.value * 1e6),
        rows=_BOXES.value,
        timeout_s=_TIMEOUT.value / 1000.0,
        drain_s=_DRAIN.value,
    )
    loaded = model.load(folder, name, threads=_THREADS.value)
    asyncio.run(_serve(server.serve(loaded, options), name))
    print("Stopped.", file=sys.stderr)


async def _serve(serving, name):
    """Serves until the process is told to end."""
    loop, asked = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(asked.set))
    async with serving as core:
        report = {
            "host": _HOST.value,
            "grpc_port": core.grpc_port,
            "rest_port": core.rest_port,
            "model": name,
            "version": core.model.version,
        }
        print(json.dumps(report), flush=True)
        await asked.wait()
        print("Draining.", file=sys.stderr, flush=True)


def _become_tensorflow_serving(name, folder, more):
    """Replaces this process; returns only by raising `ValueError`."""
    binary = shutil.which(_BINARY)
    if binary is None:
        raise ValueError(
            f"{_BINARY} is not on the PATH; install TensorFlow Serving, or "
            "run its image as docs/deployment.md shows."
        )
    given = [flag.name for flag in _OWN if flag.present]
    if given:
        raise ValueError(
            f"{_BINARY} has no flag for `--{given[0]}`: it listens on every "
            "address and has limits of its own. Put a proxy in front of it, "
            "and its flags behind `--`."
        )
    arguments = [
        f"--port={_PORT.value}",
        f"--rest_api_port={_REST_PORT.value}",
        f"--rest_api_timeout_in_ms={_TIMEOUT.value}",
        f"--tensorflow_intra_op_parallelism={_THREADS.value}",
        f"--model_name={name}",
        f"--model_base_path={pathlib.Path(folder).resolve()}",
        *more,
    ]
    print(
        f"{binary} listens on every address of this machine.",
        file=sys.stderr,
        flush=True,
    )
    os.execv(binary, [binary, *arguments])


if __name__ == "__main__":
    _common.run(main)
