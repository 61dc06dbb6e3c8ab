"""Reads LSP and MPII in the layout of the published ordinal annotations.

A folder holds `images/`, `joints.mat` (`joints`, 3 x J x M: x, y, flag; in
LSP-Extended's own file J x 3 x M) and, unless only 2D is wanted, `ordinal.mat`
(`ord`, M x J x J with NaN). J = 14 is LSP, J = 16 MPII. The number in a
picture's name is its row, from 1: the release has
`lsp_dataset_original/images/im0001.jpg` (M = 2000) and
`mpii_upis1h/images/00001_full.jpg` (M = 13030); LSP-Extended, without
relations, has `im00001.jpg`.

What the flag says depends on who wrote the file. In LSP-Extended it is 1
where a joint is annotated, and other joints have no place. LSP's own marks
joints that are hidden, and all are annotated. In MPII it is visibility, and
joints without annotation have no place.

Source: project page of arXiv:1805.04095, and READMEs of LSP and LSP-Extended
(Johnson and Everingham).
"""

import concurrent.futures
import itertools
import pathlib
import re

import numpy as np
import tensorflow as tf

from ordinal_tf import geometry, ordinal, skeleton
from ordinal_tf.data.files import existing, matlab
from ordinal_tf.data.readers import labels

_SKELETONS = {14: skeleton.LSP14, 16: skeleton.MPII16}


def read_lsp(folder, *, first=1, last=None, skip_limit=0, report=print):
    """Reads labels and checks that every picture decodes.

    Args:
        folder: path of the dataset.
        first, last: rows to read, counted from 1, both included; the last
            row by default.
        skip_limit, report: see `labels.BadRecords`; a record is bad where its
            picture is missing or truncated, it has no usable joint, or
            contradictory relations.

    Returns:
        `labels.LabelledPhotos`; boxes are `geometry.box_around` the joints.

    Raises:
        ValueError: see `readers`; also, the range is empty.
    """
    folder = pathlib.Path(folder)
    joints, extended = _read_joints(folder / "joints.mat")
    source = _SKELETONS[joints.shape[1]]
    total = len(joints)
    last = total if last is None else last
    if not 1 <= first <= last <= total:
        raise ValueError(
            f"{folder} has images 1 to {total}; the range asked for is "
            f"{first} to {last}."
        )
    known = _annotated(joints, extended)
    relation, relation_mask, strange = _read_relations(folder, source, total)
    contradictory = ordinal.contradictory(relation)
    numbered = _number_pictures(folder / "images")

    chosen = slice(first - 1, last)
    pictures = [numbered.get(number) for number in range(first, last + 1)]
    bad = labels.BadRecords(str(folder), skip_limit, report)
    rows = bad.sound(
        lambda row: f"row {first + row} of {folder}: ",
        _check_pictures(pictures, first),
        labels.where(
            known[chosen].sum(-1) < 2,
            "joints.mat has fewer than two visible joints, so there is no box.",
        ),
        labels.where(
            strange[chosen],
            "ordinal.mat holds something else than -1, 0, +1 and, where a "
            "pair is not annotated, NaN.",
        ),
        labels.where(
            contradictory[chosen],
            "ordinal.mat is not antisymmetric: ord(i, j) must be -ord(j, i).",
        ),
    )
    bad.finish(rows)

    paths = [str(pictures[row]) for row in rows]
    rows = np.array(rows) + first - 1
    to_body = skeleton.mapping(source, skeleton.H36M17)
    keypoints, keypoint_mask = to_body.points(joints[rows, :, :2], known[rows])
    relation, relation_mask = to_body.relations(
        relation[rows], relation_mask[rows]
    )
    return labels.labelled(
        folder.resolve().name,
        paths,
        geometry.box_around(joints[rows, :, :2], known[rows]),
        keypoints=keypoints,
        keypoint_mask=keypoint_mask,
        relation=relation,
        relation_mask=relation_mask,
        source=source,
        left_out=bad.left_out,
    )


