"""The start and end of every program, in this process."""

import io
import sys

import pytest
from absl import flags

from tools import _common


@pytest.fixture
def start(monkeypatch, capsys):
    """Runs a main with arguments; returns exit code, stdout and stderr."""

    def run(main, *arguments):
        monkeypatch.setattr(sys, "argv", ["/x/tools/paint.py", *arguments])
        with pytest.raises(SystemExit) as end:
            _common.run(main)
        flags.FLAGS.unparse_flags()
        captured = capsys.readouterr()
        return end.value.code, captured.out, captured.err

    return run


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ValueError("Two lines,\n  one sentence."), "Two lines, one sentence."),
        (OSError("Disk on fire."), "Disk on fire."),
        (FileNotFoundError(2, "No such file", "a.jpg"), "a.jpg: No such file"),
        (ValueError(), "ValueError"),
    ],
)
def test_bad_input_is_one_line(start, error, sentence):
    def main():
        raise error

    assert start(main) == (1, "", f"paint: {sentence}\n")


def test_ctrl_c(start):
    def main():
        raise KeyboardInterrupt

    code, _, stderr = start(main)
    assert code == 130 and "interrupted" in stderr


def test_other_errors_keep_their_traceback(monkeypatch):
    def main():
        raise ZeroDivisionError

    monkeypatch.setattr(sys, "argv", ["paint.py"])
    with pytest.raises(ZeroDivisionError):
        _common.run(main)
    flags.FLAGS.unparse_flags()


def test_success_and_arguments(start):
    code, out, _ = start(lambda names: print(names), "a", "b")
    assert not code and out == "['a', 'b']\n"
    code, out, err = start(lambda: print("well"), "a", "b")
    assert code == 1 and not out.endswith("well\n")
    assert "Unexpected arguments: ['a', 'b']" in out + err


def test_help_succeeds(start):
    code, out, _ = start(lambda: None, "--help")
    assert code == 0 and "--helpfull" in out


def test_old_names_of_flags_come_with_a_sentence(capsys):
    given = ["x", "--photo=a.jpg", "-first", "3", "photo", "--", "--photo=b"]
    new = _common.renamed(given, {"photo": "images", "first": "start"})
    kept = ["photo", "--", "--photo=b"]
    assert new == ["x", "--images=a.jpg", "--start", "3", *kept]
    assert given[1] == "--photo=a.jpg"
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert said[0].startswith("--photo is called --images now; the old name")
    assert _common.renamed(given, {}) == given


def test_unknown_flag_fails(start):
    code, _, err = start(lambda: None, "--nosuch=1")
    assert code == 1 and "nosuch" in err


@pytest.fixture
def configs(tmp_path, monkeypatch):
    for name in ("lite.py", "paper.py", "__init__.py"):
        (tmp_path / name).write_text("")
    monkeypatch.setattr(_common, "_CONFIGS", tmp_path)
    return tmp_path


def test_config_names_become_paths(configs, tmp_path):
    lite = str(configs / "lite.py")
    expand = _common.expand_config
    assert expand(["x", "--config=lite"]) == ["x", f"--config={lite}"]
    assert expand(["x", "--config", "lite"]) == ["x", "--config", lite]
    # Paths, fields and other flags stay as they are.
    for same in (
        ["x", f"--config={lite}", "--config.train.steps=3"],
        ["x", "--configuration=lite", "lite"],
        ["x", "--config"],
    ):
        assert expand(same) == same


@pytest.mark.parametrize("value", ["litte", "__init__", "configs/none.py"])
def test_unknown_config_lists_the_packaged_ones(configs, value):
    with pytest.raises(ValueError, match="lite, paper") as error:
        _common.config_path(value)
    assert value in str(error.value)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_on_a_terminal_rewrites_one_line(monkeypatch):
    now = 0.0
    monkeypatch.setattr(_common.time, "monotonic", lambda: now)
    stream = Terminal()
    update = _common.progress_line(3, "work", stream=stream)
    for done in (1, 2, 3):
        now += 50.0
        update(done, f"loss {done}")
    lines = stream.getvalue().split("\r")[1:]
    assert lines == [
        "work 1/3, 1:40 left  loss 1\033[K",
        "work 2/3, 50 s left  loss 2\033[K",
        "work 3/3, 2:30  loss 3\033[K\n",
    ]


def test_progress_elsewhere_writes_a_line_now_and_then(monkeypatch):
    now = 0.0
    monkeypatch.setattr(_common.time, "monotonic", lambda: now)
    stream = io.StringIO()
    update = _common.progress_line(7200, "work", stream=stream, every_s=600)
    for done in range(1, 7201):
        now = float(done)
        update(done)
    lines = stream.getvalue().splitlines()
    # The first, one every ten minutes of the two hours, and the last.
    assert len(lines) == 13
    assert lines[0] == "work 1/7200, 1:59:59 left"
    assert lines[-1] == "work 7200/7200, 2:00:00"


def test_progress_yields_everything(capsys):
    assert list(_common.progress("abc", label="count")) == list("abc")
    assert "count 3/3" in capsys.readouterr().err
    assert list(_common.progress(iter("ab"), label="count")) == list("ab")


def test_numbers_in_words_and_in_columns():
    assert _common.counted(1, "picture") == "1 picture"
    assert _common.counted(0, "picture") == "0 pictures"
    assert _common.counted(2, "person", "people") == "2 people"
    # Lines may end early, and none ends in spaces.
    lines = [["", "b"], ["long", "c", "d"], ["x", ""]]
    assert _common.columns(lines) == "      b\nlong  c  d\nx"
