r"""Trains the network from 2D joints and ordinal depths to 3D poses.

Example:
    python -m tools.train_reconstruction --config=configs/reconstruction.py \
        --config.data.mocap=DATA/mocap --workdir=runs/reconstruction

The same command continues a run that was stopped.
"""

from ordinal_tf.training import reconstruction

from . import _common, _training


def _figures(summary):
    errors = ", ".join(
        f"{name} {scored['mpjpe']:.1f} mm"
        for name, scored in summary["test"].items()
    )
    return f"MPJPE {errors}"


main = _training.program("reconstruction", reconstruction, _figures)

if __name__ == "__main__":
    _common.run(main)
