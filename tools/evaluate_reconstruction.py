r"""Scores reconstruction networks on poses they were not trained on.

Example:
    python -m tools.evaluate_reconstruction --run=runs/reconstruction \
        --mocap=DATA/mocap --h36m=DATA/h36m_sample/annot/valid.mat
    python -m tools.evaluate_reconstruction --run=runs/reconstruction \
        --image=runs/lite --people=prepared/people_test

With --mocap, every `--run` is scored at its own errors and depth noise, or
with each of `--sigmas_mm` as noise and no other error. With --people, on what
an image network finds in pictures, beside `read-out`: the network's depth as
it is, and its joints to scale.

The last line of standard output is JSON with the same figures: `rows`, each
with `run`, `set`, `poses`, `mpjpe` and `pa_mpjpe` (mm), of motion capture
`use_depth`, `sigma_mm` and `relations` (share preserved), of people
`order_given` and `order_pose` (% of the pairs in the right order, of the image
network's depths and of the pose's).
"""

import json

from absl import flags

from ordinal_tf import volumes
from ordinal_tf.data.mocap import clips as mocap
from ordinal_tf.evaluation import lifted
from ordinal_tf.training import image, reconstruction, runs

from . import _common

_RUN = flags.DEFINE_multi_string(
    "run", None, "Folder of a run; may be repeated.", required=True
)
_MOCAP = flags.DEFINE_string("mocap", None, "Folder of motion capture.")
_H36M = flags.DEFINE_string("h36m", None, "Human3.6M valid.mat to add.")
_SIGMAS = flags.DEFINE_list(
    "sigmas_mm", [], "Noise on the depths to score at, by commas."
)
_SKIP_LIMIT = flags.DEFINE_integer(
    "skip_limit", 10, "Bad clips that may be skipped."
)
_IMAGE = flags.DEFINE_string("image", None, "Run of an image network.")
_PEOPLE = flags.DEFINE_string(
    "people", None, "Folder that tools.prepare wrote, with poses."
)
_INPUT_SIZE = flags.DEFINE_integer(
    "input_size", None, "Side of the crops; the image network's by default."
)


def main():
    if bool(_IMAGE.value) != bool(_PEOPLE.value):
        raise ValueError("--image and --people go together.")
    if not _MOCAP.value and not _PEOPLE.value:
        raise ValueError("Name what to score on: --mocap, --people, or both.")
    rows = []
    if _MOCAP.value:
        rows = _motion_rows()
        _print_motion(rows)
    if _PEOPLE.value:
        found = _people_rows()
        _print_people(found)
        rows = [*rows, *found]
    print(json.dumps({"rows": rows}))


def _motion_rows():
    sigmas = _common.numbers(_SIGMAS, float) or [None]
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
    return rows


def _people_rows():
    predict, config = image.load_predict(_IMAGE.value)
    found = lifted.found_people(
        predict,
        _PEOPLE.value,
        input_size=_INPUT_SIZE.value or config.model.input_size,
    )
    poses = {
        "read-out": lifted.read_out(
            found["keypoints"], volumes.DEPTH_UNIT_MM * found["ordinal_depth"]
        )
    }
    for run in _RUN.value:
        poses[run] = reconstruction.lift_found(run, found)
    return [
        {"run": name, "set": "people", **lifted.figures(found, pose)}
        for name, pose in poses.items()
    ]


def _print_motion(rows):
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
    print(_common.columns(lines))


def _print_people(rows):
    columns = ("order_given", "order_pose", "mpjpe", "pa_mpjpe")
    lines = [("run", "poses", "order given", "order of pose", "MPJPE", "PA")]
    for row in rows:
        cells = (f"{row[column]:.1f}" for column in columns)
        lines.append((row["run"], str(row["poses"]), *cells))
    print(_common.columns(lines))


if __name__ == "__main__":
    _common.run(main)
