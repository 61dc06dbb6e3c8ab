"""Prepared folders: written, continued, opened, and refused when damaged."""

import json
import shutil

import cv2
import numpy as np
import pytest
import tensorflow as tf

from ordinal_tf.data.prepared import reading, records, writing
from ordinal_tf.data.readers import lsp
from tests import lsp_files, prepared_files
from tests.prepared_files import quiet, write_prepared


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Ten people in three shards, and the card."""
    folder = tmp_path_factory.mktemp("prepared") / "whole"
    return folder, write_prepared(folder)


@pytest.fixture
def copy(whole, tmp_path):
    return shutil.copytree(whole[0], tmp_path / "copy")


def test_the_folder(whole):
    folder, card = whole
    assert sorted(contents(folder)) == [
        "data-00000-of-00003.tfrecord",
        "data-00001-of-00003.tfrecord",
        "data-00002-of-00003.tfrecord",
        "dataset.json",
        "index.npz",
        "sheet.png",
    ]
    assert json.loads((folder / "dataset.json").read_text()) == card
    assert [shard["records"] for shard in card["shards"]] == [4, 4, 2]
    assert cv2.imread(str(folder / "sheet.png")).shape[1] > 500


def test_the_card_counts(whole):
    _, card = whole
    people = [prepared_files.record(i) for i in range(10)]
    assert card["records"] == card["pictures"] == card["cameras"] == 10
    assert card["skipped"] == []
    assert card["joints"]["from"] == "h36m17"
    assert set(card["coverage"]["keypoint"].values()) == {1.0}
    visible = np.mean([person["visible_mask"] for person in people], axis=0)
    assert list(card["coverage"]["visible"].values()) == visible.tolist()
    upper = np.triu(np.ones((17, 17), bool), k=1)
    signs = np.stack([person["relation"] for person in people])[:, upper]
    assert card["relations"] == {
        "people": 10,
        "nearer": int((signs == 1).sum()),
        "equal": int((signs == 0).sum()),
        "farther": int((signs == -1).sum()),
        "pairs": 10 * 17 * 16 // 2,
    }
    assert card["width"] == {"least": 96, "median": 96, "most": 96}
    sides = [person["box"][2] for person in people]
    assert card["box_side"]["median"] == pytest.approx(
        np.median(sides), abs=0.1
    )


def test_records_in_any_order(whole):
    opened = reading.open_prepared(whole[0])
    assert len(opened) == 10
    for row in (9, 0, 4, 3):
        expected = prepared_files.record(row)
        found = opened.read(row)
        for key, value in expected.items():
            np.testing.assert_array_equal(found[key], value)
        number = records.picture_number(expected["image"])
        assert opened.picture[row] == number


def test_tensorflow_reads_the_shards_as_they_are(whole):
    folder, _ = whole
    paths = sorted(str(path) for path in folder.glob("*.tfrecord"))
    names = [
        records.parse(data, "here")["name"]
        for data in tf.data.TFRecordDataset(paths).as_numpy_iterator()
    ]
    assert names == [f"{i:08}.jpg" for i in range(10)]


def test_repeated_or_interrupted_it_is_the_same(whole, tmp_path):
    folder, card = whole
    before = contents(folder)
    said = []

    def again(out):
        return writing.prepare(
            prepared_files.drawn(10),
            out,
            about=prepared_files.ABOUT,
            shard_records=4,
            report=said.append,
        )

    assert again(folder) == card and "already" in said.pop()
    assert contents(folder) == before

    def stop(done):
        if done == 8:
            raise KeyboardInterrupt

    out = tmp_path / "stopped"
    with pytest.raises(KeyboardInterrupt):
        write_prepared(out, progress=stop)
    with pytest.raises(ValueError, match="has no dataset.json"):
        reading.open_prepared(out)
    times = [path.stat().st_mtime_ns for path in sorted(out.glob("*record"))]
    assert len(times) == 2
    assert again(out) == card
    assert any("keeping 2 of 3 shards" in text for text in said)
    later = [path.stat().st_mtime_ns for path in sorted(out.glob("*record"))]
    assert later[:2] == times
    assert contents(out) == before


def test_a_shard_that_was_left_damaged_is_written_again(whole, tmp_path):
    out = tmp_path / "stopped"

    def stop(done):
        if done == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_prepared(out, progress=stop)
    shard = out / "data-00000-of-00003.tfrecord"
    shard.write_bytes(shard.read_bytes()[:-1] + b"x")
    (out / "data-00001-of-00003.json").write_text("{")
    write_prepared(out)
    assert contents(out) == contents(whole[0])


@pytest.mark.slow  # Two processes import TensorFlow.
def test_processes_write_the_same(tmp_path):
    lsp_files.write_lsp(tmp_path / "lsp", count=5)
    photos = lsp.read_lsp(tmp_path / "lsp")
    people = writing.PhotoPeople(photos, tmp_path / "lsp", {"margin": 1.2})
    about = prepared_files.ABOUT
    for count in (1, 2):
        writing.prepare(
            people,
            tmp_path / str(count),
            about=about,
            processes=count,
            shard_records=2,
            report=quiet,
        )
    assert contents(tmp_path / "1") == contents(tmp_path / "2")
    card = reading.open_prepared(tmp_path / "2").card
    assert card["options"] == {"margin": 1.2, "shard_records": 2}


def test_another_dataset_is_not_mixed_in(whole, tmp_path):
    with pytest.raises(ValueError, match="prepared from other data"):
        write_prepared(whole[0], count=9)
    out = tmp_path / "stopped"
    with pytest.raises(KeyboardInterrupt):
        write_prepared(out, progress=_interrupt)
    with pytest.raises(ValueError, match="interrupted preparation of other"):
        write_prepared(out, first=1)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").touch()
    with pytest.raises(ValueError, match="a new or an empty folder"):
        write_prepared(tmp_path / "other")


def _interrupt(done):
    raise KeyboardInterrupt


def test_bad_people_are_skipped_and_counted(tmp_path):
    lsp_files.write_lsp(tmp_path / "lsp", count=5)
    photos = lsp.read_lsp(tmp_path / "lsp")
    (tmp_path / "lsp" / "images" / "im00002.png").unlink()
    (tmp_path / "lsp" / "images" / "im00004.png").write_bytes(b"no picture")
    people = writing.PhotoPeople(photos, tmp_path / "lsp", {})
    said = []
    options = {"about": prepared_files.ABOUT, "shard_records": 2}
    card = writing.prepare(
        people, tmp_path / "out", skip_limit=2, report=said.append, **options
    )
    assert card["records"] == 3 and len(said) == len(card["skipped"]) == 2
    assert "im00002.png" in said[0] and "im00004.png" in said[1]
    # The second shard is left with one, and what follows moves up.
    assert [shard["records"] for shard in card["shards"]] == [1, 1, 1]
    opened = reading.open_prepared(tmp_path / "out")
    names = [opened.read(row)["name"][-6:-4] for row in range(3)]
    assert names == ["01", "03", "05"]
    with pytest.raises(ValueError, match="more than 1 bad records"):
        writing.prepare(
            people, tmp_path / "less", skip_limit=1, report=quiet, **options
        )


def test_nobody_is_left(tmp_path):
    with pytest.raises(ValueError, match="no people; nothing to prepare"):
        write_prepared(tmp_path / "out", count=0)
    lsp_files.write_lsp(tmp_path / "lsp", count=2)
    photos = lsp.read_lsp(tmp_path / "lsp")
    shutil.rmtree(tmp_path / "lsp" / "images")
    people = writing.PhotoPeople(photos, tmp_path / "lsp", {})
    with pytest.raises(ValueError, match="no usable person is left"):
        writing.prepare(
            people,
            tmp_path / "out",
            about=prepared_files.ABOUT,
            skip_limit=9,
            report=quiet,
        )


def test_a_full_disk_is_told_before_and_while_writing(tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)

    def little(path):
        return usage._replace(free=9000)

    monkeypatch.setattr(shutil, "disk_usage", little)
    with pytest.raises(OSError, match="needs about 0 MB, and its disk has"):
        write_prepared(tmp_path / "out")
    monkeypatch.undo()

    class Full(tf.io.TFRecordWriter):
        def write(self, record):
            raise tf.errors.ResourceExhaustedError(None, None, "No space")

    monkeypatch.setattr(tf.io, "TFRecordWriter", Full)
    with pytest.raises(OSError, match="The disk is full; make room"):
        write_prepared(tmp_path / "out")
    monkeypatch.undo()
    assert write_prepared(tmp_path / "out")["records"] == 10


def change_card(folder, **entries):
    path = folder / "dataset.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **entries}))


def drop_shard(folder):
    (folder / "data-00001-of-00003.tfrecord").unlink()


def cut_shard(folder):
    path = folder / "data-00001-of-00003.tfrecord"
    path.write_bytes(path.read_bytes()[:-20])


def cut_index(folder):
    path = folder / "index.npz"
    path.write_bytes(path.read_bytes()[:-20])


def same_size_index(folder):
    path = folder / "index.npz"
    data = bytearray(path.read_bytes())
    data[200] ^= 255
    path.write_bytes(bytes(data))


def swap_shards(folder):
    card = json.loads((folder / "dataset.json").read_text())
    change_card(folder, shards=card["shards"][::-1])


def other_index(folder):
    """A whole index, and the card's entry on it, of other records."""
    arrays = reading.read_index(folder / "index.npz")
    arrays["offset"][1] += 1
    reading.write_index(folder / "index.npz", arrays)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: (f / "dataset.json").unlink(), "has no dataset.json"),
        (lambda f: (f / "dataset.json").write_text("{"), "is not valid JSON"),
        (lambda f: (f / "dataset.json").write_text("[]"), "card of format 1"),
        (lambda f: change_card(f, format=2), "card of format 1. Found: 2"),
        (lambda f: change_card(f, records="9"), "`records` must be int"),
        (lambda f: change_card(f, records=9), "does not match"),
        (lambda f: change_card(f, shards=[{}]), "`name` must be str"),
        (lambda f: change_card(f, shards=[]), "does not match"),
        (
            lambda f: change_card(
                f, index={"name": "../x", "bytes": 1, "sha256": ""}
            ),
            "`name` must be str",
        ),
        (drop_shard, "data-00001-of-00003.tfrecord is missing"),
        (cut_shard, "data-00001-of-00003.tfrecord has .* bytes and"),
        (cut_index, "index.npz has .* bytes and"),
        (same_size_index, "no readable .npz file|does not match"),
        (swap_shards, "does not match"),
        (other_index, "does not match"),
    ],
)
def test_damaged_folders_are_refused(copy, damage, message):
    damage(copy)
    with pytest.raises(ValueError, match=message):
        reading.open_prepared(copy)


def test_a_damaged_record_is_found_when_it_is_read(copy):
    path = copy / "data-00001-of-00003.tfrecord"
    data = bytearray(path.read_bytes())
    data[1000] ^= 255
    path.write_bytes(bytes(data))
    opened = reading.open_prepared(copy)
    with pytest.raises(ValueError, match="Record 4, in .*00001.* is damaged"):
        opened.read(4)
    with pytest.raises(ValueError, match="Record 4, in .*00001.* is damaged"):
        opened.read_many([9, 4])
    assert opened.read(5)["name"] == "00000005.jpg"
    several = opened.read_many([9, 5])
    assert [one["name"] for one in several] == ["00000009.jpg", "00000005.jpg"]
    for key, value in opened.read(9).items():
        assert np.array_equal(several[0][key], value)
    assert opened.read_many([]) == []
    with pytest.raises(ValueError, match="checksum is not the card's"):
        writing.check_files(copy, opened.card)
