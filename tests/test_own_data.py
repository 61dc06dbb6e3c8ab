"""The worked example of docs/own_data.md, run as it stands there."""

import json
import os
import re
import shlex

import numpy as np
import pytest

from ordinal_tf import skeleton
from ordinal_tf.data.readers import coco
from tests import tiny


@pytest.fixture
def page(checkout):
    return (checkout / "docs" / "own_data.md").read_text(encoding="utf-8")


def blocks(page, language):
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


@pytest.fixture
def folder(page, checkout, tmp_path, monkeypatch):
    """A folder in which the page's Python has run."""
    (tmp_path / "demo").symlink_to(checkout / "demo")
    monkeypatch.chdir(tmp_path)
    (program,) = blocks(page, "python")
    exec(compile(program, "own_data.md", "exec"), {})
    return tmp_path


def test_the_example_is_what_the_page_says(folder):
    said = []
    truth = json.loads((folder / "demo" / "labels.json").read_text())
    *shown, kept = sorted(truth)
    held_out = coco.read_custom(folder / "mine", split="val")
    assert [path.rpartition("/")[2] for path in held_out.paths] == [kept]
    photos = coco.read_custom(folder / "mine", report=said.append)
    assert len(photos) == len(shown) >= 3 and not said
    body = skeleton.H36M17
    for row, person in enumerate(truth[name] for name in shown):
        np.testing.assert_allclose(
            photos.keypoints[row], person["keypoints"], rtol=1e-5
        )
        depth = np.array(person["pose"])[:, 2]
        for a, b in [("left_wrist", "right_wrist"), ("left_wrist", "left_hip")]:
            i, j = body.index(a), body.index(b)
            apart = depth[j] - depth[i]
            sign = 0 if abs(apart) < 100 else np.sign(apart)
            assert photos.relation[row, i, j] == sign
            assert photos.relation_mask[row, i, j]


def test_every_name_on_the_page_is_known(page):
    table = page[page.index("| | names |") : page.index("Left and right are")]
    known = {joint for b in skeleton.SKELETONS for joint in b.joints}
    named = set(re.findall(r"`([a-z_]+[a-z])`", table))
    assert len(named) > 15 and named <= known


@pytest.mark.slow  # Three programs, one of which trains.
def test_its_commands_run(page, folder, run_tool):
    commands = [
        line
        for block in blocks(page, "bash")
        for line in block.splitlines()
        if line.strip()
    ]
    assert len(commands) == 4
    for command in commands:
        python, flag, name, *arguments = shlex.split(command)
        assert (python, flag) == ("python", "-m")
        name = name.removeprefix("tools.")
        if name == "train":
            arguments += tiny.flags(
                {"train.batch_size": 2, "train.eval_every": 20}
            )
        code, out, err = run_tool(name, *arguments)
        assert code == 0, f"{command}\n{out}\n{err}"
    assert (folder / "prepared" / "mine.png").stat().st_size > 10_000
    for name in ("mine", "mine_val"):
        card = json.loads(
            (folder / "prepared" / name / "dataset.json").read_text()
        )
        assert card["joints"]["from"] == "h36m17"
        assert card["joints"]["missing"] == card["joints"]["approximate"] == []
        assert card["left_out"] == {} and card["notes"] == []
        assert card["relations"]["pairs"] == 4 * card["records"]
    assert os.listdir(folder / "runs" / "mine")
