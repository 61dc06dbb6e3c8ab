r"""Trains the image network on photographs with 2D and ordinal labels.

Example:
    python -m tools.train --config=configs/lite.py \
        --config.data.lsp=DATA/lspet_ordinal --workdir=runs/lite

The same command continues a run that was stopped.
"""

from ordinal_tf.training import image

from . import _common, _training


def _figures(summary):
    return (
        f"PCK@0.2 {summary['pck']:.1f} %, ordinal accuracy "
        f"{summary['ordinal_accuracy']:.1f} % on {summary['photos']} held-out "
        "photographs"
    )


main = _training.program("lite", image, _figures)

if __name__ == "__main__":
    _common.run(main)
