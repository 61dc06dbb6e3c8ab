"""The finder: its shape, its weights, and that it finds somebody."""

import keras
import numpy as np
import pytest

from ordinal_tf.export import fold
from ordinal_tf.inference import finding
from ordinal_tf.models import finder
from ordinal_tf.synthetic import people


@pytest.fixture(scope="module")
def network(quick_finder):
    # None where nothing is put in place of what ships.
    return (quick_finder or finder.shipped)()


def found(network, image):
    answer = network(image[None] / np.float32(255), training=False)
    rectangles, chance = finding.candidates(answer[0], finder.STRIDE)
    return rectangles.numpy(), chance.numpy()


def test_finds_a_person_and_nobody(network):
    """Drawn people are not what it learnt from; most must be found."""
    right = 0
    for i in range(6):
        sample = people.SyntheticPeople(5, size=224)[i]
        rectangles, chance = found(network, sample["image"])
        if len(chance) and chance[0] > 0.3:
            low, high = rectangles[0, :2], rectangles[0, 2:]
            points = sample["keypoints"].clip(0, 223)
            right += ((points >= low) & (points <= high)).mean() > 0.6
    assert right >= 4
    for i in range(3):
        _, chance = found(network, people.draw_empty(i, seed=5, size=224))
        assert chance.max(initial=0) < 0.5
    _, chance = found(network, np.full((224, 224, 3), 127, np.uint8))
    assert not len(chance)


def test_folded_for_inference(network):
    lean = fold.for_inference(network, input_size=64)
    assert not any("bn" in layer.name for layer in lean.layers)
    image = np.random.default_rng(0).random((1, 64, 64, 3), np.float32)
    np.testing.assert_allclose(
        lean(image), network(image, training=False), atol=2e-3, rtol=1e-3
    )


def test_weights_of_another_head():
    inputs = [keras.Input((s, s, c)) for s, c in ((4, 3), (2, 3), (1, 3))]
    head = keras.Model(inputs, finder.build_head(inputs))
    arrays = {
        key: np.full(variable.shape, 0.5)
        for key, variable in finder.head_variables(head).items()
    }
    finder.assign(head, arrays)
    for variable in head.variables:
        assert (variable.numpy() == 0.5).all()
    arrays.pop("finder_centre/bias")
    with pytest.raises(ValueError, match="differ in finder_centre/bias"):
        finder.assign(head, arrays)


def test_where_a_person_goes():
    """The head's answer has five channels, at a stride of 16."""
    shapes = ((8, 40), (4, 112), (2, 320))
    inputs = [keras.Input((side, side, width)) for side, width in shapes]
    head = keras.Model(inputs, finder.build_head(inputs))
    assert head.output_shape == (None, 4, 4, 5)
    # Before training people are rare.
    answer = head([np.zeros((1, s, s, c), np.float32) for s, c in shapes])
    np.testing.assert_allclose(answer[0, 0, 0, 0], -4.0, atol=1e-5)
