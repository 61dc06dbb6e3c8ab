"""A closed loop of clients: each asks, waits for the answer, asks again.

Runs in a process of its own, `python -m ordinal_tf.serving.load`, with a job
as JSON on standard input and the result as JSON on standard output, so that
the clients share neither the server's interpreter nor TensorFlow.
"""

import base64
import collections
import http.client
import json
import subprocess
import sys
import threading
import time

import grpc

_PREDICT = "/tensorflow.serving.PredictionService/Predict"
_PATIENCE_S = 60.0
# Told to come back later, a client does not come back at once.
_REFUSED = ("RESOURCE_EXHAUSTED", "429")
_BACK_OFF_S = 0.05


def closed_loop(port, body, *, protocol, path="", clients, seconds, warm=2):
    """Loads a server on this machine, from a new process.

    Args:
        port: int, of 127.0.0.1.
        body: bytes, the request: a serialised `PredictRequest` or JSON.
        protocol: str, "grpc" or "rest".
        path: str, of the REST request.
        clients: int, how many ask at the same time, each on a connection of
            its own.
        seconds: float, how long; what has been asked by then is waited for.
        warm: int, requests of each client before the clock starts.

    Returns:
        dict: `sent`, `codes` (count by code, "OK" or "200" for answers),
        `milliseconds` (list, sorted, of the answers), `seconds`.
    """
    job = {
        "port": port,
        "body": base64.b64encode(body).decode(),
        "protocol": protocol,
        "path": path,
        "clients": clients,
        "seconds": seconds,
        "warm": warm,
    }
    done = subprocess.run(
        [sys.executable, "-m", __name__],
        input=json.dumps(job),
        capture_output=True,
        text=True,
        check=True,
        timeout=seconds + 2 * _PATIENCE_S,
    )
    return json.loads(done.stdout)


def main():
    job = json.load(sys.stdin)
    json.dump(
        _run(**{**job, "body": base64.b64decode(job["body"])}), sys.stdout
    )


def _run(port, body, protocol, path, clients, seconds, warm):
    make = _grpc_client if protocol == "grpc" else _rest_client
    barrier = threading.Barrier(clients + 1)
    codes, times = collections.Counter(), []
    lock = threading.Lock()
    ends = [0.0]

    def client():
        ask, close = make(port, body, path)
        for _ in range(warm):
            ask()
        mine, mine_codes = [], collections.Counter()
        barrier.wait()
        barrier.wait()
        while (start := time.monotonic()) < ends[0]:
            code = ask()
            mine_codes[code] += 1
            if code in ("OK", "200"):
                mine.append(1000.0 * (time.monotonic() - start))
            elif code in _REFUSED:
                time.sleep(_BACK_OFF_S)
        close()
        with lock:
            times.extend(mine)
            codes.update(mine_codes)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    barrier.wait()
    start = time.monotonic()
    ends[0] = start + seconds
    barrier.wait()
    for thread in threads:
        thread.join()
    return {
        "sent": sum(codes.values()),
        "codes": dict(codes),
        "milliseconds": sorted(times),
        "seconds": time.monotonic() - start,
    }


def _grpc_client(port, body, _):
    channel = grpc.insecure_channel(
        f"127.0.0.1:{port}", [("grpc.use_local_subchannel_pool", 1)]
    )
    # Bytes as they are: parsing a reply would need TensorFlow's messages.
    call = channel.unary_unary(_PREDICT)

    def ask():
        try:
            return "OK" if call(body, timeout=_PATIENCE_S) else "EMPTY"
        except grpc.RpcError as error:
            return error.code().name

    return ask, channel.close


def _rest_client(port, body, path):
    connection = http.client.HTTPConnection(
        "127.0.0.1", port, timeout=_PATIENCE_S
    )

    def ask():
        try:
            connection.request("POST", path, body)
            reply = connection.getresponse()
            reply.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            return type(error).__name__
        return str(reply.status)

    return ask, connection.close


if __name__ == "__main__":
    main()
