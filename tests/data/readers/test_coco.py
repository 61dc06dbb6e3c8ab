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
    (folder / "annotations.json").rename(folder / "annotations_val.json")
    photos = read(folder, split="val")
    assert photos.source is lsp
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
        ((*PERSON, "keypoints"), "none", "needs 51 numbers.*Found: none"),
        ((*PERSON, "keypoints", 3), float("nan"), "nan is no coordinate"),
        ((*PERSON, "keypoints", 3), 10**400, "is no coordinate|too large"),
        ((*PERSON, "keypoints", 3), "12", "'12' is no number"),
        ((*PERSON, "keypoints", 3), 1e4, "outside of the 80 x 64 picture"),
        ((*PERSON, "keypoints", 5), 3, "v in `keypoints` must be 0, 1 or 2"),
        ((*PERSON, "keypoints", 5), 0.9, "v in `keypoints` must be 0, 1 or 2"),
        ((*PERSON, "keypoints", 5), True, "v in `keypoints` must be 0, 1 or"),
        (
            (*PERSON, "keypoints", slice(0, 6)),
            [0, 0, 2, 0, 0, 1],
            "2 of its jo",
        ),
        ((*PERSON, "iscrowd"), 2, "`iscrowd` must be 0 or 1. Found: 2"),
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
        (("annotations",), [], "no usable record"),
    ],
)
def test_bad_files(tmp_path, data, path, value, message):
    folder = coco_files.write(tmp_path / "mine", data)
    change(data, path, value)
    coco_files.save(folder, data)
    with pytest.raises(ValueError, match=message) as error:
        read(folder, skip_limit=9)
    assert "annotations.json" in str(error.value)


def test_other_files(tmp_path, data):
    folder = coco_files.write(tmp_path / "mine", data)
    (folder / "annotations.json").write_text("[1, 2]")
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


# What other programs write.


def shares(points):
    return [
        float(v) for v in np.column_stack([points / 80, np.full(17, 2)]).ravel()
    ]


def test_joints_as_shares_of_the_picture(tmp_path, data):
    data["annotations"][1]["keypoints"] = shares(coco_files.standing()[0])
    folder = coco_files.write(tmp_path / "mine", data)
    with pytest.raises(
        ValueError, match="17 joints lie within 0.[0-9]+ pixels"
    ):
        read(folder)


@pytest.mark.parametrize("wrap", [str, float, lambda v: f" {v}.0 "])
def test_ids_are_compared_by_value(tmp_path, data, wrap):
    for row in data["annotations"]:
        for key in ("id", "image_id", "category_id", "iscrowd"):
            row[key] = wrap(row[key])
    crowd = coco_files.annotation(9, 100, coco_files.standing()[0])
    data["annotations"].append(crowd | {"iscrowd": wrap(1)})
    line = relate("left_wrist", "right_knee", "closer", person=1)
    photos = read(coco_files.write(tmp_path / "m", data, relations=[line]))
    assert len(photos) == 2
    assert photos.relation_mask.any((1, 2)).tolist() == [True, False]
    assert photos.left_out == {"crowds (`iscrowd`)": 1}


@pytest.mark.parametrize(
    ("value", "crowd"),
    [(True, 1), ("true", 1), (False, 0), ("False", 0), (None, 0), ("", 0)],
)
def test_other_ways_to_say_crowd(tmp_path, data, value, crowd):
    data["annotations"][1]["iscrowd"] = value
    assert len(read(coco_files.write(tmp_path / "mine", data))) == 2 - crowd


def test_names_that_are_no_numbers(tmp_path, data):
    folder = coco_files.write(tmp_path / "mine", data)
    for row in data["images"]:
        row["id"] = f"p{row['id']}"
    for row in data["annotations"]:
        row["image_id"] = f"p{row['image_id']}"
        del row["id"]  # Which only relations need.
    coco_files.save(folder, data)
    assert len(read(folder)) == 2


