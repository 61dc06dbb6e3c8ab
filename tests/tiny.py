"""A network and a training loop of seconds."""

# Options of `hourglass.build_volume_network`, and fields of a config's model.
WIDTHS = {
    "stem_features": 4,
    "front_features": 4,
    "features": 4,
    "out_features": 4,
    "order": 1,
    "modules": 1,
}
_FIELDS = {
    "model.input_size": 32,
    "model.z_resolutions": "(4,)",
    **{f"model.{key}": value for key, value in WIDTHS.items()},
    "model.encoder": "",
    "train.jit": False,
    "train.batch_size": 4,
    "train.stages": "()",
}


def flags(fields):
    """Flags `--config.FIELD=VALUE` of all that is small, `fields` on top."""
    return [f"--config.{k}={v}" for k, v in (_FIELDS | fields).items()]
