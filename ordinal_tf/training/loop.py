"""The one training loop: resumable, logged, interruptible at any moment.

What differs between networks is a `Task`; how one step is computed is in
`steps`, what a run leaves on disk in `runs`.
"""

import contextlib
import dataclasses
import math
import pathlib
import time
from collections.abc import Callable

import keras
import ml_collections
import numpy as np

from ordinal_tf import files, paths
from ordinal_tf.training import (
    board,
    devices,
    optimizers,
    page,
    runs,
    steps,
    stopping,
)

# May change when a run resumes; tasks add theirs.
FREE = ("train.log_every", "train.devices")


@dataclasses.dataclass(frozen=True)
class Task:
    """What is trained, on what, and how it is scored.

    Attributes:
        network: `keras.Model` with its first weights.
        inputs, loss: see `steps.training_step`.
        batches: function `(first, last)` of steps that returns an iterable
            of the batches of these; each is a pure function of its step. A
            third argument, (number, count), asks for a worker's part of each.
        score: function of a step that returns the figures (dict) of the
            network as it is after that many steps.
        better: function of two dicts of figures: the first beats the second,
            which may be None.
        shown: function of figures: how they read in a line of text.
        summary: function without arguments that returns what else the
            summary says.
        ramp: function of a step: the loss's third argument.
        ends: steps after which `batches` is asked anew.
        score_first: bool, also score before the first step.
        examples: int, how many an epoch has; None where they never end.
        gallery: function without arguments that returns rows of people, see
            `page.people`, or None.
    """

    network: keras.Model
    inputs: Callable
    loss: Callable
    batches: Callable
    score: Callable
    better: Callable
    shown: Callable
    summary: Callable
    ramp: Callable = lambda step: 1.0
    ends: tuple[int, ...] = ()
    score_first: bool = False
    examples: int | None = None
    gallery: Callable | None = None


@dataclasses.dataclass
class _Run:
    """A run while it goes on."""

    task: Task
    train: ml_collections.ConfigDict
    workdir: pathlib.Path
    optimizer: keras.Optimizer
    averages: optimizers.Averages | None
    report: Callable
    progress: Callable | None
    board: Callable
    done: runs.Progress
    crew: devices.Crew


def train(
    config,
    workdir,
    make_task,
    *,
    free=(),
    start_from=paths.IMAGE_WEIGHTS,
    report=print,
    progress=None,
):
    """Trains a network, or continues where `workdir` stopped.

    Args:
        config: `ConfigDict`, checked; its section `train` is read here.
        workdir: folder of the run, see `runs`.
        make_task: function of the config that reads the data and returns a
            `Task`.
        free: names of fields that may change when a run resumes.
        start_from: where a model folder keeps the weights of such a network,
            for `init_from`.
        report: function of one line of text.
        progress: function `(step, text)`, or None.

    Returns:
        dict, the summary: `steps`, `best`, the figures of the last score,
        `ema` (those of the averaged weights, where they are kept) and what
        the task adds; None where SIGTERM ended the run early, and of all
        workers but the chief.

    Raises:
        ValueError: unusable data or config, another run in `workdir` or
            another program that trains there, a loss that is not finite, or
            no room for a checkpoint.
    """
    workdir = pathlib.Path(workdir)
    config = _with_origin(config, workdir, start_from)
    free = (*FREE, *free)
    runs.check_same(config, workdir, free=free)
    if (workdir / runs.SUMMARY).is_file():
        report(f"{workdir} is finished; nothing to do.")
        return runs.read_json(workdir / runs.SUMMARY)
    crew, run = devices.crew(config.train), None
    if not crew.chief:  # Reads what the chief keeps, and says nothing.
        report, progress = (lambda line: None), None
    alone = runs.locked(workdir) if crew.chief else contextlib.nullcontext()
    # One of several workers must not leave the others waiting.
    with alone, stopping.on_sigterm(at_once=not crew.together) as stop:
        try:
            with policy(config.train.precision), crew.scope():
                run = _prepare(
                    config, workdir, make_task, crew, report, progress
                )
                with stop.held_back():
                    _enter(run, config, free, start_from)
                    _advance(run, stop)
                    summary = _finish(run)
                    _meet(run)
                    return summary
        except stopping.Stopped:
            step = run.done.step if run else 0
            report(
                f"Stopped by SIGTERM after step {step}: the same command "
                "continues."
            )
            return None


