"""COCO keypoints and relations by hand: their meaning, and bad input."""

import json

import numpy as np
import pytest

from ordinal_tf import skeleton
from ordinal_tf.data.readers import coco
from tests import coco_files

H36M, COCO = skeleton.H36M17, skeleton.COCO17


def quiet(text):
    del text


def read(folder, **options):
    return coco.read_custom(folder, report=quiet, **options)


@pytest.fixture
def data():
    return coco_files.content()


def relate(a, b, relation, image="photo0.jpg", **more):
    return {"image": image, "a": a, "b": b, "relation": relation} | more


def test_joints_go_by_name(tmp_path, data):
    photos = read(coco_files.write(tmp_path / "mine", data))
    assert photos.name == "mine" and len(photos) == 2
    assert [path[-10:] for path in photos.paths] == ["photo0.jpg", "photo1.jpg"]
    points = coco_files.standing(2)
    for joint in set(H36M.joints) & set(COCO.joints):
        np.testing.assert_allclose(
            photos.keypoints[:, H36M.index(joint)],
            points[:, COCO.index(joint)],
            rtol=1e-6,
        )
    hips = [COCO.index("left_hip"), COCO.index("right_hip")]
    np.testing.assert_allclose(
        photos.keypoints[:, H36M.root], points[:, hips].mean(1), rtol=1e-6
    )
    lacking = ~photos.keypoint_mask
    assert (lacking == (np.array(H36M.joints) == "head_top")).all()
    assert not photos.depth_mask.any() and not photos.relation_mask.any()
    # The bbox is the extent of the joints here: 1.1 times its longer side.
    low, high = points.min(1), points.max(1)
    np.testing.assert_allclose(photos.boxes[:, :2], (low + high) / 2, rtol=1e-5)
    side = 1.1 * (high - low).max(-1)
    np.testing.assert_allclose(photos.boxes[:, 2], side, rtol=1e-5)


def test_unlabelled_joints_people_and_crowds(tmp_path, data):
    points = coco_files.standing()[0]
    wrist, ear = COCO.index("left_wrist"), COCO.index("left_ear")
    visible = np.full(17, 2)
    visible[wrist], visible[COCO.index("nose")] = 0, 1
    only_ear = np.zeros(17, int)
    only_ear[ear] = 2
    data["annotations"] = [
        coco_files.annotation(7, 100, points, visible=0),
        coco_files.annotation(8, 100, points, visible=only_ear),
        coco_files.annotation(9, 100, points, iscrowd=1),
        coco_files.annotation(10, 100, points, category_id=2),
        coco_files.annotation(11, 100, points, visible=visible, bbox=None),
    ]
    photos = read(coco_files.write(tmp_path / "mine", data))
    assert len(photos) == 1
    # Hidden joints are labelled, those with v = 0 are not.
    assert photos.keypoint_mask[0, H36M.index("nose")]
    assert not photos.keypoint_mask[0, H36M.index("left_wrist")]
    # Without a bbox the box is 1.25 times the extent of the labelled joints.
    known = points[visible > 0]
    side = 1.25 * np.ptp(known, axis=0).max()
    np.testing.assert_allclose(photos.boxes[0, 2], side, rtol=1e-5)


def test_relations_by_hand(tmp_path, data):
    folder = coco_files.write(
        tmp_path / "mine",
        data,
        relations=[
            relate("left_wrist", "right_knee", "closer"),
            "",
            relate("right_wrist", "nose", "farther"),
            relate("left_hip", "left_ankle", "equal"),
            relate("right_hip", "left_ankle", "equal"),
            # Said twice, and of a joint that only we have.
            relate("right_knee", "left_wrist", "farther"),
            relate("thorax", "left_knee", "closer", image="photo1.jpg"),
        ],
    )
    photos = read(folder)

    def pair(row, a, b):
        place = row, H36M.index(a), H36M.index(b)
        return photos.relation[place], photos.relation_mask[place]

    assert pair(0, "left_wrist", "right_knee") == (1, True)
    assert pair(0, "right_knee", "left_wrist") == (-1, True)
    assert pair(0, "right_wrist", "nose") == (-1, True)
    assert pair(0, "left_hip", "left_ankle") == (0, True)
    # Both hips are about as deep as the ankle, so the pelvis is.
    assert pair(0, "pelvis", "left_ankle") == (0, True)
    assert pair(1, "thorax", "left_knee") == (1, True)
    assert photos.relation_mask.sum() == 2 * (5 + 1)
    np.testing.assert_array_equal(
        photos.relation, -np.swapaxes(photos.relation, 1, 2)
    )


