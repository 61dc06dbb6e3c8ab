"""Finding model folders, their newest version, and weights to start from."""

import pytest

from ordinal_tf import paths


def test_versions_are_numbers_in_order(tmp_path):
    for name in ("2", "10", "1", "new_11", "notes"):
        (tmp_path / name).mkdir()
    (tmp_path / "3").write_text("a file, not a version")
    assert paths.versions(tmp_path) == [1, 2, 10]
    assert paths.latest_version(tmp_path) == tmp_path / "10"


def test_a_folder_without_versions_is_its_own(tmp_path):
    assert paths.versions(tmp_path) == []
    assert paths.latest_version(tmp_path) == tmp_path


def test_weights_of_a_file_a_run_and_a_model(tmp_path):
    run, model = tmp_path / "run", tmp_path / "model"
    run.mkdir()
    in_run = run / "model.weights.h5"
    in_run.touch()
    old, new = (model / v / paths.IMAGE_WEIGHTS for v in ("1", "2"))
    for path in (old, new):
        path.parent.mkdir(parents=True)
        path.touch()
    assert paths.weights_file(in_run) == in_run
    assert paths.weights_file(run) == in_run
    assert paths.weights_file(model) == new
    assert paths.weights_file(model / "1") == old


def test_no_weights_there(tmp_path):
    with pytest.raises(ValueError, match="holds no weights"):
        paths.weights_file(tmp_path)
    with pytest.raises(ValueError, match="No shipped model"):
        paths.weights_file("nobody")
