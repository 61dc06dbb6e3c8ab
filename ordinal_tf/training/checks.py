"""What a config must not say, found before anything is read or written."""

import keras

from ordinal_tf.data.mocap import image_errors
from ordinal_tf.models import build
from ordinal_tf.training import config_data, defaults, devices, optimizers


def check_image(config):
    """Raises `ValueError` where a config of `tools.train` cannot work."""
    defaults.check_fields(config, defaults.image())
    _check_train(config.train)
    config_data.check(config.data)
    _check_model(config.model)
    _check_loss(config)
    _check_stages(config)
    if config.train.rematerialise and keras.backend.backend() != "tensorflow":
        raise ValueError(
            "`train.rematerialise` is TensorFlow's. Received: "
            f"KERAS_BACKEND={keras.backend.backend()}."
        )


def check_reconstruction(config):
    """The same of a config of `tools.train_reconstruction`."""
    defaults.check_fields(config, defaults.reconstruction())
    _check_train(config.train)
    if not config.data.mocap:
        raise ValueError(
            "No motion capture: name its folder with --config.data.mocap=DIR."
        )
    if min(config.noise.values()) < 0:
        raise ValueError(
            f"`noise` must not be negative. Received: {config.noise.to_dict()}."
        )
    fields = config.errors.to_dict()
    del fields["own_unit"]
    image_errors.ImageErrors(**fields)


def _check_train(train):
    every = ("log_every", "save_every", "eval_every")
    for name in ("steps", "batch_size", "accumulate", *every):
        if train[name] < 1:
            raise ValueError(
                f"`train.{name}` must be positive. Received: {train[name]}."
            )
    devices.check(train, keras.backend.backend())
    for name, known in (
        ("precision", optimizers.PRECISIONS),
        ("optimizer", optimizers.OPTIMIZERS),
        ("schedule", optimizers.SCHEDULES),
    ):
        if train[name] not in known:
            raise ValueError(
                f"`train.{name}` must be {' or '.join(known)}. Received: "
                f"{train[name]!r}."
            )
    if not 0 <= train.ema < 1:
        raise ValueError(
            "`train.ema` is the share that a step keeps of the averaged "
            f"weights, such as 0.999, or 0. Received: {train.ema}."
        )
    if train.batch_size % train.accumulate:
        raise ValueError(
            f"`train.accumulate` {train.accumulate} must divide "
            f"`train.batch_size` {train.batch_size}: it is the number of "
            "pieces that a batch is computed in."
        )
    if (train.schedule == "steps") != bool(train.drops):
        raise ValueError(
            "`train.drops` and `train.schedule=steps` belong together. "
            f"Received: {tuple(train.drops)} and {train.schedule!r}."
        )
    for drop in train.drops:
        if len(drop) != 2 or not 0 < drop[0] < 1 or not drop[1] > 0:
            raise ValueError(
                "`train.drops` must be pairs of a share of the steps, between "
                f"0 and 1, and a positive factor. Received: {drop!r}."
            )


def _check_model(model):
    if model.name not in ("volume", "depth", "coordinates"):
        raise ValueError(
            "`model.name` must be volume, depth or coordinates. Received: "
            f"{model.name!r}."
        )
    bins = build.z_resolutions(model)
    if any(b < 1 or (b > 1 and b % 2) for b in bins) or list(bins) != sorted(
        bins
    ):
        raise ValueError(
            "`model.z_resolutions` must be even numbers of depth bins, or 1, "
            f"one for each hourglass and never falling. Received: {bins}."
        )


def _check_loss(config):
    loss, bins = config.loss, build.z_resolutions(config.model)
    if loss.heatmap not in ("cross_entropy", "l2"):
        raise ValueError(
            "`loss.heatmap` must be cross_entropy or l2. Received: "
            f"{loss.heatmap!r}."
        )
    for name in ("heatmap", "rank", "depth", "volume"):
        if loss[f"{name}_weight"] < 0:
            raise ValueError(
                f"`loss.{name}_weight` must not be negative. Received: "
                f"{loss[f'{name}_weight']}."
            )
    if loss.volume_weight and config.model.name != "volume":
        raise ValueError(
            f"`loss.volume_weight` is of the volume network; the "
            f"{config.model.name} head has no volume. Set it to 0."
        )
    flat = bins and max(bins) == 1
    for name in ("rank", "depth", "volume"):
        if flat and loss[f"{name}_weight"]:
            raise ValueError(
                f"`loss.{name}_weight` is above 0, but `model.z_resolutions` "
                f"{bins} have no depth: set it to 0, or add a resolution "
                "above 1."
            )


def check_labels(loss, sources):
    """Raises `ValueError` where no source has what a part of the loss needs.

    Args:
        loss: the section `loss` of a config.
        sources: list of `sources.Source`.
    """
    ordered = [
        one
        for one in sources
        if one.seen.kind in ("all", "ordinal") and one.knows
    ]
    deep = [
        one
        for one in sources
        if one.seen.kind in ("all", "full") and "depth" in one.knows
    ]
    names = ", ".join(one.name for one in sources)
    if loss.rank_weight and not ordered:
        raise ValueError(
            "`loss.rank_weight` is above 0, but no relations are seen of "
            f"{names}. Set it to 0, or use one of them as ordinal."
        )
    if loss.volume_weight and not deep:
        raise ValueError(
            "`loss.volume_weight` is above 0, but no depths are seen of "
            f"{names}. Set it to 0, or use one that knows them as full."
        )


def _check_stages(config):
    stages, model = config.train.stages, config.model
    if stages and model.name in ("depth", "coordinates"):
        raise ValueError(
            f"`train.stages` must be () for the {model.name} head: its dense "
            f"layer is made for one crop size. Received: {tuple(stages)}."
        )
    # As often as the way down halves it.
    whole = max(4 * 2**model.order, 32 if model.encoder else 1)
    before = 0
    for share, size in stages:
        if not before < share < 1 or size < whole or size % whole:
            raise ValueError(
                "`train.stages` must be pairs of a share of the steps, rising "
                f"between 0 and 1, and a crop size divisible by {whole}. "
                f"Received: {tuple(stages)}."
            )
        before = share
