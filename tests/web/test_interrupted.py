"""A browser that is closed, a server that is killed, and two people at once,
in the middle of it."""

import concurrent.futures
import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from ordinal_tf.annotation import journal, layouts, project, sorting
from tests import browser
from tests.web.annotating import begin, idle, on_screen, some_joints
from tests.web.conftest import StandingModel, fetch

LEFT_ANKLE = sorting.JOINTS.index("left_ankle")
MOVED = 30.0, 20.0


def drag_the_ankle(page, *, end):
    """Moves the left ankle by `MOVED`; without `end` the button stays down."""
    page.wait("document.body.dataset.kind === 'joints'")
    idle(page)
    start = np.array(some_joints(), float)[LEFT_ANKLE, :2].round(1)
    stops = [start, start + np.array(MOVED) / 2, start + MOVED]
    places = [on_screen(page, stop) for stop in stops]
    page.mouse("mousePressed", *places[0])
    page.mouse("mouseMoved", *places[1])
    page.mouse("mouseMoved", *places[2])
    if end:
        page.mouse("mouseReleased", *places[2])


def check_dragged(joints):
    expected = np.array(some_joints(), float).round(1)
    expected[LEFT_ANKLE, :2] += MOVED
    # Mice move by whole pixels of the screen, which are a third of these.
    np.testing.assert_allclose(joints, expected, atol=0.35)


def test_a_browser_closed_in_the_middle_of_a_drag(opened, folder, tmp_path):
    """What was dragged is there again, and nothing of it in the files."""
    url, told = opened(names=["p0.png"], predictor=StandingModel())
    profile = tmp_path / "profile"
    profile.mkdir()
    with browser.open_browser(profile) as page:
        begin(page, url)
        drag_the_ankle(page, end=False)
        page.close()
    assert told.joints == {}
    assert (folder / "answers.jsonl").read_bytes() == b""
    assert layouts.write(folder, told) == {"pictures": 0, "relations": 0}
    with browser.open_browser(profile) as page:
        begin(page, url, name="bob")
        page.wait("document.body.dataset.kind === 'joints'")
        # Of another one nothing is kept.
        assert page.text("#said") == ""
        begin(page, url)
        page.wait("document.querySelector('#said').innerText")
        assert "had moved and not confirmed" in page.text("#said")
        idle(page)
        page.press("Enter")
        page.wait("document.body.dataset.kind === 'pair'")
    check_dragged(told.joints["p0.png"])


def test_what_was_moved_can_be_put_back(page, opened):
    url, told = opened(names=["p0.png"], predictor=StandingModel())
    begin(page, url)
    drag_the_ankle(page, end=True)
    begin(page, url)
    page.wait("document.querySelector('#said').innerText")
    idle(page)
    page.press("Escape")
    page.press("Enter")
    page.wait("document.body.dataset.kind === 'pair'")
    joints = np.array(some_joints()).round(1)
    np.testing.assert_allclose(told.joints["p0.png"], joints, atol=0.06)


def test_what_was_moved_gives_way_to_what_another_set(page, opened):
    """It was about joints that are no more."""
    url, told = opened(names=["p0.png"], predictor=StandingModel())
    begin(page, url)
    drag_the_ankle(page, end=True)
    told.place("bob", "p0.png", some_joints(), 0)
    begin(page, url)
    page.wait("document.body.dataset.kind === 'pair'")
    idle(page)
    page.press("j")
    page.wait("document.body.dataset.kind === 'joints'")
    idle(page)
    page.press("Enter")
    page.wait("document.body.dataset.kind === 'pair'")
    assert told.joints["p0.png"] == some_joints()


SERVER = """
import pathlib, sys
from ordinal_tf.annotation import journal, project
from ordinal_tf.web import annotate, pages
folder = pathlib.Path(sys.argv[1])
told = project.Project(["p0.png"], journal.Journal(folder / "answers.jsonl"))
app = annotate.make_app(told, folder, host="127.0.0.1")
pages.run(
    app, host="127.0.0.1", port=0, ready=lambda url: print(url, flush=True)
)
"""


