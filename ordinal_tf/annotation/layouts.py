"""Writes what annotators said, in the two layouts that the readers know.

    OUT/annotations.json, relations.jsonl, images/    docs/own_data.md
    OUT/lsp/joints.mat, ordinal.mat, images/          data/readers/lsp.py

Both hold the pictures whose joints are placed, and the relations of each pair
that most of its annotators agree on. A file is whole or is not there: it is
written under another name, then renamed.
"""

import filecmp
import io
import json
import os
import pathlib
import shutil

import numpy as np
import scipy.io

from ordinal_tf import files
from ordinal_tf.annotation import agreement, project, sorting


def write(folder, told, *, everything=False):
    """Writes both layouts; returns how many `pictures` and `relations`, a dict.

    Args:
        folder: `pathlib.Path` with `images/`, which holds the pictures.
        told: `project.Project`.
        everything: bool, see `agreement.consensus`.
    """
    names = list(told.joints)
    nobody = sorting.relations([], ())
    kept = [
        agreement.consensus(
            list(told.relations(name).values()) or [nobody],
            everything=everything,
        )
        for name in names
    ]
    files.write_text(folder / "annotations.json", _coco(told, names))
    lines = _lines(names, kept)
    files.write_text(folder / "relations.jsonl", "".join(lines))
    _write_published(folder, told, names, kept)
    return {"pictures": len(names), "relations": len(lines)}


def add_picture(data, path):
    """Writes a picture's bytes; `ValueError` where another picture is there."""
    if not path.exists():
        files.write_bytes(path, data)
    elif path.read_bytes() != data:
        raise ValueError(
            f"{path} is another picture than the one that is given now, and "
            "answers are kept by its name; use another folder."
        )


def _coco(told, names):
    category = {"id": 1, "name": "person"}
    category["keypoints"] = list(sorting.JOINTS.joints)
    numbered = list(enumerate(names, start=1))
    content = {
        "images": [{"id": n, "file_name": name} for n, name in numbered],
        "annotations": [
            {"id": n, "image_id": n, "category_id": 1, "iscrowd": 0}
            | {"keypoints": [v for joint in told.joints[name] for v in joint]}
            for n, name in numbered
        ],
        "categories": [category],
    }
    return json.dumps(content)


def _lines(names, kept):
    lines = []
    for name, (relation, mask) in zip(names, kept, strict=True):
        for a, b in np.argwhere(np.triu(mask, 1)):
            line = {
                "image": name,
                "a": sorting.JOINTS.joints[a],
                "b": sorting.JOINTS.joints[b],
                "relation": project.WORDS[int(relation[a, b])],
            }
            lines.append(json.dumps(line) + "\n")
    return lines


def _write_published(folder, told, names, kept):
    """The layout of the published annotations, whose pictures are numbered."""
    published = folder / "lsp"
    (published / "images").mkdir(parents=True, exist_ok=True)
    if not names:
        return
    numbered = {
        f"im{number:05}{pathlib.Path(name).suffix}": folder / "images" / name
        for number, name in enumerate(names, start=1)
    }
    for path in published.glob("images/im*"):
        # Of pictures that had this number in an earlier set.
        source = numbered.get(path.name)
        if source is None or not filecmp.cmp(source, path):
            path.unlink()
    for name, source in numbered.items():
        if not (published / "images" / name).exists():
            _link(source, published / "images" / name)
    joints = np.array([told.joints[name] for name in names], float)
    placed = joints[..., 2] > 0
    joints = np.where(placed[..., None], joints, 0.0)
    joints[..., 2] = placed
    # The published sign is the opposite of ours.
    ord_ = np.stack([np.where(m, -r.astype(float), np.nan) for r, m in kept])
    joints = joints.transpose(2, 1, 0)
    files.write_bytes(published / "joints.mat", _mat(joints=joints))
    files.write_bytes(published / "ordinal.mat", _mat(ord=ord_))


def _mat(**variables):
    data = io.BytesIO()
    scipy.io.savemat(data, variables, do_compression=True)
    return data.getvalue()


def _link(source, target):
    try:
        os.link(source, target)
    except OSError:  # Not every file system has links.
        with files.whole(target) as new:
            shutil.copy2(source, new)