def test_everyone_who_is_left_out_is_counted(tmp_path, data):
    points = coco_files.standing()[0]
    data["categories"].append({"id": 2, "name": "ball"})
    data["annotations"] += [
        coco_files.annotation(11, 100, points, category_id=2),
        coco_files.annotation(12, 100, points, category_id=7),
        coco_files.annotation(13, 100, points, keypoints=[]),
        coco_files.annotation(14, 100, points, keypoints=None),
        coco_files.annotation(15, 100, points, visible=0),
        coco_files.annotation(16, 999, points),
    ]
    del data["annotations"][-3]["keypoints"]
    folder = coco_files.write(tmp_path / "mine", data)
    said = []
    photos = coco.read_custom(folder, skip_limit=1, report=said.append)
    assert len(photos) == 2
    assert photos.left_out == {
        "of other categories": 2,
        "without keypoints": 2,
        "without a labelled joint that is used": 1,
        "bad records, each named": 1,
    }
    assert sum(photos.left_out.values()) == len(data["annotations"]) - 2
    assert said[0].startswith("skipped: annotation 16 of")
    assert said[1:] == [
        f"{folder / 'annotations.json'}: left out 2 of other categories, 2 "
        "without keypoints, 1 without a labelled joint that is used, 1 bad "
        "records, each named."
    ]
    # Of a part of the people the card says the same.
    assert photos.take(slice(0, 1)).left_out == photos.left_out


@pytest.mark.parametrize(
    "triple", [[float("nan"), float("nan"), 0], [None, None, 0], ["", "x", 0.0]]
)
def test_what_is_not_labelled_has_any_place(tmp_path, data, triple):
    row = data["annotations"][0]
    row["keypoints"][:3] = triple  # The nose.
    expected = coco_files.standing()[0][1:]
    photos = read(coco_files.write(tmp_path / "mine", data))
    assert not photos.keypoint_mask[0, H36M.index("nose")]
    assert photos.keypoint_mask[1, H36M.index("nose")]
    np.testing.assert_allclose(
        photos.keypoints[0, H36M.index("left_ankle")],
        expected[COCO.index("left_ankle") - 1],
        rtol=1e-6,
    )


def test_joints_in_triples(tmp_path, data):
    row = data["annotations"][0]
    row["keypoints"] = np.reshape(row["keypoints"], (17, 3)).tolist()
    plain = read(coco_files.write(tmp_path / "a", coco_files.content()))
    nested = read(coco_files.write(tmp_path / "b", data))
    np.testing.assert_array_equal(plain.keypoints, nested.keypoints)


@pytest.mark.parametrize(
    "bbox",
    [[], None, [0, 0, 0, 0], [5, 5, 0, 9], [float("nan")] * 4, [None] * 4],
)
def test_a_bbox_that_is_missing(tmp_path, data, bbox):
    data["annotations"][0]["bbox"] = bbox
    photos = read(coco_files.write(tmp_path / "mine", data))
    points = coco_files.standing()[0]
    low, high = points.min(0), points.max(0)
    expected = [*(low + high) / 2, 1.25 * (high - low).max()]
    np.testing.assert_allclose(photos.boxes[0], expected, rtol=1e-5)
    assert not photos.notes


def test_sides_of_a_bbox(tmp_path, data):
    data["annotations"][0]["bbox"] = [4, 2, 60, 66]
    data["annotations"][1]["bbox"] = [2, 4, 70, 62]
    photos = read(coco_files.write(tmp_path / "mine", data))
    # x, y, width, height; 1.1 times the longer side.
    expected = [[34, 35, 1.1 * 66], [37, 35, 1.1 * 70]]
    np.testing.assert_allclose(photos.boxes, expected, rtol=1e-6)