def test_relations_of_two_people_in_one_picture(tmp_path, data):
    points = coco_files.standing(2)
    data["annotations"] = [
        coco_files.annotation(5, 100, points[0]),
        coco_files.annotation(6, 100, points[1]),
    ]
    line = relate("left_wrist", "right_knee", "closer", person=6)
    photos = read(coco_files.write(tmp_path / "m", data, relations=[line]))
    assert photos.relation_mask.any((1, 2)).tolist() == [False, True]
    del line["person"]
    with pytest.raises(ValueError, match='shows 2 people; say .*"person": 5'):
        read(coco_files.write(tmp_path / "m", data, relations=[line]))


def test_other_joint_sets_and_splits(tmp_path):
    lsp = skeleton.LSP14
    data = coco_files.content(1, joints=lsp.joints)
    points = coco_files.standing()[0][:14]
    data["annotations"] = [coco_files.annotation(1, 100, points)]
    folder = coco_files.write(tmp_path / "mine", data)
    for name in ("annotations.json",):
        (folder / name).rename(folder / "annotations_val.json")
    photos = read(folder, split="val")
    assert coco.custom_skeleton(folder, split="val") is lsp
    for joint in ("head_top", "left_knee"):
        np.testing.assert_allclose(
            photos.keypoints[0, H36M.index(joint)],
            points[lsp.index(joint)],
            rtol=1e-6,
        )
    # The neck stands for the thorax, as in LSP's own files.
    assert photos.keypoint_mask.all()
    with pytest.raises(ValueError, match=r"annotations\.json is missing"):
        read(folder)


def test_the_published_layout(tmp_path, data):
    folder = coco_files.write(tmp_path / "mine", data)
    (folder / "annotations").mkdir()
    (folder / "images").rename(folder / "val2017")
    name = "person_keypoints_val2017.json"
    (folder / "annotations.json").rename(folder / "annotations" / name)
    photos = coco.read_coco(folder, split="val", report=quiet)
    assert photos.name == "coco_val2017" and len(photos) == 2
    with pytest.raises(ValueError, match=r"keypoints_train2017.json is miss"):
        coco.read_coco(folder, report=quiet)


def change(data, path, value):
    """`data` with one place changed; `path` is keys and indices."""
    *parents, last = path
    for key in parents:
        data = data[key]
    if value is None:
        del data[last]
    else:
        data[last] = value


