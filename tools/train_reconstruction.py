r"""Trains the network from 2D joints and ordinal depths to 3D poses.

Example:
    python -m tools.train_reconstruction --config=configs/reconstruction.py \
        --config.data.mocap=DATA/mocap --workdir=runs/reconstruction

The same command continues a run that was stopped.
"""

import json

from absl import app, flags
from ml_collections import config_flags

from ordinal_tf.training import dry_run, reconstruction

from . import _common

_CONFIG = config_flags.DEFINE_config_file(
    "config",
    _common.config_path("reconstruction"),
    "Config file, or the name of a packaged one.",
    lock_config=True,
)
_WORKDIR = flags.DEFINE_string(
    "workdir", None, "Folder of the run, made where missing."
)
_INIT_FROM = flags.DEFINE_string(
    "init_from",
    None,
    "Weights to start from: a run, a model folder, a shipped model's name "
    "such as lite, or a .weights.h5 file. Kept in the run's config.",
)
_DRY_RUN = flags.DEFINE_bool(
    "dry_run",
    False,
    "Take a few steps, print what the whole would take, the last line as "
    "JSON, and write nothing.",
)


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    config = _CONFIG.value
    if _INIT_FROM.value:
        config.init_from = _INIT_FROM.value
    if _DRY_RUN.value:
        found = reconstruction.measure(config)
        print(dry_run.text(found), json.dumps(found), sep="\n")
        return
    if not _WORKDIR.value:
        raise ValueError("Name the folder of the run with --workdir=DIR.")
    progress = _common.progress_line(config.train.steps, "train")
    summary = reconstruction.train(
        config, _WORKDIR.value, report=print, progress=progress
    )
    if summary is None:  # Stopped, which was said, or the chief's.
        return
    errors = ", ".join(
        f"{name} {scored['mpjpe']:.1f} mm"
        for name, scored in summary["test"].items()
    )
    print(
        f"Wrote {_WORKDIR.value}: config.json, metrics.jsonl, state.npz, "
        "model.weights.h5, best.weights.h5 and summary.json of "
        f"{summary['steps']} steps; MPJPE {errors}."
    )


if __name__ == "__main__":
    _common.run(main)
