r"""A page that asks of photographs which joint is closer, as the paper did.

Example:
    python -m tools.annotate --images=photos --out=mine

Keeps every answer in OUT/answers.jsonl as it is given. From these follow, at
the end and whenever somebody asks the page, OUT/annotations.json and
OUT/relations.jsonl beside OUT/images, and the published layout in OUT/lsp.
"""

import logging
import pathlib

import numpy as np
from absl import flags

import ordinal_tf
from ordinal_tf import skeleton
from ordinal_tf.annotation import journal, layouts, project, sorting
from ordinal_tf.data.files import photos
from ordinal_tf.data.readers import coco, lsp

from . import _common

_IMAGES = flags.DEFINE_multi_string(
    "images", None, "Picture or folder of pictures; may be repeated."
)
_LABELS = flags.DEFINE_string(
    "labels",
    None,
    "Instead, a folder whose pictures have 2D joints: annotations.json, or "
    "joints.mat of LSP or MPII.",
)
_OUT = flags.DEFINE_string(
    "out", None, "Folder for the answers and what follows.", required=True
)
_MODEL = flags.DEFINE_string(
    "model",
    "lite",
    "Model that proposes joints and answers; empty for no proposals.",
)
_GROUP = flags.DEFINE_integer(
    "in_a_row", 50, "So many pictures in a row are asked about a pair.", 1
)
_PAIRS = flags.DEFINE_enum(
    "pairs",
    "sure",
    ["sure", "all"],
    "Relations to write: those that were asked about or follow for certain, "
    "or the whole order.",
)
_HOST = flags.DEFINE_string(
    "host", "127.0.0.1", "Address to listen on. There is no authentication."
)
_PORT = flags.DEFINE_integer("port", 8700, "0 for a free one.", 0, 65535)


def main():
    if bool(_IMAGES.value) == bool(_LABELS.value):
        raise ValueError("Give `--images` or `--labels`, one of them.")
    with _common.needing("web", "the pages need"):
        from ordinal_tf.web import annotate, pages
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
    out = pathlib.Path(_OUT.value)
    (out / "images").mkdir(parents=True, exist_ok=True)
    kept = journal.Journal(out / "answers.jsonl")
    try:
        if kept.removed:
            print(
                "The last answer was cut off while it was written; asked again."
            )
        sources, given = _sources()
        names = _copy(sources, out / "images")
        told = project.Project(
            names,
            kept,
            given={names[row]: joints for row, joints in given.items()},
            group=_GROUP.value,
        )
        predictor = ordinal_tf.load(_MODEL.value) if _MODEL.value else None
        everything = _PAIRS.value == "all"
        application = annotate.make_app(
            told,
            out,
            predictor=predictor,
            everything=everything,
            host=_HOST.value,
        )
        pages.run(
            application,
            host=_HOST.value,
            port=_PORT.value,
            ready=lambda url: print(
                f"{_common.counted(len(names), 'picture')} at {url} (Ctrl-C "
                "ends)",
                flush=True,
            ),
        )
        counts = layouts.write(out, told, everything=everything)
    finally:
        kept.close()
    print(
        f"Wrote {_common.counted(counts['relations'], 'relation')} of "
        f"{_common.counted(counts['pictures'], 'picture')} to {out}."
    )


def _sources():
    """Pictures, and the joints of those (by place) that have them."""
    if _IMAGES.value:
        return photos.find_photos(_IMAGES.value), {}
    folder = pathlib.Path(_LABELS.value)
    read = (
        lsp.read_lsp if (folder / "joints.mat").exists() else coco.read_custom
    )
    labelled = read(folder)
    to_joints = skeleton.mapping(skeleton.H36M17, sorting.JOINTS)
    points, known = to_joints.points(labelled.keypoints, labelled.keypoint_mask)
    joints = np.concatenate([points, 2.0 * known[..., None]], -1)
    paths = [pathlib.Path(path) for path in labelled.paths]
    return paths, {
        row: joints[row].round(2).tolist()
        for row in range(len(paths))
        if known[row].sum() > 1
    }


def _copy(sources, folder):
    """Copies pictures to where the labels will lie; returns their names.

    As JPEG or PNG, and upright: so does the browser show them, and so does
    every reader of the labels.
    """
    names = {}
    for path in _common.progress(sources, label="pictures"):
        data = photos.encode_for_graph(path)
        suffixes = [".png"] if data[:4] == b"\x89PNG" else [".jpg", ".jpeg"]
        alike = path.suffix.lower() in suffixes
        name = path.name if alike else path.stem + suffixes[0]
        if name in names:
            raise ValueError(
                f"{path} and {names[name]} would both be called {name}, and "
                "answers are kept by name (one person a picture); rename one."
            )
        names[name] = path
        layouts.add_picture(data, folder / name)
    return list(names)


if __name__ == "__main__":
    _common.run(main)
