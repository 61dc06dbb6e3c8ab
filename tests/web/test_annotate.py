"""The annotator as people meet it: in a browser, with a keyboard."""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest

from ordinal_tf import ordinal, skeleton
from ordinal_tf.annotation import journal, layouts, project, sorting
from ordinal_tf.data.readers import coco, lsp
from ordinal_tf.web import annotate
from tests.web.annotating import (
    TO_JOINTS,
    begin,
    fitted,
    idle,
    on_screen,
    some_joints,
)
from tests.web.conftest import StandingModel, fetch, serving

NAMES = [f"p{number}.png" for number in range(10)]
KEYS = {"closer": "c", "equal": "s", "farther": "f"}


def true_depths(name):
    return np.random.default_rng(int(name[1])).normal(0, 200, 14)


def test_ten_pictures_by_keyboard_alone(page, opened, folder):
    url, told = opened(predictor=StandingModel())
    begin(page, url)
    truth = {
        name: np.asarray(ordinal.relations_from_depths(true_depths(name))[0])
        for name in NAMES
    }
    questions = 0
    while (task := told.task("anna")) is not None:
        page.wait(f"document.body.dataset.kind === {task['kind']!r}")
        idle(page)
        assert page.text("#where") == task["image"]
        if task["kind"] == "joints":
            page.press("Enter")
        else:
            text = page.text("#question")
            a, b = (task[side].replace("_", " ") for side in "ab")
            assert text == f"Is the {a} closer to the camera than the {b}?"
            pair = tuple(sorting.JOINTS.index(task[side]) for side in "ab")
            sign = int(truth[task["image"]][pair])
            page.press(KEYS[project.WORDS[sign]])
            questions += 1
        before = task
        for _ in range(3000):
            if told.task("anna") != before:
                break
            idle(page)
    page.wait("document.body.dataset.kind === 'done'")
    assert "all 10 pictures" in page.text("#question")
    assert 130 <= questions < 400
    idle(page)
    page.press("w")
    page.wait("document.querySelector('#said').innerText.startsWith('Wrote')")
    for photos in (coco.read_custom(folder), lsp.read_lsp(folder / "lsp")):
        assert len(photos) == 10
        # What was sure is right, of every picture, in our joints' order.
        for row, name in enumerate(told.joints):
            ours, known = skeleton.mapping(
                sorting.JOINTS, skeleton.H36M17
            ).relations(truth[name], ~np.eye(14, dtype=bool))
            mask = photos.relation_mask[row] & known
            wrong = photos.relation[row][mask] != ours[mask]
            assert mask.sum() > 40 and wrong.mean() < 0.05


def test_the_model_proposes_and_enter_confirms(page, opened):
    url, told = opened(names=["p0.png"], predictor=StandingModel())
    begin(page, url)
    page.wait("document.body.dataset.kind === 'joints'")
    idle(page)
    page.press("Enter")
    page.wait("document.body.dataset.kind === 'pair'")
    idle(page)
    points, _ = TO_JOINTS.points(
        StandingModel().predict(None)["keypoints"][0], np.ones(17, bool)
    )
    placed = np.array(told.joints["p0.png"])
    np.testing.assert_allclose(placed[:, :2], points, atol=0.06)
    # The right hip is number 1 of 17, the thorax, which is the neck, number
    # 8: 700 mm closer.
    assert page.text("#question").startswith("Is the right hip closer")
    assert page.text("#agree").startswith("As the model")
    assert "proposed" in page.run(
        "document.querySelector('[data-relation=closer]').className"
    )
    page.press("Enter")
    page.wait("document.querySelector('#progress').innerText.includes('1 ans')")
    pair = tuple(map(sorting.JOINTS.index, ("right_hip", "neck")))
    assert told.answers("anna", "p0.png") == {pair: 1}


def test_joints_by_keys_and_mouse(page, opened):
    url, told = opened(names=["p0.png"], predictor=StandingModel())
    begin(page, url)
    page.wait("document.body.dataset.kind === 'joints'")
    idle(page)
    start = np.array(
        json.loads(fetch(f"{url}api/task?who=bob")[1])["joints"], float
    )
    page.press("ArrowRight")
    page.press("ArrowDown", shift=True)
    page.press("Tab")
    page.press("h")
    page.press("Tab")
    page.press("x")
    assert page.text("#question") == "Joint: right hip; not in the picture"
    page.press("Tab", shift=True)
    assert page.text("#question") == "Joint: right knee; hidden"
    # The left ankle, dragged by 30 and 20 pixels of the screen.
    _, scale = fitted(page)
    at = np.array(on_screen(page, start[5, :2]))
    page.drag(at.tolist(), (at + [10, 5]).tolist(), (at + [30, 20]).tolist())
    page.press("Enter")
    page.wait("document.body.dataset.kind === 'pair'")
    placed = np.array(told.joints["p0.png"], float)
    expected = start.copy()
    expected[0, :2] += [1, 10]
    expected[1, 2] = 1
    expected[2, 2] = 0
    expected[5, :2] += np.array([30, 20]) / scale
    # Mice move by whole pixels of the screen.
    np.testing.assert_allclose(placed, expected, atol=1 / scale)


