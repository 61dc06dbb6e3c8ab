"""A config's `model` section becomes the network that it names."""

import pytest
from ml_collections import ConfigDict

from configs import lite, paper
from ordinal_tf.models import build
from tests import tiny

SMALL = {"input_size": 32, **tiny.WIDTHS}


@pytest.mark.parametrize("get_config", [lite.get_config, paper.get_config])
@pytest.mark.parametrize(
    ("name", "shape"), [("depth", (17, 1)), ("coordinates", (17, 3))]
)
def test_heads_of_the_packaged_configs(get_config, name, shape):
    model = get_config().model
    # As flags do it: fields are replaced, none removed.
    model.update(SMALL, name=name)
    network = build.build_image_network(model)
    assert network.output_shape == (None, *shape)
    assert build.z_resolutions(model) == ()


@pytest.mark.parametrize("bins", [(1, 4), (1, 2, 4), (4,)])
def test_volume_network(bins):
    model = ConfigDict({**SMALL, "name": "volume", "z_resolutions": bins})
    network = build.build_image_network(model)
    shapes = [tuple(output.shape) for output in network.outputs]
    assert shapes == [(None, None, None, 17 * d) for d in bins]
    assert build.z_resolutions(model) == bins


def test_paper_is_the_papers_network():
    """Its fields are the builder's defaults, which are counted elsewhere."""
    import inspect

    from ordinal_tf.models import hourglass

    model = paper.get_config().model.to_dict()
    assert model.pop("name") == "volume"
    parameters = inspect.signature(hourglass.build_volume_network).parameters
    defaults = {k: p.default for k, p in parameters.items() if k != "joints"}
    assert model == defaults
    config = paper.get_config()
    assert config.train.batch_size == 4
    assert config.train.optimizer == "rmsprop"
    assert config.train.learning_rate == 2.5e-4
    assert config.train.schedule == "constant"
    assert config.loss.heatmap == "l2" and config.loss.heatmap_weight == 100
    assert config.augmentation.rotation_deg == 30
    assert config.augmentation.scale == (0.75, 1.25)


def test_configs_have_the_same_fields():
    def fields(tree, prefix=""):
        for key, value in tree.items():
            if isinstance(value, dict):
                yield from fields(value, f"{prefix}{key}.")
            else:
                yield prefix + key

    one, other = (c.get_config().to_dict() for c in (lite, paper))
    assert set(fields(one)) == set(fields(other))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "volumes"}, "volume, depth or coordinates"),
        ({"input_size": 36}, "divisible by 8"),
        ({"z_resolutions": ()}, "z_resolutions` is empty"),
        ({"features": 5}, "must be even"),
        ({"encoder": "lite0", "input_size": 72}, "divisible by 32"),
        ({"encoder": "b0"}, "lite0, lite1, lite2"),
    ],
)
def test_bad_model(change, message):
    model = {**SMALL, "name": "volume", "z_resolutions": (1, 4), **change}
    with pytest.raises(ValueError, match=message):
        build.build_image_network(model)
