"""A server in a process of its own, and closed loops of clients around it."""

import base64
import collections
import contextlib
import http.client
import io
import json
import pathlib
import subprocess
import sys
import threading
import time

import grpc
import numpy as np
import tensorflow as tf
from PIL import Image
from tensorflow_serving.apis import predict_pb2

from ordinal_tf import cli

CLIENTS = (1, 4, 16, 64)
_NAME = "model"
_PATH = f"/v1/models/{_NAME}:predict"
_PREDICT = "/tensorflow.serving.PredictionService/Predict"
_PATIENCE_S = 60.0
_REFUSED = ("RESOURCE_EXHAUSTED", "429")
# Told to come back later, a client does not come back at once.
_BACK_OFF_S = 0.05
# Pixels; threads add in another order.
_TOLERANCE = 0.05


def measure(
    folder,
    photo,
    box,
    *,
    clients=CLIENTS,
    seconds=5.0,
    pixels=(),
    queue=32,
    report,
):
    """Measures `tools.serve` on this machine.

    Every client sends the photograph with a box of its own, over and over,
    and compares the answer with the one that it got when it was alone. Then
    the photograph comes in other sizes, from two clients at once.

    Args:
        folder: path of a model folder with version folders.
        photo: bytes of a JPEG or PNG.
        box: centre x, centre y and side of its person.
        clients: ints, how many ask at the same time.
        seconds: float, of each measurement.
        pixels: ints, of the photograph in its other sizes.
        queue: int, as `--max_queue` of tools.serve.
        report: function of a line of text, called as figures come in.

    Returns:
        JSON-able dict. `requests_per_second`, `milliseconds_p50` and
        `milliseconds_p99` (of the answers) and `codes` go by protocol
        ("grpc", "rest") and number of clients; `refused` were told to come
        back, `lost` got neither that nor an answer, `wrong` another's.
        `server_peak_megabytes` and `server_megabytes` are its memory at most
        and after, by "start", "load" and the millions of `pixels`.
    """
    tables = collections.defaultdict(lambda: collections.defaultdict(dict))
    found = dict.fromkeys(("refused", "lost", "wrong"), 0)
    memory = {"server_peak_megabytes": {}, "server_megabytes": {}}
    with _server(folder, queue) as (process, ports):

        def remember(what):
            peak, now = _megabytes(process.pid)
            memory["server_peak_megabytes"][what] = peak
            memory["server_megabytes"][what] = now
            report(f"memory, {what:8} {peak:8.0f} MB at most, {now:.0f} after")

        remember("start")
        for protocol, make in (("grpc", _Grpc), ("rest", _Rest)):
            for count in clients:
                codes, times, wrong, elapsed = _closed_loop(
                    lambda i, make=make: make(ports, photo, _box(box, i)),
                    count,
                    seconds,
                )
                refused = sum(codes[code] for code in _REFUSED)
                found["refused"] += refused
                found["wrong"] += wrong
                found["lost"] += sum(codes.values()) - refused - len(times)
                p50, p99 = np.percentile(times or [0.0], [50, 99]).tolist()
                for key, value in (
                    ("requests_per_second", len(times) / elapsed),
                    ("milliseconds_p50", p50),
                    ("milliseconds_p99", p99),
                    ("codes", dict(codes)),
                ):
                    tables[key][protocol][str(count)] = value
                report(
                    f"{protocol}, {count:3} clients: "
                    f"{len(times) / elapsed:7.1f} requests/s, p50 {p50:6.1f} "
                    f"ms, p99 {p99:6.1f} ms, {refused} refused"
                )
        remember("load")
        for most in pixels:
            large, scale = _resized(photo, most)
            codes, *_ = _closed_loop(
                lambda i, d=large, s=scale: _Rest(
                    ports, d, np.multiply(box, s)
                ),
                2,
                0.0,
                least=3,
            )
            if set(codes) != {"200"}:
                raise ValueError(f"{most} pixels were refused: {dict(codes)}.")
            remember(f"{most / 1e6:g}")
    return {**tables, **found, **memory}


