"""Training the image network: stopping, resuming, learning, bad input."""

import contextlib
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from configs import lite, paper
from ordinal_tf.data.readers import lsp
from ordinal_tf.training import image as training
from ordinal_tf.training import runs
from tests import lsp_files

# Keras turns variables into arrays in a way that NumPy 2 calls outdated.
pytestmark = [
    pytest.mark.filterwarnings(
        "ignore:__array__ implementation doesn't accept a copy keyword"
    ),
    pytest.mark.filterwarnings("ignore:Even though the `tf.config"),
]

MODEL = {
    "input_size": 32,
    "z_resolutions": (1, 4),
    "stem_features": 4,
    "front_features": 4,
    "features": 4,
    "out_features": 4,
    "order": 1,
    "modules": 1,
    "encoder": "",
}


@contextlib.contextmanager
def eagerly():
    """For a few steps, which cost a tenth of what tracing does."""
    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(before)


@pytest.fixture
def eager():
    with eagerly():
        yield


def stand_in(model):
    """A network of a few layers with the volume network's outputs.

    With dropout, so that a resumed run has a generator to restore.
    """
    image = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(model.features, 4, 4)(image)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.Dropout(0.2)(keras.layers.ReLU()(x))
    outputs = [
        keras.layers.Conv2D(17 * bins, 1)(x) for bins in model.z_resolutions
    ]
    return keras.Model(image, outputs)


@pytest.fixture
def quick(eager, monkeypatch):
    """For tests of the loop, whatever the network."""
    monkeypatch.setattr(training.build, "build_image_network", stand_in)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("train") / "lsp"
    lsp_files.write_lsp(path, count=12)
    return path


@pytest.fixture
def config(folder):
    """The lite config at a size of seconds: two steps on each crop size."""
    return small(lite.get_config(), folder)


def small(config, folder):
    config.data.update(
        lsp=str(folder), train_range=(1, 8), held_out=(9, 12), skip_limit=0
    )
    config.model.update(MODEL)
    config.train.update(
        jit=False,
        steps=4,
        batch_size=4,
        stages=((0.5, 16),),
        warmup=2,
        rank_ramp=(1, 3),
        log_every=1,
        save_every=2,
        eval_every=2,
    )
    return config


def quiet(*text):
    del text


def run(config, workdir, **options):
    return training.train(config, workdir, report=quiet, **options)


def stop_at(last):
    def progress(step, text):
        del text
        if step == last:
            raise KeyboardInterrupt

    return progress


def state(workdir):
    return dict(np.load(workdir / runs.STATE))


def assert_same_state(one, two):
    one, two = state(one), state(two)
    assert set(one) == set(two)
    for key in one:
        np.testing.assert_array_equal(one[key], two[key], err_msg=key)


@pytest.fixture(scope="module")
def whole(folder, tmp_path_factory):
    """A finished run and its summary."""
    workdir = tmp_path_factory.mktemp("train") / "whole"
    with pytest.MonkeyPatch.context() as patch, eagerly():
        patch.setattr(training.build, "build_image_network", stand_in)
        return workdir, run(small(lite.get_config(), folder), workdir)


