"""A finder that needs no training: somebody stands in the middle."""

import keras
import numpy as np
from keras import layers

from ordinal_tf.inference import finding
from ordinal_tf.models import finder

# Cells of a picture; a kernel that reaches over all from the middle.
_CELLS = finding.SIZE // finder.STRIDE
_REACH = _CELLS + 1


def middle(extent=6.0):
    """A network with the answer of `finder.build_head`.

    Whatever the picture shows, a person is in its middle, sure by 0.98 or
    more, and `extent` cells large each way.
    """
    pixels = keras.Input((None, None, 3), name="image")
    x = layers.AveragePooling2D(finder.STRIDE, name="finder_cells")(pixels)
    # Ones; then how many of them each cell has near: the middle one most.
    x = layers.Conv2D(1, 1, name="finder_ones")(x)
    x = layers.Conv2D(1, _REACH, padding="same", name="finder_near")(x)
    x = layers.Conv2D(5, 1, name="finder_answer")(x)
    network = keras.Model(pixels, x, name="finder_of_tests")
    for name, weights in {
        "finder_ones": [np.zeros((1, 1, 3, 1)), np.ones(1)],
        "finder_near": [
            np.full((_REACH, _REACH, 1, 1), 1 / _CELLS**2),
            np.zeros(1),
        ],
        "finder_answer": [
            np.array([40.0, 0, 0, 0, 0]).reshape(1, 1, 1, 5),
            np.array([-36.0, *np.log([extent] * 4)]),
        ],
    }.items():
        network.get_layer(name).set_weights(weights)
    return network
