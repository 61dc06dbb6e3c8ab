import json

import cv2
import numpy as np

from ordinal_tf.synthetic import people


def test_pictures_and_labels(tmp_path, run_tool):
    out = tmp_path / "out"
    options = '{"occluders": {"chance": 0}}'
    code, printed, error = run_tool(
        "dev.draw_people",
        f"--out={out}",
        "--count=3",
        "--start=5",
        "--size=64",
        "--columns=2",
        "--draw_labels",
        f"--options={options}",
    )
    assert code == 0, error
    assert "Wrote 3 pictures" in printed
    made = people.SyntheticPeople(
        0, size=64, options={"occluders": {"chance": 0}}
    )
    labels = json.loads((out / "labels.json").read_text())
    boxes = json.loads((out / "boxes.json").read_text())
    assert sorted(labels) == sorted(boxes)
    for i in (5, 6, 7):
        name = f"{i:06}.jpg"
        assert (out / "photos" / name).read_bytes() == made[i]["jpeg"]
        np.testing.assert_allclose(
            labels[name]["keypoints"], made[i]["keypoints"]
        )
        np.testing.assert_allclose(boxes[name], [made[i]["box"]])
    assert cv2.imread(str(out / "sheet.jpg")).shape[0] > 100
    assert not list(out.rglob("new_*"))


def test_chosen_numbers(tmp_path, run_tool):
    out = tmp_path / "out"
    code, _, error = run_tool(
        "dev.draw_people", f"--out={out}", "--numbers=9,2", "--size=48"
    )
    assert code == 0, error
    found = sorted(path.name for path in (out / "photos").iterdir())
    assert found == ["000002.jpg", "000009.jpg"]
    code, _, error = run_tool("dev.draw_people", f"--out={out}", "--numbers=a")
    assert code == 1 and "`--numbers` must be numbers" in error


def test_bad_options(tmp_path, run_tool):
    code, _, error = run_tool(
        "dev.draw_people", f"--out={tmp_path / 'out'}", "--options={"
    )
    assert code == 1 and "`--options` is not JSON" in error
    code, _, error = run_tool(
        "dev.draw_people", f"--out={tmp_path / 'out'}", '--options={"hat": {}}'
    )
    assert code == 1 and "The ingredients are pose" in error
    assert not (tmp_path / "out").exists()


def test_pictures_folder_without_pictures(tmp_path, run_tool):
    code, _, error = run_tool(
        "dev.draw_people",
        f"--out={tmp_path / 'out'}",
        f"--backgrounds={tmp_path}",
    )
    assert code == 1 and "holds no .jpg or .png pictures" in error
