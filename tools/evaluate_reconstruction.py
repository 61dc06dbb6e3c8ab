r"""Scores reconstruction networks on poses they were not trained on.

Example:
    python -m tools.evaluate_reconstruction --run=runs/reconstruction \
        --mocap=DATA/mocap --h36m=DATA/h36m_sample/annot/valid.mat

Every `--run` is scored at its own depth noise, or at each of `--sigmas_mm`.
The last line of standard output is JSON with the same figures: `rows`, each
with `run`, `use_depth`, `sigma_mm`, `set`, `poses`, `relations` (share
preserved), `mpjpe` and `pa_mpjpe` (mm).
"""

import json

from absl import app, flags

from ordinal_tf.data.mocap import clips as mocap
from ordinal_tf.training import reconstruction, runs

from . import _common

_RUN = flags.DEFINE_multi_string(
    "run", None, "Folder of a run; may be repeated.", required=True
)
_MOCAP = flags.DEFINE_string(
    "mocap", None, "Folder of motion capture.", required=True
)
_H36M = flags.DEFINE_string("h36m", None, "Human3.6M valid.mat to add.")
_SIGMAS = flags.DEFINE_list(
    "sigmas_mm", [], "Noise on the depths to score at, by commas."
)
_SKIP_LIMIT = flags.DEFINE_integer(
    "skip_limit", 10, "Bad clips that may be skipped."
)


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    try:
        sigmas = [float(sigma) for sigma in _SIGMAS.value] or [None]
    except ValueError:
        raise ValueError(
            f"`--sigmas_mm` takes numbers. Received: {_SIGMAS.value}."
        ) from None
    configs = {run: runs.read_config(run) for run in _RUN.value}
    clips = {
        fps: mocap.read_folder(
            _MOCAP.value, fps=fps, skip_limit=_SKIP_LIMIT.value
        )
        for fps in {config.data.fps for config in configs.values()}
    }
    rows = []
    for run, config in configs.items():
        for sigma in sigmas:
            scored = reconstruction.evaluate_run(
                run,
                clips[config.data.fps],
                annotations=_H36M.value,
                sigma_mm=sigma,
            )
            own = config.noise.depth_sigma_mm
            rows += [
                {
                    "run": run,
                    "use_depth": config.use_depth,
                    "sigma_mm": own if sigma is None else sigma,
                    "set": name,
                    **figures,
                }
                for name, figures in scored.items()
            ]
    _print_table(rows)
    print(json.dumps({"rows": rows}))


def _print_table(rows):
    head = ("run", "depth", "sigma", "kept", "set", "poses", "MPJPE", "PA")
    lines = [head]
    for row in rows:
        depth = row["use_depth"]
        lines.append(
            (
                row["run"],
                "yes" if depth else "no",
                f"{row['sigma_mm']:g} mm" if depth else "-",
                f"{100 * row['relations']:.1f} %" if depth else "-",
                row["set"],
                str(row["poses"]),
                f"{row['mpjpe']:.1f}",
                f"{row['pa_mpjpe']:.1f}",
            )
        )
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = zip(line, widths, strict=True)
        print("  ".join(cell.ljust(width) for cell, width in cells).rstrip())


if __name__ == "__main__":
    _common.run(main)
