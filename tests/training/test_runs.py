"""The folder of a run: whole files, exact state, clear refusals."""

import json

import keras
import numpy as np
import pytest
from ml_collections import ConfigDict

from ordinal_tf.training import runs


def config(**train):
    return ConfigDict(
        {
            "seed": 0,
            "data": {"lsp": "here", "train_range": (1, 4)},
            "train": {"steps": 10, "rate": None, **train},
        }
    )


def network(width=3, layers=1, seed=0):
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.Input((2,))])
    for _ in range(layers):
        model.add(keras.layers.Dense(width))
        model.add(keras.layers.BatchNormalization())
        model.add(keras.layers.Dropout(0.5))
    optimizer = keras.optimizers.Adam(0.1)
    optimizer.build(model.trainable_variables)
    return model, optimizer


def train_a_little(model, optimizer, steps=2):
    model.compile(optimizer, "mse")
    rng = np.random.default_rng(0)
    for _ in range(steps):
        model.train_on_batch(rng.normal(size=(4, 2)), rng.normal(size=(4, 3)))


def values(model, optimizer):
    every = [*model.variables, *optimizer.variables]
    return [keras.ops.convert_to_numpy(v) for v in every]


def test_config_round_trip(tmp_path):
    runs.start(config(), tmp_path / "a" / "run", free=())
    read = runs.read_config(tmp_path / "a" / "run")
    assert read.train.steps == 10 and read.train.rate is None
    assert list(read.data.train_range) == [1, 4]
    # The same again, tuples though JSON has none.
    runs.start(config(), tmp_path / "a" / "run", free=())


def test_another_config_names_every_field(tmp_path):
    runs.start(config(), tmp_path, free=())
    with pytest.raises(ValueError, match="another config") as error:
        runs.start(config(steps=11, rate=0.5, more=1), tmp_path, free=())
    message = str(error.value)
    assert "train.steps was 10 and is 11" in message
    assert "train.rate was None and is 0.5" in message
    assert "train.more was None and is 1" in message
    assert str(tmp_path) in message and "--workdir" in message
    # What was there stays.
    assert runs.read_config(tmp_path).train.steps == 10


def test_free_fields_may_change(tmp_path):
    runs.start(config(), tmp_path, free=())
    moved = config()
    moved.data.lsp = "there"
    runs.start(moved, tmp_path, free=("data.lsp",))
    assert runs.read_config(tmp_path).data.lsp == "there"
    with pytest.raises(ValueError, match="data.lsp was 'there' and is 'here'"):
        runs.start(config(), tmp_path, free=("train.steps",))


def test_state_round_trip(tmp_path):
    model, optimizer = network()
    assert runs.restore(tmp_path, model, optimizer) is None
    train_a_little(model, optimizer)
    done = runs.Progress(2, 1, {"last": {"pck": 12.5}}, {"step": 1, "pck": 3})
    runs.save(tmp_path, model, optimizer, done)
    assert {path.name for path in tmp_path.iterdir()} == {
        runs.STATE,
        runs.WEIGHTS,
    }
    other, other_optimizer = network(seed=7)
    assert runs.restore(tmp_path, other, other_optimizer) == done
    pairs = zip(
        values(model, optimizer), values(other, other_optimizer), strict=True
    )
    for one, two in pairs:
        np.testing.assert_array_equal(one, two)
    # From here on both draw the same dropout and take the same steps.
    train_a_little(model, optimizer)
    train_a_little(other, other_optimizer)
    pairs = zip(
        values(model, optimizer), values(other, other_optimizer), strict=True
    )
    for one, two in pairs:
        np.testing.assert_array_equal(one, two)


def test_weights_alone(tmp_path):
    model, optimizer = network()
    runs.save(tmp_path, model, optimizer, runs.Progress(1))
    other, _ = network(seed=3)
    runs.load_weights(other, tmp_path / runs.WEIGHTS)
    for one, two in zip(model.weights, other.weights, strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_stop_while_saving_leaves_the_old_state(tmp_path, monkeypatch):
    model, optimizer = network()
    runs.save(tmp_path, model, optimizer, runs.Progress(1))
    before = (tmp_path / runs.STATE).read_bytes()

    def stop(*args, **kwargs):
        raise KeyboardInterrupt

    for target in ((np, "savez"), (model, "save_weights")):
        with monkeypatch.context() as patch:
            patch.setattr(*target, stop)
            with pytest.raises(KeyboardInterrupt):
                runs.save(tmp_path, model, optimizer, runs.Progress(2))
        assert (tmp_path / runs.STATE).read_bytes() == before
    assert runs.restore(tmp_path, *network(seed=1)).step == 1


@pytest.mark.parametrize("width, layers", [(4, 1), (3, 2), (3, 0)])
def test_state_of_another_network(tmp_path, width, layers):
    runs.save(tmp_path, *network(), runs.Progress(1))
    other, optimizer = network(width, layers)
    before = values(other, optimizer)
    with pytest.raises(ValueError, match="state of another network"):
        runs.restore(tmp_path, other, optimizer)
    for one, two in zip(before, values(other, optimizer), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99, "text", "object"])
