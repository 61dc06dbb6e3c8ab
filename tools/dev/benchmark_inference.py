r"""Times an exported model, its LiteRT files and other frameworks.

Example:
    python -m tools.dev.benchmark_inference --model=saved_models/lite \
        --images=demo/photos/000018.jpg

With --config=paper in place of --model the network of that config is timed,
with random weights. Everything runs in a process of its own, one person, one
crop at a time; then clients load tools.serve, as in `benchmark_serving`.
PyTorch, OpenVINO, LiteRT and serving take part where they are installed. The
last line of standard output is JSON: `milliseconds`, `ratio_vs_pytorch`,
`peak_megabytes` by what was run (`photo_12mp` and `photo_finding_12mp` for
the picture enlarged to 12 megapixels, with a box and without; likewise 0.3, 2
and 48), `ratio_to_crop`, `megabytes`,
`requests_per_second` and the rest that tools.dev.benchmark_serving measures.
"""

import importlib.util
import json
import pathlib
import tempfile

import numpy as np
import tensorflow as tf
from absl import flags
from ml_collections import config_flags
from PIL import Image

from ordinal_tf import paths
from ordinal_tf.data.files import photos
from ordinal_tf.export import assemble, fold, saved_model
from ordinal_tf.inference import signatures
from ordinal_tf.litert import tflite
from ordinal_tf.models import build, lifting

from . import _common, _timing, _torch_twin

# Width and height of the picture enlarged, by megapixels.
_SIZES = {
    "0.3": (640, 480),
    "2": (1632, 1224),
    "12": (4000, 3000),
    "48": (8000, 6000),
}
_SIZE_RUNS = 8  # Of each; large pictures take long.
# What needs a package that may not be installed.
_OPTIONAL = {
    "litert": "litert_quantizer",
    "pytorch": "torch",
    "openvino": "openvino",
    "serving": "tensorflow_serving",
}
_MODEL = flags.DEFINE_string(
    "model", "lite", "Model folder, or the name of a shipped model."
)
_CONFIG = config_flags.DEFINE_config_file(
    "config", None, "Time the network of this config instead of --model."
)
_IMAGE = flags.DEFINE_string("images", None, "One picture.", required=True)
_RUNS = flags.DEFINE_integer("runs", 30, "Timed calls of each.", lower_bound=1)
_THREADS = flags.DEFINE_integer(
    "threads", 2, "Threads that each may use.", lower_bound=1
)
_ONLY = flags.DEFINE_list(
    "only",
    ["saved_model", "sizes", "tensorflow", *_OPTIONAL],
    "What to time, of these.",
)
_SERVING = flags.DEFINE_float(
    "serving_seconds",
    3.0,
    "How long tools.serve is loaded with each number of clients.",
    lower_bound=0.1,
)


def main():
    data = photos.encode_for_graph(_IMAGE.value)
    height, width = photos.size_of(data)
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        photo = work / "photo"
        photo.write_bytes(data)
        wanted = _wanted()
        model, chain_parts, size = _model(work, wanted)
        jobs = list(_jobs(wanted, work, model, chain_parts, size, str(photo)))
        found = {}
        for name, kind, job in jobs:
            result = _timing.measure(
                kind, **job, size=size, runs=_RUNS.value, threads=_THREADS.value
            )
            found[name] = result
            for what, value in result["milliseconds"].items():
                peak = result["peak_megabytes"]
                label = f"{name} {what}"
                print(f"{label:32} {value:8.1f} ms {peak:7.0f} MB", flush=True)
        sizes = _photo_sizes(work, model, size) if "sizes" in wanted else {}
        _check_volumes(work)
        report = _report(found, model)
        for key, values in sizes.items():
            report[key] |= values
        if "serving" in wanted:
            report |= _serving(model, data, height, width)
    print(f"one picture of {width} x {height} pixels, one person")
    print(json.dumps(report))


def _model(work, wanted):
    """The version folder, its networks and options, and its crop size."""
    if _CONFIG.value is None:
        folder = paths.find_model(_MODEL.value)
        if wanted <= {"saved_model", "sizes", "serving"}:
            # The graph alone: the networks need not be built.
            version = paths.latest_version(folder)
            card = json.loads((version / paths.CARD).read_text())
            return version, (None, None, None), card["input_size"]
        card, *parts = assemble.load_networks(folder)
        return paths.latest_version(folder), parts, card["input_size"]
    config = _CONFIG.value.model
    network = build.build_image_network(config)
    lifter = lifting.build_reconstruction()
    options = {
        "kind": config.name,
        "depth_bins": (build.z_resolutions(config) or (None,))[-1],
        "depth_scale": 1.0,
    }
    size = config.input_size
    module = saved_model.PoseModule(network, lifter, input_size=size, **options)
    version = work / "model" / "1"
    tf.saved_model.save(module, str(version), signatures=module.by_name())
    return version, [network, lifter, options], size


def _wanted():
    """What was asked for, less what is not installed; a set."""
    wanted = set(_ONLY.value)
    for name in sorted(wanted & set(_OPTIONAL)):
        if importlib.util.find_spec(_OPTIONAL[name]) is None:
            print(f"{name} is not installed, so it is left out.")
            wanted.remove(name)
    return wanted


