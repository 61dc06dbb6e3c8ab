r"""Turns a published dataset into checked, sharded records for training.

Example:
    python -m tools.prepare lsp --source=DATA/lspet_ordinal \
        --first=1 --last=5400 --out=prepared/lspet

    python -m tools.prepare synthetic --count=30000 --out=prepared/synthetic

    python -m tools.prepare --validate --out=prepared/lspet

The same command continues a preparation that was stopped.
"""

import functools
import os
import pathlib

from absl import app, flags

from ordinal_tf import skeleton
from ordinal_tf.data.pipeline import streams
from ordinal_tf.data.prepared import cards, cutouts, reading, validate, writing
from ordinal_tf.data.readers import (
    coco,
    h36m,
    h36m_npz,
    h36m_release,
    humaneva,
    lsp,
    mpi_inf_3dhp,
    mpii,
)

from . import _common

_SOURCE = flags.DEFINE_string(
    "source", None, "Folder of the dataset as it was published."
)
_OUT = flags.DEFINE_string(
    "out", None, "Folder to write, or to validate.", required=True
)
_FIRST = flags.DEFINE_integer("first", 1, "First person, from 1.")
_LAST = flags.DEFINE_integer("last", None, "Last person, included.")
_SPLIT = flags.DEFINE_string(
    "split", None, "Part of the dataset; the reader's own default if absent."
)
_SKIP_LIMIT = flags.DEFINE_integer(
    "skip_limit", 20, "Bad records that may be skipped."
)
_CATEGORY = flags.DEFINE_string(
    "category",
    None,
    "coco, custom: name or id of the category to read; by default the one "
    "that has keypoints, or is called person.",
)
_IGNORE_JOINTS = flags.DEFINE_list(
    "ignore_joints", [], "coco, custom: names of joints to leave out."
)
_MARGIN = flags.DEFINE_float(
    "margin", cutouts.MARGIN, "Side of the kept window, in sides of the box."
)
_MAX_SIDE = flags.DEFINE_integer(
    "max_side", cutouts.MAX_SIDE, "Pixels that larger boxes are shrunk to."
)
_QUALITY = flags.DEFINE_integer(
    "quality", cutouts.QUALITY, "Of JPEGs that are encoded again.", 1, 100
)
_COUNT = flags.DEFINE_integer("count", None, "synthetic: people to render.")
_SEED = flags.DEFINE_integer("seed", 0, "synthetic: which people.")
_PRESET = flags.DEFINE_string(
    "preset", "photographs", "synthetic: what the pictures are like."
)
_SIZE = flags.DEFINE_integer("size", 256, "synthetic: side of the pictures.")
_JOINTS = flags.DEFINE_enum(
    "joints",
    "h36m17",
    ["h36m17", "lsp14"],
    "synthetic: where joints are, as Human3.6M or as LSP has them.",
)
_VIEWS = flags.DEFINE_integer(
    "views",
    4,
    "synthetic: pictures of each posed person, from places and in front of "
    "backgrounds of their own; more are faster, and less different.",
    1,
)
_OPTIONS = flags.DEFINE_string(
    "options",
    "{}",
    'synthetic: JSON, such as {"camera": {"roll": 0}}; see docs/synthetic.md.',
)
_POSES = flags.DEFINE_string(
    "poses",
    None,
    "synthetic: your own poses: a folder of .bvh, or .asf and .amc, or an .npz "
    "of (M, 17, 3) mm with y up.",
)
_BACKGROUNDS = flags.DEFINE_string(
    "backgrounds", None, "synthetic: folder of backgrounds without people."
)
_VALIDATE = flags.DEFINE_bool(
    "validate", False, "Check what --out holds, once it is prepared."
)
_PROCESSES = flags.DEFINE_integer(
    "processes", os.cpu_count(), "Parallel processes."
)
_SHARD_RECORDS = flags.DEFINE_integer(
    "shard_records", writing.SHARD_RECORDS, "People per file."
)


def _lsp():
    photos = lsp.read_lsp(
        _SOURCE.value,
        first=_FIRST.value,
        last=_LAST.value,
        skip_limit=_SKIP_LIMIT.value,
    )
    if photos.source is skeleton.MPII16:
        return _photos(
            photos,
            "MPII Human Pose, person crops in the layout of the ordinal "
            "annotations",
            "for research; see the dataset's terms",
        )
    return _photos(
        photos,
        "Leeds Sports Pose, original or extended, in the layout of the "
        "ordinal annotations",
        "for research; the photographs belong to their authors",
    )


def _synthetic():
    # Here, because its body takes a while to load.
    from ordinal_tf.synthetic import people

    if not _COUNT.value or _COUNT.value < 1:
        raise ValueError("Name how many people to render with --count=N.")
    plain = {
        "seed": _SEED.value,
        "size": _SIZE.value,
        "preset": _PRESET.value,
        "joints": _JOINTS.value,
        "views": _VIEWS.value,
    }
    # What the card says of these are names, not the things themselves.
    more, named = {}, {}
    if _OPTIONS.value != "{}":
        more["options"] = _common.parse_json(_OPTIONS.value, "--options")
        named["options"] = _OPTIONS.value
    if _POSES.value:
        more["recorded"] = people.read_poses(_POSES.value)
        named["poses"] = f"{len(more['recorded'])} of {_POSES.value}"
    if _BACKGROUNDS.value:
        more["pictures"] = people.find_pictures(_BACKGROUNDS.value)
        named["pictures"] = f"{len(more['pictures'])} of {_BACKGROUNDS.value}"
    made = streams.RenderedPeople(
        people.SyntheticPeople(**plain, **more),
        "synthetic",
        plain | named,
        0,
        _COUNT.value,
    )
    about = cards.About(
        "People rendered by ordinal_tf.synthetic",
        "free: made of CC0 parts, see docs/synthetic.md",
        {"h36m17": skeleton.H36M17, "lsp14": skeleton.LSP14}[_JOINTS.value],
    )
    return made, about


