r"""Trains the network from 2D joints and ordinal depths to 3D poses.

Example:
    python -m tools.train_reconstruction --config=configs/reconstruction.py \
        --config.data.mocap=DATA/mocap --workdir=runs/reconstruction

The same command continues a run that was stopped.
"""

from absl import app, flags
from ml_collections import config_flags

from ordinal_tf.training import reconstruction

from . import _common

_CONFIG = config_flags.DEFINE_config_file(
    "config",
    _common.config_path("reconstruction"),
    "Config file, or the name of a packaged one.",
    lock_config=True,
)
_WORKDIR = flags.DEFINE_string(
    "workdir", None, "Folder of the run, made where missing.", required=True
)


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    config = _CONFIG.value
    progress = _common.progress_line(config.train.steps, "train")
    summary = reconstruction.train(
        config, _WORKDIR.value, report=print, progress=progress
    )
    errors = ", ".join(
        f"{name} {scored['mpjpe']:.1f} mm"
        for name, scored in summary["test"].items()
    )
    print(
        f"Wrote {_WORKDIR.value}: config.json, metrics.jsonl, state.npz, "
        f"model.weights.h5 and summary.json of {summary['steps']} steps; "
        f"MPJPE {errors}."
    )


if __name__ == "__main__":
    _common.run(main)
