"""Preparing, validating and inspecting from the command line."""

import json

import cv2
import pytest

from ordinal_tf import skeleton
from ordinal_tf.data.files import video
from ordinal_tf.data.prepared import cutouts, reading
from tests import coco_files, h36m_files, lsp_files, prepared_files, video_files


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepare") / "lsp"
    lsp_files.write_lsp(folder, count=5)
    return folder


def prepare(run_tool, *arguments):
    return run_tool("prepare", "--processes=1", *arguments)


def test_prepare_validate_inspect(run_tool, folder, tmp_path):
    out = tmp_path / "out"
    code, said, err = prepare(
        run_tool,
        "lsp",
        f"--source={folder}",
        f"--out={out}",
        "--first=2",
        "--shard_records=2",
        "--validate",
    )
    assert code == 0, err
    assert f"{out}: 4 people in 4 pictures" in said and "in 2 shards" in said
    assert said.splitlines()[-1] == f"{out}: nothing looks wrong."
    opened = reading.open_prepared(out)
    assert opened.card["joints"]["from"] == "lsp14"
    assert "Leeds Sports Pose" in opened.card["title"]
    assert opened.read(0)["name"] == "images/im00002.png"
    # No path of this machine.
    assert str(tmp_path) not in (out / "dataset.json").read_text()

    code, said, err = run_tool(
        *("inspect", f"--data={out}", f"--sheet={tmp_path / 'sheet.png'}")
    )
    assert code == 0, err
    assert "people     4 in 4 pictures, 0 skipped" in said
    assert cv2.imread(str(tmp_path / "sheet.png")) is not None
    code, said, err = run_tool("inspect", f"--data={out}", "--row=3")
    assert code == 0 and "name: images/im00005.png" in said
    code, said, err = run_tool("inspect", f"--data={out}", "--row=4")
    assert code == 1 and "has the rows 0 to 3" in err


def test_mpii_is_told_by_its_joints(run_tool, tmp_path):
    source = lsp_files.skeleton.MPII16
    lsp_files.write_lsp(tmp_path / "mpii", count=2, source=source)
    code, _, err = prepare(
        run_tool,
        "lsp",
        f"--source={tmp_path / 'mpii'}",
        f"--out={tmp_path / 'out'}",
    )
    assert code == 0, err
    card = json.loads((tmp_path / "out" / "dataset.json").read_text())
    assert card["joints"]["from"] == "mpii16" and "MPII" in card["title"]


def custom(run_tool, folder, *flags):
    """Prepares own pictures; what was said, and the card."""
    out = folder.parent / f"out{len(list(folder.parent.iterdir()))}"
    code, said, err = prepare(
        run_tool, "custom", f"--source={folder}", f"--out={out}", *flags
    )
    assert code == 0, err
    return said, json.loads((out / "dataset.json").read_text())


def test_the_card_says_which_joints_are_labelled(run_tool, tmp_path):
    data = coco_files.content(2, joints=LSP_AND_TOE)
    for row in data["annotations"]:
        row["keypoints"] = row["keypoints"][:45]
    data["annotations"].append(
        {"id": 9, "image_id": 100, "category_id": 1, "bbox": [1, 1, 9, 9]}
    )
    folder = coco_files.write(tmp_path / "mine", data)
    said, card = custom(run_tool, folder)
    assert "annotations.json: left out 1 without keypoints." in said
    assert "Joints that are left out: left_big_toe." in said
    assert card["left_out"] == {"without keypoints": 1}
    assert card["notes"] == ["Joints that are left out: left_big_toe."]
    # The head top is labelled, which COCO's own set lacks.
    assert card["joints"]["missing"] == []
    assert card["joints"]["labelled"] == list(skeleton.LSP14.joints)
    assert card["coverage"]["keypoint"]["head_top"] == 1
    said, card = custom(run_tool, folder, "--ignore_joints=neck,Left Knee")
    assert card["joints"]["missing"] == ["left_knee"]
    assert "neck" not in card["joints"]["labelled"]
    assert card["coverage"]["keypoint"]["left_knee"] == 0
    code, said, _ = run_tool("inspect", f"--data={tmp_path / 'out1'}")
    assert code == 0
    assert "left out   1 without keypoints" in said
    assert "note       Joints that are left out: left_big_toe." in said


LSP_AND_TOE = (*skeleton.LSP14.joints, "left_big_toe")


