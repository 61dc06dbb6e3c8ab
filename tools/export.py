r"""Writes one SavedModel from an image run and a reconstruction run.

With --model in place of the two runs, an exported model is written again,
with the graph of this version around the same weights.

Example:
    python -m tools.export --image_run=runs/lite \
        --reconstruction_run=runs/reconstruction --out=saved_models/lite
"""

from absl import flags

from ordinal_tf import paths
from ordinal_tf.export import assemble, fold
from ordinal_tf.training import runs

from . import _common

_IMAGE_RUN = flags.DEFINE_string("image_run", None, "Folder of tools.train.")
_RECONSTRUCTION_RUN = flags.DEFINE_string(
    "reconstruction_run", None, "Folder of tools.train_reconstruction."
)
_MODEL = flags.DEFINE_string(
    "model", None, "Exported model to write again, in place of the runs."
)
_OUT = flags.DEFINE_string(
    "out", None, "Model folder; a new version goes below it.", required=True
)
_WEIGHTS = flags.DEFINE_enum(
    "weights",
    "last",
    list(runs.KINDS),
    "Which of the image run's: its last, those that scored best, or the "
    "averages that train.ema keeps.",
)
_RECONSTRUCTION_WEIGHTS = flags.DEFINE_enum(
    "reconstruction_weights",
    "last",
    list(runs.KINDS),
    "The same of the reconstruction run.",
)
_MIRROR = flags.DEFINE_bool(
    "mirror", True, "Average with the mirrored crop: better, half as fast."
)
_PRECISION = flags.DEFINE_enum(
    "precision",
    "float32",
    fold.PRECISIONS,
    "In which the image network keeps its weights and computes. The half ones "
    "make the file smaller; faster only where the processor has them.",
)
_VERSION = flags.DEFINE_integer(
    "version",
    None,
    "Version to write, never one that exists; the next by default.",
    lower_bound=1,
)
_WARM_UP = flags.DEFINE_bool(
    "warm_up",
    True,
    "Add the requests that TF-Serving runs before it announces the version; "
    "needs the package tensorflow-serving-api.",
)


def main():
    where = {"version": _VERSION.value, "warm_up": _WARM_UP.value}
    given = (_IMAGE_RUN.value, _RECONSTRUCTION_RUN.value)
    if _MODEL.value and not any(given):
        model = paths.find_model(_MODEL.value)
        version = assemble.export_again(model, _OUT.value, **where)
    elif all(given) and not _MODEL.value:
        version = assemble.export_runs(
            *given,
            _OUT.value,
            weights=_WEIGHTS.value,
            reconstruction_weights=_RECONSTRUCTION_WEIGHTS.value,
            mirror=_MIRROR.value,
            precision=_PRECISION.value,
            **where,
        )
    else:
        raise ValueError(
            "Name what to export: --image_run and --reconstruction_run, or "
            "else --model."
        )
    size = sum(p.stat().st_size for p in version.rglob("*") if p.is_file())
    print(
        f"Wrote {version}, {size / 1e6:.1f} MB, checked against its networks."
    )


if __name__ == "__main__":
    _common.run(main)
