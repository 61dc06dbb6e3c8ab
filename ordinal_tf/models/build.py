"""From a config to a network: the one place where a name becomes code."""

from ordinal_tf.models import hourglass


def build_image_network(model):
    """The image network of a config's `model` section.

    Args:
        model: mapping with `name`, one of "volume" (coarse to fine),
            "depth" (N ordinal depths) and "coordinates" (3N), and the
            builder's keyword arguments; `z_resolutions` is for "volume" and
            left aside otherwise.

    Returns:
        `keras.Model`, see `hourglass`.

    Raises:
        ValueError: unknown name, or an argument that the builder refuses.
    """
    options = {key: value for key, value in model.items() if key != "name"}
    name = model["name"]
    if name == "volume":
        return hourglass.build_volume_network(**options)
    options.pop("z_resolutions", None)
    if name == "depth":
        return hourglass.build_regression_network(per_joint=1, **options)
    if name == "coordinates":
        return hourglass.build_regression_network(per_joint=3, **options)
    raise ValueError(
        "`model.name` must be volume, depth or coordinates. Received: "
        f"{name!r}."
    )


def z_resolutions(model):
    """Depth bins per stack of a config's `model` section; () for the heads."""
    return tuple(model["z_resolutions"]) if model["name"] == "volume" else ()
