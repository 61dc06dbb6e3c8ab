"""The one loop: exact resumption, best weights, origins, interruption."""

import errno
import os
import resource
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
import tensorflow as tf

from ordinal_tf import files
from ordinal_tf.training import loop, optimizers, page, runs
from tests.training import tasks

pytestmark = pytest.mark.filterwarnings("ignore:Even though the `tf.config")


@pytest.fixture(autouse=True, scope="module")
def eager():
    """Tracing costs more than these steps; dropout draws others in a graph."""
    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(before)


def state(workdir):
    with np.load(workdir / runs.STATE) as arrays:
        return dict(arrays)


def assert_same(one, two):
    one, two = state(one), state(two)
    assert set(one) == set(two)
    for key in one:
        np.testing.assert_array_equal(one[key], two[key], err_msg=key)


def log(workdir):
    """The log without what time decides."""
    lines = runs.read_metrics(workdir)
    return [
        {k: v for k, v in line.items() if k != "examples_per_s"}
        for line in lines
    ]


def weights(workdir, kind="last"):
    network = tasks.network()
    runs.load_weights(network, runs.weights_path(workdir, kind))
    return [keras.ops.convert_to_numpy(v) for v in network.weights]


def at_step(step, act):
    """A `progress` that acts when the log reaches a step."""

    def progress(done, text):
        del text
        if done == step:
            act()

    return progress


def interrupt():
    raise KeyboardInterrupt


def terminate():
    os.kill(os.getpid(), signal.SIGTERM)


@pytest.fixture(scope="module")
def whole(eager, tmp_path_factory):
    """A run of six steps that nothing stopped, and its summary."""
    workdir = tmp_path_factory.mktemp("loop") / "whole"
    config = tasks.make_config(ema=0.5)
    return workdir, tasks.train(workdir, config, score_first=True)


def test_files_log_and_summary(whole):
    workdir, summary = whole
    assert {path.name for path in workdir.iterdir()} == {
        *(runs.CONFIG, runs.STATE, runs.METRICS, runs.SUMMARY, "tensorboard"),
        page.NAME,
        *runs.KINDS.values(),
    }
    lines = log(workdir)
    kinds = [(line["step"], "loss" in line) for line in lines]
    assert kinds == [(0, False), (2, True), (3, True), (3, False)] + [
        (4, True),
        (6, True),
        (6, False),
    ]
    assert "ema_error" not in lines[0] and "ema_error" in lines[3]
    assert summary["steps"] == 6 and summary["examples"] == 100
    assert summary["error"] == lines[-1]["error"]
    assert summary["ema"] == {"error": lines[-1]["ema_error"]}
    assert runs.summary(workdir) == summary