@contextlib.contextmanager
def _server(folder, queue):
    """Yields the process of a `tools.serve`, and its ports by protocol."""
    package, root = cli.tools_package()
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", f"{package}.serve"),
            *(f"--model={_NAME}={folder}", f"--max_queue={queue}"),
            *("--port=0", "--rest_api_port=0"),
        ],
        cwd=root.parent if package == "tools" else None,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stdout.readline()
        if not line:
            raise ValueError("tools.serve ended; it says why above.")
        yield process, json.loads(line)
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def _closed_loop(make, count, seconds, *, least=1):
    """Clients that ask, wait for the answer and ask again.

    Args:
        make: function of a client's number that returns one.
        count: int, clients.
        seconds: float.
        least: int, requests of each client, whatever the seconds.

    Returns:
        `Counter` of codes, milliseconds of the answers, how many of these
        were not the client's own, and the seconds until the last answer.
    """
    codes, times, wrong = collections.Counter(), [], []
    started = []
    barrier = threading.Barrier(count, lambda: started.append(time.monotonic()))
    alone = threading.Lock()

    def client(number):
        with contextlib.closing(make(number)) as asker:
            with alone:
                _, expected = asker.ask()
            barrier.wait()
            end, asked = time.monotonic() + seconds, 0
            while asked < least or time.monotonic() < end:
                start, asked = time.monotonic(), asked + 1
                code, answer = asker.ask()
                codes[code] += 1
                if answer is not None:
                    times.append(1000.0 * (time.monotonic() - start))
                    if not np.allclose(answer, expected, atol=_TOLERANCE):
                        wrong.append(number)
                elif code in _REFUSED:
                    time.sleep(_BACK_OFF_S)

    threads = [threading.Thread(target=client, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return codes, times, len(wrong), time.monotonic() - started[0]


class _Grpc:
    def __init__(self, ports, photo, box):
        request = predict_pb2.PredictRequest()
        request.model_spec.name = _NAME
        request.model_spec.signature_name = "photo"
        request.inputs["photo"].CopyFrom(tf.make_tensor_proto([photo]))
        boxes = tf.make_tensor_proto([box], tf.float32)
        request.inputs["boxes"].CopyFrom(boxes)
        self._body = request.SerializeToString()
        self._channel = grpc.insecure_channel(
            f"127.0.0.1:{ports['grpc_port']}",
            [("grpc.use_local_subchannel_pool", 1)],
        )
        self.close = self._channel.close

    def ask(self):
        """Code, and the keypoints or None."""
        call = self._channel.unary_unary(_PREDICT)
        try:
            reply = call(self._body, timeout=_PATIENCE_S)
        except grpc.RpcError as error:
            return error.code().name, None
        reply = predict_pb2.PredictResponse.FromString(reply)
        return "OK", tf.make_ndarray(reply.outputs["keypoints"])


class _Rest:
    def __init__(self, ports, photo, box):
        data = {"b64": base64.b64encode(photo).decode()}
        inputs = {"photo": [data], "boxes": [[float(x) for x in box]]}
        body = {"signature_name": "photo", "inputs": inputs}
        self._body = json.dumps(body).encode()
        self._connection = http.client.HTTPConnection(
            "127.0.0.1", ports["rest_port"], timeout=_PATIENCE_S
        )
        self.close = self._connection.close

    def ask(self):
        """Code, and the keypoints or None."""
        try:
            self._connection.request("POST", _PATH, self._body)
            reply = self._connection.getresponse()
            text = reply.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            return type(error).__name__, None
        if reply.status != 200:
            return str(reply.status), None
        return "200", np.array(json.loads(text)["outputs"]["keypoints"])


def _box(box, number):
    """The box of one of the clients, whose answer is like no other's."""
    cx, cy, side = box
    return [cx, cy, side * 0.99**number]


def _resized(photo, most):
    """Bytes of the photograph with so many pixels, and the scale."""
    with Image.open(io.BytesIO(photo)) as image:
        scale = (most / (image.width * image.height)) ** 0.5
        size = [int(side * scale) for side in image.size]
        data = io.BytesIO()
        image = image.convert("RGB").resize(size)
        # The kind that takes a decoder the most memory.
        image.save(data, "JPEG", quality=90, progressive=True)
    return data.getvalue(), scale


def _megabytes(pid):
    """Most memory of a process since the last call, and memory now.

    Both 0 on systems that do not tell.
    """
    folder = pathlib.Path(f"/proc/{pid}")
    try:
        status = (folder / "status").read_text(encoding="ascii")
        (folder / "clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return 0.0, 0.0
    kilobytes = dict(line.split(":", 1) for line in status.splitlines())
    return tuple(
        int(kilobytes[key].split()[0]) * 1024 / 1e6
        for key in ("VmHWM", "VmRSS")
    )
