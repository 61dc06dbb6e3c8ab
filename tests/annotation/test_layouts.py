"""What is written, read back by the package's own readers."""

import json
import pathlib

import numpy as np
import pytest
import scipy.io

from ordinal_tf import skeleton
from ordinal_tf.annotation import journal, layouts, project, sorting
from ordinal_tf.data.readers import coco, lsp
from tests import lsp_files

NAMES = ["kick.png", "3 jumps.png", "run.png"]
ORDER = ["run.png", "kick.png"]  # In which their joints were placed.
TO_OURS = skeleton.mapping(sorting.JOINTS, skeleton.H36M17)


@pytest.fixture
def told(tmp_path):
    """Two of three pictures placed, the second before the first."""
    (tmp_path / "images").mkdir()
    rng = np.random.default_rng(0)
    for name in NAMES:
        picture = rng.integers(0, 255, (60, 80, 3), np.uint8)
        lsp_files.write_picture(tmp_path / "images" / name, picture)
    kept = journal.Journal(tmp_path / "answers.jsonl")
    made = project.Project(NAMES, kept)
    points = lsp_files.standing(sorting.JOINTS.joints) * 50 + 5
    for shift, name in enumerate(ORDER):
        joints = [[x + shift, y, 2] for x, y in points.tolist()]
        joints[3] = [0, 0, 0]
        joints[4][2] = 1
        made.place("ann", name, joints, 0)
    yield made
    kept.close()


def answer(told, who, image, pairs):
    for (a, b), relation in pairs.items():
        told.answer(who, image, a, b, relation)


def test_both_readers_read_what_was_said(told, tmp_path):
    # The two questions that the sort begins with, by hand.
    first = {("right_hip", "neck"): "closer", ("neck", "head_top"): "farther"}
    for who in ("ann", "bob"):
        answer(told, who, "kick.png", first)
    told.answer("cat", "kick.png", "right_hip", "neck", "farther")
    counts = layouts.write(tmp_path, told)
    said = []
    own = coco.read_custom(tmp_path, report=said.append)
    published = lsp.read_lsp(tmp_path / "lsp", report=said.append)
    assert not said and counts["pictures"] == 2
    assert [p.rpartition("/")[2] for p in own.paths] == ORDER
    assert [p.rpartition("/")[2] for p in published.paths] == [
        "im00001.png",
        "im00002.png",
    ]
    for path, name in zip(published.paths, ORDER, strict=True):
        data = (tmp_path / "images" / name).read_bytes()
        assert pathlib.Path(path).read_bytes() == data
    joints = np.array([told.joints[name] for name in ORDER])
    for photos in (own, published):
        expected, mask = TO_OURS.points(joints[..., :2], joints[..., 2] > 0)
        np.testing.assert_allclose(photos.keypoints, expected, rtol=1e-6)
        np.testing.assert_array_equal(photos.keypoint_mask, mask)
    np.testing.assert_array_equal(own.relation, published.relation)
    np.testing.assert_array_equal(own.relation_mask, published.relation_mask)
    thorax, hip = (skeleton.H36M17.index(j) for j in ("thorax", "right_hip"))
    assert own.relation[1, hip, thorax] == 1  # Two against one.
    assert own.relation_mask[1, hip, thorax]
    assert not own.relation_mask[0].any()


def test_the_published_sign_and_shape(told, tmp_path):
    told.answer("ann", "run.png", "right_hip", "neck", "closer")
    layouts.write(tmp_path, told)
    ord_ = scipy.io.loadmat(tmp_path / "lsp" / "ordinal.mat")["ord"]
    joints = scipy.io.loadmat(tmp_path / "lsp" / "joints.mat")["joints"]
    assert ord_.shape == (2, 14, 14) and joints.shape == (3, 14, 2)
    hip, neck = map(skeleton.LSP14.index, ("right_hip", "neck"))
    # The release: -1 where the first has the smaller depth.
    assert ord_[0, hip, neck] == -1 and ord_[0, neck, hip] == 1
    assert np.isnan(ord_[1]).all() and np.isnan(ord_[0]).sum() == 194
    assert joints[:, 3, 0].tolist() == [0, 0, 0]


def test_pairs_that_people_are_split_over_are_left_out(told, tmp_path):
    told.answer("ann", "run.png", "right_hip", "neck", "closer")
    told.answer("bob", "run.png", "neck", "right_hip", "closer")
    assert layouts.write(tmp_path, told)["relations"] == 0
    assert (tmp_path / "relations.jsonl").read_text() == ""
    told.answer("cat", "run.png", "right_hip", "neck", "equal")
    told.answer("dan", "run.png", "right_hip", "neck", "equal")
    assert layouts.write(tmp_path, told)["relations"] == 1
    line = json.loads((tmp_path / "relations.jsonl").read_text())
    assert line == {
        "image": "run.png",
        "a": "right_hip",
        "b": "neck",
        "relation": "equal",
    }


def test_writing_again_replaces_and_leaves_nothing_behind(told, tmp_path):
    layouts.write(tmp_path, told)
    files = sorted(p for p in tmp_path.rglob("*") if p.is_file())
    stale = tmp_path / "lsp" / "images" / "im00009.jpg"
    stale.write_bytes(b"of an earlier set")
    layouts.write(tmp_path, told)
    assert sorted(p for p in tmp_path.rglob("*") if p.is_file()) == files
    assert not [p for p in files if p.name.startswith("new_")]


def test_nothing_said_is_nothing_to_train_with(tmp_path):
    (tmp_path / "images").mkdir()
    kept = journal.Journal(tmp_path / "answers.jsonl")
    empty = project.Project(NAMES, kept)
    assert layouts.write(tmp_path, empty) == {"pictures": 0, "relations": 0}
    kept.close()
    with pytest.raises(ValueError, match="no usable record"):
        coco.read_custom(tmp_path)