def _with_origin(config, workdir, start_from):
    """A copy of the config that says where the first weights come from.

    A run that is started again without `init_from` has that of its folder.
    """
    config = ml_collections.ConfigDict(config.to_dict())
    known = {}
    if (workdir / runs.CONFIG).is_file():
        known = runs.read_config(workdir)
        config.init_from = config.init_from or known.get("init_from", "")
    if config.init_from:
        if config.init_from == known.get("init_from"):
            config.init_sha256 = known.init_sha256
        else:
            path = paths.weights_file(config.init_from, start_from)
            config.init_sha256 = files.checksum(path)
    return config


def build(config, make_task):
    """The `Task` and the optimiser of a config, at their beginning."""
    keras.utils.set_random_seed(config.seed)
    task = make_task(config)
    optimizers.freeze(task.network, config.train)
    return task, optimizers.build_optimizer(config.train, task.network)


def _prepare(config, workdir, make_task, crew, report, progress):
    task, optimizer = build(config, make_task)
    return _Run(
        task=task,
        train=config.train,
        workdir=workdir,
        optimizer=optimizer,
        averages=config.train.ema
        and optimizers.Averages(task.network, config.train.ema),
        report=report,
        progress=progress,
        board=board.writer(workdir / "tensorboard", report),
        done=runs.Progress(),
        crew=crew,
    )


def _enter(run, config, free, start_from):
    """Loads the checkpoint, or the weights to start from."""
    done = runs.restore(
        run.workdir, run.task.network, run.optimizer, _more(run)
    )
    if done is not None:
        run.done = done
        run.report(f"{run.workdir}: continuing after step {done.step}.")
    elif config.init_from:
        path = paths.weights_file(config.init_from, start_from)
        if files.checksum(path) != config.init_sha256:
            raise ValueError(
                f"{path} is not what this run was started from: it has "
                "changed since. Start another run from it, or bring it back."
            )
        runs.load_weights(run.task.network, path)
        if run.averages:
            run.averages.restart()
    if run.crew.chief:
        # Only now, so that bad input leaves no folder behind.
        runs.start(config, run.workdir, free=free)
        runs.drop_later_metrics(run.workdir, done)


def _more(run):
    """Variables of the state that are neither network nor optimiser."""
    return run.averages.variables if run.averages else ()


def _advance(run, stop):
    """Steps, scores and checkpoints until the last step."""
    if _unscored(run):
        _score_or_end(run, stop)
        if run.done.step:
            _save(run)
    learn = steps.training_step(
        run.task.network,
        run.optimizer,
        inputs=run.task.inputs,
        loss=run.task.loss,
        jit=run.train.jit,
        rematerialise=run.train.get("rematerialise", False),
        crew=run.crew,
    )
    while run.done.step < run.train.steps:
        later = [end for end in run.task.ends if end > run.done.step]
        _segment(run, stop, learn, min([*later, run.train.steps]))


def _segment(run, stop, learn, last):
    """The steps up to `last`."""
    train, meter = run.train, _Meter(run)
    part = [run.crew.worker] if run.crew.together else []
    for batch in run.task.batches(run.done.step, last, *part):
        step = run.done.step
        run.optimizer.learning_rate = optimizers.learning_rate(train, step)
        ramp = np.asarray(run.task.ramp(step), "float32")
        for part in parts_of(batch, train.accumulate):
            meter.add(_with_others(run, learn, part, ramp))
        if run.averages:
            run.averages.update(step)
        step += 1
        run.done = dataclasses.replace(run.done, step=step)
        final = step == train.steps
        scoring = final or step % train.eval_every == 0
        saving = scoring or step % train.save_every == 0
        ending = _asked(run, stop)
        if saving or ending or step % train.log_every == 0:
            meter.log()
        if ending:
            _end(run)
        if scoring:
            _score_or_end(run, stop)
        if saving:
            _save(run)
            meter.restart()


def _with_others(run, function, *arguments):
    """A call that all workers take part in; `ValueError` where one has gone."""
    if not run.crew.together:
        return function(*arguments)
    import tensorflow as tf

    try:
        return function(*arguments)
    except tf.errors.OpError as error:
        raise devices.gone(run.done.step, error) from error


def parts_of(batch, count):
    """A batch in pieces, whose gradients are added up."""
    if count == 1:
        return [batch]
    size = len(next(iter(batch.values()))) // count
    return [
        {key: value[i * size : (i + 1) * size] for key, value in batch.items()}
        for i in range(count)
    ]