def test_a_stopped_run_continues_exactly(quick, config, whole, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        # After the checkpoint of step 2 and the log line of step 3.
        run(config, tmp_path / "run", progress=stop_at(3))
    assert not (tmp_path / "run" / runs.SUMMARY).exists()
    assert int(state(tmp_path / "run")["step"]) == 2
    said = []
    summary = training.train(config, tmp_path / "run", report=said.append)
    assert any("continuing after step 2" in text for text in said)
    assert summary == whole[1]
    assert_same_state(tmp_path / "run", whole[0])
    logs = [runs.read_metrics(w) for w in (tmp_path / "run", whole[0])]
    for log in logs:
        for line in log:
            line.pop("images_per_s", None)
    assert logs[0] == logs[1]


def test_log_and_summary(whole):
    workdir, summary = whole
    assert {path.name for path in workdir.iterdir()} == {
        *(runs.CONFIG, runs.STATE, runs.WEIGHTS, runs.METRICS, runs.SUMMARY),
        "tensorboard",
    }
    log = runs.read_metrics(workdir)
    steps = [line for line in log if "loss" in line]
    scores = [line for line in log if "pck" in line]
    assert [line["step"] for line in steps] == [1, 2, 3, 4]
    # Before the first step and every two; the crops grow after two steps.
    found = [(line["step"], line["input_size"]) for line in scores]
    assert found == [(0, 32), (2, 16), (4, 32)]
    for line in steps:
        parts = ("loss", "heatmap", "rank", "depth", "volume", "images_per_s")
        assert all(isinstance(line[part], float) for part in parts)
    # Warm-up over two steps, and a quarter of a cosine per step.
    cosine = [(1 + np.cos(np.pi * k / 4)) / 2 for k in range(4)]
    rates = 1e-3 * np.array([0.5, 1, 1, 1]) * cosine
    np.testing.assert_allclose(
        [line["learning_rate"] for line in steps], rates, rtol=1e-6
    )
    # The ranking loss comes in linearly between steps 1 and 3.
    for line, ramp in zip(steps, (0, 0, 0.5, 1), strict=True):
        total = line["heatmap"] + 0.02 * ramp * line["rank"] + line["depth"]
        assert line["loss"] == pytest.approx(total, rel=1e-4)
    last = {k: v for k, v in scores[-1].items() if k in summary}
    assert last.items() <= summary.items()
    assert summary["steps"] == 4 and summary["training_photos"] == 8
    assert summary["photos"] == 4 and summary["best"]["step"] in (2, 4)
    assert json.loads((workdir / runs.SUMMARY).read_text()) == summary


def test_a_finished_run_is_left_alone(config, whole):
    workdir, summary = whole
    before = (workdir / runs.STATE).stat().st_mtime_ns
    said = []
    config.data.lsp = "moved"
    again = training.train(config, workdir, report=said.append)
    assert again == summary and "finished; nothing to do" in said[0]
    assert (workdir / runs.STATE).stat().st_mtime_ns == before


def test_a_loaded_run_scores_as_its_summary(quick, whole, folder):
    workdir, summary = whole
    network, config = training.load_run(workdir)
    photos = lsp.read_lsp(folder, first=9, last=12)
    found = training.evaluate_network(network, config, photos, input_size=32)
    assert found.pop("pck_per_joint") == summary["pck_per_joint"]
    figures = {key: summary[key] for key in found}
    assert found == pytest.approx(figures)


def test_stopped_before_the_summary(quick, config, whole, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(config, tmp_path, progress=stop_at(3))
    # As if the machine had gone down right after the last checkpoint.
    for name in (runs.STATE, runs.WEIGHTS, runs.METRICS):
        (tmp_path / name).write_bytes((whole[0] / name).read_bytes())
    assert run(config, tmp_path) == whole[1]


def test_init_from(quick, config, whole, tmp_path):
    """Weights come from the other run, its optimiser and step do not."""
    config.train.steps = 1
    config.train.learning_rate = 0.0
    for name, source in (
        ("folder", whole[0]),
        ("file", whole[0] / runs.WEIGHTS),
    ):
        run(config, tmp_path / name, init_from=source)
        network, _ = training.load_run(tmp_path / name)
        original, _ = training.load_run(whole[0])
        pairs = zip(
            network.trainable_variables,
            original.trainable_variables,
            strict=True,
        )
        for one, two in pairs:
            np.testing.assert_array_equal(one, two)
        assert int(state(tmp_path / name)["step"]) == 1


@pytest.mark.parametrize("name", ["depth", "coordinates"])
def test_heads_train(eager, config, tmp_path, name):
    config.model.name = name
    config.train.update(stages=(), steps=2)
    summary = run(config, tmp_path)
    assert summary["steps"] == 2 and summary["pairs"] > 100
    if name == "depth":
        assert summary["pck"] == 0
    lines = [line for line in runs.read_metrics(tmp_path) if "loss" in line]
    assert ("heatmap" in lines[0]) == (name == "coordinates")
    assert np.isfinite([line["rank"] for line in lines]).all()


def test_the_papers_recipe_runs(eager, folder, tmp_path):
    config = small(paper.get_config(), folder)
    config.train.update(steps=2, stages=(), warmup=0)
    summary = run(config, tmp_path)
    assert summary["steps"] == 2
    lines = [line for line in runs.read_metrics(tmp_path) if "loss" in line]
    assert [line["learning_rate"] for line in lines] == [2.5e-4] * 2
    for line, ramp in zip(lines, (0, 0), strict=True):
        total = 100 * line["heatmap"] + ramp * line["rank"]
        assert line["loss"] == pytest.approx(total + line["depth"], rel=1e-4)


def test_mixed_precision_keeps_float32_weights(quick, config, tmp_path):
    config.train.update(precision="mixed_bfloat16", steps=1)
    try:
        run(config, tmp_path)
    finally:
        training.keras.config.set_dtype_policy("float32")
    arrays = state(tmp_path)
    dtypes = {v.dtype.name for k, v in arrays.items() if "variable" in k}
    assert dtypes <= {"float32", "int64", "int32", "uint32"}
    assert runs.read_metrics(tmp_path)[-1]["step"] == 1


@pytest.mark.slow  # Traces the real network.
def test_training_learns_pictures_by_heart(config, tmp_path):
    config.augmentation.update(
        rotation_deg=0.0,
        scale=(1.0, 1.0),
        mirror=False,
        colour=0.0,
        brightness=0.0,
    )
    config.data.train_range = (1, 4)
    config.model.update(
        z_resolutions=(4,), features=16, out_features=16, front_features=16
    )
    config.train.update(
        steps=70,
        stages=(),
        learning_rate=1e-2,
        log_every=10,
        save_every=70,
        eval_every=70,
        rank_ramp=(0, 1),
    )
    run(config, tmp_path)
    log = [line for line in runs.read_metrics(tmp_path) if "loss" in line]
    first, last = log[0], log[-1]
    # A cross-entropy cannot fall below the entropy of its target, which for
    # a Gaussian of one cell is log(2 pi e).
    floor = np.log(2 * np.pi * np.e)
    assert last["heatmap"] - floor < 0.5 * (first["heatmap"] - floor)
    assert last["rank"] < 0.8 * first["rank"]


@pytest.mark.parametrize(
    ("section", "values", "message"),
    [
        ("data", {"lsp": ""}, "--config.data.lsp=DIR"),
        ("data", {"lsp": "/nowhere"}, r"joints\.mat is missing"),
        ("data", {"held_out": (8, 12)}, "overlap"),
        ("data", {"train_range": (9, 12)}, "overlap"),
        ("data", {"held_out": (9,)}, "`data.held_out` must be the first and"),
        ("data", {"held_out": (9, 13)}, "images 1 to 12"),
        ("train", {"steps": 0}, "`train.steps` must be positive"),
        (
            "train",
            {"save_every": 0},
            "`train.save_every` must be positive",
        ),
        ("train", {"optimizer": "sgd"}, "adam or rmsprop"),
        ("train", {"precision": "mixed_float16"}, "loss scaling"),
        ("train", {"precision": "half"}, "float32 or mixed_bfloat16"),
        ("train", {"stages": ((0.5, 20),)}, "divisible by 8"),
        ("train", {"stages": ((1.5, 16),)}, "share of the steps"),
        ("loss", {"heatmap": "l1"}, "cross_entropy or l2"),
        ("model", {"name": "pose"}, "volume, depth or coordinates"),
        ("model", {"name": "depth"}, r"`train.stages` must be \(\)"),
        ("model", {"input_size": 30}, "divisible by 8"),
    ],
)
def test_bad_input_leaves_no_folder(config, tmp_path, section, values, message):
    config[section].update(values)
    with pytest.raises(ValueError, match=message):
        run(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


# Keras says so of weights that do not fit, before it refuses them.
@pytest.mark.filterwarnings("ignore:Skipping nested container")
def test_runs_of_other_configs(quick, config, whole, tmp_path):
    workdir, _ = whole
    with pytest.raises(ValueError, match="holds no weights"):
        run(config, tmp_path / "run", init_from=tmp_path)
    config.model.features = 6
    with pytest.raises(ValueError, match="model.features was 4 and is 6"):
        run(config, workdir)
    with pytest.raises(ValueError, match="does not fit the network"):
        run(config, tmp_path / "run", init_from=workdir)
    assert not (tmp_path / "run").exists()
    # A checkpoint that somebody copied here.
    (tmp_path / "other").mkdir()
    copied = tmp_path / "other" / runs.STATE
    copied.write_bytes((workdir / runs.STATE).read_bytes())
    with pytest.raises(ValueError, match="state of another network"):
        run(config, tmp_path / "other")
    with pytest.raises(ValueError, match=r"has no config\.json"):
        training.load_run(tmp_path / "other")


def test_a_loss_that_is_not_finite(quick, config, tmp_path):
    config.loss.heatmap_weight = float("inf")
    with pytest.raises(ValueError, match="The loss is .* at step 1; lower"):
        run(config, tmp_path)
    # No checkpoint of the broken network.
    assert not (tmp_path / runs.STATE).exists()