def test_damaged_state(tmp_path, share):
    model, optimizer = network()
    path = tmp_path / runs.STATE
    runs.save(tmp_path, model, optimizer, runs.Progress(1))
    data = path.read_bytes()
    if share == "text":
        path.write_text("not a state")
    elif share == "object":
        # Would need pickle, which can run code.
        np.savez(path, progress=np.array([{}], object))
    else:
        path.write_bytes(data[: round(len(data) * share)])
    with pytest.raises(ValueError, match=r"state\.npz.*remove it to start"):
        runs.restore(tmp_path, model, optimizer)


# Keras says so of weights that do not fit, before it refuses them.
@pytest.mark.filterwarnings("ignore:Skipping nested container")
@pytest.mark.parametrize(
    "damage", ["missing", "cut", "text", "width", "layers"]
)
def test_weights_that_do_not_fit(tmp_path, damage):
    model, optimizer = network()
    runs.save(tmp_path, model, optimizer, runs.Progress(1))
    path = tmp_path / runs.WEIGHTS
    message = r"model\.weights\.h5 does not fit"
    if damage == "missing":
        path.unlink()
        message = r"model\.weights\.h5 is missing"
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:500])
    elif damage == "text":
        path.write_text("weights")
    elif damage == "width":
        model, _ = network(width=5)
    else:
        model, _ = network(layers=2)
    with pytest.raises(ValueError, match=message):
        runs.load_weights(model, path)


def test_metrics_log(tmp_path):
    assert runs.read_metrics(tmp_path) == []
    runs.drop_later_metrics(tmp_path, None)
    assert not list(tmp_path.iterdir())
    for step in (1, 2, 3):
        runs.append_metrics(tmp_path, {"step": step, "loss": 1 / step})
    path = tmp_path / runs.METRICS
    assert [json.loads(line) for line in path.read_text().splitlines()] == [
        {"step": 1, "loss": 1.0},
        {"step": 2, "loss": 0.5},
        {"step": 3, "loss": 1 / 3},
    ]
    # A stop in the middle of a line.
    with path.open("a") as file:
        file.write('{"step": 4, "lo')
    assert [line["step"] for line in runs.read_metrics(tmp_path)] == [1, 2, 3]
    runs.append_metrics(tmp_path, {"step": 2, "pck": 1.0})
    runs.drop_later_metrics(tmp_path, runs.Progress(2, scored=2))
    runs.append_metrics(tmp_path, {"step": 3})
    assert [line["step"] for line in runs.read_metrics(tmp_path)] == [1, 2, 3]
    for scored, kept in ((2, [1, 2, 2]), (1, [1, 2])):
        path.write_text(
            '{"step": 1, "loss": 1}\n{"step": 2, "loss": 1}\n'
            '{"step": 2, "pck": 1}\n{"step": 3, "loss": 1}\n'
        )
        runs.drop_later_metrics(tmp_path, runs.Progress(2, scored=scored))
        found = [line["step"] for line in runs.read_metrics(tmp_path)]
        assert found == kept
    runs.drop_later_metrics(tmp_path, None)
    assert runs.read_metrics(tmp_path) == []


def test_not_a_run(tmp_path):
    with pytest.raises(ValueError, match=r"has no config\.json"):
        runs.read_config(tmp_path / "nowhere")
    (tmp_path / runs.CONFIG).write_text("{")
    for call in (
        lambda: runs.read_config(tmp_path),
        lambda: runs.start(config(), tmp_path, free=()),
        lambda: runs.read_json(tmp_path / runs.CONFIG),
    ):
        with pytest.raises(ValueError, match=r"config\.json is not JSON"):
            call()


def test_kinds_of_weights(tmp_path):
    assert runs.weights_path(tmp_path, "last") == tmp_path / runs.WEIGHTS
    for kind, why in (("best", "not scored at its final"), ("ema", "ema` 0")):
        with pytest.raises(
            ValueError, match=f"has no {kind}.weights.h5.*{why}"
        ):
            runs.weights_path(tmp_path, kind)
        (tmp_path / f"{kind}.weights.h5").write_text("")
        assert runs.weights_path(tmp_path, kind).name == f"{kind}.weights.h5"


def test_an_unfinished_run_has_no_summary(tmp_path):
    with pytest.raises(ValueError, match="is not finished"):
        runs.summary(tmp_path)


def test_a_folder_is_locked_once_and_freed(tmp_path):
    folder = tmp_path / "a" / "run"
    with runs.locked(folder):
        with pytest.raises(ValueError, match="Another program trains in"):
            with runs.locked(folder):
                pass
        (folder / "kept").write_text("")
    with runs.locked(folder):
        pass
    assert (folder / "kept").exists()
    with pytest.raises(KeyError), runs.locked(tmp_path / "b" / "run"):
        raise KeyError
    assert not (tmp_path / "b").exists()
