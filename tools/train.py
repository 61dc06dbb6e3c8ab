r"""Trains the image network on photographs with 2D and ordinal labels.

Example:
    python -m tools.train --config=configs/lite.py \
        --config.data.lsp=DATA/lspet_ordinal --workdir=runs/lite

The same command continues a run that was stopped.
"""

import json

from absl import app, flags
from ml_collections import config_flags

from ordinal_tf.training import dry_run, image

from . import _common

_CONFIG = config_flags.DEFINE_config_file(
    "config",
    _common.config_path("lite"),
    "Config file, or the name of a packaged one.",
    lock_config=True,
)
_WORKDIR = flags.DEFINE_string(
    "workdir", None, "Folder of the run, made where missing."
)
_DRY_RUN = flags.DEFINE_bool(
    "dry_run",
    False,
    "Take a few steps, print what the whole would take, the last line as "
    "JSON, and write nothing.",
)
_INIT_FROM = flags.DEFINE_string(
    "init_from",
    None,
    "Weights to start from: a run, a model folder, a shipped model's name "
    "such as lite, or a .weights.h5 file. Kept in the run's config, so that "
    "the command that continues need not repeat it.",
)


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    config = _CONFIG.value
    if _INIT_FROM.value:
        config.init_from = _INIT_FROM.value
    if _DRY_RUN.value:
        found = image.measure(config)
        print(dry_run.text(found), json.dumps(found), sep="\n")
        return
    if not _WORKDIR.value:
        raise ValueError("Name the folder of the run with --workdir=DIR.")
    summary = image.train(
        config,
        _WORKDIR.value,
        progress=_common.progress_line(config.train.steps, "train"),
    )
    if summary is None:  # Stopped, which was said, or the chief's.
        return
    print(
        f"Wrote {_WORKDIR.value}: config.json, metrics.jsonl, state.npz, "
        "model.weights.h5, best.weights.h5 and summary.json of "
        f"{summary['steps']} steps; PCK@0.2 {summary['pck']:.1f} %, ordinal "
        f"accuracy {summary['ordinal_accuracy']:.1f} % on {summary['photos']} "
        "held-out photographs."
    )


if __name__ == "__main__":
    _common.run(main)
