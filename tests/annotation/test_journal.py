"""What was acknowledged is there, whatever happens to the process."""

import json
import os
import subprocess
import sys

import pytest

from ordinal_tf.annotation import journal


def test_what_was_appended_is_there_again(tmp_path):
    path = tmp_path / "answers.jsonl"
    first = journal.Journal(path)
    assert first.entries == [] and first.removed == 0
    first.append({"who": "Zoë", "n": 1})
    first.append({"n": 2})
    first.close()
    again = journal.Journal(path)
    assert again.entries == [{"who": "Zoë", "n": 1}, {"n": 2}]
    again.append({"n": 3})
    again.close()
    assert len(path.read_bytes().split(b"\n")) == 4


@pytest.mark.parametrize("cut", range(1, 8))
def test_a_line_that_was_cut_off_is_removed(tmp_path, cut):
    path = tmp_path / "answers.jsonl"
    whole = b'{"n": 1}\n'
    path.write_bytes(whole + whole[:cut])
    opened = journal.Journal(path)
    assert opened.entries == [{"n": 1}] and opened.removed == cut
    assert path.read_bytes() == whole
    opened.append({"n": 2})
    opened.close()
    assert path.read_bytes() == whole + b'{"n": 2}\n'


@pytest.mark.parametrize("line", [b"{", b"7", b"\xff\xfe", b""])
def test_a_damaged_line_is_named_and_nothing_changes(tmp_path, line):
    path = tmp_path / "answers.jsonl"
    data = b'{"n": 1}\n' + line + b'\n{"n": 2}\n'
    path.write_bytes(data)
    with pytest.raises(ValueError, match="line 2 of .*answers.jsonl"):
        journal.Journal(path)
    assert path.read_bytes() == data
    with pytest.raises(ValueError, match="line 2"):  # It was let go.
        journal.Journal(path)


def test_one_process_at_a_time(tmp_path):
    path = tmp_path / "answers.jsonl"
    first = journal.Journal(path)
    with pytest.raises(ValueError, match="in use by another program"):
        journal.Journal(path)
    first.close()
    journal.Journal(path).close()


def test_a_full_disk_leaves_nothing_half_written(tmp_path, monkeypatch):
    path = tmp_path / "answers.jsonl"
    opened = journal.Journal(path)
    opened.append({"n": 1})

    def full(descriptor):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            opened.append({"n": 2})
    assert path.read_bytes() == b'{"n": 1}\n'
    opened.append({"n": 3})
    opened.close()
    assert path.read_bytes() == b'{"n": 1}\n{"n": 3}\n'


WRITER = """
import sys
from ordinal_tf.annotation import journal
opened = journal.Journal(sys.argv[1])
for n in range(100000):
    opened.append({"n": n, "filling": "x" * 500})
    print(n, flush=True)
"""


def test_a_killed_process_loses_no_acknowledged_line(tmp_path, checkout):
    path = tmp_path / "answers.jsonl"
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)],
        cwd=checkout,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        for line in process.stdout:
            if int(line) == 20:
                break
        process.kill()
        rest = process.stdout.read()
    said = [int(n) for n in rest.split("\n")[:-1]] or [20]
    opened = journal.Journal(path)
    numbers = [entry["n"] for entry in opened.entries]
    opened.close()
    assert numbers == list(range(len(numbers)))
    assert len(numbers) > said[-1]
    assert json.loads(path.read_text().splitlines()[-1])["n"] == numbers[-1]
