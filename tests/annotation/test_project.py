"""Tasks, answers and reports of several people, and the replayed journal."""

import json

import numpy as np
import pytest

from ordinal_tf.annotation import journal, project, sorting

NAMES = ["a.jpg", "b.jpg", "c.jpg"]
JOINTS = [[10.0 + n, 20.0 + 2 * n, 2] for n in range(14)]
DEPTHS = {
    name: np.random.default_rng(seed).normal(0, 300, 14)
    for seed, name in enumerate(NAMES)
}


@pytest.fixture
def opened(tmp_path):
    """`opened()` is the project in tmp_path, as a new process has it."""
    last = []

    def again(names=NAMES, **options):
        while last:
            last.pop().close()
        last.append(journal.Journal(tmp_path / "answers.jsonl"))
        return project.Project(names, last[0], **options)

    yield again
    while last:
        last.pop().close()


def truth(task):
    a, b = (sorting.JOINTS.index(task[side]) for side in "ab")
    apart = DEPTHS[task["image"]][b] - DEPTHS[task["image"]][a]
    if abs(apart) < 100:
        return "equal"
    return "closer" if apart > 0 else "farther"


def work(told, who, most=1000, answer=truth):
    """Does tasks until none is left; returns them."""
    done = []
    while len(done) < most and (task := told.task(who)):
        done.append(task)
        if task["kind"] == "joints":
            revision = told.revision(task["image"])
            told.place(who, task["image"], JOINTS, revision)
        else:
            pair = task["image"], task["a"], task["b"]
            told.answer(who, *pair, answer(task))
    return done


def state(told):
    return told.joints, told.annotators, told.report(), told.task("ann")


def test_all_that_was_said_is_there_again(opened):
    told = opened()
    work(told, "ann", 30)
    work(told, "bob", 20)
    told.undo("ann")
    before = json.dumps(told.report()), told.joints, told.annotators
    task = told.task("ann")
    told = opened()
    assert (json.dumps(told.report()), told.joints, told.annotators) == before
    # Which pair all pictures are at is known again too.
    assert told.task("ann") == task


@pytest.mark.parametrize("group", [1, 2, 50])
def test_an_order_emerges(opened, group):
    told = opened(group=group)
    done = work(told, "ann")
    for name in NAMES:
        progress = told.progress("ann", name)
        assert progress.question is None and progress.unsorted == 0
    questions = [task for task in done if task["kind"] == "pair"]
    assert len(questions) == sum(
        len(told.answers("ann", name)) for name in NAMES
    )
    assert told.report()["annotators"] == [
        {"name": "ann", "answers": len(questions), "finished": 3}
    ]


def test_a_group_is_asked_about_the_same_pair(opened):
    done = work(opened(group=3), "ann")
    assert [task["kind"] for task in done[:3]] == ["joints"] * 3
    assert [task["image"] for task in done[:6]] == NAMES * 2
    assert len({(task["a"], task["b"]) for task in done[3:6]}) == 1


def test_in_a_large_group_most_questions_repeat_the_pair(opened, monkeypatch):
    rng = np.random.default_rng(0)
    person = rng.normal(0, 300, 14)
    names = [f"{n}.jpg" for n in range(30)]
    for name in names:
        monkeypatch.setitem(DEPTHS, name, person + rng.normal(0, 60, 14))
    told = opened(names=names, given=dict.fromkeys(names, JOINTS))
    pairs = [(t["a"], t["b"]) for t in work(told, "ann")]
    same = sum(x == y for x, y in zip(pairs, pairs[1:], strict=False))
    assert same > 0.6 * len(pairs)


def test_alone_pictures_come_one_after_the_other(opened):
    done = work(opened(group=1), "ann")
    images = [task["image"] for task in done]
    assert images == sorted(images)


def test_joints_that_are_known_are_not_asked_for(opened):
    told = opened(given={"a.jpg": JOINTS, "b.jpg": JOINTS})
    kinds = [(t["kind"], t["image"]) for t in work(told, "ann")]
    assert [image for kind, image in kinds if kind == "joints"] == ["c.jpg"]


def test_undo_takes_back_the_last_answer_and_asks_again(opened):
    told = opened(group=1)
    work(told, "ann", 3)
    before = dict(told.answers("ann", "a.jpg"))
    task = told.task("ann")
    told.answer("ann", task["image"], task["a"], task["b"], "closer")
    # The other way round is the same pair.
    told.answer("ann", task["image"], task["b"], task["a"], "equal")
    assert len(told.answers("ann", "a.jpg")) == len(before) + 1
    assert told.undo("ann") == "a.jpg"
    pair = tuple(sorting.JOINTS.index(task[side]) for side in "ab")
    assert told.answers("ann", "a.jpg") == {**before, pair: 1}
    assert told.undo("ann") == "a.jpg"
    assert told.answers("ann", "a.jpg") == before
    assert told.task("ann", "a.jpg") == task
    assert told.undo("bob") is None