@pytest.mark.slow  # Another process imports the package.
def test_a_server_killed_in_the_middle_of_a_drag(
    page, opened, folder, checkout
):
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(folder)],
        cwd=checkout,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        url = process.stdout.readline().strip()
        placed = {"who": "bob", "image": "p0.png", "joints": some_joints()}
        status, _ = fetch(f"{url}api/place", {**placed, "revision": 0})
        assert status == 200
        begin(page, url)
        idle(page)
        page.press("j")
        page.wait("document.body.dataset.kind === 'joints'")
        page.press("z")  # The whole picture.
        drag_the_ankle(page, end=False)
        os.kill(process.pid, signal.SIGKILL)
    before = (folder / "answers.jsonl").read_bytes()
    assert before.count(b"\n") == 1 and before.endswith(b"\n")
    moved = np.array(some_joints(), float)[LEFT_ANKLE, :2].round(1) + MOVED
    page.mouse("mouseReleased", *on_screen(page, moved))
    page.press("Enter")
    page.wait("document.querySelector('#said').innerText.includes('kept here')")
    _, told = opened(
        names=["p0.png"], port=int(url.rsplit(":", 1)[1].strip("/"))
    )
    page.wait("document.body.dataset.kind === 'pair'")
    page.complaints.clear()  # The console notes each attempt.
    check_dragged(told.joints["p0.png"])
    after = (folder / "answers.jsonl").read_bytes()
    assert after.startswith(before) and after.count(b"\n") == 2
    assert json.loads(after[len(before) :])["who"] == "anna"


def test_two_people_answer_about_one_picture_at_once(opened, folder):
    """Each answer is kept, under the name of the one who gave it."""
    url, told = opened(names=["p0.png"], given={"p0.png": some_joints()})
    joints = sorting.JOINTS.joints
    pairs = [(a, b) for a in joints for b in joints if a < b][:40]
    given = [
        {"who": who, "image": "p0.png", "a": a, "b": b, "relation": relation}
        for a, b in pairs
        for who, relation in (("anna", "closer"), ("bob", "farther"))
    ]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        replies = pool.map(lambda one: fetch(f"{url}api/answer", one), given)
        assert {status for status, _ in replies} == {200}
    opened.end()
    kept = journal.Journal(folder / "answers.jsonl")
    assert len(kept.entries) == 80 and not kept.removed
    again = project.Project(["p0.png"], kept, given={"p0.png": some_joints()})
    indices = {tuple(map(joints.index, pair)) for pair in pairs}
    for known in (told, again):
        assert known.answers("anna", "p0.png") == dict.fromkeys(indices, 1)
        assert known.answers("bob", "p0.png") == dict.fromkeys(indices, -1)
    kept.close()


def test_two_people_confirm_joints_at_once(opened, folder):
    """One is heard, and the others are told by whom they were overtaken."""
    url, told = opened(names=["p0.png"])
    given = {
        who: [[x + shift, y, v] for x, y, v in some_joints()]
        for shift, who in enumerate(("anna", "bob", "carl", "dora"))
    }

    def place(who):
        about = {"who": who, "image": "p0.png", "joints": given[who]}
        return who, fetch(f"{url}api/place", {**about, "revision": 0})

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        replies = dict(pool.map(place, given))
    heard = [who for who, (status, _) in replies.items() if status == 200]
    assert len(heard) == 1
    assert told.joints["p0.png"] == given[heard[0]]
    for who, (status, text) in replies.items():
        if who not in heard:
            assert status == 409 and f"{heard[0]} moved joints" in text
    lines = (folder / "answers.jsonl").read_text().splitlines()
    assert [json.loads(line)["who"] for line in lines] == heard
