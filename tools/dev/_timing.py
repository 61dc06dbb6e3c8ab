"""Times one way to run a model, in a process of its own.

As a script it reads a job as JSON on standard input and writes what it found
as the last line of standard output. A process of its own, because memory is
only known of a whole process, and because the frameworks that are compared
would otherwise share threads.
"""

import json
import os
import pathlib
import subprocess
import sys
import time

import numpy as np


def measure(kind, *, limit=None, **job):
    """Runs one job in a new process.

    Args:
        kind: str of `KINDS`, or of those of `_train_timing`.
        limit: seconds that it may take, or None.
        job: JSON-able options of that kind, and `runs`, `threads`.

    Returns:
        dict: `milliseconds` and `peak_megabytes` of the process, or of the
        GPU where there is one. Both are dicts by what was run where the kind
        runs several things; `_train_timing` has `megabytes` besides, by how
        much the peak grew while a step was timed.

    Raises:
        ValueError: the process failed; has its last words.
        TimeoutError: it took longer.
    """
    try:
        done = subprocess.run(
            # By its path: `-m` would import `tools`, and with it TensorFlow.
            [sys.executable, __file__],
            input=json.dumps({"kind": kind, **job}),
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
                "TF_CPP_MIN_LOG_LEVEL": "3",
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=limit,
        )
    except subprocess.TimeoutExpired:
        raise TimeoutError(f"Timing {kind} took over {limit} s.") from None
    if done.returncode:
        said = " ".join(done.stderr.split()[-60:]) or "no message"
        raise ValueError(f"Timing {kind} failed: {said}")
    return json.loads(done.stdout.splitlines()[-1])


def _best(call, runs):
    """Least wall time of a call in ms: what it takes undisturbed."""
    for _ in range(2):
        call()
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return 1000.0 * min(seconds)


def _crop(size):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (1, size, size, 3), np.uint8)


def _saved_model(job):
    """Signatures of `folder` in a graph session; `photo` is a file."""
    import tensorflow as tf

    from ordinal_tf.export import session

    threads, runs = job["threads"], job["runs"]
    found = {}
    with session.loaded(job["folder"], threads=threads) as run:
        image = _crop(job["size"])
        found["crop"] = _best(
            lambda: run("serving_default", {"image": image}), runs
        )
        if job.get("photo"):
            data = pathlib.Path(job["photo"]).read_bytes()
            height, width = tf.io.decode_image(data).shape[:2]
            box = np.array([_whole(height, width)], np.float32)
            for name, boxes in (("photo", box), ("photo_finding", box[:0])):
                inputs = {"photo": [data], "boxes": boxes}
                found[name] = _best(
                    lambda inputs=inputs: run("photo", inputs), runs
                )
    return {"milliseconds": found}


def _photo_size(job):
    """A JPEG `photo` of `height` and `width`, with its box and without.

    With the peak after each, and OpenCV's decoding of all of it at the
    resolution that the box needs.
    """
    import cv2

    from ordinal_tf.export import session

    runs, height, width = job["runs"], job["height"], job["width"]
    data = pathlib.Path(job["photo"]).read_bytes()
    side = 0.9 * min(height, width)
    box = np.array([[(width - 1) / 2, (height - 1) / 2, side]], np.float32)
    found, peaks = {}, {}
    with session.loaded(job["folder"], threads=job["threads"]) as run:
        for name, boxes in (("photo", box), ("photo_finding", box[:0])):
            inputs = {"photo": [data], "boxes": boxes}
            found[name] = _best(
                lambda inputs=inputs: run("photo", inputs), runs
            )
            peaks[name] = _peak_megabytes()
    cv2.setNumThreads(job["threads"])
    encoded = np.frombuffer(data, np.uint8)
    step = side / job["size"] + 0.25
    ratio = max(r for r in (1, 2, 4, 8) if r <= max(step, 1))
    how = {
        1: cv2.IMREAD_COLOR,
        2: cv2.IMREAD_REDUCED_COLOR_2,
        4: cv2.IMREAD_REDUCED_COLOR_4,
        8: cv2.IMREAD_REDUCED_COLOR_8,
    }[ratio]
    found["opencv_decoding"] = _best(lambda: cv2.imdecode(encoded, how), runs)
    return {"milliseconds": found, "peak_megabytes": peaks}


