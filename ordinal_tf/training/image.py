"""Training of the image network: one loop, resumable, logged."""

import importlib.util
import math
import pathlib
import time

import keras
import numpy as np
import tensorflow as tf

from ordinal_tf import paths
from ordinal_tf.data.pipeline import batching
from ordinal_tf.evaluation import scoring
from ordinal_tf.models import build, decoding, encoder
from ordinal_tf.training import config_data, objective, runs

# May change when a run resumes; everything else makes it another run.
_FREE = (
    "data.lsp",
    "data.skip_limit",
    "data.on_device",
    "data.service",
    "data.synthetic.processes",
    "train.log_every",
)


def train(config, workdir, *, init_from=None, report=print, progress=None):
    """Trains an image network, or continues where `workdir` stopped.

    Args:
        config: as `configs/lite.py` returns.
        workdir: folder of the run, see `runs`.
        init_from: what to take the first weights from, see
            `paths.weights_file`; ignored when the run resumes.
        report: function of one line of text.
        progress: function `(step, text)`, or None.

    Returns:
        dict, the summary: `steps`, `best`, the held-out figures of the last
        step (see `scoring.evaluate`) and `training_photos`.

    Raises:
        ValueError: unusable data or config, another run in `workdir`, or a
            loss that is not finite.
    """
    workdir = pathlib.Path(workdir)
    _check(config)
    if (workdir / runs.CONFIG).is_file():
        runs.start(config, workdir, free=_FREE)
    if (workdir / runs.SUMMARY).is_file():
        report(f"{workdir} is finished; nothing to do.")
        return runs.read_json(workdir / runs.SUMMARY)
    mix, held_out = config_data.read(config.data, report)
    keras.utils.set_random_seed(config.seed)
    keras.config.set_dtype_policy(config.train.precision)
    network = build.build_image_network(config.model)
    optimizer = _optimizer(config.train)
    optimizer.build(network.trainable_variables)
    step, best = runs.restore(workdir, network, optimizer)
    if step:
        report(f"{workdir}: continuing after step {step}.")
    elif init_from:
        runs.load_weights(network, paths.weights_file(init_from))
    elif config.model.get("encoder"):
        encoder.load_imagenet(network, config.model.encoder)
    # Only now, so that bad input leaves no folder behind.
    runs.start(config, workdir, free=_FREE)
    # Without a checkpoint even the score before the first step comes again.
    runs.drop_later_metrics(workdir, step or -1)
    board = _board(workdir / "tensorboard", report)
    train_step = _train_step(network, optimizer, config)
    # Windows have another size in each batch: one trace serves them all.
    finish = tf.function(batching.finish, reduce_retracing=True)
    stop = config.train.steps
    figures = {}

    def log(line):
        runs.append_metrics(workdir, line)
        board(line)

    def score(size):
        figures = evaluate_network(network, config, held_out, input_size=size)
        log({"step": step, "input_size": size, **figures})
        report(
            f"step {step}: PCK@0.2 {figures['pck']:.1f} %, ordinal accuracy "
            f"{figures['ordinal_accuracy']:.1f} % on {held_out.count} held-out "
            f"photographs at {size} pixels"
        )
        return figures

    if step == 0:
        score(config.model.input_size)
    while step < stop:
        size, until = _stage(config, step)
        dataset = batching.training_dataset(
            mix,
            input_size=size,
            batch_size=config.train.batch_size,
            seed=config.seed,
            first_step=step,
            last_step=until,
            on_device=config.data.on_device,
            data_service=config.data.service,
            **config.augmentation,
        )
        clock, since, sums = time.monotonic(), step, []
        for batch in _readable(dataset):
            batch = finish(batch, size)
            optimizer.learning_rate.assign(_learning_rate(config.train, step))
            ramp = tf.constant(_ramp(config.train, step), tf.float32)
            sums.append(train_step(batch, ramp))
            step += 1
            evaluating = step % config.train.eval_every == 0 or step == stop
            if step % config.train.log_every == 0 or evaluating:
                line = _means(sums)
                seconds = time.monotonic() - clock
                rate = (step - since) * config.train.batch_size / seconds
                line = {
                    "step": step,
                    "learning_rate": _learning_rate(config.train, step - 1),
                    "images_per_s": rate,
                    **line,
                }
                if not math.isfinite(line["loss"]):
                    raise ValueError(
                        f"The loss is {line['loss']} at step {step}; lower "
                        "`train.learning_rate` or "
                        "`loss.rank_weight`."
                    )
                log(line)
                if progress:
                    progress(step, f"loss {line['loss']:.3f}")
                clock, since, sums = time.monotonic(), step, []
            if evaluating:
                # The summary is of the size that will be exported.
                final = step == stop
                figures = score(config.model.input_size if final else size)
                if best is None or figures["pck"] > best["pck"]:
                    best = {"step": step, "pck": figures["pck"]}
            if evaluating or step % config.train.save_every == 0:
                runs.save(workdir, network, optimizer, step=step, best=best)
                clock, since = time.monotonic(), step
    if not figures:  # Stopped between the last checkpoint and here.
        figures = score(config.model.input_size)
    summary = {
        "steps": step,
        "best": best,
        **figures,
        "training_photos": sum(s.count or 0 for s in mix.sources),
    }
    runs.write_json(workdir / runs.SUMMARY, summary)
    return summary


