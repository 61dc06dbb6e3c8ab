r"""Turns a published dataset into checked, sharded records for training.

Example:
    python -m tools.prepare lsp --source=DATA/lspet_ordinal \
        --first=1 --last=5400 --out=prepared/lspet

    python -m tools.prepare --validate --out=prepared/lspet

The same command continues a preparation that was stopped.
"""

import os
import pathlib

import scipy.io
from absl import app, flags

from ordinal_tf import skeleton
from ordinal_tf.data import cards, lsp, prepare, windows

from . import _common

_SOURCE = flags.DEFINE_string(
    "source", None, "Folder of the dataset as it was published."
)
_OUT = flags.DEFINE_string(
    "out", None, "Folder to write, or to validate.", required=True
)
_FIRST = flags.DEFINE_integer("first", 1, "First person, from 1.")
_LAST = flags.DEFINE_integer("last", None, "Last person, included.")
_SKIP_LIMIT = flags.DEFINE_integer(
    "skip_limit", 20, "Bad records that may be skipped."
)
_MARGIN = flags.DEFINE_float(
    "margin", windows.MARGIN, "Side of the kept window, in sides of the box."
)
_MAX_SIDE = flags.DEFINE_integer(
    "max_side", windows.MAX_SIDE, "Pixels that larger boxes are shrunk to."
)
_QUALITY = flags.DEFINE_integer(
    "quality", windows.QUALITY, "Of JPEGs that are encoded again.", 1, 100
)
_PROCESSES = flags.DEFINE_integer(
    "processes", os.cpu_count(), "Parallel processes."
)
_SHARD_RECORDS = flags.DEFINE_integer(
    "shard_records", prepare.SHARD_RECORDS, "People per file."
)


def _lsp():
    folder = pathlib.Path(_SOURCE.value)
    photos = lsp.read_lsp(
        folder,
        first=_FIRST.value,
        last=_LAST.value,
        skip_limit=_SKIP_LIMIT.value,
    )
    (shape,) = (
        shape
        for name, shape, _ in scipy.io.whosmat(folder / "joints.mat")
        if name == "joints"
    )
    if shape[1] == len(skeleton.MPII16):
        return _photos(
            photos,
            "MPII Human Pose, person crops in the layout of the ordinal "
            "annotations",
            "for research; see the dataset's terms",
            skeleton.MPII16,
        )
    return _photos(
        photos,
        "Leeds Sports Pose, original or extended, in the layout of the "
        "ordinal annotations",
        "for research; the photographs belong to their authors",
        skeleton.LSP14,
    )


def _photos(photos, title, licence, source):
    """People of picture files, and what the card says of them."""
    options = {
        "margin": _MARGIN.value,
        "max_side": _MAX_SIDE.value,
        "quality": _QUALITY.value,
    }
    people = prepare.PhotoPeople(photos, _SOURCE.value, options)
    return people, cards.About(title, licence, source)


# Each reads its flags and returns the people and a `cards.About`.
_DATASETS = {"lsp": _lsp}


def main(argv):
    names = ", ".join(_DATASETS)
    if len(argv) != 2:
        raise app.UsageError(f"Name one dataset: {names}.")
    if argv[1] not in _DATASETS:
        raise ValueError(
            f"No dataset is called {argv[1]!r}; there are: {names}."
        )
    if not _SOURCE.value:
        raise ValueError("Name the dataset's folder with --source=DIR.")
    people, about = _DATASETS[argv[1]]()
    card = prepare.prepare(
        people,
        _OUT.value,
        about=about,
        processes=_PROCESSES.value,
        shard_records=_SHARD_RECORDS.value,
        skip_limit=_SKIP_LIMIT.value,
        progress=_common.progress_line(len(people), "prepare"),
    )
    size = sum(shard["bytes"] for shard in card["shards"])
    print(
        f"Wrote {_OUT.value}: {card['records']} people in {card['pictures']} "
        f"pictures, {size / 1e6:.1f} MB in {len(card['shards'])} shards; look "
        "at sheet.png."
    )


if __name__ == "__main__":
    _common.run(main)