def test_pictures_for_tensorboard(tmp_path):
    rng = np.random.default_rng(0)
    sheets = iter(rng.integers(0, 256, (3, 5, 7, 3), np.uint8))
    shown = []

    def gallery():
        shown.append(next(sheets))
        return [{"title": "Best", "people": [], "sheet": shown[-1]}]

    config = tasks.make_config()
    tasks.train(tmp_path, config, score_first=True, gallery=gallery)
    found = tasks.pictures(tmp_path)
    assert list(found) == [(0, "Best"), (3, "Best"), (6, "Best")]
    for one, other in zip(found.values(), shown, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_killed_run_continues_exactly(whole, tmp_path):
    config = tasks.make_config(ema=0.5)
    with pytest.raises(KeyboardInterrupt):
        tasks.train(
            tmp_path, config, score_first=True, progress=at_step(4, interrupt)
        )
    said = []
    summary = tasks.train(
        tmp_path, config, score_first=True, report=said.append
    )
    assert f"{tmp_path}: continuing after step 3." in said
    assert summary == whole[1]
    assert_same(tmp_path, whole[0])
    assert log(tmp_path) == log(whole[0])


def test_the_first_score_is_logged_once(tmp_path):
    config = tasks.make_config()
    with pytest.raises(KeyboardInterrupt):  # Before the first checkpoint.
        config.train.log_every = 1
        tasks.train(
            tmp_path, config, score_first=True, progress=at_step(1, interrupt)
        )
    assert [line["step"] for line in log(tmp_path)] == [0, 1]
    tasks.train(tmp_path, config, score_first=True)
    assert [line["step"] for line in log(tmp_path)].count(0) == 1


@pytest.mark.parametrize("kind", ["last", "best", "ema"])
def test_kinds_of_weights(whole, kind):
    workdir, summary = whole
    network = tasks.network()
    runs.load_weights(network, runs.weights_path(workdir, kind))
    held_out = tasks.batch(0, 10**6)
    error = np.abs(network(held_out["x"]) - held_out["y"]).mean()
    figures = summary if kind == "last" else summary[kind]
    assert error == pytest.approx(figures["error"], rel=1e-5)


@pytest.mark.parametrize(
    ("scores", "best"),
    [({3: 1.0, 6: 2.0}, 3), ({3: 2.0, 6: 1.0}, 6), ({3: 1.0, 6: 1.0}, 3)],
)
def test_the_best_weights_are_kept(tmp_path, scores, best):
    config = tasks.make_config()
    summary = tasks.train(tmp_path, config, scores=scores)
    found = {"step": best, "weights": "last", "error": scores[best]}
    assert summary["best"] == found
    same = all(
        (one == two).all()
        for one, two in zip(
            weights(tmp_path, "best"), weights(tmp_path), strict=True
        )
    )
    assert same == (best == 6)


def test_averages_by_hand(tmp_path):
    """a = d a + (1 - d) w, d = min(0.15, (1 + step) / (10 + step))."""
    config = tasks.make_config(ema=0.15, steps=3, save_every=1)
    seen = []

    def progress(step, text):
        # Called before the checkpoint: weights of the step before.
        if step > 1:
            seen.append(weights(tmp_path))

    config.train.log_every = 1
    start = tasks.network()
    start.save_weights(tmp_path.parent / "start.weights.h5")
    config.init_from = str(tmp_path.parent / "start.weights.h5")
    tasks.train(tmp_path, config, progress=progress)
    seen.append(weights(tmp_path))
    for i, weight in enumerate(start.weights):
        expected = keras.ops.convert_to_numpy(weight)
        for decay, one in zip((0.1, 0.15, 0.15), seen, strict=True):
            expected = decay * expected + (1 - decay) * one[i]
        np.testing.assert_allclose(
            weights(tmp_path, "ema")[i],
            expected,
            atol=1e-6,
            err_msg=weight.path,
        )


def test_pieces_of_a_batch_make_the_same_step(tmp_path):
    for count in (1, 2, 4):
        config = tasks.make_config(
            accumulate=count, ema=0.9, clip_norm=0.1, steps=3, warmup=3
        )
        tasks.train(tmp_path / str(count), config, norm=False)
    network = tasks.network(norm=False)
    found = []
    for count in (1, 2, 4):
        network.load_weights(tmp_path / str(count) / runs.WEIGHTS)
        found.append([keras.ops.convert_to_numpy(v) for v in network.weights])
    for pieces in found[1:]:
        for one, two in zip(found[0], pieces, strict=True):
            np.testing.assert_allclose(one, two, atol=2e-6)


def test_seeds_change_data_and_weights(tmp_path):
    found = {}
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        config = tasks.make_config(steps=1, learning_rate=0.0)
        config.seed = seed
        tasks.train(tmp_path / name, config, norm=False)
        found[name] = (
            log(tmp_path / name)[0]["loss"],
            first_weights(tmp_path / name),
        )
    assert found["a"][0] == found["b"][0] != found["c"][0]
    np.testing.assert_array_equal(found["a"][1], found["b"][1])
    assert np.abs(found["a"][1] - found["c"][1]).max() > 0.1


def first_weights(workdir):
    network = tasks.network(norm=False)
    network.load_weights(workdir / runs.WEIGHTS)
    return keras.ops.convert_to_numpy(network.weights[0])


def test_the_rate_of_the_config_is_the_optimisers(tmp_path):
    config = tasks.make_config(
        schedule="steps", drops=((0.5, 0.1),), warmup=2, log_every=1
    )
    tasks.train(tmp_path, config)
    rates = [line["learning_rate"] for line in log(tmp_path) if "loss" in line]
    expected = [0.025, 0.05, 0.05, 0.005, 0.005, 0.005]
    np.testing.assert_allclose(rates, expected, rtol=1e-6)


def origin(tmp_path, seed=5):
    """A weights file that a run can start from."""
    keras.utils.set_random_seed(seed)
    network = tasks.network()
    path = tmp_path / "origin.weights.h5"
    network.save_weights(path)
    return path, network


def test_started_again_without_the_flag(tmp_path):
    path, network = origin(tmp_path)
    config = tasks.make_config(learning_rate=0.0)
    config.init_from = str(path)

    def go(**options):
        return tasks.train(tmp_path / "run", config, **options)

    with pytest.raises(KeyboardInterrupt):  # No checkpoint yet.
        go(score_first=True, report=lambda text: interrupt())
    assert not (tmp_path / "run" / runs.STATE).exists()
    config.init_from = ""
    go()
    for one, two in zip(
        weights(tmp_path / "run")[:2], network.weights[:2], strict=True
    ):
        np.testing.assert_array_equal(one, two)
    kept = runs.read_config(tmp_path / "run")
    assert kept.init_from == str(path)
    assert kept.init_sha256 == files.checksum(path)


def test_a_resumed_run_is_not_started_again(tmp_path):
    path, _ = origin(tmp_path)
    config = tasks.make_config()
    config.init_from = str(path)
    tasks.train(tmp_path / "whole", config)
    with pytest.raises(KeyboardInterrupt):
        tasks.train(tmp_path / "run", config, progress=at_step(4, interrupt))
    path.unlink()  # Nobody needs it any more.
    tasks.train(tmp_path / "run", config)
    assert_same(tmp_path / "run", tmp_path / "whole")


def test_another_origin_is_another_run(tmp_path):
    path, _ = origin(tmp_path)
    config = tasks.make_config()
    config.init_from = str(path)
    with pytest.raises(KeyboardInterrupt):
        tasks.train(
            tmp_path / "run",
            config,
            report=lambda text: interrupt(),
            score_first=True,
        )
    other = tmp_path / "other.weights.h5"
    other.write_bytes(path.read_bytes())
    config.init_from = str(other)
    with pytest.raises(ValueError, match="init_from was .*origin.* is .*other"):
        tasks.train(tmp_path / "run", config)
    config.init_from = ""
    origin(tmp_path, seed=6)
    with pytest.raises(ValueError, match=r"origin.*has changed since"):
        tasks.train(tmp_path / "run", config)


def test_a_second_program_is_refused(tmp_path):
    config = tasks.make_config()
    refused = []

    def second():
        with pytest.raises(ValueError, match="Another program trains in"):
            tasks.train(tmp_path / "run", config)
        refused.append(True)

    tasks.train(tmp_path / "run", config, progress=at_step(4, second))
    assert refused
    # And the folder is free again.
    assert tasks.train(tmp_path / "run", config)["steps"] == 6


def test_bad_data_leave_no_folder(tmp_path):
    def make_task(config):
        raise ValueError("No data.")

    with pytest.raises(ValueError, match="No data"):
        loop.train(tasks.make_config(), tmp_path / "a" / "run", make_task)
    assert not (tmp_path / "a").exists()


def test_sigterm_saves_and_the_rest_is_the_same(whole, tmp_path):
    config = tasks.make_config(ema=0.5, log_every=1, save_every=100)
    said = []
    before = signal.getsignal(signal.SIGTERM)
    stopped = tasks.train(
        tmp_path,
        config,
        score_first=True,
        report=said.append,
        progress=at_step(4, terminate),
    )
    assert stopped is None and "Stopped by SIGTERM after step" in said[-1]
    assert signal.getsignal(signal.SIGTERM) == before
    saved = runs.restore(tmp_path, *made_for(tasks.make_task(config), config))
    # Logged at the fourth step, noticed at the fifth at the latest.
    assert saved.step in (4, 5) and saved.scored == 3
    assert not (tmp_path / runs.SUMMARY).exists()
    summary = tasks.train(tmp_path, config, score_first=True)
    assert summary == whole[1]
    assert_same(tmp_path, whole[0])


def made_for(task, config):
    """The arguments of `runs.restore` after the first."""
    optimizer = optimizers.build_optimizer(config.train, task.network)
    averages = optimizers.Averages(task.network, config.train.ema)
    more = averages.variables if config.train.ema else ()
    return task.network, optimizer, more


def test_sigterm_while_scoring(whole, tmp_path):
    config = tasks.make_config(ema=0.5)
    calls = []

    def task(config):
        made = tasks.make_task(config, score_first=True)

        def score(step):
            calls.append(step)
            if step == 3 and calls.count(3) == 2:  # That of the averages.
                terminate()
                time.sleep(5)
                pytest.fail("The score was not interrupted.")
            return made.score(step)

        return loop.dataclasses.replace(made, score=score)

    def quiet(text):
        del text

    assert loop.train(config, tmp_path, task, report=quiet) is None
    assert [line["step"] for line in log(tmp_path)] == [0, 2, 3]
    summary = loop.train(config, tmp_path, task, report=quiet)
    assert calls.count(3) == 4
    assert summary == whole[1]
    assert_same(tmp_path, whole[0])
    assert log(tmp_path) == log(whole[0])


def test_a_loss_that_is_not_finite(tmp_path):
    config = tasks.make_config(log_every=1, save_every=1)

    def ramp(step):
        return float("nan") if step == 3 else 1.0

    with pytest.raises(ValueError, match="The loss is nan at step 4; lower"):
        tasks.train(tmp_path, config, ramp=ramp)
    task = tasks.make_task(config)
    assert runs.restore(tmp_path, *made_for(task, config)).step == 3
    assert all(np.isfinite(one).all() for one in weights(tmp_path))


def test_weights_that_are_not_finite(tmp_path):
    """A finite loss can have a gradient that is not."""
    config = tasks.make_config(save_every=1)

    def loss(outputs, batch, ramp):
        root = keras.ops.sqrt(keras.ops.relu(outputs - 1e9))
        return {"loss": keras.ops.mean(root)}

    with pytest.raises(ValueError, match="weights of step 1 are not finite"):
        tasks.train(tmp_path, config, loss=loss)
    assert not (tmp_path / runs.STATE).exists()


def test_a_full_disk_leaves_the_checkpoint_before(tmp_path):
    config = tasks.make_config(log_every=1, save_every=1)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill():
        # Nothing longer than this can be written: less than a state.
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limits[1]))

    try:
        with pytest.raises(ValueError, match="of step 4 could not be written"):
            tasks.train(tmp_path, config, progress=at_step(4, fill))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list(tmp_path.glob("new_*"))
    task = tasks.make_task(config)
    assert runs.restore(tmp_path, *made_for(task, config)).step == 3
    weights(tmp_path)
    assert tasks.train(tmp_path, config)["steps"] == 6