def _read_joints(path):
    """`(M, J, 3)`, and whether the layout is LSP-Extended's own."""
    need = "images/, joints.mat and, for relations, ordinal.mat"
    existing.file(path, f"the folder needs {need}")
    joints = matlab.read_numbers(path, "joints")
    if joints.ndim == 2:  # MATLAB drops the last axis where M is 1.
        joints = joints[..., None]
    shape = joints.shape[:2]
    if joints.ndim == 3 and shape[0] == 3 and shape[1] in _SKELETONS:
        return np.transpose(joints, (2, 1, 0)), False
    if joints.ndim == 3 and shape[1] == 3 and shape[0] in _SKELETONS:
        return np.transpose(joints, (2, 0, 1)), shape[0] == len(skeleton.LSP14)
    raise ValueError(
        f"{path}: `joints` must be 3 x 14 x M (LSP), 14 x 3 x M "
        f"(LSP-Extended) or 3 x 16 x M (MPII). Found: {joints.shape}."
    )


def _annotated(joints, extended):
    """Which joints have a place, `(M, J)` bool, from `(M, J, 3)` rows."""
    flag = joints[..., 2] > 0
    finite = (np.abs(joints) < 1e5).all(-1)  # Not NaN, not damaged.
    placed = finite & (joints[..., :2] > 0).all(-1)
    if joints.shape[1] == len(skeleton.MPII16):
        return placed
    if extended:
        return flag & finite
    # In LSP's own file most joints are visible, so most flags are 0; in
    # LSP-Extended no joint with flag 0 has a place.
    marks_hidden = (placed & ~flag).sum() > (placed & flag).sum()
    return placed if marks_hidden else flag & finite


def _read_relations(folder, source, total):
    """`(M, J, J)` relations, symmetric mask, and `(M)` rows with bad values.

    Nothing is annotated without ordinal.mat, nor in a bad row.
    """
    shape = (total, len(source), len(source))
    if not (folder / "ordinal.mat").exists():
        return np.zeros(shape, np.int8), np.zeros(shape, bool), [False] * total
    published = matlab.read_numbers(folder / "ordinal.mat", "ord")
    if published.shape != shape:
        raise ValueError(
            f"{folder / 'ordinal.mat'}: `ord` must be M x J x J = {shape}, as "
            f"in joints.mat. Found: {published.shape}."
        )
    published = published.astype(np.float64)
    allowed = np.isnan(published) | np.isin(published, (-1, 0, 1))
    strange = ~allowed.all(axis=(1, 2))
    published[strange] = np.nan
    return *ordinal.relations_from_published(published), strange


def _number_pictures(folder):
    """Pictures by the number in their name."""
    if not folder.is_dir():
        raise ValueError(f"{folder} is missing; it must hold the pictures.")
    found = {}
    for path in sorted(folder.iterdir()):
        digits = re.findall(r"[0-9]+", path.stem)
        if path.suffix.lower() not in (".jpg", ".jpeg", ".png") or not digits:
            continue
        number = int(digits[-1])
        if number in found:
            raise ValueError(
                f"{folder} has two pictures with the number {number}: "
                f"{found[number].name} and {path.name}; remove one."
            )
        found[number] = path
    if not found:
        raise ValueError(
            f"{folder} holds no picture whose name has its number, such as "
            "im00001.jpg."
        )
    return found


def _check_pictures(paths, first):
    """One sentence per path that does not decode, None for the others."""

    def check(number, path):
        if path is None:
            return f"images/ has no picture number {number}."
        try:
            tf.io.decode_image(path.read_bytes(), 3, expand_animations=False)
        except (tf.errors.InvalidArgumentError, OSError) as error:
            reason = str(error).splitlines()[0]
            return f"{path} is not a whole picture ({reason})."
        return None

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return list(pool.map(check, itertools.count(first), paths))