class _Meter:
    """Means of the losses, and speed, since the last line of the log."""

    def __init__(self, run):
        self.run = run
        self.restart()

    def restart(self):
        self.parts = []
        self.since, self.clock = self.run.done.step, time.monotonic()

    def add(self, parts):
        self.parts.append(parts)

    def log(self):
        """Writes a line; `ValueError` where the loss is not finite."""
        run = self.run
        step, train = run.done.step, run.train
        means = {
            key: float(np.mean([float(part[key]) for part in self.parts]))
            for key in self.parts[0]
        }
        seconds = max(time.monotonic() - self.clock, 1e-9)
        rate = (step - self.since) * train.batch_size / seconds
        if not math.isfinite(means["loss"]):
            raise ValueError(
                f"The loss is {means['loss']} at step {step}; lower "
                f"`train.learning_rate` ({train.learning_rate}) or the "
                f"weights of the loss. {run.workdir} keeps the checkpoint "
                "before."
            )
        line = {
            "step": step,
            # What the optimiser has, not what it should have.
            "learning_rate": float(
                keras.ops.convert_to_numpy(run.optimizer.learning_rate)
            ),
            "examples_per_s": rate,
            **means,
        }
        if run.crew.chief:
            runs.append_metrics(run.workdir, line)
            run.board(line)
        if run.progress:
            text = f"loss {means['loss']:.3f}, {rate:.1f} examples/s"
            run.progress(step, text)
        self.restart()


def _asked(run, stop):
    """Whether SIGTERM came to any worker: after the same step they all know."""
    if not run.crew.together:
        return stop.asked
    return _with_others(run, run.crew.any, stop.asked)


def _meet(run):
    """Waits for the other workers: who ends before would look lost to them."""
    if run.crew.together:
        _with_others(run, run.crew.any, False)


def _end(run):
    """Keeps the steps, of all workers, and raises `Stopped`."""
    if run.done.step:
        _save(run)
    _meet(run)
    raise stopping.Stopped


def _score_or_end(run, stop):
    """Scores; where SIGTERM comes meanwhile, keeps the steps at least."""
    with contextlib.suppress(stopping.Stopped):  # Which is asked for below.
        _score(run, stop)
    if _asked(run, stop):
        _end(run)


def _unscored(run):
    """Whether a score is due that an earlier program did not get to."""
    step, train = run.done.step, run.train
    if not step:
        return run.task.score_first
    due = step == train.steps or step % train.eval_every == 0
    return due and run.done.scored != step


def _score(run, stop):
    """Scores all kinds of weights, and keeps the best; the chief does."""
    step, task = run.done.step, run.task
    if not run.crew.chief:
        return
    figures = {"last": _figures(run, stop)}
    if run.averages and step:
        with run.averages.in_place():
            figures["ema"] = _figures(run, stop)
    line = {"step": step, **figures["last"]}
    line.update({f"ema_{k}": v for k, v in figures.get("ema", {}).items()})
    runs.append_metrics(run.workdir, line)
    run.board(line)
    for kind, found in figures.items():
        shown = "" if kind == "last" else " (averaged weights)"
        run.report(f"step {step}: {task.shown(found)}{shown}")
    best = run.done.best
    if step:
        for kind, found in figures.items():
            if task.better(found, best):
                best = {"step": step, "weights": kind, **found}
    if best != run.done.best:
        _save_weights(run, best["weights"], "best")
    run.done = dataclasses.replace(
        run.done, scored=step, figures=figures, best=best
    )
    _show(run, stop)


def _show(run, stop):
    """Writes the run's page, and the pictures of TensorBoard."""
    gallery = []
    if run.task.gallery:
        with stop.let_through():
            gallery = run.task.gallery()
    page.write(run.workdir, run.done.figures, gallery)
    sheets = {row["title"]: row["sheet"] for row in gallery}
    run.board({"step": run.done.step, **sheets})


def _figures(run, stop):
    """Figures of the weights as they are; a stop leaves them for later."""
    with stop.let_through():
        return run.task.score(run.done.step)


def _save_weights(run, kind, name):
    """Writes the last weights or their averages as one of `runs.KINDS`."""
    averaged = run.averages.in_place() if kind == "ema" else None
    with averaged or contextlib.nullcontext():
        path = run.workdir / runs.KINDS[name]
        runs.save_weights(run.task.network, path, run.done.step)


def _save(run):
    if not run.crew.chief:
        return
    if run.averages:
        _save_weights(run, "ema", "ema")
    runs.save(
        run.workdir, run.task.network, run.optimizer, run.done, _more(run)
    )


def _finish(run):
    """Writes and returns the summary; None of who is not the chief."""
    done = run.done
    if not run.crew.chief:
        return None
    summary = {
        "steps": done.step,
        "best": done.best,
        **done.figures["last"],
        **run.task.summary(),
    }
    if "ema" in done.figures:
        summary["ema"] = done.figures["ema"]
    files.write_json(run.workdir / runs.SUMMARY, summary)
    return summary


@contextlib.contextmanager
def policy(name):
    """Keras' dtype policy, for as long as the network is built and run."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
