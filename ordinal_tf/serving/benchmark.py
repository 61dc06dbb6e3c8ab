"""How many requests a server answers, against what its model could.

Photographs go in as they would in life, one person each. The model's own
figure comes from this process: threads that call it in a loop, without a
server in between.
"""

import json
import threading
import time

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2

from ordinal_tf.serving import (
    config,
    json_tensors,
    load,
    merging,
    model,
    server,
    versions,
)

NAME = "model"
PATH = f"/v1/models/{NAME}:predict"
CLIENTS = (1, 4, 16, 64)


def measure(
    folder,
    photo,
    box,
    *,
    clients=CLIENTS,
    seconds=5.0,
    policy=None,
    report=lambda text: None,
):
    """Measures a model alone, then a server of it under closed loops.

    Args:
        folder: path of a model folder with version folders.
        photo: bytes of a JPEG or PNG.
        box: centre x, centre y and side of its person.
        clients: ints, how many ask at the same time.
        seconds: float, of each measurement.
        policy: `scheduler.Policy`; its `batch` is that of "batching".
        report: function of a line of text, called as figures come in.

    Returns:
        JSON-able dict. `requests_per_second`, `milliseconds_p50` and
        `milliseconds_p99` go by protocol ("grpc", "rest"), "batching" or
        "no_batching", and the number of clients; `requests_per_second` also
        has "model" with "batching" and "no_batching". `lost` counts the
        requests without an answer, `ratio_to_model` is the best of gRPC
        at 16 clients (or the most asked for) over the best of the model.
    """
    policy = policy or server.Policy()
    inputs = photo_inputs(photo, box)
    modes = {"batching": policy.batch, "no_batching": 1}
    speed = {"model": _model_alone(folder, inputs, modes, policy, seconds)}
    p50, p99, lost = {}, {}, 0
    bodies = {"grpc": grpc_body(inputs), "rest": rest_body(inputs)}
    for mode, batch in modes.items():
        options = server.Options(policy=_with_batch(policy, batch))
        with server.Server([config.Served(NAME, folder)], options) as running:
            ports = {"grpc": running.grpc_port, "rest": running.rest_port}
            for protocol, body in bodies.items():
                for count in clients:
                    found = load.closed_loop(
                        ports[protocol],
                        body,
                        protocol=protocol,
                        path=PATH,
                        clients=count,
                        seconds=seconds,
                    )
                    times = found["milliseconds"]
                    lost += found["sent"] - len(times)
                    for table, value in (
                        (speed, len(times) / found["seconds"]),
                        (p50, _percentile(times, 50)),
                        (p99, _percentile(times, 99)),
                    ):
                        rows = table.setdefault(protocol, {})
                        rows.setdefault(mode, {})[str(count)] = value
                    key = protocol, mode, str(count)
                    report(
                        f"{protocol:12} {mode:12} {_get(speed, key):8.1f} "
                        f"requests/s, {count:3} clients, "
                        f"p50 {_get(p50, key):7.1f} ms, "
                        f"p99 {_get(p99, key):7.1f} ms"
                    )
    # Before and after, because the machine may have other work to do.
    again = _model_alone(folder, inputs, modes, policy, seconds)
    for mode in modes:
        speed["model"][mode] = max(speed["model"][mode], again[mode])
        report(
            f"{'model alone':12} {mode:12} {speed['model'][mode]:8.1f} photos/s"
        )
    reference = str(16 if 16 in clients else max(clients))
    served = max(speed["grpc"][mode][reference] for mode in modes)
    return {
        "requests_per_second": speed,
        "milliseconds_p50": p50,
        "milliseconds_p99": p99,
        "lost": lost,
        "ratio_to_model": served / max(speed["model"].values()),
    }


def newest(folder):
    """Path of the highest version folder below a model's.

    Raises:
        ValueError: none there.
    """
    found = versions.scan(folder)
    if not found:
        raise ValueError(
            f"{folder} holds no version: it must have folders such as 1."
        )
    return folder / found[max(found)].name


def _model_alone(folder, inputs, modes, policy, seconds):
    """Photographs a second by mode, with as many threads as executors."""
    loaded = model.load(newest(folder))
    try:
        work = merging.plan(loaded.signatures, "photo", inputs)
        speed = {}
        for mode, batch in modes.items():
            # As the scheduler would put them together.
            count = batch if work.group else 1
            merged = merging.merge(count * [work])
            loaded.run(work.signature, merged)
            speed[mode] = count * _runs_per_second(
                lambda merged=merged: loaded.run(work.signature, merged),
                policy.executors,
                seconds,
            )
        return speed
    finally:
        loaded.close()


def _runs_per_second(run, threads, seconds):
    counts = [0] * threads
    start = time.monotonic()

    def loop(index):
        while time.monotonic() - start < seconds:
            run()
            counts[index] += 1

    workers = [threading.Thread(target=loop, args=(i,)) for i in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return sum(counts) / (time.monotonic() - start)


def photo_inputs(photo, box):
    """Inputs of the signature `photo` for one person."""
    return {
        "photo": np.array([photo], object),
        "boxes": np.array([box], np.float32),
    }


def grpc_body(inputs):
    """Bytes of a `PredictRequest` for the signature `photo`."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name = NAME
    request.model_spec.signature_name = "photo"
    for name, value in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value.tolist()))
    return request.SerializeToString()


def rest_body(inputs):
    """Bytes of the same request in JSON."""
    columns = {
        "photo": [json_tensors.encode_bytes(data) for data in inputs["photo"]],
        "boxes": inputs["boxes"].tolist(),
    }
    body = {"signature_name": "photo", "inputs": columns}
    return json.dumps(body).encode()


def _with_batch(policy, batch):
    return server.Policy(policy.executors, policy.queue, batch, policy.wait_s)


def _percentile(sorted_values, percent):
    return float(np.percentile(sorted_values, percent)) if sorted_values else 0


def _get(table, keys):
    for key in keys:
        table = table[key]
    return table
