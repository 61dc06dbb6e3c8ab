"""Thousands of broken requests, and what a server must make of each.

By hand, against the shipped model:

    python -m tests.serving.mutations --model=saved_models/lite --count=5000
"""

import argparse
import collections
import copy
import gzip
import http.client
import io
import json
import pathlib
import time

import grpc
import numpy as np

from tests.serving import clients, embedded, tiny

# What bad input may be told; anything else is a fault of the server.
STATUS = {200, 400, 404, 405, 413, 415, 501}
_CODES = grpc.StatusCode
CODES = {
    _CODES.OK,
    _CODES.INVALID_ARGUMENT,
    _CODES.NOT_FOUND,
    _CODES.FAILED_PRECONDITION,
    _CODES.RESOURCE_EXHAUSTED,
    _CODES.UNIMPLEMENTED,
}
_WEIRD = (
    *(None, True, "", "x", [], {}, [[]], 0, -1, 2**31, 2**64, 10**300),
    *(0.5, -0.0, 1e39, float("nan"), float("inf"), float("-inf")),
    *({"b64": ""}, {"b64": "%"}, {"b64": 3}, {"b64": "AAAA", "c": 1}),
    *("\ud800", "\0", "photo", [[[[[[1]]]]]], [1, [2]], ["a", 1]),
)


def picture(rng):
    """Bytes that are, or once were, a picture."""
    encode = (tiny.jpeg, tiny.png)[rng.integers(2)]
    sides = [int(side) for side in rng.integers(1, 60, 2)]
    data = encode(int(rng.integers(256)), width=sides[0], height=sides[1])
    kind = rng.integers(10)
    if kind == 0:
        return scramble(rng, data)
    if kind == 1:
        return data[: rng.integers(len(data))]
    if kind == 2:
        return _gif(3)
    if kind == 3:
        return rng.bytes(rng.integers(200))
    if kind == 4:  # A header that promises any size.
        return data[:16] + rng.bytes(8) + data[24:]
    if kind == 5:  # The header stays good, so that it reaches the decoder.
        return data[:200] + scramble(rng, data[200:])
    return data


def _gif(frames):
    from PIL import Image

    data = io.BytesIO()
    pictures = [Image.new("P", (9, 9), i) for i in range(frames)]
    pictures[0].save(data, "GIF", save_all=True, append_images=pictures[1:])
    return data.getvalue()


def boxes(rng):
    """Boxes of which some make no sense, sometimes thousands."""
    count = int(rng.choice([0, 1, 2, 5, 3000], p=[0.1, 0.4, 0.3, 0.1, 0.1]))
    found = rng.uniform(1, 20, (count, 3)).astype(np.float32)
    if rng.random() < 0.6:
        return found
    bad = rng.random(found.shape) < 0.2
    found[bad] = rng.choice(
        np.float32([np.nan, np.inf, -np.inf, -50, 0, 500, 1e30, 1e-30]),
        bad.sum(),
    )
    return found


def scramble(rng, data):
    """Flips, drops, doubles or inserts a few bytes."""
    data = bytearray(data)
    for _ in range(rng.integers(1, 8)):
        if not data:
            break
        at = int(rng.integers(len(data)))
        kind = rng.integers(4)
        if kind == 0:
            data[at] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            del data[at : at + int(rng.integers(1, 30))]
        elif kind == 2:
            data[at:at] = data[at : at + int(rng.integers(1, 30))]
        else:
            data[at:at] = rng.bytes(rng.integers(1, 5))
    return bytes(data)


def _base_json(rng, size):
    kind = rng.integers(4)
    if kind == 0:
        crops = rng.integers(0, 256, (rng.integers(1, 3), size, size, 3))
        return {("instances", "inputs")[rng.integers(2)]: crops.tolist()}
    data, people = picture(rng), boxes(rng)
    if kind == 1:
        return clients.photo_json(data, people.tolist())
    if kind == 2:
        row = {"photo": clients.b64(data), "boxes": people[:1].ravel().tolist()}
        return {"signature_name": "photo", "instances": [row]}
    return {
        "signature_name": "photos",
        "inputs": {
            "photos": [clients.b64(data)],
            "boxes": [people.tolist()],
            "counts": [int(rng.integers(-1, 5))],
        },
    }


def _mutate_json(rng, value):
    """Replaces, drops or doubles something at a random depth."""
    value = copy.deepcopy(value)
    parent, key, node = None, None, value
    while isinstance(node, dict | list) and node and rng.random() < 0.8:
        keys = list(node) if isinstance(node, dict) else range(len(node))
        parent, key = node, keys[int(rng.integers(len(keys)))]
        node = parent[key]
    kind = rng.integers(3)
    if parent is None or kind == 0:
        weird = _WEIRD[rng.integers(len(_WEIRD))]
        if parent is None:
            return weird
        parent[key] = weird
    elif kind == 1:
        del parent[key]
    elif isinstance(parent, list):
        parent.append(copy.deepcopy(node))
    else:
        parent[f"{key}x"] = node
    return value


