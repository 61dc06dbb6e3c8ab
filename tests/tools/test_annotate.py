"""The annotator's program: what it takes, refuses, and leaves behind."""

import json
import re
import signal

import numpy as np
import pytest

from ordinal_tf.annotation import journal, sorting
from ordinal_tf.data.readers import coco
from tests import lsp_files, programs
from tests.web.conftest import fetch


@pytest.mark.slow  # Another process imports TensorFlow.
def test_labels_of_a_data_set_get_relations(checkout, tmp_path):
    lsp_files.write_lsp(tmp_path / "lsp", count=3, relations=False)
    out = tmp_path / "out"
    flags = f"--labels={tmp_path / 'lsp'}", f"--out={out}", "--model="
    with programs.started(checkout, "annotate", "--port=0", *flags) as process:
        line = process.stdout.readline()
        assert line, process.stderr.read()
        url = re.search(r"http://\S+", line).group()
        told = []
        for _ in range(200):
            _, text = fetch(f"{url}api/task?who=anna")
            task = json.loads(text)
            if task["kind"] == "done":
                break
            assert task["kind"] == "pair"  # Joints are known.
            told.append(task)
            answer = {key: task[key] for key in ("image", "a", "b")}
            answer |= {"who": "anna", "relation": "equal"}
            assert fetch(f"{url}api/answer", answer)[0] == 200
        assert len(told) == 3 * 13
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "Wrote 39 relations of 3 pictures" in rest
    labelled = coco.read_custom(out)
    assert len(labelled) == 3 and labelled.relation_mask.any()
    assert not labelled.relation.any()
    given = np.array(told[0]["joints"])[:, :2]
    assert given.shape == (len(sorting.JOINTS), 2) and (given > 0).all()


def some_pictures(folder, *names):
    folder.mkdir(parents=True, exist_ok=True)
    for seed, name in enumerate(names):
        rng = np.random.default_rng(seed)
        image = rng.integers(0, 255, (40, 30, 3), np.uint8)
        lsp_files.write_picture(folder / name, image)
    return folder


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        ([], "Give `--images` or `--labels`"),
        (["--images={0}/a", "--labels={0}/a"], "one of them"),
        (["--images={0}/nowhere"], "No such picture"),
        (["--labels={0}/a"], "annotations.json is missing"),
        (["--images={0}/a", "--images={0}/b"], "would both be called one.png"),
        (["--images={0}/a", "--model=none"], "No shipped model"),
        (["--images={0}/cut.jpg"], "truncated or damaged"),
        (["--images={0}/text.jpg"], "Not a picture"),
    ],
)
def test_bad_flags_are_one_sentence(run_tool, tmp_path, flags, says):
    some_pictures(tmp_path / "a", "one.png", "two.jpg")
    some_pictures(tmp_path / "b", "one.png")
    data = (tmp_path / "a" / "two.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(data[: len(data) // 2])
    (tmp_path / "text.jpg").write_text("no picture")
    flags = [flag.format(tmp_path) for flag in flags]
    code, _, err = run_tool("annotate", *flags, f"--out={tmp_path / 'out'}")
    last = err.strip().splitlines()[-1]
    assert code == 1 and says in last and last.startswith("annotate: ")


def test_another_picture_of_the_same_name_is_refused(run_tool, tmp_path):
    (tmp_path / "out").mkdir()
    some_pictures(tmp_path / "a", "other.png", "one.png")
    some_pictures(tmp_path / "out" / "images", "one.png")
    flags = f"--images={tmp_path / 'a'}", f"--out={tmp_path / 'out'}"
    code, _, err = run_tool("annotate", *flags)
    assert code == 1 and "one.png is another picture than" in err


def test_one_program_at_a_time_has_a_folder(run_tool, tmp_path):
    (tmp_path / "out").mkdir()
    some_pictures(tmp_path / "a", "one.png")
    held = journal.Journal(tmp_path / "out" / "answers.jsonl")
    flags = f"--images={tmp_path / 'a'}", f"--out={tmp_path / 'out'}"
    code, _, err = run_tool("annotate", *flags)
    held.close()
    assert code == 1 and "in use by another program" in err