def test_a_bbox_beside_the_joints(tmp_path, data):
    """As shares of the picture's size, or of somebody else."""
    data["annotations"][0]["bbox"] = [0.1, 0.1, 0.8, 0.9]
    said = []
    folder = coco_files.write(tmp_path / "mine", data)
    photos = coco.read_custom(folder, report=said.append)
    points = coco_files.standing()[0]
    side = 1.25 * np.ptp(points, axis=0).max()
    np.testing.assert_allclose(photos.boxes[0, 2], side, rtol=1e-5)
    assert "`bbox` of 1 people does not hold their joints" in said[0]
    assert photos.notes and photos.notes[0] in said[0]


@pytest.mark.parametrize(("count", "used"), [(7, False), (9, True)])
def test_a_bbox_holds_at_least_half_of_the_joints(tmp_path, data, count, used):
    points = coco_files.standing()[0]
    rows = np.sort(points[:, 1])
    # From the top to between two of the joints: `count` of 17 are inside.
    height = float(rows[count - 1] + rows[count]) / 2 + 1
    assert rows[count] - rows[count - 1] > 3
    data["annotations"][0]["bbox"] = [0, 0, 80, height - 1]
    photos = read(coco_files.write(tmp_path / "mine", data))
    assert (photos.boxes[0, 2] == pytest.approx(1.1 * 80)) == used
    assert bool(photos.notes) != used


def test_a_category_that_is_not_named(tmp_path, data):
    """Where there is one it is meant; where there are two, nobody knows."""
    for row in data["annotations"]:
        del row["category_id"]
    folder = coco_files.write(tmp_path / "mine", data)
    assert len(read(folder)) == 2
    data["categories"].append({"id": 2, "name": "ball"})
    coco_files.save(folder, data)
    with pytest.raises(ValueError, match="no usable record"):
        read(folder)


def test_one_joint_makes_no_box(tmp_path, data):
    points = coco_files.standing()[0]
    one = np.zeros(17, int)
    one[COCO.index("left_knee")] = 2
    row = coco_files.annotation(1, 100, points, visible=one)
    data["annotations"][0] = row
    # Its bbox makes one.
    assert len(read(coco_files.write(tmp_path / "a", data))) == 2
    for bbox in (None, [0, 0, 5, 5]):
        row["bbox"] = bbox
        folder = coco_files.write(tmp_path / f"b{bbox}", data)
        with pytest.raises(ValueError, match="one joint and no `bbox` around"):
            read(folder)


DOG = {"id": 5, "name": "dog", "keypoints": ["nose", "left_ear"]}


def test_categories(tmp_path, data):
    data["categories"].append(DOG)
    data["annotations"].append(
        {"id": 9, "image_id": 100, "category_id": 5}
        | {"keypoints": [5, 5, 2, 9, 9, 2]}
    )
    folder = coco_files.write(tmp_path / "mine", data)
    photos = read(folder)
    assert len(photos) == 2 and photos.left_out == {"of other categories": 1}
    assert len(read(folder, category="5")) == 1
    (dog,) = read(folder, category="Dog").keypoint_mask
    assert [H36M.joints[k] for k in np.flatnonzero(dog)] == ["nose"]
    with pytest.raises(
        ValueError, match="is called 'cat'; there are: 'person'"
    ):
        read(folder, category="cat")
    data["categories"][0]["name"] = "runner"
    coco_files.save(folder, data)
    with pytest.raises(ValueError, match=r"keypoints \('runner', 'dog'\), and"):
        read(folder)
    # Two with the same joints are both meant.
    data["categories"][1]["keypoints"] = data["categories"][0]["keypoints"]
    data["annotations"][2] = coco_files.annotation(
        9, 100, coco_files.standing()[0], category_id=5
    )
    coco_files.save(folder, data)
    assert len(read(folder)) == 3