# Imports once, and forks before TensorFlow has started a thread.
PROGRAM = """
import os, signal, sys, time
import numpy as np
import keras, tensorflow as tf
from tests.training import tasks

config = tasks.make_config(ema=0.5, steps=150, save_every=3, log_every=20)
config.train.eval_every = 40


def attempt(name, seconds=None, number=signal.SIGKILL):
    child = os.fork()
    if not child:
        status = 1
        try:
            tf.config.run_functions_eagerly(True)
            tasks.train(f"{sys.argv[1]}/{name}", config)
            status = 0
        finally:
            os._exit(status)
    if seconds:
        time.sleep(seconds)
        os.kill(child, number)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


clock = time.monotonic()
assert attempt("whole") == 0
whole = time.monotonic() - clock
rng = np.random.default_rng(0)
killed = [attempt("killed", whole * rng.uniform(0.1, 0.3)) for _ in range(5)]
assert killed.count(-signal.SIGKILL) >= 2, killed
assert set(killed) <= {0, -signal.SIGKILL}, killed
assert attempt("killed", 0.2 * whole, signal.SIGTERM) == 0
assert attempt("killed") == 0
"""


@pytest.mark.slow  # Eight trainings.
def test_a_few_kills_change_no_bit(checkout, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        cwd=checkout,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert_same(tmp_path / "killed", tmp_path / "whole")
    for kind in runs.KINDS:
        for one, two in zip(
            weights(tmp_path / "killed", kind),
            weights(tmp_path / "whole", kind),
            strict=True,
        ):
            np.testing.assert_array_equal(one, two)


def test_a_folder_that_cannot_be_locked(tmp_path, monkeypatch):
    def flock(handle, operation):
        raise OSError(errno.ENOTSUP, "Not supported")

    monkeypatch.setattr(runs.fcntl, "flock", flock)
    assert tasks.train(tmp_path, tasks.make_config())["steps"] == 6
