"""Readers' own names and skeletons are what protocols look for."""

import pathlib

import numpy as np
import pytest

from ordinal_tf.data.prepared import cutouts
from ordinal_tf.data.readers import h36m_release, humaneva, mpi_inf_3dhp
from ordinal_tf.evaluation import people, protocols
from tests import h36m_files, humaneva_files
from tests.data.readers import test_mpi_inf_3dhp as dhp_files


def quiet(text):
    del text


def seen(name, photos, root):
    """Groups and units of a protocol, by the names that are prepared."""
    someone = people.of_photos(photos, where=root)
    protocol = protocols.find(name, someone)
    protocols.check(protocol, someone)
    names = [cutouts._name(pathlib.Path(path), root) for path in photos.paths]
    assert not any(pathlib.PurePath(one).is_absolute() for one in names)
    kept = [one for one in names if not protocol.only or protocol.only(one)]
    groups = {protocol.group(one) for one in kept}
    return len(kept), groups, {protocol.unit(one) for one in kept}


def test_human36m_release(tmp_path):
    pytest.importorskip("cdflib")
    h36m_files.write_release(tmp_path, subjects=("S9",))
    photos = h36m_release.read_h36m_release(
        tmp_path, split="test", report=quiet
    )
    count, groups, units = seen("h36m-p1", photos, tmp_path)
    # Two takes of one action, four cameras.
    assert count == len(photos) and groups == {"Directions"}
    assert len(units) == 8


def test_humaneva(tmp_path, monkeypatch):
    monkeypatch.setitem(humaneva._PARTITION, ("S1", "Walking"), (20, 28))
    humaneva_files.write_subject(tmp_path / "S1")
    photos = humaneva.read_humaneva(tmp_path, report=quiet)
    count, groups, units = seen("humaneva", photos, tmp_path)
    assert count > 1 and groups == {"S1 Walking"} and len(units) == 1


def test_mpi_inf_3dhp(tmp_path):
    names = {f"TS{number}" for number in range(1, 7)}
    for name in names:
        content = dhp_files.arrays()
        dhp_files.write(tmp_path / name, content)
    photos = mpi_inf_3dhp.read_mpi_inf_3dhp(tmp_path, report=quiet)
    count, groups, units = seen("mpi-inf-3dhp", photos, tmp_path)
    assert count == len(photos) and groups == names
    assert units == {f"{name} 0" for name in names}
    assert np.isfinite(photos.pose).all()
