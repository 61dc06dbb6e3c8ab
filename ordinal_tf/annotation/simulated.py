"""Annotators who see the true depths, and are wrong now and then."""

import numpy as np

from ordinal_tf import ordinal
from ordinal_tf.annotation import sorting


def annotate(depths, *, error, rng):
    """Answers questions until an order follows.

    Returns a dict of pairs to answers, as `sorting.progress` takes it, one
    entry a question; and the `sorting.Progress` that they lead to.

    Args:
        depths: `(14,)` mm of `sorting.JOINTS`, growing away from the camera.
        error: float, the share of answers that are one of the two wrong ones.
        rng: `numpy.random.Generator`.
    """
    answers = {}
    while True:
        progress = sorting.progress(answers)
        if progress.question is None:
            return answers, progress
        a, b = progress.question
        apart = depths[b] - depths[a]
        equal = abs(apart) < ordinal.TOLERANCE_MM
        sign = 0 if equal else int(np.sign(apart))
        if rng.random() < error:
            sign = int(rng.choice([s for s in (-1, 0, 1) if s != sign]))
        answers[a, b] = sign
