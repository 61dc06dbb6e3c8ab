"""Chance with weights."""

import numpy as np


def choose(rng, weighted, *, what, among):
    """One of some names, each as likely as its weight says.

    Args:
        rng: `np.random.Generator`; one draw is taken.
        weighted: pairs of a name and its weight, in an order that is part
            of what a seed means.
        what: str, what the names are, for messages.
        among: the names that exist.

    Returns:
        A name.

    Raises:
        ValueError: an unknown name, a weight below 0, or none above 0.
    """
    names = [name for name, _ in weighted]
    weights = [weight for _, weight in weighted]
    strange = sorted(set(names) - set(among))
    if strange:
        raise ValueError(
            f"`{what}` are of {', '.join(among)}. Received: "
            f"{', '.join(map(repr, strange))}."
        )
    if min(weights, default=0) < 0 or not sum(weights) > 0:
        raise ValueError(
            f"`{what}` need weights of 0 or more, not all 0. Received: "
            f"{weighted}."
        )
    return names[index(rng, weights)]


def index(rng, weights, size=None):
    """Which of some weights of 0 or more; `size` of them as an array."""
    return rng.choice(len(weights), size, p=np.divide(weights, sum(weights)))