def load_run(workdir):
    """The network of a run with its last weights, and its config.

    Raises:
        ValueError: `workdir` holds no run, or weights of another config.
    """
    config = runs.read_config(workdir)
    keras.config.set_dtype_policy("float32")
    network = build.build_image_network(config.model)
    runs.load_weights(network, pathlib.Path(workdir) / runs.WEIGHTS)
    return network, config


def evaluate_network(network, config, photos, *, input_size, mirror=True):
    """`scoring.evaluate` of a network; the depth head scores 0 in 2D."""
    bins = (build.z_resolutions(config.model) or (None,))[-1]

    @tf.function(reduce_retracing=True)
    def predict(image):
        return decoding.predict_crops(
            network,
            image,
            name=config.model.name,
            depth_bins=bins,
            mirror=mirror,
        )

    return scoring.evaluate(predict, photos, input_size=input_size)


def _train_step(network, optimizer, config):
    kind, bins = config.model.name, build.z_resolutions(config.model)
    options = config.loss.to_dict()

    # XLA fuses the many element-wise passes of batch norm, forwards and
    # backwards: a fifth faster on CPUs, for a minute's compilation per size.
    @tf.function(jit_compile=config.train.jit)
    def step(batch, ramp):
        with tf.GradientTape() as tape:
            pixels = tf.cast(batch["image"], tf.float32) / 255.0
            output = network(pixels, training=True)
            if kind == "volume":
                outputs = output if isinstance(output, list) else [output]
                parts = objective.volume_objective(
                    outputs,
                    batch,
                    options,
                    z_resolutions=bins,
                    rank_scale=ramp,
                )
            else:
                parts = objective.regression_objective(
                    output, batch, options, rank_scale=ramp
                )
        gradients = tape.gradient(parts["loss"], network.trainable_variables)
        optimizer.apply(gradients, network.trainable_variables)
        return parts

    return step


def _readable(batches):
    """The batches; what cannot be read is one sentence."""
    try:
        yield from batches
    except tf.errors.OpError as error:
        raise ValueError(
            "The training data cannot be read any more "
            f"({error.message.splitlines()[0]}). Are all files still there? "
            "tools.prepare --validate checks prepared folders."
        ) from error


def _board(folder, report):
    """A function that writes a dict's floats to TensorBoard, if installed."""
    if importlib.util.find_spec("tensorboard") is None:
        report(
            "TensorBoard is not installed (pip install ordinal-tf[train]): "
            "the figures go to metrics.jsonl alone."
        )
        return lambda line: None
    writer = tf.summary.create_file_writer(str(folder))

    def write(line):
        with writer.as_default(step=line["step"]):
            for key, value in line.items():
                if isinstance(value, float):
                    tf.summary.scalar(key, value)
        writer.flush()

    return write


def _means(parts):
    return {
        key: float(np.mean([float(part[key]) for part in parts]))
        for key in parts[0]
    }


def _stage(config, step):
    """Input size at a step, and the step at which it ends."""
    for share, size in config.train.stages:
        until = round(share * config.train.steps)
        if step < until:
            return size, until
    return config.model.input_size, config.train.steps


def _learning_rate(train, step):
    """Linear warm-up, then constant or a cosine to zero."""
    rate = train.learning_rate * min(1.0, (step + 1) / max(train.warmup, 1))
    if train.decay:
        rate *= 0.5 * (1.0 + math.cos(math.pi * step / train.steps))
    return rate


def _ramp(train, step):
    """Weight of the ranking loss: 0, then linear, then 1."""
    first, last = train.rank_ramp
    return float(np.clip((step - first) / max(last - first, 1), 0.0, 1.0))


def _optimizer(train):
    if train.optimizer == "adam":
        return keras.optimizers.Adam(
            train.learning_rate, global_clipnorm=train.clip_norm
        )
    if train.optimizer == "rmsprop":
        # Torch's constants, which the original has.
        return keras.optimizers.RMSprop(
            train.learning_rate,
            rho=0.99,
            epsilon=1e-8,
            global_clipnorm=train.clip_norm,
        )
    raise ValueError(
        "`train.optimizer` must be adam or rmsprop. Received: "
        f"{train.optimizer!r}."
    )


def _check(config):
    train = config.train
    config_data.check(config.data)
    every = ("log_every", "save_every", "eval_every")
    for name in ("steps", "batch_size", *every):
        if train[name] < 1:
            raise ValueError(
                f"`train.{name}` must be positive. Received: {train[name]}."
            )
    if train.precision not in ("float32", "mixed_bfloat16"):
        raise ValueError(
            "`train.precision` must be float32 or mixed_bfloat16; float16 "
            f"would need loss scaling. Received: {train.precision!r}."
        )
    objective.check_heatmap(config.loss.heatmap)
    _check_stages(config)


def _check_stages(config):
    stages, model = config.train.stages, config.model
    if stages and model.name in ("depth", "coordinates"):
        raise ValueError(
            f"`train.stages` must be () for the {model.name} head: its dense "
            f"layer is made for one crop size. Received: {tuple(stages)}."
        )
    whole = 4 * 2**model.order
    for share, size in stages:
        if not 0 < share < 1 or size < whole or size % whole:
            raise ValueError(
                "`train.stages` must be pairs of a share of the steps, between "
                f"0 and 1, and a crop size divisible by {whole}. Received: "
                f"{(share, size)}."
            )
