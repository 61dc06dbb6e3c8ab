"""Small renderings of the demo's own poses."""

import json

import cv2
import numpy as np
import pytest

from ordinal_tf import skeleton

HEIGHT = 64


@pytest.fixture
def render_demo(import_tool):
    return import_tool("render_demo")


@pytest.fixture
def person(checkout):
    text = (checkout / "demo" / "poses.json").read_text(encoding="utf-8")
    return json.loads(text)[0]


def test_body_is_where_the_keypoints_are(render_demo, person):
    """Repainting the clothes changes just the pixels of the clothed body."""
    pose = np.array(person["pose"], float)
    pictures = []
    for shade in (40, 220):
        colours = {
            key: [shade] * 3 for key in ("skin", "shirt", "legs", "hair")
        }
        image, keypoints = render_demo.render(
            pose, colours, scene=0, height=HEIGHT
        )
        pictures.append(image.astype(int))
    assert image.shape == (HEIGHT, HEIGHT * 3 // 4, 3)
    assert keypoints.shape == (17, 2)
    changed = np.abs(pictures[1] - pictures[0]).min(-1) > 12
    for joint in ("thorax", "spine", "pelvis", "right_knee", "left_knee"):
        x, y = np.round(keypoints[skeleton.H36M17.index(joint)]).astype(int)
        assert changed[y, x], joint
    rows, columns = np.nonzero(changed)
    low, high = keypoints.min(0), keypoints.max(0)
    # Hands and head reach a little beyond their joints, the rest does not.
    reach = 0.12 * HEIGHT
    assert columns.min() > low[0] - reach and columns.max() < high[0] + reach
    assert rows.min() > low[1] - reach and rows.max() < high[1] + reach


def test_keypoints_are_the_centres_of_balls_at_the_joints(
    render_demo, person, monkeypatch
):
    """In place of a body one violet ball: its pixels centre on the keypoint."""
    violet = np.array([250.0, 0, 250])
    joint = skeleton.H36M17.index("right_wrist")
    monkeypatch.setattr(
        render_demo,
        "body",
        lambda pose, colours: [(pose[joint], pose[joint] + 1, 60, 60, violet)],
    )
    image, keypoints = render_demo.render(
        np.array(person["pose"], float), {}, scene=0, height=HEIGHT
    )
    red, green, blue = np.moveaxis(image.astype(int), -1, 0)
    y, x = np.nonzero(np.minimum(red, blue) - green > 60)
    assert len(x) > 8
    centre = [x.mean(), y.mean()]
    np.testing.assert_allclose(centre, keypoints[joint], atol=0.5)


@pytest.mark.parametrize("text", ["{", '[{"name": "a"}]'])
def test_bad_poses_name_the_file(render_demo, tmp_path, text):
    path = tmp_path / "poses.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"poses\.json"):
        render_demo.read_poses(path)


def test_wrong_shape(render_demo, tmp_path, person):
    path = tmp_path / "poses.json"
    path.write_text(json.dumps([{**person, "pose": [[0, 0, 0]]}]))
    with pytest.raises(ValueError, match="17 rows"):
        render_demo.read_poses(path)


def test_program(run_tool, tmp_path, person):
    poses, out = tmp_path / "poses.json", tmp_path / "out"
    poses.write_text(json.dumps([person]))
    code, stdout, stderr = run_tool(
        "render_demo", f"--poses={poses}", f"--out={out}", "--height=32"
    )
    assert code == 0, stderr
    assert stdout == f"Pictures written to {out}: 1.\n"
    assert [path.name for path in out.iterdir()] == [f"{person['name']}.jpg"]
    assert cv2.imread(str(out / f"{person['name']}.jpg")).shape == (32, 24, 3)


def test_program_without_poses(run_tool, tmp_path):
    absent = tmp_path / "absent.json"
    code, _, stderr = run_tool(
        "render_demo", f"--poses={absent}", f"--out={tmp_path / 'out'}"
    )
    assert code == 1
    assert stderr == f"render_demo: {absent}: No such file or directory\n"
