"""Training the image network: stopping, resuming, learning, bad input."""

import contextlib
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from configs import lite, paper
from ordinal_tf import files
from ordinal_tf.data.readers import lsp
from ordinal_tf.evaluation import scoring
from ordinal_tf.training import config_data, loop, page, runs
from ordinal_tf.training import image as training
from tests import lsp_files, tiny
from tests.training import tasks

pytestmark = pytest.mark.filterwarnings("ignore:Even though the `tf.config")

MODEL = {
    "input_size": 32,
    "z_resolutions": (1, 4),
    **tiny.WIDTHS,
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


def progress_of(workdir):
    found = json.loads(str(state(workdir)["progress"]))
    return runs.Progress(**found)


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
    assert progress_of(tmp_path / "run").step == 2
    said = []
    summary = training.train(config, tmp_path / "run", report=said.append)
    assert any("continuing after step 2" in text for text in said)
    assert summary == whole[1]
    assert_same_state(tmp_path / "run", whole[0])
    logs = [runs.read_metrics(w) for w in (tmp_path / "run", whole[0])]
    for log in logs:
        for line in log:
            line.pop("examples_per_s", None)
    assert logs[0] == logs[1]


def test_log_and_summary(whole):
    workdir, summary = whole
    assert {path.name for path in workdir.iterdir()} == {
        *(runs.CONFIG, runs.STATE, runs.METRICS, runs.SUMMARY),
        *(runs.KINDS["last"], runs.KINDS["best"]),
        *("tensorboard", page.NAME),
    }
    shown = (workdir / page.NAME).read_text()
    assert "Best" in shown and "right_ankle" in shown
    sheets = tasks.pictures(workdir)
    # Half of the four people each, below what was found of them.
    names = [(step, name) for step in (0, 2, 4) for name in ("Best", "Worst")]
    assert list(sheets) == names
    assert {one.shape for one in sheets.values()} == {(530, 530, 3)}
    assert (sheets[0, "Best"] != sheets[4, "Best"]).any()
    log = runs.read_metrics(workdir)
    steps = [line for line in log if "loss" in line]
    scores = [line for line in log if "pck" in line]
    assert [line["step"] for line in steps] == [1, 2, 3, 4]
    # Before the first step and every two; the crops grow after two steps.
    found = [(line["step"], line["input_size"]) for line in scores]
    assert found == [(0, 32), (2, 16), (4, 32)]
    for line in steps:
        parts = ("loss", "heatmap", "rank", "depth", "volume", "examples_per_s")
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
    assert summary["photos"] == 4 and summary["best"]["step"] == 4
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
    predict, _ = training.load_predict(workdir)
    photos = lsp.read_lsp(folder, first=9, last=12)
    found = scoring.evaluate(predict, photos, input_size=32)
    assert found.pop("pck_per_joint") == summary["pck_per_joint"]
    figures = {key: summary[key] for key in found}
    assert found == pytest.approx(figures)


def test_stopped_before_the_summary(quick, config, whole, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(config, tmp_path, progress=stop_at(3))
    # As if the machine had gone down right after the last checkpoint.
    for name in (runs.STATE, *runs.KINDS.values(), runs.METRICS):
        if not (whole[0] / name).exists():
            continue
        (tmp_path / name).write_bytes((whole[0] / name).read_bytes())
    assert run(config, tmp_path) == whole[1]


def test_seeds_have_batches_and_weights_of_their_own(quick, config):
    found = []
    for seed in (0, 0, 1, 2):
        config.seed = seed
        task, _ = loop.build(
            config, lambda config: training.task(config, quiet)
        )
        images = [batch["image"].numpy() for batch in task.batches(0, 2)]
        first = keras.ops.convert_to_numpy(task.network.weights[0])
        found.append((images[0], images[1], first))
    for one, two in zip(found[0], found[1], strict=True):
        np.testing.assert_array_equal(one, two)
    for one in found[2:]:
        assert np.abs(one[2] - found[0][2]).max() > 0.01
        # Nor at another step.
        for image in one[:2]:
            for other in found[0][:2]:
                assert (image != other).mean() > 0.5


def test_better_is_more_joints_at_the_final_size(quick, config):
    better = training.task(config, quiet).better

    def figures(pck, size=32):
        return {"pck": pck, "input_size": size}

    assert better(figures(50.0), None)
    assert better(figures(50.0), figures(49.0))
    assert not better(figures(50.0), figures(51.0))
    assert not better(figures(50.0), figures(50.0))
    assert not better(figures(99.0, 16), None)
    assert not better(figures(99.0, 16), figures(50.0))


def test_a_run_of_before_the_loop(quick, config, whole, tmp_path):
    """Its config knows fewer fields: it loads, and others start from it."""
    old = json.loads((whole[0] / runs.CONFIG).read_text())
    for name in ("init_from", "init_sha256"):
        del old[name]
    for name in ("tolerance_mm", "flipped", "lsp_supervision"):
        del old["data"][name]
    for name in ("schedule", "drops", "ema", "accumulate", "frozen"):
        del old["train"][name]
    old["train"]["decay"] = True
    workdir = tmp_path / "old"
    workdir.mkdir()
    (workdir / runs.CONFIG).write_text(json.dumps(old))
    (workdir / runs.WEIGHTS).write_bytes((whole[0] / runs.WEIGHTS).read_bytes())
    network, found = training.load_run(workdir)
    assert found.model.features == 4
    config.init_from = str(workdir)
    config.train.update(steps=1, learning_rate=0.0)
    run(config, tmp_path / "new")
    trained = training.load_run(tmp_path / "new")[0].trainable_variables
    for one, two in zip(trained, network.trainable_variables, strict=True):
        np.testing.assert_array_equal(one, two)
    assert config_data.example(workdir, 3)["example"]["image"].shape == (
        *(32, 32, 3),
    )


def test_init_from(quick, config, whole, tmp_path):
    """Weights come from the other run, its optimiser and step do not."""
    config.train.steps = 1
    config.train.learning_rate = 0.0
    for name, source in (
        ("folder", whole[0]),
        ("file", whole[0] / runs.WEIGHTS),
    ):
        config.init_from = str(source)
        run(config, tmp_path / name)
        trained = training.load_run(tmp_path / name)[0].trainable_variables
        origin = training.load_run(whole[0])[0].trainable_variables
        for one, two in zip(trained, origin, strict=True):
            np.testing.assert_array_equal(one, two)
        assert progress_of(tmp_path / name).step == 1
        kept = runs.read_config(tmp_path / name)
        assert kept.init_from == str(source)
        assert kept.init_sha256 == files.checksum(whole[0] / runs.WEIGHTS)


def test_crops_grow_where_functions_are_traced(monkeypatch, config, tmp_path):
    # The volume is laid out by its static shape, so each size of crops needs
    # a trace of its own.
    monkeypatch.setattr(training.build, "build_image_network", stand_in)
    summary = run(config, tmp_path / "run")
    assert summary["steps"] == 4
    lines = (tmp_path / "run/metrics.jsonl").read_text().splitlines()
    scores = [line for line in map(json.loads, lines) if "pck" in line]
    assert [score["step"] for score in scores] == [0, 2, 4]


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
    config.train.rematerialise = True
    assert run(config, tmp_path) == summary  # Not another run for that.
    lines = [line for line in runs.read_metrics(tmp_path) if "loss" in line]
    rates = [line["learning_rate"] for line in lines]
    assert rates == pytest.approx([2.5e-4] * 2)
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
        cut_off=0.0,
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
        ("data", {"lsp": "/nowhere"}, r"joints\.mat is missing"),
        ("data", {"held_out": (8, 12)}, "overlap"),
        ("data", {"train_range": (9, 12)}, "overlap"),
        ("data", {"held_out": (9, 13)}, "images 1 to 12"),
        ("train", {"steps": 0}, "`train.steps` must be positive"),
        ("train", {"optimizer": "sgd"}, "adam or rmsprop"),
        ("train", {"precision": "half"}, "float32 or mixed_bfloat16 or"),
        ("train", {"schedule": "linear"}, "constant or cosine or steps"),
        ("train", {"schedule": "steps"}, "belong together"),
        ("train", {"drops": ((0.5, 0.1),)}, "belong together"),
        ("train", {"schedule": "steps", "drops": ((2, 1),)}, "be pairs of a"),
        ("train", {"ema": 1.0}, "`train.ema` is the share"),
        ("train", {"accumulate": 3}, "must divide `train.batch_size` 4"),
        ("train", {"frozen": ("encoder",)}, "no such layer"),
        ("train", {"stages": ((0.6, 16), (0.5, 24))}, "rising"),
        ("loss", {"volume_weight": -1.0}, "must not be negative"),
        ("model", {"z_resolutions": (1,)}, "`loss.rank_weight` is above 0"),
        ("model", {"z_resolutions": (1, 5)}, "even numbers of depth bins"),
        ("model", {"z_resolutions": (4, 2)}, "never falling"),
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
    config.model.features = 6
    with pytest.raises(ValueError, match="model.features was 4 and is 6"):
        run(config, workdir)
    config.init_from = str(workdir)
    with pytest.raises(ValueError, match="does not fit the network"):
        run(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()
