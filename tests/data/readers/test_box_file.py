"""Files of boxes: who they are for, and what cannot be one."""

import json

import pytest

from ordinal_tf.data.readers import box_file


def read(tmp_path, content, names=("a.jpg", "b.jpg")):
    path = tmp_path / "boxes.json"
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_text(text, encoding="utf-8-sig")
    return box_file.read_boxes(path, names)


def test_boxes_by_name(tmp_path):
    boxes = {"a.jpg": [[1, 2.5, 30]], "b.jpg": []}
    assert read(tmp_path, boxes) == boxes
    film = {"c.mp4@12": [[1, 2, 30]], "c.mp4": []}
    assert read(tmp_path, film, ["c.mp4"]) == film


def test_results_of_coco(tmp_path):
    rows = [
        {"image_id": 790, "category_id": 1, "bbox": [10, 20, 50, 100]},
        {"image_id": 790, "category_id": 1, "bbox": [0, 0, 9, 9], "score": 0.4},
        {"image_id": 790, "category_id": 18, "bbox": [0, 0, 9, 9]},
        {"image_id": 12, "category_id": 1, "bbox": [0, 0, 9, 9]},
        {"image_id": "b", "bbox": [0, 0, 100, 50], "score": 0.9},
    ]
    names = ["000000000790.jpg", "b.png", "c.png"]
    found = read(tmp_path, rows, names)
    # Middle of pixels 10 to 59 and 20 to 119; 1.08 times the longer side.
    assert found == {
        "000000000790.jpg": [[34.5, 69.5, pytest.approx(108)]],
        "b.png": [[49.5, 24.5, pytest.approx(108)]],
    }


def test_annotations_of_coco(tmp_path):
    images = [{"id": 7, "file_name": "b.jpg"}]
    rows = [
        {"image_id": 7, "category_id": 1, "bbox": [0, 0, 10, 20]},
        {"image_id": 7, "category_id": 1, "bbox": [0, 0, 5, 5], "iscrowd": 1},
    ]
    found = read(tmp_path, {"images": images, "annotations": rows})
    assert found == {"b.jpg": [[4.5, 9.5, pytest.approx(21.6)]]}


@pytest.mark.parametrize(
    ("head", "row"),
    [
        ("image,cx,cy,side", "30,40,100"),
        ("image, x1, y1, x2, y2", "0,-10,60,90"),
        ("score,image,x,y,width,height", None),
    ],
)
def test_csv(tmp_path, head, row):
    lines = [head, f"a.jpg,{row}"]
    if row is None:
        lines = [head, "0.9,a.jpg,0.5,-9.5,60,100", "0.2,a.jpg,1,1,5,5"]
    (box,) = read(tmp_path, "\n".join(lines) + "\n")["a.jpg"]
    side = 100 if "cx" in head else 108
    assert box == pytest.approx([30, 40, side])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("image,left\na.jpg,1\n", "CSV of boxes.*Found: image, left"),
        ("image,cx,cy,side\na.jpg,1,2\n", "line 2: a row needs image and"),
        ("image,cx,cy,side\nq.jpg,1,2,3\n", "has boxes for q.jpg, and no"),
        ([{"image_id": 5, "bbox": [1, 2, 3, 4]}], "none of the pictures that"),
        ([{"image_id": "a", "bbox": [1, 2, 3]}], "row 1: COCO's rows need"),
        ([{"image_id": "a", "bbox": 7}], "row 1: COCO's rows need"),
        ([[1, 2, 3]], "row 1: COCO's rows need"),
        ({"annotations": [], "images": [{}]}, "lack id or file_name"),
    ],
)
def test_bad_files_of_others(tmp_path, content, message):
    with pytest.raises(ValueError, match=message):
        read(tmp_path, content)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "boxes.json is not JSON"),
        ([], "must be an object"),
        ({"a.jpg": []}, r"no boxes for b.jpg \(1 such pictures\)"),
        (
            {"a.jpg": [], "b.jpg": [], "bb.jpg": []},
            r"has boxes for bb.jpg, and no such .* read \(1 such .*mean b.jpg",
        ),
        ({"a.jpg": [], "b.jpg": [], "a.jpg@3": []}, "has boxes for a.jpg@3"),
        ({"a.jpg": [], "c.jpg": []}, "for b.jpg .*Its c.jpg is none of the p"),
        ({"a.jpg": "no", "b.jpg": []}, "a.jpg: Boxes must be rows of centre"),
        ({"a.jpg": None, "b.jpg": []}, "a.jpg: Boxes must be rows .* None"),
    ],
)
def test_bad_files(tmp_path, content, message):
    with pytest.raises(ValueError, match=message) as error:
        read(tmp_path, content)
    assert "boxes.json" in str(error.value)
