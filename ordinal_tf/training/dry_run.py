"""What a training would take, measured with a few steps that leave nothing."""

import resource
import time

import keras
import numpy as np

from ordinal_tf.models import cost
from ordinal_tf.training import loop, steps

# Of each crop size: the first steps compile, and fill the pipeline.
_WARM_UP, _MEASURED = 2, 3


def dry_run(config, make_task):
    """Builds a task, takes a few steps of each crop size, and says what it saw.

    Args:
        config: `ConfigDict`, checked.
        make_task: see `loop.train`.

    Returns:
        dict: `parameters`, `trainable` (of them), `flops` (of one example
        forwards, at the final size), `examples` (of an epoch; None: endless),
        `epochs`, `state_megabytes` (weights and optimiser), `peak_megabytes`
        (of the whole process, or of the GPU where there is one),
        `rematerialise` (whether activations were computed twice),
        `step_seconds` and `hours`, all steps together without the scores.

    Raises:
        ValueError: unusable data or config.
    """
    with loop.policy(config.train.precision):
        task, optimizer = loop.build(config, make_task)
        learn = steps.training_step(
            task.network,
            optimizer,
            inputs=task.inputs,
            loss=task.loss,
            jit=config.train.jit,
            rematerialise=config.train.get("rematerialise", False),
        )
        seconds = first = 0
        shape = None
        for end in sorted({*task.ends, config.train.steps}):
            if end == first:  # A stage of no step.
                continue
            each, shape = _measure(task, config, learn, first, end)
            seconds += (end - first) * each
            first = end
    trainable, every = cost.parameters(task.network)
    examples = config.train.steps * config.train.batch_size
    variables = [*task.network.variables, *optimizer.variables]
    variables += task.network.weights if config.train.ema else []
    size = sum(keras.ops.convert_to_numpy(v).nbytes for v in variables)
    return {
        "parameters": every,
        "trainable": trainable,
        "flops": cost.flops(task.network, shape),
        "examples": task.examples,
        "epochs": examples / task.examples if task.examples else None,
        "state_megabytes": size / 1e6,
        "peak_megabytes": _peak_bytes() / 1e6,
        "rematerialise": config.train.get("rematerialise", False),
        "step_seconds": seconds / config.train.steps,
        "hours": seconds / 3600,
    }


def _measure(task, config, learn, first, end):
    """Seconds of a step from `first` to `end`, and an example's shape."""
    count = min(_WARM_UP + _MEASURED, end - first)
    clock, taken = time.monotonic(), []
    for batch in task.batches(first, first + count):
        for part in loop.parts_of(batch, config.train.accumulate):
            parts = learn(part, np.asarray(1.0, "float32"))
        float(parts["loss"])  # Until it is there.
        taken.append(time.monotonic() - clock)
        clock = time.monotonic()
    shape = tuple(task.inputs(batch).shape[1:])
    return float(np.median(taken[min(_WARM_UP, count - 1) :])), shape


def _peak_bytes():
    """The most memory so far: of the GPU, or of the process without one."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        if tf.config.list_logical_devices("GPU"):
            return tf.config.experimental.get_memory_info("GPU:0")["peak"]
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def text(found):
    """What `dry_run` found, for people."""
    examples = "endless"
    if found["examples"]:
        examples = f"{found['examples']:,}, {found['epochs']:.1f} epochs"
    again = ", activations computed twice" if found["rematerialise"] else ""
    lines = {
        "parameters": f"{found['parameters']:,}, of which "
        f"{found['trainable']:,} are trained",
        "operations": f"{found['flops'] / 1e9:.2f} GFLOP an example, forwards",
        "examples": examples,
        "memory": f"{found['state_megabytes']:.0f} MB of weights and "
        f"optimiser; {found['peak_megabytes']:.0f} MB at most so far"
        f"{again}",
        "time": f"{found['step_seconds']:.3f} s a step, {found['hours']:.1f} "
        "hours in all, scores not counted",
    }
    return "\n".join(f"{key:11}{value}" for key, value in lines.items())
