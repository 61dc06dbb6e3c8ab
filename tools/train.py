r"""Trains the image network on photographs with 2D and ordinal labels.

Example:
    python -m tools.train --config=configs/lite.py \
        --config.data.lsp=DATA/lspet_ordinal --workdir=runs/lite

The same command continues a run that was stopped.
"""

from absl import app, flags
from ml_collections import config_flags

from ordinal_tf.training import image

from . import _common

_CONFIG = config_flags.DEFINE_config_file(
    "config",
    _common.config_path("lite"),
    "Config file, or the name of a packaged one.",
    lock_config=True,
)
_WORKDIR = flags.DEFINE_string(
    "workdir", None, "Folder of the run, made where missing.", required=True
)
_INIT_FROM = flags.DEFINE_string(
    "init_from",
    None,
    "Weights to start from: a run, a model folder, a shipped model's name "
    "such as lite, or a .weights.h5 file.",
)


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    config = _CONFIG.value
    summary = image.train(
        config,
        _WORKDIR.value,
        init_from=_INIT_FROM.value,
        progress=_common.progress_line(config.train.steps, "train"),
    )
    print(
        f"Wrote {_WORKDIR.value}: config.json, metrics.jsonl, state.npz, "
        f"model.weights.h5 and summary.json of {summary['steps']} steps; "
        f"PCK@0.2 {summary['pck']:.1f} %, ordinal accuracy "
        f"{summary['ordinal_accuracy']:.1f} % on {summary['photos']} held-out "
        "photographs."
    )


if __name__ == "__main__":
    _common.run(main)