def test_one_category_of_several(run_tool, tmp_path):
    data = coco_files.content(2)
    data["categories"].append({"id": 2, "name": "me", "keypoints": ["nose"]})
    more = {"keypoints": [9, 9, 2], "bbox": [5, 5, 9, 9]}
    data["annotations"].append(
        {"id": 9, "image_id": 100, "category_id": 2} | more
    )
    folder = coco_files.write(tmp_path / "mine", data)
    _, card = custom(run_tool, folder)
    assert card["records"] == 2
    _, card = custom(run_tool, folder, "--category=me")
    assert card["records"] == 1 and card["joints"]["labelled"] == ["nose"]
    code, _, err = prepare(
        run_tool, "lsp", "--source=x", "--out=y", "--category=me"
    )
    assert code == 1 and "--category is for coco and custom only" in err


def test_too_many_bad_people_name_a_flag_of_this_program(run_tool, tmp_path):
    data = coco_files.content(3)
    for row in data["annotations"][1:]:
        row["keypoints"] = [1, 2, 2]
    folder = coco_files.write(tmp_path / "mine", data)
    code, _, err = prepare(
        run_tool,
        *("custom", f"--source={folder}", f"--out={tmp_path}/out"),
        "--skip_limit=1",
    )
    assert code == 1 and "allow more by a higher `skip_limit`" in err
    assert "--config" not in err


def test_the_folder_where_one_stands(run_tool, tmp_path, monkeypatch):
    monkeypatch.chdir(coco_files.write(tmp_path / "mine", coco_files.content()))
    code, _, err = prepare(
        run_tool, "custom", "--source=.", f"--out={tmp_path}/out"
    )
    assert code == 0, err
    opened = reading.open_prepared(tmp_path / "out")
    assert opened.card["name"] == "mine"
    assert opened.read(0)["name"] == "images/photo0.jpg"


def test_what_looks_wrong_fails(run_tool, tmp_path, monkeypatch):
    class Swapped(prepared_files.DrawnPeople):
        def __getitem__(self, i):
            sample = super().__getitem__(i)
            return {**sample, "relation": -sample["relation"]}

    monkeypatch.setattr(prepared_files, "DrawnPeople", Swapped)
    prepared_files.write_prepared(tmp_path / "out", count=8)
    code, said, err = prepare(run_tool, "--validate", f"--out={tmp_path}/out")
    assert code == 1
    assert "WRONG relations agree with depth" in said
    assert "fine  knees bend forwards" in said
    assert "relations have the opposite sign of the depths" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["lsp"], "Name the dataset's folder with --source=DIR."),
        (["coconut"], "No dataset is called 'coconut'; there are: lsp, "),
        (["lsp", "--source=/nowhere"], "joints.mat is missing"),
        (["synthetic"], "how many people to render with --count=N"),
        (["synthetic", "--count=1", "--options={"], "`--options` is not JSON"),
        (["synthetic", "--count=1", "--poses=no.npz"], "no.npz is missing"),
        (["--validate"], "has no dataset.json"),
    ],
)
def test_bad_input(run_tool, tmp_path, arguments, message):
    code, out, err = prepare(run_tool, *arguments, f"--out={tmp_path / 'out'}")
    assert code == 1 and message in err and out == ""
    assert not (tmp_path / "out").exists()


def test_inspect_without_a_folder(run_tool, tmp_path):
    code, _, err = run_tool("inspect")
    assert code == 1 and "Name a prepared folder with --data" in err
    code, _, err = run_tool("inspect", f"--run={tmp_path}")
    assert code == 1 and "has no config.json" in err


def test_frames_of_videos(run_tool, tmp_path):
    pytest.importorskip("cdflib")
    h36m_files.write_release(tmp_path / "h36m", subjects=("S9",))
    out = tmp_path / "out"
    code, _, err = prepare(
        run_tool,
        "h36m_release",
        f"--source={tmp_path / 'h36m'}",
        "--split=test",
        f"--out={out}",
        "--shard_records=5",
    )
    assert code == 0, err
    people = reading.open_prepared(out)
    # Two actions of 12 frames at 50 a second, four cameras, 10 a second kept.
    assert len(people) == 2 * 4 * 3
    for row in range(len(people)):
        record = people.read(row)
        film, frame = video.split_path(record["name"])
        assert film.startswith("S9/Videos/Directions")
        picture = cutouts.decode(record["image"])
        assert video_files.number(picture, frame) == frame
        assert record["pose_mask"].all() and record["camera"].any()
