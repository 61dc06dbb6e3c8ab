"""Readers against damaged files, and the program that damages them."""

import json
import pathlib

import numpy as np
import pytest

from tools import _fuzz

pytest.importorskip("c3d")
pytest.importorskip("cdflib")


def test_damage_is_a_function_of_the_seed():
    data = bytes(range(256)) * 8
    path = pathlib.Path("a.mat")

    def damaged(case):
        return _fuzz.damage(data, path, np.random.default_rng((0, case)))

    assert [damaged(k) for k in range(20)] == [damaged(k) for k in range(20)]
    assert sum(damaged(k) != data for k in range(50)) > 45
    lengths = {len(damaged(k)) for k in range(50)}
    assert len(lengths) > 10  # Some are cut, some grow.


def test_what_counts_as_wrong_labels():
    from ordinal_tf.data.readers import labels

    photos = labels.labelled("a", ["a.jpg"], np.ones((1, 3)))
    assert _fuzz.fault(photos) is None
    for key, value, fault in (
        ("boxes", [[1, 1, 0]], "a box without area"),
        ("boxes", [[1, np.nan, 1]], "boxes that is not finite"),
        ("relation", np.ones((1, 17, 17)), "contradict themselves"),
        ("depth", np.ones((1, 17)), "the mask says that there are none"),
    ):
        changed = {**vars(photos), key: np.asarray(value, "f4")}
        assert fault in _fuzz.fault(labels.LabelledPhotos(**changed))
    assert _fuzz.fault(photos.take([])) == "nobody"


def test_no_reader_trips_over_damaged_files(run_tool):
    # Minutes for a read, because a busy machine must not look like a hang.
    code, out, err = run_tool(
        "dev.fuzz_readers", "--cases=50", "--seed=3", "--seconds=300"
    )
    assert code == 0, err
    counts = json.loads(out.splitlines()[-1])
    assert set(counts) == set(_fuzz.READERS)
    for name, row in counts.items():
        assert sum(row.values()) == 50
        assert not row["crash"] and not row["hang"], (name, out)
        assert not row["nameless"], (name, out)
        assert row["refused"] > 2, name


def test_without_a_checkout(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(f"No module named {name!r}")

    monkeypatch.setattr(_fuzz.importlib, "import_module", missing)
    with pytest.raises(ValueError, match="this program runs in a checkout"):
        _fuzz.READERS["lsp"].load()


def test_unknown_readers(run_tool):
    code, _, err = run_tool("dev.fuzz_readers", "--readers=lsp,cats")
    assert (
        code == 1
        and "No reader is called cats; there are: prepared, lsp" in err
    )
