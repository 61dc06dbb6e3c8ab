"""What trains: one device, all of this machine, or several machines.

Every replica sees an equal part of a batch. Gradients, the figures of the loss
and the statistics of batch norm are those of the whole batch, so that several
devices take the steps that one would. TensorFlow's strategies do the rest.
"""

import contextlib
import dataclasses
import functools
import json
import os

import numpy as np

KINDS = ("one", "all", "workers")


@dataclasses.dataclass(frozen=True)
class Crew:
    """Who trains together.

    Attributes:
        strategy: `tf.distribute.Strategy`, or None: a single device.
        worker: (number, count) of this process; number 0, the chief, alone
            writes and scores.
        replicas: int, devices of this process.
    """

    strategy: object = None
    worker: tuple[int, int] = (0, 1)
    replicas: int = 1

    @property
    def chief(self):
        return self.worker[0] == 0

    @property
    def together(self):
        """Whether other processes take part."""
        return self.worker[1] > 1

    def scope(self):
        """Where networks and optimisers of the crew are made and used."""
        if self.strategy:
            return self.strategy.scope()
        return contextlib.nullcontext()

    def split(self, batch):
        """This process's part of a batch, each replica its piece of it."""
        share = len(next(iter(batch.values()))) // self.replicas
        before = self.worker[0] * self.replicas

        def piece(context):
            i = context.replica_id_in_sync_group - before
            return {
                key: value[i * share : (i + 1) * share]
                for key, value in batch.items()
            }

        return self.strategy.experimental_distribute_values_from_function(piece)

    def any(self, flag):
        """Whether a bool is True in any process; waits until all have asked."""
        total = self._total(np.float32(flag))
        return float(self.strategy.experimental_local_results(total)[0]) > 0

    @functools.cached_property
    def _total(self):
        """A function that adds up a number of each device."""
        import tensorflow as tf

        def total(value):
            context = tf.distribute.get_replica_context()
            # An argument is on no device yet.
            value = tf.identity(value)
            return context.all_reduce(tf.distribute.ReduceOp.SUM, value)

        return tf.function(lambda value: self.strategy.run(total, (value,)))


ALONE = Crew()


def crew(train):
    """The `Crew` of a config; comes before anything else of TensorFlow.

    Args:
        train: the section `train` of a config: `devices`, "one", "all" (the
            GPUs of this machine, its CPU devices where it has none) or
            "workers" (the processes that the variable TF_CONFIG names, and
            all their devices); `batch_size`.

    Raises:
        ValueError: not so many devices, or a batch that they cannot share.
    """
    if train.devices == "one":
        return ALONE
    import tensorflow as tf

    if train.devices == "all":
        kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
        found = [one.name for one in tf.config.list_logical_devices(kind)]
        # The ring of NCCL is for GPUs.
        reduce = (
            tf.distribute.NcclAllReduce()
            if kind == "GPU"
            else tf.distribute.ReductionToOneDevice()
        )
        strategy = tf.distribute.MirroredStrategy(
            found, cross_device_ops=reduce
        )
        made = Crew(strategy, replicas=len(found))
    else:
        worker = _worker()
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
        every = strategy.num_replicas_in_sync
        made = Crew(strategy, worker, every // worker[1])
    every = made.replicas * made.worker[1]
    if train.batch_size % every:
        raise ValueError(
            f"`train.batch_size` {train.batch_size} must be a multiple of the "
            f"{every} devices that share it."
        )
    return made


def check(train, backend):
    """Raises `ValueError` where a config asks for what several cannot do."""
    if train.devices not in KINDS:
        raise ValueError(
            f"`train.devices` must be {', '.join(KINDS)}. Received: "
            f"{train.devices!r}."
        )
    if train.devices == "one":
        return
    if backend != "tensorflow":
        raise ValueError(
            f"`train.devices` {train.devices!r} is TensorFlow's. Received: "
            f"KERAS_BACKEND={backend}."
        )
    if train.accumulate > 1 or train.precision == "mixed_float16":
        raise ValueError(
            "Several devices neither accumulate nor scale losses: set "
            "`train.accumulate` to 1 and `train.precision` to float32 or "
            f"mixed_bfloat16, or `train.devices` to one. Received: "
            f"{train.accumulate} and {train.precision!r}."
        )


def gone(step, error):
    """The `ValueError` of a training that has lost a worker."""
    return ValueError(
        f"A worker has gone, or cannot be reached any more, after step {step} "
        f"({type(error).__name__}). Start all workers again with the same "
        "command: they continue from the last checkpoint."
    )


def _worker():
    """(number, count) of TF_CONFIG."""
    text = os.environ.get("TF_CONFIG", "")
    try:
        found = json.loads(text)
        count = len(found["cluster"]["worker"])
        number = int(found["task"]["index"])
        kind = found["task"]["type"]
    except (ValueError, KeyError, TypeError):
        kind, number, count = None, 0, 0
    if kind != "worker" or not 0 <= number < count:
        raise ValueError(
            "`train.devices` workers asks for the variable TF_CONFIG, such as "
            '{"cluster": {"worker": ["HOST:PORT", "HOST:PORT"]}, "task": '
            f'{{"type": "worker", "index": 0}}}}. Received: {text!r}.'
        )
    return number, count
