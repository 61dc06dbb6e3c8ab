r"""Times training steps: ours, and the same networks in PyTorch.

Example:
    python -m tools.benchmark_training

Of the configs `--configs`, each in float32 and mixed bfloat16, with random
people and without the pipeline: the least time of a step, the peak memory of
the process (or of the GPU), and which share of what a product of large
matrices reaches the step's operations are (three times those of the forward
pass). PyTorch takes part where it is installed: eager, and compiled where
there is a C++ compiler or a GPU and it takes no longer than `--limit`;
channels last; RMSprop; its loss is a single sum, cheaper than ours. Then the
squared error of the volume, from three vectors and against a dense target; and
the reconstruction network's step of 64.

The last line of standard output is JSON: `speedup_float32`,
`speedup_bfloat16` (of the first config, against the faster way of PyTorch),
`loss_memory_ratio` (separable over dense), `loss_speedup`,
`reconstruction_speedup`, null where there is no PyTorch, and `rows`, whose
`seconds` are null where the limit was hit.
"""

import importlib.util
import json
import os
import pathlib
import shutil
import tempfile

import numpy as np
from absl import flags

from ordinal_tf.models import build, cost

from . import _common, _timing, _torch_twin

_CONFIGS = flags.DEFINE_list("configs", ["paper", "lite"], "Which networks.")
_BATCHES = flags.DEFINE_list("batches", [], "Sizes; the config's if absent.")
_SIZE = flags.DEFINE_integer(
    "size", None, "Side of the crops; the config's by default.", 32
)
_RUNS = flags.DEFINE_integer("runs", 5, "Timed steps of each.", 1)
_THREADS = flags.DEFINE_integer(
    "threads", os.cpu_count(), "Threads that each may use.", 1
)
_LIMIT = flags.DEFINE_integer(
    "limit", 600, "Seconds that PyTorch may take to compile and run a step.", 1
)

_PRECISIONS = ("float32", "mixed_bfloat16")
_PEAK_SIDE = 2048  # Of the matrices that tell what the machine can do.


def main():
    torch = importlib.util.find_spec("torch") is not None
    if not torch:
        print("PyTorch is not installed (pip install torch): ours alone.")
    peaks = {
        precision: 2
        * _PEAK_SIDE**3
        / _seconds(_measure("product", side=_PEAK_SIDE, precision=precision))
        for precision in _PRECISIONS
    }
    rows = []
    for name in _CONFIGS.value:
        rows += _network_rows(name, torch, peaks)
    speedups = _speedups(rows, _CONFIGS.value[0])
    answer = {**speedups, **_loss_figures(), **_reconstruction_figures(torch)}
    for key, value in answer.items():
        print(f"{key:24}" + ("-" if value is None else f"{value:.2f}"))
    print(json.dumps({**answer, "peak_flops": peaks, "rows": rows}))


def _measure(kind, **job):
    return _timing.measure(
        kind, runs=_RUNS.value, threads=_THREADS.value, **job
    )


def _seconds(found):
    return found["milliseconds"] / 1000


def _config(name):
    path = _common.config_path(name)
    module = importlib.util.module_from_spec(
        spec := importlib.util.spec_from_file_location("config", path)
    )
    spec.loader.exec_module(module)
    return module.get_config()


def _network_rows(name, torch, peaks):
    """Rows of one config: dicts, printed as they come."""
    config = _config(name)
    size = _SIZE.value or config.model.input_size
    network = build.build_image_network(config.model)
    flops = 3 * cost.flops(network, (size, size, 3))
    ways = {"ours": {}}
    if torch:
        ways["pytorch"] = {"compiled": False}
        if shutil.which("g++") or shutil.which("nvidia-smi"):
            ways["pytorch compiled"] = {"compiled": True}
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        weights = pathlib.Path(folder) / "weights.npz"
        np.savez(weights, **_torch_twin.describe(network))
        for batch in map(int, _BATCHES.value or [config.train.batch_size]):
            for precision in _PRECISIONS:
                for way, options in ways.items():
                    row = {
                        "config": name,
                        "way": way,
                        "precision": precision,
                        "size": size,
                        "batch": batch,
                    }
                    limit = _LIMIT.value if options.get("compiled") else None
                    try:
                        found = _measure(
                            "pytorch_step" if options else "ours",
                            limit=limit,
                            precision=precision,
                            size=size,
                            batch=batch,
                            weights=str(weights),
                            config=config.to_dict(),
                            **options,
                        )
                    except TimeoutError:
                        row["seconds"] = None
                    else:
                        row["seconds"] = _seconds(found)
                        row["peak_megabytes"] = found["peak_megabytes"]
                        rate = batch * flops / row["seconds"]
                        row["peak_share"] = rate / peaks[precision]
                    rows.append(row)
                    print(_line(row), flush=True)
    return rows


def _line(row):
    what = (
        f"{row['config']:8}{row['way']:18}{row['precision']:16}"
        f"{row['size']:4} px x {row['batch']:<4}"
    )
    if row["seconds"] is None:
        return f"{what}  hit the limit of {_LIMIT.value} s"
    return (
        f"{what}{row['seconds']:9.3f} s"
        f"{row['peak_megabytes']:8.0f} MB{100 * row['peak_share']:6.0f} %"
    )


def _speedups(rows, name):
    """By precision: PyTorch's faster way over ours, None without it."""
    found = {}
    for precision in _PRECISIONS:
        seconds = {
            row["way"]: row["seconds"]
            for row in reversed(rows)  # The first batch size counts.
            if row["config"] == name
            and row["precision"] == precision
            and row["seconds"] is not None
        }
        ours = seconds.pop("ours")
        key = f"speedup_{precision.removeprefix('mixed_')}"
        found[key] = min(seconds.values()) / ours if seconds else None
    return found


def _loss_figures():
    forms = {
        form: _measure("volume_loss", form=form, size=256, batch=4, bins=64)
        for form in ("separable", "dense")
    }
    one, other = forms["separable"], forms["dense"]
    return {
        "loss_memory_ratio": one["megabytes"] / other["megabytes"],
        "loss_speedup": other["milliseconds"] / one["milliseconds"],
    }


def _reconstruction_figures(torch):
    if not torch:
        return {"reconstruction_speedup": None}
    ours, other = (
        _seconds(_measure(kind))
        for kind in ("reconstruction", "pytorch_reconstruction")
    )
    return {"reconstruction_speedup": other / ours}


if __name__ == "__main__":
    _common.run(main)