def test_joints_to_ignore(tmp_path, data):
    folder = coco_files.write(tmp_path / "mine", data)
    photos = read(folder, ignore_joints=["Left Wrist", "nose"])
    lacking = {H36M.joints[k] for k in np.flatnonzero(~photos.keypoint_mask[0])}
    assert lacking == {"left_wrist", "nose", "head_top"}
    np.testing.assert_allclose(
        photos.keypoints[0, H36M.index("right_wrist")],
        coco_files.standing()[0][COCO.index("right_wrist")],
        rtol=1e-6,
    )
    with pytest.raises(ValueError, match="no joint 'tail' to ignore"):
        read(folder, ignore_joints=["tail"])


@pytest.mark.parametrize(
    ("names", "places"),
    [
        (["photo0.jpg", "photo1.jpg"], "images"),
        (["images/photo0.jpg", "images/photo1.jpg"], "images"),
        (["images\\photo0.jpg", "images\\photo1.jpg"], "images"),
        (["photo0.jpg", "photo1.jpg"], "."),
        (["photo0.jpg", "photo1.jpg"], "data"),
        (["photo0.jpg", "photo1.jpg"], "images/default"),
        (["C:\\me\\photo0.jpg", "/data/upload/1/photo1.jpg"], "images"),
        (["http://x:80/data/photo0.jpg?a=b", "photo1.jpg"], "images"),
        (["/data/local-files/?d=photo0.jpg", "photo1.jpg"], "images"),
    ],
)
def test_where_the_pictures_are(tmp_path, data, names, places):
    folder = coco_files.write(tmp_path / "mine", data)
    pictures = sorted((folder / "images").iterdir())
    for path in pictures:
        (folder / places).mkdir(exist_ok=True)
        path.rename(folder / places / path.name)
    for row, name in zip(data["images"], names, strict=True):
        row["file_name"] = name
    lines = [relate("left_wrist", "right_knee", "closer")]
    coco_files.save(folder, data, relations=lines)
    photos = read(folder)
    assert [path[-10:] for path in photos.paths] == ["photo0.jpg", "photo1.jpg"]
    assert photos.relation_mask.any((1, 2)).tolist() == [True, False]


def test_a_bare_name_that_two_pictures_have(tmp_path, data):
    """One of them is missing, and the other must not stand for it."""
    data["images"][0]["file_name"] = "a/photo.jpg"
    data["images"][1]["file_name"] = "b/photo.jpg"
    (tmp_path / "mine" / "images" / "a").mkdir(parents=True)
    (tmp_path / "mine" / "images" / "b").mkdir()
    folder = coco_files.write(tmp_path / "mine", data)
    (folder / "images" / "b" / "photo.jpg").rename(folder / "photo.jpg")
    with pytest.raises(ValueError, match="there is no picture b/photo.jpg"):
        read(folder)


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("_annotations.coco.json", None),
        ("result.json", None),
        ("labels.json", None),
        ("annotations/person_keypoints_default.json", None),
        ("valid/_annotations.coco.json", "valid"),
        ("annotations/person_keypoints_Train.json", "Train"),
    ],
)
def test_names_that_programs_give_their_exports(tmp_path, data, name, split):
    folder = coco_files.write(tmp_path / "mine", data)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / "annotations.json").rename(folder / name)
    assert len(read(folder, split=split)) == 2


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_byte_order_marks(tmp_path, data, encoding):
    line = relate("left_wrist", "right_knee", "closer")
    folder = coco_files.write(tmp_path / "mine", data, relations=[line])
    for path in folder.glob("*.json*"):
        path.write_bytes(path.read_text().encode(encoding))
    assert read(folder).relation_mask.sum() == 2


def test_relations_of_joints_that_are_left_out(tmp_path, data):
    data["categories"][0]["keypoints"][3] = "left_big_toe"  # An ear's place.
    lines = [
        relate("left_big_toe", "right_knee", "closer"),
        relate("Left Wrist", "RKnee", "closer"),
    ]
    folder = coco_files.write(tmp_path / "mine", data, relations=lines)
    photos = read(folder)
    assert photos.relation_mask.sum() == 2
    assert photos.left_out == {"relations of joints that are left out": 1}
    assert photos.notes == ("Joints that are left out: left_big_toe.",)