def test_saying_the_same_again_changes_nothing(opened, tmp_path):
    told = opened()
    told.place("ann", "a.jpg", JOINTS, 0)
    told.answer("ann", "a.jpg", "left_knee", "neck", "closer")
    written = (tmp_path / "answers.jsonl").read_bytes()
    told.place("ann", "a.jpg", JOINTS, 0)
    told.answer("ann", "a.jpg", "left_knee", "neck", "closer")
    assert (tmp_path / "answers.jsonl").read_bytes() == written
    told.undo("ann")
    assert told.answers("ann", "a.jpg") == {}


def test_two_people_at_the_same_joints(opened):
    told = opened()
    told.place("ann", "a.jpg", JOINTS, 0)
    moved = [[x + 5, y, v] for x, y, v in JOINTS]
    with pytest.raises(project.Conflict, match="ann moved joints of a.jpg"):
        told.place("bob", "a.jpg", moved, 0)
    assert told.joints["a.jpg"] == JOINTS
    told.place("bob", "a.jpg", moved, told.revision("a.jpg"))
    assert opened().joints["a.jpg"] == moved


def test_joints_that_another_placed_are_not_asked_for_again(opened):
    """Of one who has looked at the picture before, and answered nothing."""
    told = opened()
    assert told.task("anna")["kind"] == "joints"
    told.place("bob", "a.jpg", JOINTS, 0)
    assert told.task("anna", "a.jpg")["kind"] == "pair"


def test_people_answer_apart_and_the_report_says_where_they_differ(opened):
    told = opened(names=["a.jpg"], given={"a.jpg": JOINTS})
    work(told, "ann")
    work(told, "bob")
    report = told.report()
    (row,) = report["agreement"]
    assert (row["first"], row["second"]) == ("ann", "bob")
    assert row["same"] == 1.0 and row["opposite"] == 0.0 and row["pairs"] > 20
    assert report["contradictions"] == []
    upside_down = {"closer": "farther", "farther": "closer", "equal": "equal"}
    work(told, "cat", answer=lambda task: upside_down[truth(task)])
    report = told.report()
    found = {(r["first"], r["second"]): r for r in report["agreement"]}
    assert found["ann", "cat"]["opposite"] > 0.5
    assert len(report["contradictions"]) > 20
    one = report["contradictions"][0]
    apart = np.diff(
        [
            DEPTHS["a.jpg"][sorting.JOINTS.index(joint)]
            for joint in (one["a"], one["b"])
        ]
    )[0]
    right, wrong = ["ann", "bob"], ["cat"]
    sides = (right, wrong) if apart > 0 else (wrong, right)
    assert (one["a_closer"], one["b_closer"]) == sides


def test_a_joint_that_is_taken_away_is_not_asked_about(opened):
    told = opened(names=["a.jpg"])
    gone = [list(joint) for joint in JOINTS]
    for joint in ("left_ankle", "neck"):
        gone[sorting.JOINTS.index(joint)] = [0, 0, 0]
    told.place("ann", "a.jpg", gone, 0)
    asked = {t[side] for t in work(told, "ann") for side in "ab"}
    assert len(asked) == 12 and not asked & {"left_ankle", "neck"}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"image": "d.jpg"}, "no picture 'd.jpg'"),
        ({"image": 7}, "no picture '7'"),
        ({"a": "left_wirst"}, "left_wirst"),
        ({"b": "left_knee"}, "both left_knee"),
        ({"relation": "nearer"}, "closer, farther or equal.*'nearer'"),
        ({"relation": None}, "closer, farther or equal"),
        ({"relation": ["closer"]}, "closer, farther or equal"),
        ({"who": ""}, "A name has 1 to 40"),
        ({"who": "x" * 41}, "A name has"),
        ({"who": "a\nb"}, "A name has"),
        ({"who": None}, "A name has"),
    ],
)
def test_bad_answers_are_one_sentence_and_leave_nothing(opened, change, says):
    told = opened(given=dict.fromkeys(NAMES, JOINTS))
    good = dict(who="ann", image="a.jpg", a="left_knee", b="neck")
    with pytest.raises(ValueError, match=says):
        told.answer(**{**good, "relation": "closer", **change})
    assert told.annotators == {}
    assert opened().annotators == {}


@pytest.mark.parametrize(
    "joints",
    [
        None,
        JOINTS[:-1],
        [[1, 2]] * 14,
        [[1, 2, 3]] * 14,
        [["1", 2, 2]] * 14,
        [[True, 2, 2]] * 14,
        [[float("nan"), 2, 2]] * 14,
        [[1e9, 2, 2]] * 14,
        [[1, 2, 0]] * 13 + [[1, 2, 2]],
    ],
)
def test_bad_joints_leave_nothing(opened, joints):
    told = opened()
    with pytest.raises(ValueError, match="joints"):
        told.place("ann", "a.jpg", joints, 0)
    assert told.joints == {} and opened().joints == {}


def test_a_journal_of_other_pictures_is_named_with_its_line(opened):
    told = opened()
    work(told, "ann", 4)
    with pytest.raises(ValueError, match=r"line 1 of .*: There is no picture"):
        opened(names=["other.jpg"])
