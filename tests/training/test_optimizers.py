"""Schedules by hand, Torch's RMSprop, rates of parts, what stays frozen."""

import math

import keras
import numpy as np
import pytest

from ordinal_tf.training import optimizers
from tests.training import tasks


def train_section(**values):
    return tasks.make_config(learning_rate=0.1, steps=100, **values).train


@pytest.mark.parametrize(
    ("values", "step", "expected"),
    [
        ({}, 0, 0.1),
        ({}, 99, 0.1),
        ({"warmup": 4}, 0, 0.025),
        ({"warmup": 4}, 3, 0.1),
        ({"warmup": 4}, 50, 0.1),
        ({"schedule": "cosine"}, 0, 0.1),
        ({"schedule": "cosine"}, 50, 0.05),
        ({"schedule": "cosine"}, 25, 0.05 * (1 + math.sqrt(0.5))),
        ({"schedule": "cosine", "warmup": 100}, 49, 0.0257853),
        ({"schedule": "steps", "drops": ((0.5, 0.1), (0.8, 0.5))}, 49, 0.1),
        ({"schedule": "steps", "drops": ((0.5, 0.1), (0.8, 0.5))}, 50, 0.01),
        ({"schedule": "steps", "drops": ((0.5, 0.1), (0.8, 0.5))}, 80, 0.005),
    ],
)
def test_learning_rate(values, step, expected):
    rate = optimizers.learning_rate(train_section(**values), step)
    assert rate == pytest.approx(expected, rel=1e-5)


def apply(train, gradients):
    """Variables of a fresh network before and after updates.

    Args:
        train: the section of a config.
        gradients: list of floats, one update each: every entry of it.
    """
    network = tasks.network()
    optimizers.freeze(network, train)
    optimizer = optimizers.build_optimizer(train, network)
    variables = network.trainable_variables
    before = [keras.ops.convert_to_numpy(v) for v in variables]
    for value in gradients:
        optimizer.apply(
            [keras.ops.full(v.shape, value) for v in variables], variables
        )
    after = [keras.ops.convert_to_numpy(v) for v in variables]
    moves = [two - one for one, two in zip(before, after, strict=True)]
    return {v.path: m for v, m in zip(variables, moves, strict=True)}, optimizer


@pytest.mark.parametrize("size", [1.0, 1e-3, 1e-4])
def test_rmsprop_is_torchs(size):
    """torch.optim.RMSprop: v = 0.99 v + 0.01 g^2, w -= lr g / (sqrt(v) + e).

    Of small gradients too, which another epsilon would damp.
    """
    gradients = [size, -2 * size, 3 * size]
    moves, _ = apply(train_section(optimizer="rmsprop"), gradients)
    square = moved = 0.0
    for gradient in gradients:
        square = 0.99 * square + 0.01 * gradient**2
        moved -= 0.1 * gradient / (math.sqrt(square) + 1e-8)
    for move in moves.values():
        np.testing.assert_allclose(move, moved, rtol=2e-3)


def test_adam_is_its_paper():
    moves, _ = apply(train_section(), [1.0, -3.0])
    first = second = moved = 0.0
    for t, gradient in enumerate([1.0, -3.0], start=1):
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        hat = math.sqrt(second / (1 - 0.999**t))
        moved -= 0.1 * first / (1 - 0.9**t) / (hat + 1e-7)
    for move in moves.values():
        np.testing.assert_allclose(move, moved, rtol=1e-4)


def test_gradients_are_clipped_together():
    train = train_section(optimizer="rmsprop", clip_norm=0.5)
    # A large gradient, then one that is small enough.
    moves, _ = apply(train, [100.0, 1e-3])
    entries = sum(move.size for move in moves.values())
    clipped = 0.5 / math.sqrt(entries)
    square = 0.01 * clipped**2
    moved = -0.1 * clipped / math.sqrt(square)
    square = 0.99 * square + 0.01 * 1e-3**2
    moved -= 0.1 * 1e-3 / math.sqrt(square)
    for move in moves.values():
        np.testing.assert_allclose(move, moved, rtol=1e-4)


@pytest.mark.parametrize("kind", ["adam", "rmsprop"])
def test_the_encoders_rate(kind):
    moves, _ = apply(train_section(optimizer=kind, encoder_rate=0.1), [1, 2])
    parts = {path: np.unique(np.round(m, 6)) for path, m in moves.items()}
    assert {path.split("/")[0] for path in parts} == {
        "encoder_1",
        "encoder_1_bn",
        "out",
    }
    for path, values in parts.items():
        factor = 0.1 if path.startswith("encoder") else 1.0
        whole = parts["out/kernel"]
        np.testing.assert_allclose(values, factor * whole, rtol=1e-3)