def _photos(photos, title, licence):
    """People of picture files, and what the card says of them."""
    options = {
        "margin": _MARGIN.value,
        "max_side": _MAX_SIDE.value,
        "quality": _QUALITY.value,
    }
    people = writing.PhotoPeople(photos, _SOURCE.value, options)
    return people, cards.About(
        title, licence, photos.source, photos.left_out, photos.notes
    )


# Readers of pictures on disk: function, what the card says, and the flags
# that it takes besides `--split`. Of videos every copy lacks some, and their
# readers name each.
_READERS = {
    "mpii": (
        mpii.read_mpii,
        "MPII Human Pose, the release of 2016",
        "for research, not commercial",
        (_SKIP_LIMIT,),
    ),
    "coco": (
        coco.read_coco,
        "COCO keypoints",
        "annotations CC BY 4.0; the pictures belong to their authors",
        (_SKIP_LIMIT, _CATEGORY, _IGNORE_JOINTS),
    ),
    "custom": (
        coco.read_custom,
        "Own pictures, COCO keypoints and relations",
        "their owner's",
        (_SKIP_LIMIT, _CATEGORY, _IGNORE_JOINTS),
    ),
    "h36m": (
        h36m.read_h36m,
        "Human3.6M in the layout of the coarse-to-fine code",
        "academic use, see the dataset's terms",
        (_SKIP_LIMIT,),
    ),
    "h36m_npz": (
        h36m_npz.read_h36m_npz,
        "Human3.6M as MMPose packages it",
        "academic use, see the dataset's terms",
        (_SKIP_LIMIT,),
    ),
    "h36m_release": (
        h36m_release.read_h36m_release,
        "Human3.6M, the release itself, 10 frames a second",
        "academic use, see the dataset's terms",
        (),
    ),
    "humaneva": (
        humaneva.read_humaneva,
        "HumanEva-I, walking and jogging",
        "for research, see the dataset's terms",
        (),
    ),
    "mpi_inf_3dhp": (
        mpi_inf_3dhp.read_mpi_inf_3dhp,
        "MPI-INF-3DHP, test set",
        "for research, not commercial",
        (_SKIP_LIMIT,),
    ),
}


def _read(name):
    read, title, licence, own_flags = _READERS[name]
    options = {flag.name: flag.value for flag in own_flags}
    if _SPLIT.value:
        options["split"] = _SPLIT.value
    photos = read(_SOURCE.value, **options)
    first, last = _FIRST.value, _LAST.value or len(photos)
    if not 1 <= first <= last <= len(photos):
        raise ValueError(
            f"{_SOURCE.value} has people 1 to {len(photos)}; the range asked "
            f"for is {first} to {last}."
        )
    photos = photos.take(slice(first - 1, last))
    return _photos(photos, title, licence)


# Each reads its flags and returns the people and a `cards.About`.
_DATASETS = {
    "lsp": _lsp,
    "synthetic": _synthetic,
    **{name: functools.partial(_read, name) for name in _READERS},
}


def main(names):
    if len(names) > 1 or not (names or _VALIDATE.value):
        raise app.UsageError(f"Name one dataset: {', '.join(_DATASETS)}.")
    for name in names:
        _prepare(name)
    if _VALIDATE.value:
        _validate(_OUT.value)


def _prepare(name):
    if name not in _DATASETS:
        raise ValueError(
            f"No dataset is called {name!r}; there are: {', '.join(_DATASETS)}."
        )
    if name != "synthetic" and not _SOURCE.value:
        raise ValueError("Name the dataset's folder with --source=DIR.")
    for flag in (_CATEGORY, _IGNORE_JOINTS):
        if flag.value and name not in ("coco", "custom"):
            raise ValueError(f"--{flag.name} is for coco and custom only.")
    people, about = _DATASETS[name]()
    card = writing.prepare(
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
        f"{_OUT.value}: "
        f"{_common.counted(card['records'], 'person', 'people')} in "
        f"{_common.counted(card['pictures'], 'picture')}, {size / 1e6:.1f} MB "
        f"in {_common.counted(len(card['shards']), 'shard')}. Look at "
        f"{pathlib.Path(_OUT.value, reading.SHEET)}."
    )


def _validate(folder):
    total = len(reading.open_prepared(folder))
    update = _common.progress_line(total, "validate")
    findings = validate.validate(folder, progress=update)
    for found in findings:
        print(
            f"{'WRONG' if found['wrong'] else 'fine':6}{found['check']:32}"
            f"{found['failed']:6} of {found['tested']} people fail"
        )
        if found["wrong"]:
            names = ", ".join(f"{row} ({n})" for row, n in found["examples"])
            print(f"      {found['meaning']}. Records {names}.")
    wrong = [found for found in findings if found["wrong"]]
    if wrong:
        raise ValueError(
            f"{folder} looks wrong: "
            f"{'; '.join(found['meaning'] for found in wrong)}."
        )
    print(f"{folder}: nothing looks wrong.")


if __name__ == "__main__":
    _common.run(main)