def test_without_a_model_a_figure_is_there_to_drag(page, opened):
    url, told = opened(names=["p0.png"])
    begin(page, url)
    page.wait("document.body.dataset.kind === 'joints'")
    idle(page)
    page.press("Enter")
    page.wait("document.body.dataset.kind === 'pair'")
    joints = np.array(told.joints["p0.png"])
    assert ((joints[:, :2] > 0) & (joints[:, :2] < [160, 200])).all()
    left, right = (
        joints[sorting.JOINTS.index(f"{side}_hip"), 0]
        for side in ("left", "right")
    )
    assert left > right  # We see it from the front.
    assert page.run("document.getElementById('agree').hidden")


def test_undo_and_answering_again(page, opened):
    url, told = opened(names=["p0.png"], given={"p0.png": some_joints()})
    begin(page, url)
    idle(page)
    first = page.text("#question")
    page.press("c")
    page.wait(f"document.querySelector('#question').innerText !== {first!r}")
    idle(page)
    assert len(told.answers("anna", "p0.png")) == 1
    page.press("Backspace")
    page.wait(f"document.querySelector('#question').innerText === {first!r}")
    assert told.answers("anna", "p0.png") == {}


def test_two_people_their_agreement_and_contradictions(page, opened):
    url, told = opened(names=["p0.png"], given={"p0.png": some_joints()})
    told.answer("bob", "p0.png", "right_hip", "neck", "farther")
    begin(page, url)
    idle(page)
    page.press("c")
    page.wait("document.querySelector('#progress').innerText.includes('1 ans')")
    idle(page)
    page.press("r")
    page.wait("document.querySelector('#reported[open]')")
    text = page.text("#reported")
    assert (
        "2 annotators, 1 contradictions" in text and "right hip: anna" in text
    )
    assert re.search(r"anna, bob\s+1\s+0 %\s+100 %", text)
    page.run(
        "[...document.querySelectorAll('#reported button')]"
        ".find((b) => b.innerText === 'Answer again').click()"
    )
    page.wait("!document.querySelector('#reported[open]')")
    idle(page)
    page.press("f")
    page.wait("document.querySelector('#said').innerText === ''")
    idle(page)
    assert told.report()["contradictions"] == []


def test_joints_that_another_moves_meanwhile(page, opened):
    url, told = opened(names=["p0.png"], predictor=StandingModel())
    begin(page, url)
    page.wait("document.body.dataset.kind === 'joints'")
    idle(page)
    moved = [[x + 7, y, v] for x, y, v in some_joints()]
    told.place("bob", "p0.png", moved, 0)
    page.press("Enter")
    page.wait("document.querySelector('#said').innerText")
    assert page.text("#said") == (
        "bob moved joints of p0.png in the meantime; yours were not kept, look "
        "at these first."
    )
    idle(page)
    page.complaints.clear()  # The console notes the refusal.
    page.press("Enter")
    page.wait("document.body.dataset.kind === 'pair'")
    assert told.joints["p0.png"] == moved


def test_a_server_that_dies_and_comes_back_loses_nothing(page, opened, folder):
    url, told = opened(names=["p0.png"], given={"p0.png": some_joints()})
    begin(page, url)
    idle(page)
    page.press("c")
    page.wait("document.querySelector('#progress').innerText.includes('1 ans')")
    idle(page)
    opened.end()
    page.press("s")
    page.wait("document.querySelector('#said').innerText.includes('kept here')")
    port = int(url.rsplit(":", 1)[1].strip("/"))
    kept = journal.Journal(folder / "answers.jsonl")
    again = project.Project(["p0.png"], kept, given={"p0.png": some_joints()})
    assert again.answers("anna", "p0.png") == told.answers("anna", "p0.png")
    app = annotate.make_app(again, folder, host="127.0.0.1")
    with serving(app, port=port):
        page.wait(
            "document.querySelector('#progress').innerText.includes('2 ans')"
        )
    assert list(again.answers("anna", "p0.png").values()) == [1, 0]
    page.complaints.clear()  # The console notes each attempt.
    kept.close()