def rest_request(rng, model, size):
    """`(method, path, body, headers)` of a request that is likely broken."""
    request = _base_json(rng, size)
    method, path, headers = "POST", f"/v1/models/{model}:predict", {}
    kind = rng.integers(10)
    if kind < 3:
        request = _mutate_json(rng, request)
    body = json.dumps(request).encode()
    if kind == 3:
        body = scramble(rng, body)
    if kind == 4:
        ends = (
            *("/versions/2", "/versions/-1", "/versions/99999999999999999999"),
            *("/labels/x", ":classify", "/metadata", ":", "//", "/%00", "?a=b"),
        )
        path = f"/v1/models/{model}{ends[rng.integers(len(ends))]}"
        if rng.random() < 0.5:
            path += ":predict"
        method = ("POST", "GET", "PUT")[rng.integers(3)]
    if kind == 5:
        headers = (
            {"Content-Encoding": "gzip"},
            {"Content-Encoding": "zstd"},
            {"Content-Type": "image/jpeg"},
            {"Accept": "nothing"},
            {"Expect": "100-continue"},
        )[rng.integers(5)]
        if rng.random() < 0.5:
            body = gzip.compress(body)
            if rng.random() < 0.5:
                body = scramble(rng, body)
    return method, path, body, headers


def grpc_request(rng, model, size):
    """Bytes of a `PredictRequest` that is likely broken."""
    kind = rng.integers(3)
    if kind == 0:
        message = clients.request(
            "",
            model=model,
            image=rng.integers(0, 256, (1, size, size, 3), "u1"),
        )
    elif kind == 1:
        message = clients.photo(picture(rng), boxes(rng))
    else:
        message = clients.request(
            "photos",
            photos=[picture(rng), picture(rng)],
            boxes=np.stack(2 * [boxes(rng)]),
            counts=rng.integers(-1, 4, 2).astype(np.int32),
        )
    message.model_spec.name = model
    kind = rng.integers(10)
    names = sorted(message.inputs)
    name = names[rng.integers(len(names))]
    tensor = message.inputs[name]
    if kind == 0:
        tensor.dtype = int(rng.integers(0, 140))
    elif kind == 1:
        tensor.tensor_shape.dim.add(size=int(rng.integers(-2, 2**40)))
    elif kind == 2 and tensor.tensor_shape.dim:
        sizes = np.array([-1, 0, 1, 2, 7, 2**20, 2**62])
        tensor.tensor_shape.dim[0].size = int(rng.choice(sizes))
    elif kind == 3:
        tensor.tensor_content = scramble(rng, tensor.tensor_content or b"abc")
    elif kind == 4:
        message.inputs[name + "x"].CopyFrom(tensor)
        if rng.random() < 0.5:
            del message.inputs[name]
    elif kind == 5:
        message.model_spec.signature_name = ("no", "photo", "photos", "\0")[
            rng.integers(4)
        ]
    data = message.SerializeToString()
    return scramble(rng, data) if kind == 6 else data


def check_rest(port, rng, model, size):
    """Sends one request; returns its status and what was wrong, or ""."""
    method, path, body, headers = rest_request(rng, model, size)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, path, body, headers)
        reply = connection.getresponse()
        text = reply.read().decode()
    finally:
        connection.close()
    fault = ""
    if reply.status not in STATUS:
        fault = f"status {reply.status}: {text[:300]}"
    elif reply.status != 200:
        sentence = json.loads(text)["error"]
        if not 0 < len(sentence) < 500 or "\n" in sentence:
            fault = f"not a sentence: {sentence!r}"
    return reply.status, fault


def check_grpc(call, rng, model, size):
    """As `check_rest`, with `call` a method of raw bytes."""
    try:
        call(grpc_request(rng, model, size), timeout=60)
        return "OK", ""
    except grpc.RpcError as error:
        code, sentence = error.code(), error.details()
    fault = ""
    if code not in CODES:
        fault = f"{code.name}: {sentence[:300]}"
    elif not 0 < len(sentence) < 500 or "\n" in sentence:
        fault = f"not a sentence: {sentence!r}"
    return code.name, fault


def bombard(running, *, model, size, count, seed):
    """Sends `count` requests over each protocol.

    Returns:
        `(codes, faults)`: a `Counter` of protocol and code, and a list of
        sentences on what was wrong, with the seed that shows it again.
    """
    channel = grpc.insecure_channel(f"127.0.0.1:{running.grpc_port}")
    call = channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
    codes, faults = collections.Counter(), []
    for index in range(count):
        for protocol, check, target in (
            ("rest", check_rest, running.rest_port),
            ("grpc", check_grpc, call),
        ):
            rng = np.random.default_rng([seed, index])
            code, fault = check(target, rng, model, size)
            codes[protocol, code] += 1
            if fault:
                faults.append(f"{protocol}, seed {seed}, {index}: {fault}")
    channel.close()
    return codes, faults


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="saved_models/lite")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    folder = pathlib.Path(arguments.model)
    with embedded.Server(folder, name="model") as running:
        signatures = running.core.model.signatures
        size = signatures["serving_default"].inputs["image"].shape[1]
        start = time.monotonic()
        codes, faults = bombard(
            running,
            model="model",
            size=size,
            count=arguments.count,
            seed=arguments.seed,
        )
        seconds = time.monotonic() - start
        pending = running.core.pending
    for (protocol, code), number in sorted(codes.items(), key=str):
        print(f"{protocol} {code}: {number}")
    print(*faults, sep="\n")
    print(
        f"{sum(codes.values())} requests in {seconds:.0f} s, "
        f"{len(faults)} faults, {pending} left in the house."
    )


if __name__ == "__main__":
    main()
