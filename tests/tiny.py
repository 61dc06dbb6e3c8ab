"""A network and a training loop of seconds, as flags of programs."""

_FIELDS = {
    "model.input_size": 32,
    "model.z_resolutions": "(4,)",
    "model.stem_features": 4,
    "model.front_features": 4,
    "model.features": 4,
    "model.out_features": 4,
    "model.order": 1,
    "model.modules": 1,
    "model.encoder": "",
    "train.jit": False,
    "train.batch_size": 4,
    "train.stages": "()",
}


def flags(fields):
    """List of `--config.FIELD=VALUE`, with `fields` over those above."""
    return [f"--config.{k}={v}" for k, v in (_FIELDS | fields).items()]
