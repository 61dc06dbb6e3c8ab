"""The ablation: rows as configs, its arithmetic, a tiny one that goes on."""

import numpy as np
import pytest
import tensorflow as tf

from configs import ablation as config_file
from configs import lite
from ordinal_tf.training import checks, runs
from tests import prepared_files
from tools.dev import _ablation as ablation

pytestmark = pytest.mark.filterwarnings("ignore:Even though the `tf.config")

DATA = ablation.Data("people", "people_test", "photos", "photos_test")


@pytest.mark.parametrize("table", sorted(ablation.TABLES))
def test_every_row_is_a_config_that_works(table):
    rows = ablation.TABLES[table](DATA)
    for changes in rows.values():
        base = config_file.get_config()
        config = ablation.row_config(base, changes, DATA, seed=2)
        checks.check_image(config)
        assert config.seed == 2
        assert config.data.held_out_set == "people_test"
        assert base.seed == 0 and not base.data.train
    assert len({ablation._slug(name) for name in rows}) == len(rows)


def test_weak_rows_see_order_and_full_ones_depths():
    rows = ablation.supervision(DATA)
    assert len(rows) == 8
    for name, changes in rows.items():
        config = ablation.row_config(lite.get_config(), changes, DATA, 0)
        (_, _, seen), weights = config.data.train[0], config.loss
        weak = name.endswith("weak")
        assert seen == ("ordinal" if weak else "full")
        assert (weights.rank_weight > 0) == weak
        assert (weights.depth_weight > 0) != weak


def test_photographs_are_asked_for():
    with pytest.raises(ValueError, match="--photos"):
        ablation.mixtures(ablation.Data("people", "people_test"))


def test_an_unknown_row_is_named(tmp_path):
    run = ablation.run(
        "mistakes", lite.get_config(), DATA, tmp_path, seeds=1, only=["30 %"]
    )
    with pytest.raises(ValueError, match="Received: 30 %."):
        next(run)


def test_summary_and_ratios_by_hand():
    def figures(*values):
        return [{"depth_mm": value} for value in values]

    found = {"a: full": figures(10.0, 20.0), "a: weak": figures(11.0)}
    assert ablation.summary(found | {"b": []}) == {
        "a: full": {
            "depth_mm": {"mean": 15.0, "spread": np.sqrt(50.0), "seeds": 2}
        },
        "a: weak": {"depth_mm": {"mean": 11.0, "spread": None, "seeds": 1}},
    }
    # Of the seed that both have.
    assert ablation.ratios(found) == {
        "a": {"mean": pytest.approx(1.1), "spread": None, "seeds": 1}
    }


@pytest.mark.slow  # Trains three networks, of one step each.
def test_a_table_goes_on_where_it_stopped(tmp_path, monkeypatch, request):
    # For a few steps, which cost a tenth of what tracing does.
    tf.config.run_functions_eagerly(True)
    request.addfinalizer(lambda: tf.config.run_functions_eagerly(False))
    people, test = tmp_path / "people", tmp_path / "test"
    prepared_files.write_prepared(people, count=8)
    prepared_files.write_prepared(test, count=4, first=20)
    data = ablation.Data(str(people), str(test), photos_test=str(test))
    base = config_file.get_config()
    base.model.update(encoder="", input_size=32, order=1, features=4)
    base.model.update(stem_features=4, front_features=4, out_features=4)
    base.train.update(steps=1, batch_size=4)
    rows = ablation.supervision(data)
    names = ["depth: full", "coordinates: full", "coordinates: weak"]
    monkeypatch.setitem(
        ablation.TABLES, "supervision", lambda data: {n: rows[n] for n in names}
    )

    def run():
        return ablation.run(
            "supervision", base, data, tmp_path / "runs", seeds=1
        )

    first = next(run())["depth: full"][0]
    made = tmp_path / "runs" / "seed0" / "depth__full" / ablation.FIGURES
    before = made.stat().st_mtime_ns
    *_, every = run()
    assert made.stat().st_mtime_ns == before
    assert every["depth: full"] == [first] == [runs.read_json(made)]
    assert set(first) == {"depth_mm", "order"}
    assert set(every["coordinates: weak"][0]) == {
        *("depth_mm", "order", "pa_mpjpe", "pck", "ordinal_accuracy")
    }
