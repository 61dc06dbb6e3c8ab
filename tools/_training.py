"""What the two programs that train share: their flags, and what they do."""

import json

from absl import flags
from ml_collections import config_flags

from ordinal_tf.training import dry_run

from . import _common

# They are those of the program that calls `program`.
flags.disclaim_key_flags()


def program(default, training, figures):
    """Defines the flags of a program that trains, and returns its `main`.

    Args:
        default: str, name of the packaged config that it takes by default.
        training: module with `train` and `measure`.
        figures: function of the summary to str, what the run has reached.
    """
    config_flag = config_flags.DEFINE_config_file(
        "config",
        _common.config_path(default),
        "Config file, or the name of a packaged one.",
        lock_config=True,
    )
    workdir = flags.DEFINE_string(
        "workdir", None, "Folder of the run, made where missing."
    )
    dry = flags.DEFINE_bool(
        "dry_run",
        False,
        "Take a few steps, print what the whole would take, the last line as "
        "JSON, and write nothing.",
    )
    init_from = flags.DEFINE_string(
        "init_from",
        None,
        "Weights to start from: a run, a model folder, a shipped model's name "
        "such as lite, or a .weights.h5 file. Kept in the run's config, so "
        "that the command that continues need not repeat it.",
    )

    def main():
        config = config_flag.value
        if init_from.value:
            config.init_from = init_from.value
        if dry.value:
            found = training.measure(config)
            print(dry_run.text(found), json.dumps(found), sep="\n")
            return
        if not workdir.value:
            raise ValueError("Name the folder of the run with --workdir=DIR.")
        summary = training.train(
            config,
            workdir.value,
            progress=_common.progress_line(config.train.steps, "train"),
        )
        if summary is None:  # Stopped, which was said, or the chief's.
            return
        print(
            f"Wrote {workdir.value}: config.json, metrics.jsonl, state.npz, "
            "model.weights.h5, best.weights.h5 and summary.json of "
            f"{summary['steps']} steps; {figures(summary)}."
        )

    return main
