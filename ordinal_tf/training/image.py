"""Training the image network: what the one loop needs to know of it."""

import keras
import numpy as np
import tensorflow as tf

from ordinal_tf.data.pipeline import batching
from ordinal_tf.evaluation import scoring
from ordinal_tf.models import build, decoding, encoder
from ordinal_tf.training import (
    checks,
    config_data,
    dry_run,
    loop,
    objective,
    page,
    runs,
)

_SHOWN = 16  # Held-out people among whom the page looks.

# May change when a run resumes; everything else makes it another run.
_FREE = (
    "data.lsp",
    "data.skip_limit",
    "data.on_device",
    "data.service",
    "data.synthetic.processes",
    "train.rematerialise",
)


def train(config, workdir, *, report=print, progress=None):
    """Trains an image network, or continues where `workdir` stopped.

    Args:
        config: as `configs/lite.py` returns; its `init_from` names what to
            take the first weights from, see `paths.weights_file`.
        workdir, report, progress: see `loop.train`.

    Returns:
        dict, the summary: `steps`, `best`, the held-out figures of the last
        step (see `scoring.evaluate`), `ema` and `training_photos`; None
        where SIGTERM ended the run early.

    Raises:
        ValueError: see `loop.train`.
    """
    checks.check_image(config)
    return loop.train(
        config,
        workdir,
        lambda config: task(config, report),
        free=_FREE,
        report=report,
        progress=progress,
    )


def task(config, report):
    """The `loop.Task` of a config.

    Raises:
        ValueError: unusable data.
    """
    mix, held_out = config_data.read(config.data, report)
    checks.check_labels(config.loss, mix.sources)
    network = build.build_image_network(config.model)
    if config.model.encoder:
        encoder.load_imagenet(network, config.model.encoder)
    predict = crops_function(network, config.model)

    def score(step):
        # The last score is of the size that will be exported.
        size = config.model.input_size
        if 0 < step < config.train.steps:
            size = stage(config, step - 1)[0]
        figures = scoring.evaluate(predict, held_out, input_size=size)
        return {"input_size": size, **figures}

    def better(one, other):
        # Small crops score otherwise; the final size alone is exported.
        if one["input_size"] != config.model.input_size:
            return False
        return other is None or one["pck"] > other["pck"]

    def shown(figures):
        return (
            f"PCK@0.2 {figures['pck']:.1f} %, ordinal accuracy "
            f"{figures['ordinal_accuracy']:.1f} % on {held_out.count} held-out "
            f"photographs at {figures['input_size']} pixels"
        )

    return loop.Task(
        network=network,
        inputs=pixels,
        loss=loss_of(config),
        batches=lambda *steps: _batches(mix, config, *steps),
        score=score,
        better=better,
        shown=shown,
        summary=lambda: {
            "training_photos": sum(s.count or 0 for s in mix.sources)
        },
        ramp=lambda step: rank_ramp(config.train, step),
        ends=tuple(end for _, end in _stages(config)),
        score_first=True,
        examples=_examples(mix),
        gallery=lambda: _gallery(predict, held_out, config.model.input_size),
    )


def _gallery(predict, held_out, input_size):
    """Of the first people that are held out, the best and the worst."""
    dataset = batching.evaluation_dataset(
        held_out, input_size=input_size, batch_size=_SHOWN
    )
    labels = next(iter(dataset))
    found = predict(labels["image"])
    labels = {key: np.asarray(value) for key, value in labels.items()}
    found = {
        key: keras.ops.convert_to_numpy(found[key])
        for key in ("keypoints", "ordinal_depth")
    }
    return page.people(labels.pop("image"), found, labels)


def measure(config, *, report=print):
    """See `dry_run.dry_run`."""
    checks.check_image(config)
    return dry_run.dry_run(config, lambda config: task(config, report))


def _examples(mix):
    """People of all sources, or None where one is endless."""
    counts = [source.count for source in mix.sources]
    return None if None in counts else sum(counts)


def pixels(batch):
    """What the network takes of a batch: `(B, S, S, 3)` in 0 to 1."""
    return keras.ops.cast(batch["image"], "float32") / 255.0


def loss_of(config):
    """The loss of `steps.training_step` that a config describes."""
    kind, bins = config.model.name, build.z_resolutions(config.model)
    options = config.loss.to_dict()

    def loss(outputs, batch, ramp):
        if kind != "volume":
            return objective.regression_objective(
                outputs, batch, options, rank_scale=ramp
            )
        outputs = outputs if isinstance(outputs, list) else [outputs]
        return objective.volume_objective(
            outputs, batch, options, z_resolutions=bins, rank_scale=ramp
        )

    return loss


def _batches(mix, config, first, last, worker=(0, 1)):
    """Batches of the steps `first` to `last` - 1, all of one crop size.

    `worker` is (number, count): this one's part of each.
    """
    size, _ = stage(config, first)
    dataset = batching.training_dataset(
        mix,
        input_size=size,
        batch_size=config.train.batch_size,
        seed=config.seed,
        first_step=first,
        last_step=last,
        on_device=config.data.on_device,
        data_service=config.data.service,
        worker=worker,
        tolerance_mm=config.data.tolerance_mm,
        flipped=config.data.flipped,
        **config.augmentation,
    )
    # Windows have another size in each batch: one trace serves them all.
    finish = tf.function(batching.finish, reduce_retracing=True)
    try:
        for batch in dataset:
            yield finish(batch, size)
    except tf.errors.OpError as error:
        raise ValueError(
            "The training data cannot be read any more "
            f"({error.message.splitlines()[0]}). Are all files still there? "
            "tools.prepare --validate checks prepared folders."
        ) from error


def _stages(config):
    """`(crop size, step at which it ends)`, in order."""
    steps = config.train.steps
    stages = [
        (size, round(share * steps)) for share, size in config.train.stages
    ]
    return [*stages, (config.model.input_size, steps)]


def stage(config, step):
    """Crop size at a step, and the step at which it ends."""
    return next((size, end) for size, end in _stages(config) if step < end)


def rank_ramp(train, step):
    """Weight of the ranking loss: 0, then linear, then 1."""
    first, last = train.rank_ramp
    return float(np.clip((step - first) / max(last - first, 1), 0.0, 1.0))


def load_run(workdir, weights="last"):
    """The network of a run and its config.

    Args:
        workdir: folder of the run.
        weights: str, which of `runs.KINDS`.

    Raises:
        ValueError: `workdir` holds no run, or weights of another config.
    """
    config = runs.read_config(workdir)
    with loop.policy("float32"):
        network = build.build_image_network(config.model)
    runs.load_weights(network, runs.weights_path(workdir, weights))
    return network, config


def load_predict(workdir, weights="last"):
    """The network of a run as a function of crops, and its config.

    Arguments and errors as of `load_run`, the function as `crops_function`.
    """
    network, config = load_run(workdir, weights)
    return crops_function(network, config.model), config


def crops_function(network, model):
    """`decoding.predict_crops` of a network, as a function of crops alone."""
    bins = (build.z_resolutions(model) or (None,))[-1]

    def predict(image):
        return decoding.predict_crops(
            network, image, name=model.name, depth_bins=bins
        )

    if keras.backend.backend() != "tensorflow":
        return predict
    return tf.function(predict, autograph=False)
