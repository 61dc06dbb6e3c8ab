"""Several devices take the steps of one; a lost worker is a sentence."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

from ordinal_tf.training import devices, runs
from tests.training import crew_program, tasks

STEPS = 4


def start(checkout, workdir, kind, *steps, worker=None, ports=()):
    """A process of `crew_program`; `steps` are its arguments after DEVICES."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    environment["CUDA_VISIBLE_DEVICES"] = "-1"
    if worker is not None:
        cluster = {"worker": [f"localhost:{port}" for port in ports]}
        task = {"type": "worker", "index": worker}
        environment["TF_CONFIG"] = json.dumps(
            {"cluster": cluster, "task": task}
        )
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.training.crew_program"),
            *(str(workdir), kind, *map(str, steps)),
        ],
        cwd=checkout,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def free_ports(count):
    found = [socket.socket() for _ in range(count)]
    try:
        for one in found:
            one.bind(("localhost", 0))
        return [one.getsockname()[1] for one in found]
    finally:
        for one in found:
            one.close()


def state(workdir):
    """Losses of all steps, the weights and their averages."""
    losses = [r["loss"] for r in runs.read_metrics(workdir) if "loss" in r]
    network = crew_program.network()
    weights = []
    for kind in ("last", "ema"):
        runs.load_weights(network, runs.weights_path(workdir, kind))
        weights += network.get_weights()
    return losses, weights


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    workdir = tmp_path_factory.mktemp("alone") / "run"
    crew_program.main(workdir, "one", STEPS)
    return state(workdir)


@pytest.mark.slow  # Starts interpreters.
@pytest.mark.parametrize("kind", ["all", "workers"])
def test_two_of_batch_2_are_one_of_batch_4(checkout, tmp_path, alone, kind):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("The strategies are TensorFlow's.")
    ports = free_ports(2)
    numbers = [0, 1] if kind == "workers" else [None]
    crew = [
        start(
            *(checkout, tmp_path / "run", kind, STEPS),
            worker=number,
            ports=ports,
        )
        for number in numbers
    ]
    for one in crew:
        _, said = one.communicate()
        assert one.returncode == 0, said
    losses, weights = state(tmp_path / "run")
    np.testing.assert_allclose(losses, alone[0], rtol=1e-4)
    for one, other in zip(weights, alone[1], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)


@pytest.mark.slow  # Starts interpreters.
def test_a_worker_that_disappears_is_a_sentence(checkout, tmp_path):
    saved = tmp_path / "run" / runs.STATE
    with two_workers(checkout, tmp_path / "run", 10**6) as (chief, other):
        wait_for(saved, chief)
        other.send_signal(signal.SIGKILL)
        said = chief.stderr.read()
    assert chief.returncode == 1
    assert "A worker has gone" in said and "continue" in said
    assert saved.is_file()


@contextlib.contextmanager
def two_workers(checkout, workdir, *steps):
    ports = free_ports(2)
    crew = [
        start(checkout, workdir, "workers", *steps, worker=number, ports=ports)
        for number in (0, 1)
    ]
    try:
        yield crew
    finally:
        for one in crew:
            one.kill()
            one.communicate()


def wait_for(path, process):
    while not path.is_file() and process.poll() is None:
        time.sleep(0.1)


def stopped_at(workdir):
    """Steps of the checkpoint, all of them logged; and which was scored."""
    with np.load(workdir / runs.STATE) as arrays:
        done = json.loads(str(arrays["progress"]))
    assert runs.read_metrics(workdir)[-1]["step"] == done["step"]
    return done["step"], done["scored"]


@pytest.mark.slow  # Starts interpreters.
def test_sigterm_to_any_worker_ends_all_after_the_same_step(checkout, tmp_path):
    workdir, before = tmp_path / "run", 0
    seen = workdir / runs.METRICS
    for number in (1, 0):
        with two_workers(checkout, workdir, 10**6) as crew:
            wait_for(seen, crew[0])
            while len(runs.read_metrics(workdir)) < 20 + before:
                assert crew[0].poll() is None, crew[0].stderr.read()
                time.sleep(0.1)
            crew[number].send_signal(signal.SIGTERM)
            said = [one.communicate(timeout=60)[1] for one in crew]
            assert [one.returncode for one in crew] == [0, 0], said
        # The second time it went on from where the first time ended.
        step, _ = stopped_at(workdir)
        assert step > before
        before = step
    steps = [r["step"] for r in runs.read_metrics(workdir) if "loss" in r]
    assert steps == list(range(1, before + 1))


@pytest.mark.slow  # Starts interpreters.
@pytest.mark.parametrize(
    # The chief leaves its score for later, others are heard after it.
    ("number", "stopped"),
    [(0, (3, -1)), (1, (4, 3))],
)
def test_sigterm_while_the_chief_scores(checkout, tmp_path, number, stopped):
    workdir = tmp_path / "run"
    with two_workers(checkout, workdir, 10**6, 3) as crew:
        wait_for(workdir / crew_program.SCORING, crew[0])
        crew[number].send_signal(signal.SIGTERM)
        said = [one.communicate(timeout=100)[1] for one in crew]
        assert [one.returncode for one in crew] == [0, 0], said
    assert stopped_at(workdir) == stopped


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"devices": "two"}, "must be one, all, workers"),
        ({"devices": "all", "accumulate": 2}, "neither accumulate"),
        ({"devices": "all", "precision": "mixed_float16"}, "neither"),
    ],
)
def test_what_does_not_go_together(fields, text):
    config = tasks.make_config(**fields)
    with pytest.raises(ValueError, match=text):
        devices.check(config.train, "tensorflow")


def test_jax_trains_on_one(monkeypatch):
    with pytest.raises(ValueError, match="is TensorFlow's"):
        devices.check(tasks.make_config(devices="all").train, "jax")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "ps", "index": 0}}',
        '{"cluster": {"worker": []}, "task": {"type": "worker", "index": 0}}',
    ],
)
def test_workers_need_each_other(monkeypatch, text):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(ValueError, match="TF_CONFIG"):
        devices.crew(tasks.make_config(devices="workers").train)
