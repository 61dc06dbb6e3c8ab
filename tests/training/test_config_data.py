"""What a config trains on and holds out, and what it must not say."""

import pytest

from configs import lite
from ordinal_tf.training import config_data, runs
from tests import lsp_files, prepared_files


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """`lsp` (9 pictures), and the prepared sets `drawn` and `other`."""
    folder = tmp_path_factory.mktemp("examples")
    lsp_files.write_lsp(folder / "lsp", count=9)
    prepared_files.write_prepared(folder / "drawn", count=6)
    prepared_files.write_prepared(folder / "other", count=4, first=50)
    prepared_files.write_prepared(folder / "overlap", count=2, first=5)
    return folder


@pytest.fixture
def data(folder):
    data = lite.get_config().data
    data.train = ((str(folder / "drawn"), 3.0),)
    data.held_out_set = str(folder / "other")
    return data


def quiet(text):
    del text


def test_prepared_folders(data):
    said = []
    config_data.check(data)
    mix, held_out = config_data.read(data, said.append)
    assert [source.count for source in mix.sources] == [6]
    assert held_out.count == 4
    assert said[0].startswith("100.0 % of the examples from drawn in ")
    assert said[0].endswith(": 6 people.")
    assert said[1].startswith("Held out: 4 people of drawn in ")


def test_folders_and_photographs_mix_by_weight(data, folder):
    data.update(
        lsp=str(folder / "lsp"),
        lsp_weight=1.0,
        train_range=(1, 7),
        held_out=(8, 9),
        held_out_set="",
    )
    config_data.check(data)
    mix, held_out = config_data.read(data, quiet)
    assert [source.count for source in mix.sources] == [6, 7]
    assert mix.counts.tolist() == [3, 1]
    assert held_out.name == "lsp" and held_out.count == 2
    data.lsp_weight = 0.0
    mix, _ = config_data.read(data, quiet)
    assert [source.count for source in mix.sources] == [6]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"train": ()}, "No photographs: name them"),
        ({"held_out_set": ""}, "No held-out photographs"),
        ({"train": ((1.0, "a"),)}, "pairs of a prepared folder"),
        ({"service": "grpc://localhost:1"}, "on_device=True"),
        ({"held_out": (1,)}, "`data.held_out` must be the first and"),
    ],
)
def test_bad_sections(data, values, message):
    data.update(values)
    with pytest.raises(ValueError, match=message):
        config_data.check(data)


def test_a_service_cannot_render(data):
    data.update(service="grpc://localhost:1", on_device=True)
    data.synthetic.weight = 1.0
    with pytest.raises(ValueError, match="cannot render people"):
        config_data.check(data)
    data.synthetic.weight = 0.0
    config_data.check(data)
    with pytest.raises(ValueError, match="does not answer"):
        config_data.read(data, quiet)


def test_data_that_do_not_go_together(data, folder):
    drawn = str(folder / "drawn")
    for train, message in (
        (((drawn, 0.0),), "must not sum to zero"),
        (((drawn, 1.0), (drawn, 2.0)), "is named twice"),
        (((drawn, 1.0), (str(folder / "overlap"), 1.0)), "1 people of drawn"),
        (((str(folder / "lsp"), 1.0),), "has no dataset.json"),
    ):
        data.train = train
        with pytest.raises(ValueError, match=message):
            config_data.read(data, quiet)
    data.train = ((drawn, 1.0),)
    data.held_out_set = str(folder / "overlap")
    with pytest.raises(ValueError, match="in pictures that .* has too"):
        config_data.read(data, quiet)


def test_an_example_of_a_run(data, tmp_path):
    config = lite.get_config()
    config.data = data
    config.model.input_size = 40
    runs.start(config, tmp_path / "run", free=())
    found = config_data.example(tmp_path / "run", 7)
    assert found["example"]["image"].shape == (40, 40, 3)
    assert found["picture"] == f"{found['row']:08}.jpg"
    del config.data["synthetic"]
    runs.start(config, tmp_path / "old", free=())
    with pytest.raises(ValueError, match="of an older version"):
        config_data.example(tmp_path / "old", 7)