KILLED = """
import pathlib, sys
from ordinal_tf.annotation import journal, project
from ordinal_tf.web import annotate, pages
folder = pathlib.Path(sys.argv[1])
told = project.Project(
    ["p0.png"], journal.Journal(folder / "answers.jsonl"), group=1
)
app = annotate.make_app(told, folder, host="127.0.0.1")
pages.run(
    app, host="127.0.0.1", port=0, ready=lambda url: print(url, flush=True)
)
"""


@pytest.mark.slow  # Another process imports the package.
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_server_loses_no_answer(folder, checkout, end):
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(folder)],
        cwd=checkout,
        stdout=subprocess.PIPE,
        text=True,
    )
    heard = []
    with process:
        url = process.stdout.readline().strip()
        about = {"who": "anna", "image": "p0.png"}
        status, _ = fetch(
            f"{url}api/place", {**about, "joints": some_joints(), "revision": 0}
        )
        assert status == 200
        timer = threading.Timer(0.4, os.kill, (process.pid, end))
        timer.start()
        pairs = [
            (a, b)
            for a in sorting.JOINTS.joints
            for b in sorting.JOINTS.joints
            if a < b
        ] * 20
        for number, (a, b) in enumerate(pairs):
            relation = ("closer", "farther")[number // 91 % 2]
            answer = {**about, "a": a, "b": b, "relation": relation}
            try:
                status, _ = fetch(f"{url}api/answer", answer)
            except OSError:
                break
            assert status == 200
            heard.append((a, b, relation))
        timer.join()
        assert process.wait(60) == (-9 if end == signal.SIGKILL else 0)
    assert heard
    kept = journal.Journal(folder / "answers.jsonl")
    answers = [(e["a"], e["b"], e["relation"]) for e in kept.entries[1:]]
    kept.close()
    # At most the one whose reply nobody heard is there beside them.
    assert answers[: len(heard)] == heard and len(answers) <= len(heard) + 1


@pytest.mark.parametrize(
    ("path", "content", "status", "says"),
    [
        ("api/answer", b"{", 400, "not JSON"),
        ("api/answer", b"[" * 60_000, 400, "not JSON"),
        ("api/answer", b"7", 400, "JSON object with who"),
        ("api/answer", {"who": "anna"}, 400, "JSON object with who"),
        ("api/answer", b"x" * 70_000, 413, "more than"),
        ("api/undo", {"who": 3}, 400, "A name has"),
        ("api/undo", {"who": "anna"}, 200, "p0.png"),
        ("api/place", {"who": "anna", "image": []}, 400, "JSON object"),
    ],
)
def test_bad_requests_are_one_sentence(opened, path, content, status, says):
    url, told = opened(names=["p0.png"])
    code, text = fetch(url + path, content)
    assert code == status and says in text
    assert told.annotators == {} and told.joints == {}


@pytest.mark.parametrize(
    "image", ["../answers.jsonl", "/etc/passwd", "p9.png", "", "p0.png%00"]
)
def test_only_pictures_are_handed_out(opened, image):
    url, _ = opened(names=["p0.png"])
    code, text = fetch(f"{url}photo?image={image}")
    assert code == 400 and "no picture" in text


def test_other_sites_cannot_answer_for_us(opened):
    url, _ = opened(names=["p0.png"])
    body = {"who": "anna"}
    # What a browser lets other pages send without asking us first.
    code, text = fetch(f"{url}api/undo", body, kind="text/plain")
    assert code == 400 and "content type" in text
    code, _ = fetch(f"{url}api/undo", body, Host="evil.example")
    assert code == 400


def test_an_unwritable_journal_is_said_and_not_acknowledged(
    opened, monkeypatch
):
    url, told = opened(names=["p0.png"], given={"p0.png": some_joints()})

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    answer = {"who": "anna", "image": "p0.png", "a": "neck", "b": "left_hip"}
    code, text = fetch(f"{url}api/answer", {**answer, "relation": "equal"})
    assert code == 500 and "No space left" in json.loads(text)["error"]
    assert told.annotators == {}


def test_the_written_files_can_be_asked_for(opened, folder):
    url, told = opened(names=["p0.png"], given={"p0.png": some_joints()})
    told.answer("anna", "p0.png", "right_hip", "neck", "closer")
    code, text = fetch(f"{url}api/write", {"who": "anna"})
    assert code == 200
    assert json.loads(text) == {
        "pictures": 1,
        "relations": 1,
        "folder": str(folder),
    }
    assert pathlib.Path(folder / "annotations.json").exists()
    assert layouts.write(folder, told) == {"pictures": 1, "relations": 1}