def _litert(job):
    """A LiteRT file; `photo` is decoded and cropped by OpenCV."""
    import cv2

    from ordinal_tf.litert import lite_file

    cv2.setNumThreads(job["threads"])
    run = lite_file.open_model(job["path"], threads=job["threads"])
    crop = _crop(job["size"])[0]
    found = {"crop": _best(lambda: run(crop), job["runs"])}
    if job.get("photo"):
        data = np.frombuffer(pathlib.Path(job["photo"]).read_bytes(), np.uint8)

        def photo():
            image = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB)
            run(_opencv_crop(image, _whole(*image.shape[:2]), job["size"]))

        found["photo"] = _best(photo, job["runs"])
    return {"milliseconds": found}


def _opencv_crop(image, box, size):
    import cv2

    centre_x, centre_y, side = box
    scale = size / side
    matrix = np.array(
        [
            [scale, 0, (size - 1) / 2 - scale * centre_x],
            [0, scale, (size - 1) / 2 - scale * centre_y],
        ]
    )
    return cv2.warpAffine(image, matrix, (size, size))


def _pytorch(job):
    """`_torch_twin` of the arrays in `weights`; writes its volume."""
    # A neighbour of this script: `tools` would import TensorFlow.
    import _torch_twin
    import torch

    torch.set_num_threads(job["threads"])
    with np.load(job["weights"], allow_pickle=False) as arrays:
        network = _torch_twin.build(arrays)
    image = torch.from_numpy(_network_input(job["size"]).transpose(0, 3, 1, 2))
    image = image.contiguous()
    with torch.inference_mode():
        volume = network(image).numpy().transpose(0, 2, 3, 1)
        np.save(job["volume"], volume)
        found = _best(lambda: network(image), job["runs"])
    return {"milliseconds": {"network": found}}


def _keras(job):
    """The network alone of the SavedModel in `folder`; writes its volume."""
    from ordinal_tf.export import session

    image = _network_input(job["size"])
    with session.loaded(job["folder"], threads=job["threads"]) as run:
        volume = run("serving_default", {"image": image})["volume"]
        np.save(job["volume"], volume)
        call = lambda: run("serving_default", {"image": image})  # noqa: E731
        found = _best(call, job["runs"])
    return {"milliseconds": {"network": found}}


def _openvino(job):
    """The same SavedModel in OpenVINO; writes its volume."""
    import openvino

    core = openvino.Core()
    model = openvino.convert_model(job["folder"])
    size = job["size"]
    model.reshape([1, size, size, 3])
    compiled = core.compile_model(
        model,
        "CPU",
        {
            "INFERENCE_NUM_THREADS": job["threads"],
            "INFERENCE_PRECISION_HINT": job.get("precision", "f32"),
        },
    )
    image = _network_input(size)
    np.save(job["volume"], compiled(image)[0])
    found = _best(lambda: compiled(image), job["runs"])
    return {"milliseconds": {"network": found}}


def _network_input(size):
    return _crop(size).astype(np.float32) / 255.0


def _whole(height, width):
    return (width - 1) / 2, (height - 1) / 2, float(max(height, width))


KINDS = {
    "saved_model": _saved_model,
    "photo_size": _photo_size,
    "litert": _litert,
    "pytorch": _pytorch,
    "keras": _keras,
    "openvino": _openvino,
}


def _peak_megabytes():
    """Of the GPU where a framework uses one, else of the process."""
    torch, tensorflow = map(sys.modules.get, ("torch", "tensorflow"))
    if torch and torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 1e6
    if tensorflow and tensorflow.config.list_logical_devices("GPU"):
        found = tensorflow.config.experimental.get_memory_info("GPU:0")
        return found["peak"] / 1e6
    status = pathlib.Path("/proc/self/status")
    if status.is_file():
        # The usual count also has what the parent held when it forked.
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1e3
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # macOS counts in bytes.
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


def _step(job):
    """A training step."""
    import _train_timing

    if not job["kind"].startswith("pytorch"):  # Which say it themselves.
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(job["threads"])
    step = _train_timing.KINDS[job["kind"]](job)
    before = _peak_megabytes()
    found = _best(step, job["runs"])
    growth = _peak_megabytes() - before
    return {"milliseconds": found, "megabytes": growth}


def _main():
    job = json.load(sys.stdin)
    found = KINDS.get(job["kind"], _step)(job)
    print(json.dumps({"peak_megabytes": _peak_megabytes(), **found}))


if __name__ == "__main__":
    _main()