PERSON = ("annotations", 1)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ((*PERSON, "keypoints"), [1.0] * 50, "needs 51 numbers.*Found: 50"),
        ((*PERSON, "keypoints"), None, "needs 51 numbers.*Found: none"),
        ((*PERSON, "keypoints", 3), float("nan"), "nan is no coordinate"),
        ((*PERSON, "keypoints", 3), 10**400, "is no coordinate|too large"),
        ((*PERSON, "keypoints", 3), "12", "'12' is no number"),
        ((*PERSON, "keypoints", 3), 1e4, "outside of the 80 x 64 picture"),
        ((*PERSON, "keypoints", 5), 3, "v in `keypoints` must be 0, 1 or 2"),
        ((*PERSON, "bbox"), [1, 2, 3], "`bbox` must be x, y, width, height"),
        ((*PERSON, "image_id"), 999, "image_id 999 is unknown"),
        ((*PERSON, "image_id"), [1], "annotation 2"),
        ((*PERSON, "id"), 1, "no `id` of its own"),
        (("images", 1, "file_name"), "gone.jpg", "no picture .*gone.jpg"),
    ],
)
def test_bad_people(tmp_path, data, path, value, message):
    folder = coco_files.write(tmp_path / "mine", data)
    change(data, path, value)
    coco_files.save(folder, data)
    with pytest.raises(ValueError, match=message) as error:
        read(folder)
    assert "annotations.json" in str(error.value)
    said = []
    photos = coco.read_custom(folder, skip_limit=1, report=said.append)
    assert len(photos) == 1 and len(said) == 1


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("images",), None, "no list of objects `images`"),
        (("annotations",), {}, "no list of objects `annotations`"),
        (("categories",), [], "`categories` must hold one"),
        (("categories", 0, "keypoints"), None, "`categories` must hold one"),
        (
            ("categories", 0, "keypoints", 9),
            "left_wirst",
            "known as 'left_wirst'. Did you mean left_wrist",
        ),
        (("categories", 0, "keypoints", 9), 3, "must be names"),
        (("categories", 0, "keypoints", 9), "nose", "names a joint twice"),
        (("images", 0, "id"), None, "lacks `id` or `file_name`"),
        (("images", 0, "id"), 101, "two `images` have the id 101"),
        (("annotations",), [], "no usable person"),
    ],
)
def test_bad_files(tmp_path, data, path, value, message):
    folder = coco_files.write(tmp_path / "mine", data)
    change(data, path, value)
    coco_files.save(folder, data)
    with pytest.raises(ValueError, match=message) as error:
        read(folder, skip_limit=9)
    assert "annotations.json" in str(error.value)


@pytest.mark.parametrize("text", ["", "[1, 2]", "{", "[" * 100_000, "\x00"])
def test_no_json(tmp_path, data, text):
    folder = coco_files.write(tmp_path / "mine", data)
    (folder / "annotations.json").write_text(text)
    with pytest.raises(ValueError, match=r"annotations\.json"):
        read(folder)
    with pytest.raises(ValueError, match="is no folder"):
        read(folder / "annotations.json")


GOOD = relate("left_wrist", "right_knee", "closer")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 2 of .*relations.jsonl: Expecting"),
        ("[1]", "each line must be a JSON object"),
        (json.dumps({"image": "photo0.jpg"}), "Missing: a, b, relation"),
        (GOOD | {"depth": 1}, "Unknown: depth"),
        (GOOD | {"relation": "nearer"}, "closer, farther or equal. Found: 'ne"),
        (GOOD | {"relation": [1]}, "closer, farther or equal"),
        (GOOD | {"a": "left_wirst"}, "no joint 'left_wirst'. Did you mean"),
        (GOOD | {"a": 3}, "no joint '3'"),
        (GOOD | {"b": "left_wrist"}, "a and b are both left_wrist"),
        (GOOD | {"image": "photo9.jpg"}, "nobody is annotated in .*photo9"),
        (GOOD | {"image": {}}, "line 2"),
        (GOOD | {"person": 2}, "no annotation of photo0.jpg has the id 2"),
        (GOOD | {"relation": "equal"}, "an earlier line says otherwise"),
        (
            relate("right_knee", "left_wrist", "closer"),
            "an earlier line says otherwise",
        ),
    ],
)
def test_bad_relations(tmp_path, data, line, message):
    folder = coco_files.write(tmp_path / "m", data, relations=[GOOD, line])
    with pytest.raises(ValueError, match=message):
        read(folder)
    said = []
    photos = coco.read_custom(folder, skip_limit=1, report=said.append)
    assert photos.relation_mask.sum() == 2 and len(said) == 1


def test_relations_that_are_no_text(tmp_path, data):
    folder = coco_files.write(tmp_path / "mine", data)
    (folder / "relations.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="is not UTF-8 text"):
        read(folder)