def test_frozen_parts_stay(tmp_path):
    moves, _ = apply(train_section(frozen=("encoder",)), [1.0])
    assert set(moves) == {"out/kernel", "out/bias"}
    moves, _ = apply(train_section(frozen_norms=("encoder",)), [1.0])
    assert {path.split("/")[0] for path in moves} == {"encoder_1", "out"}

    def statistics(**values):
        config = tasks.make_config(steps=2, **values)
        workdir = tmp_path / str(len(list(tmp_path.iterdir())))
        tasks.train(workdir, config)
        network = tasks.network()
        network.load_weights(workdir / "model.weights.h5")
        norm = network.get_layer("encoder_1_bn")
        return np.concatenate(
            [keras.ops.convert_to_numpy(v) for v in norm.weights]
        )

    fresh = [1] * 5 + [0] * 5 + [0] * 5 + [1] * 5
    np.testing.assert_array_equal(statistics(frozen_norms=("encoder",)), fresh)
    moved = statistics()
    assert (np.abs(moved - fresh) > 1e-4).all()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"frozen": ("hg1",)}, "`train.frozen` names 'hg1', and no such"),
        ({"frozen_norms": ("out",)}, "`train.frozen_norms` names 'out'"),
        ({"frozen": ("encoder", "out")}, "leaves nothing to train"),
    ],
)
def test_nothing_to_freeze(values, message):
    with pytest.raises(ValueError, match=message):
        optimizers.freeze(tasks.network(), train_section(**values))


def test_loss_scaling():
    """Gradients come scaled; one that overflows changes nothing but the scale.

    Source: Micikevicius et al. 2018, section 3.2.
    """
    train = train_section(precision="mixed_float16")
    network = tasks.network()
    optimizer = optimizers.build_optimizer(train, network)
    variables = network.trainable_variables
    scale = float(optimizer.scale_loss(1.0))
    assert scale > 1000
    before = [keras.ops.convert_to_numpy(v) for v in variables]
    endless = [keras.ops.full(v.shape, np.inf) for v in variables]
    optimizer.apply(endless, variables)
    for one, two in zip(before, variables, strict=True):
        np.testing.assert_array_equal(one, two)
    assert float(optimizer.scale_loss(1.0)) == scale / 2
    optimizer.apply(
        [keras.ops.full(v.shape, scale / 2) for v in variables], variables
    )
    # Adam's first step is the rate, whatever the size.
    for one, two in zip(before, variables, strict=True):
        np.testing.assert_allclose(one - two, 0.1, rtol=1e-4)
    optimizer.learning_rate = 0.25
    assert float(optimizer.learning_rate) == 0.25


def test_averages_in_closed_form():
    """Weights that are w(t) = t after step t, batch norm's statistics too.

    With the ramp alone, d(t) = (1 + t) / (10 + t), the weight of w(t) in the
    average after n steps is (1 - d(t)) d(t + 1) ... d(n - 1), and that of the
    first weights d(0) ... d(n - 1).
    """
    network = tasks.network()
    averages = optimizers.Averages(network, 0.999)
    first = network.get_weights()
    steps = 4
    for step in range(steps):
        network.set_weights([np.full_like(w, step) for w in first])
        averages.update(step)
    decay = [(1 + t) / (10 + t) for t in range(steps)]
    own = [(1 - decay[t]) * np.prod(decay[t + 1 :]) for t in range(steps)]
    paths = [weight.path for weight in network.weights]
    assert any("moving_variance" in path for path in paths)
    with averages.in_place():
        found = network.get_weights()
    for one, start in zip(found, first, strict=True):
        expected = np.prod(decay) * start + np.dot(own, range(steps))
        np.testing.assert_allclose(one, expected, rtol=1e-5)


def test_averages_are_put_back():
    network = tasks.network()
    averages = optimizers.Averages(network, 0.05)
    first = network.get_weights()
    # The decay is reached at once: (1 + 0) / (10 + 0) is above it.
    network.set_weights([w + 1 for w in first])
    averages.update(0)
    with pytest.raises(KeyError):
        with averages.in_place():
            for one, two in zip(first, network.get_weights(), strict=True):
                np.testing.assert_allclose(two - one, 0.95, atol=1e-5)
            raise KeyError
    for one, two in zip(first, network.get_weights(), strict=True):
        np.testing.assert_allclose(two - one, 1, atol=1e-6)
    averages.restart()
    with averages.in_place():
        for one, two in zip(first, network.get_weights(), strict=True):
            np.testing.assert_allclose(two - one, 1, atol=1e-6)
