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
