r"""Writes one SavedModel from an image run and a reconstruction run.

Example:
    python -m tools.export --image_run=runs/lite \
        --reconstruction_run=runs/reconstruction --out=saved_models/lite
"""

from absl import app, flags

from ordinal_tf.export import assemble

from . import _common

_IMAGE_RUN = flags.DEFINE_string(
    "image_run", None, "Folder of tools.train.", required=True
)
_RECONSTRUCTION_RUN = flags.DEFINE_string(
    "reconstruction_run",
    None,
    "Folder of tools.train_reconstruction.",
    required=True,
)
_OUT = flags.DEFINE_string(
    "out", None, "Model folder; a new version goes below it.", required=True
)
_MIRROR = flags.DEFINE_bool(
    "mirror", True, "Average with the mirrored crop: better, half as fast."
)


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    version = assemble.export_runs(
        _IMAGE_RUN.value,
        _RECONSTRUCTION_RUN.value,
        _OUT.value,
        mirror=_MIRROR.value,
    )
    size = sum(p.stat().st_size for p in version.rglob("*") if p.is_file())
    print(f"Wrote {version}, {size / 1e6:.1f} MB, checked against its runs.")


if __name__ == "__main__":
    _common.run(main)
