"""A server under more load than it can take, while its versions swap.

What must come out of it: every request has an answer, which is a result or
"come back later"; the results stay right; the memory stays bounded.
"""

import collections
import concurrent.futures
import os
import pathlib
import shutil
import socket
import tempfile
import threading
import time

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2

from ordinal_tf.serving import benchmark, config, load, model, server

# Batches of other sizes add in another order.
_TOLERANCE = 0.05
_PREDICT = "/tensorflow.serving.PredictionService/Predict"


def soak(
    folder, photo, box, *, seconds, clients=32, queue=16, swap_s=5.0, report
):
    """Runs the soak.

    Args:
        folder: path of a model folder with version folders.
        photo: bytes of a JPEG or PNG.
        box: centre x, centre y and side of its person.
        seconds: float.
        clients: int, that ask without pause, half over each protocol. Half
            as many more leave in the middle of their request.
        queue: int, fewer than the clients, so that some are refused.
        swap_s: float, between two new versions; every third comes in pieces,
            as a slow copy does, and every fifth is never whole.
        report: function of a line of text.

    Returns:
        JSON-able dict: `codes` (count by protocol and code), `failures`
        (requests that got neither a result nor a refusal), `wrong` (results
        that differ), `checked`, `versions` (how many served), `left` (clients
        that went away), `milliseconds_p50`, `milliseconds_p99`,
        `megabytes` (of the process, at ten moments), `pending` (requests in
        the house at the end: 0).
    """
    inputs = benchmark.photo_inputs(photo, box)
    source = benchmark.newest(pathlib.Path(folder))
    expected = _expected(source, inputs)
    ended = threading.Event()
    with tempfile.TemporaryDirectory() as work:
        root = pathlib.Path(work)
        _publish(source, root, 1)
        options = server.Options(poll_s=0.2, policy=server.Policy(queue=queue))
        served = [config.Served(benchmark.NAME, root)]
        with (
            server.Server(served, options) as running,
            concurrent.futures.ThreadPoolExecutor() as pool,
        ):
            start = time.monotonic()
            swaps = pool.submit(_swap, ended, source, root, swap_s)
            checks = pool.submit(
                _check, ended, running.grpc_port, inputs, expected
            )
            leavers = pool.submit(
                _leave, ended, running.rest_port, inputs, clients // 2
            )
            loads = {
                protocol: pool.submit(
                    load.closed_loop,
                    port,
                    body,
                    protocol=protocol,
                    path=benchmark.PATH,
                    clients=clients // 2,
                    seconds=seconds,
                    warm=0,
                )
                for protocol, port, body in (
                    ("grpc", running.grpc_port, benchmark.grpc_body(inputs)),
                    ("rest", running.rest_port, benchmark.rest_body(inputs)),
                )
            }
            megabytes = []
            for step in range(10):
                wait = start + (step + 1) * seconds / 10 - time.monotonic()
                time.sleep(max(0.0, wait))
                megabytes.append(_megabytes())
                report(
                    f"{time.monotonic() - start:6.0f} s  "
                    f"{running.core.scheduler.pending:3} in the house, "
                    f"versions {running.core.models[benchmark.NAME].available}"
                    f", {megabytes[-1]:.0f} MB"
                )
            found = {name: task.result() for name, task in loads.items()}
            ended.set()
            checked, wrong = checks.result()
            versions, left = swaps.result(), leavers.result()
            _wait_until_idle(running)
            pending = running.core.scheduler.pending
    codes = {name: load_["codes"] for name, load_ in found.items()}
    fine = collections.Counter()
    for counted in codes.values():
        for code in ("OK", "200", "RESOURCE_EXHAUSTED", "429"):
            fine[code] += counted.get(code, 0)
    times = sorted(
        ms for load_ in found.values() for ms in load_["milliseconds"]
    )
    sent = sum(load_["sent"] for load_ in found.values())
    return {
        "seconds": seconds,
        "codes": codes,
        "failures": sent - sum(fine.values()),
        "refused": fine["RESOURCE_EXHAUSTED"] + fine["429"],
        "checked": checked,
        "wrong": wrong,
        "versions": versions,
        "left": left,
        "milliseconds_p50": float(np.percentile(times, 50)) if times else 0.0,
        "milliseconds_p99": float(np.percentile(times, 99)) if times else 0.0,
        "megabytes": megabytes,
        "pending": pending,
    }


def _expected(source, inputs):
    loaded = model.load(source)
    try:
        return loaded.run("photo", inputs)
    finally:
        loaded.close()


def _publish(source, root, number, *, pieces=1, pause_s=0.0, whole=True):
    """Copies a version; at once, or file by file under its final name."""
    new = root / f"new_{number}"
    if pieces == 1:
        shutil.copytree(source, new)
        os.replace(new, root / str(number))
        return
    graph = (source / "saved_model.pb").read_bytes()
    target = root / str(number)
    target.mkdir()
    size = -(-len(graph) // pieces)
    with open(target / "saved_model.pb", "wb") as file:
        for piece in range(pieces if whole else pieces - 1):
            file.write(graph[piece * size : (piece + 1) * size])
            file.flush()
            time.sleep(pause_s)
    if whole:
        shutil.copytree(source, target, dirs_exist_ok=True)


def _swap(ended, source, root, swap_s):
    """Publishes versions until told to stop; returns how many were whole."""
    number, whole = 1, 1
    while not ended.wait(swap_s):
        number += 1
        broken, slow = number % 5 == 0, number % 3 == 0
        _publish(
            source,
            root,
            number,
            pieces=8 if slow or broken else 1,
            pause_s=0.1,
            whole=not broken,
        )
        whole += not broken
        for old in root.iterdir():
            if old.name.isdigit() and int(old.name) < number - 3:
                shutil.rmtree(old)
    return whole


def _check(ended, port, inputs, expected):
    """Compares results; returns how many, and how many were wrong."""
    channel = grpc.insecure_channel(f"127.0.0.1:{port}")
    call = channel.unary_unary(
        _PREDICT, response_deserializer=predict_pb2.PredictResponse.FromString
    )
    body = benchmark.grpc_body(inputs)
    checked = wrong = 0
    while not ended.wait(0.1):
        try:
            reply = call(body, timeout=60)
        except grpc.RpcError:
            continue  # Refused like others; those are counted there.
        checked += 1
        wrong += not all(
            np.allclose(
                tf.make_ndarray(reply.outputs[name]), value, atol=_TOLERANCE
            )
            for name, value in expected.items()
        )
    channel.close()
    return checked, wrong


def _leave(ended, port, inputs, clients):
    """Sends half a request and leaves, or the whole one and leaves."""
    body = benchmark.rest_body(inputs)
    head = (
        f"POST {benchmark.PATH} HTTP/1.1\r\nHost: a\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode()
    left = 0
    while not ended.wait(1.0 / clients):
        part = body if left % 2 else body[: len(body) // 2]
        try:
            with socket.create_connection(("127.0.0.1", port), 5) as leaver:
                leaver.sendall(head + part)
        except OSError:
            continue
        left += 1
    return left


def _wait_until_idle(running):
    end = time.monotonic() + 30
    while running.core.scheduler.pending and time.monotonic() < end:
        time.sleep(0.05)


def _megabytes():
    """Memory of this process now; 0 where the system does not tell."""
    try:
        pages = pathlib.Path("/proc/self/statm").read_text().split()[1]
    except OSError:
        return 0.0
    return int(pages) * os.sysconf("SC_PAGE_SIZE") / 1e6