def _jobs(wanted, work, model, parts, size, photo):
    """Yields the name, the kind and the options of every measurement."""
    network, lifter, options = parts
    if "saved_model" in wanted:
        yield (
            "saved_model",
            "saved_model",
            {"folder": str(model), "photo": photo},
        )
    if "litert" in wanted:
        lean = fold.for_inference(network, input_size=size)
        # Without the mirrored pass: what a small device would run.
        chain = signatures.chain(
            lean, fold.for_inference(lifter), mirror=False, **options
        )
        exact = tflite.convert(chain, size)
        noise = np.random.default_rng(0).integers(
            0, 256, (2, size, size, 3), np.uint8
        )
        for variant in tflite.VARIANTS:
            path = work / f"{variant}.tflite"
            # How fast it is does not depend on the ranges.
            path.write_bytes(
                tflite.quantize(
                    exact,
                    variant,
                    network=lean.name,
                    last=lean.output_names[-1],
                    calibration=noise,
                )
            )
            yield (
                f"litert_{variant}",
                "litert",
                {"path": str(path), "photo": photo},
            )
    alone = work / "network"
    if wanted & {"tensorflow", "openvino"}:
        _save_network(network, size, alone)
    for name, kind in (("tensorflow", "keras"), ("openvino", "openvino")):
        if name in wanted:
            volume = str(work / f"{name}.npy")
            yield name, kind, {"folder": str(alone), "volume": volume}
    if "pytorch" in wanted:
        weights = work / "weights.npz"
        np.savez(weights, **_torch_twin.describe(network))
        yield (
            "pytorch",
            "pytorch",
            {"weights": str(weights), "volume": str(work / "pytorch.npy")},
        )


def _photo_sizes(work, model, size):
    """`milliseconds` and `peak_megabytes` of the picture at several sizes."""
    times, peaks = {}, {}
    with Image.open(work / "photo") as image:
        original = image.convert("RGB")
    for name, (width, height) in _SIZES.items():
        path = work / f"{name}.jpg"
        large = original.resize((width, height), Image.Resampling.BICUBIC)
        # Enlarged alone it would have no detail to decode.
        noise = Image.effect_noise((width, height), 12).convert("RGB")
        Image.blend(large, noise, 0.1).save(path, quality=90)
        result = _timing.measure(
            "photo_size",
            folder=str(model),
            photo=str(path),
            width=width,
            height=height,
            size=size,
            runs=min(_RUNS.value, _SIZE_RUNS),
            threads=_THREADS.value,
        )
        for what, value in result["milliseconds"].items():
            times[f"{what}_{name}mp"] = value
            peak = result["peak_megabytes"].get(what)
            line = f"{what} {name} MP"
            shown = f"{peak:7.0f} MB" if peak else ""
            print(f"{line:32} {value:8.1f} ms {shown}", flush=True)
            if peak:
                peaks[f"{what}_{name}mp"] = peak
    return {"milliseconds": times, "peak_megabytes": peaks}


def _save_network(network, size, folder):
    """The image network alone, as a SavedModel of one crop."""

    def volume(image):
        output = network(image, training=False)
        return {"volume": output[-1] if isinstance(output, list) else output}

    spec = tf.TensorSpec((1, size, size, 3), tf.float32, "image")
    frozen = saved_model.freeze(volume, spec)
    function = tf.function(
        lambda image: frozen(image), input_signature=[spec], autograph=False
    )
    tf.saved_model.save(tf.Module(), str(folder), signatures=function)


def _check_volumes(work):
    """Raises `ValueError` where two frameworks ran different networks."""
    volumes = {path.stem: np.load(path) for path in work.glob("*.npy")}
    for name, volume in volumes.items():
        if name == "tensorflow" or "tensorflow" not in volumes:
            continue
        expected = volumes["tensorflow"]
        worst = np.abs(volume - expected).max() / np.abs(expected).max()
        if not worst < 1e-3:
            raise ValueError(
                f"The network in {name} answers otherwise than in TensorFlow "
                f"(by {worst:.2g} of the largest value), so its time would "
                "say nothing."
            )


def _report(found, model):
    times = {
        f"{name}_{what}": value
        for name, result in found.items()
        for what, value in result["milliseconds"].items()
    }
    files = [path for path in model.rglob("*") if path.is_file()]
    report = {
        "milliseconds": times,
        "peak_megabytes": {k: v["peak_megabytes"] for k, v in found.items()},
        "megabytes": sum(path.stat().st_size for path in files) / 1e6,
    }
    crop = times.get("saved_model_crop")
    if crop:
        report["ratio_to_crop"] = {
            name.removeprefix("saved_model_"): value / crop
            for name, value in times.items()
            if name.startswith("saved_model_")
        }
    torch = times.get("pytorch_network")
    if torch:
        report["ratio_vs_pytorch"] = {
            name: value / torch for name, value in times.items()
        }
    return report


def _serving(model, data, height, width):
    # Late, because only this needs what serving does.
    from . import _load

    return _load.measure(
        model.parent.resolve(),
        data,
        [(width - 1) / 2, (height - 1) / 2, max(width, height)],
        seconds=_SERVING.value,
        report=lambda line: print(line, flush=True),
    )


if __name__ == "__main__":
    _common.run(main)
