"""Files after what users of such software reported, where they are at hand."""

import json
import shutil

import numpy as np
import pytest

from ordinal_tf import skeleton
from ordinal_tf.data.readers import coco, lsp

PEOPLE = {
    "coco_30_boxes_without_keypoints": 4,
    "coco_NaN_where_v_is_0": 4,
    "coco_bbox_empty_list": 4,
    "coco_category_id_is_1.0": 4,
    "coco_category_id_is_a_string": 4,
    "coco_crowdpose_head": 1,
    "coco_extra_joint": 4,
    "coco_names_Title_Case": 4,
    "coco_person_and_dog": 4,
    "coco_utf8_bom": 4,
    "label_studio_coco_export": 4,
}


@pytest.fixture
def folder(shared_data, checkout, tmp_path):
    """A function of a case's name that returns a folder to read."""

    def make(name):
        (case,) = (shared_data / "cases").glob(f"{name}*")
        source = tmp_path / "mine"
        # The cases are about the demo's pictures.
        shutil.copytree(checkout / "demo" / "photos", source / "images")
        file = case / "annotations.json" if case.is_dir() else case
        shutil.copy(file, source / "annotations.json")
        return source

    return make


@pytest.mark.parametrize("name", PEOPLE)
def test_people_of_a_case(folder, checkout, name):
    said = []
    photos = coco.read_custom(folder(name), report=said.append)
    assert len(photos) == PEOPLE[name]
    truth = json.loads((checkout / "demo" / "labels.json").read_text())
    own = [j for j in photos.source.joints if j in skeleton.H36M17.joints]
    for row, path in enumerate(photos.paths):
        points = np.array(truth[path.rpartition("/")[2]]["keypoints"])
        for joint in own:
            k = skeleton.H36M17.index(joint)
            if photos.keypoint_mask[row, k]:
                # Label Studio's file has whole pixels.
                np.testing.assert_allclose(
                    photos.keypoints[row, k], points[k], atol=1.0
                )
    assert all("skipped" not in line for line in said)


def test_lsp_extended_as_published(shared_data):
    (case,) = (shared_data / "cases").glob("lspet_joints_mat*")
    photos = lsp.read_lsp(case)
    assert len(photos) == 1 and photos.keypoint_mask.all()
    # The first and the last row of the file.
    for joint, x in (("right_ankle", 134.65310372), ("head_top", 84.40313541)):
        k = skeleton.H36M17.index(joint)
        assert photos.keypoints[0, k, 0] == pytest.approx(x)


def test_marked_relations(folder, shared_data):
    source = folder("coco_utf8_bom")
    lines = shared_data / "cases" / "relations_utf8_bom.jsonl"
    shutil.copy(lines, source / "relations.jsonl")
    photos = coco.read_custom(source)
    i, j = map(skeleton.H36M17.index, ("left_wrist", "right_wrist"))
    row = [path[-10:] for path in photos.paths].index("000003.jpg")
    assert photos.relation[row, i, j] == 1
    assert photos.relation_mask.sum() == 2
