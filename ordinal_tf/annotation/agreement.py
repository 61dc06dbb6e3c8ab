"""How far annotators agree, where they contradict each other, what is kept."""

import numpy as np

SIGNS = (-1, 0, 1)


def compare(first, second):
    """Compares two annotators over the pairs that both are sure of.

    Args:
        first, second: each a list of `sorting.Relations`, one a picture, the
            same pictures in the same order.

    Returns:
        dict: `pairs`, how many these are; `same`, the share that they answer
        alike; `opposite`, the share where one says closer and the other
        farther; `kappa`, Cohen's: agreement beyond what chance gives to
        annotators who answer as often with each sign. None for each share
        where there are no pairs, and for kappa where both always say one and
        the same.
    """
    given = [
        (one.signs[upper], two.signs[upper])
        for one, two in zip(first, second, strict=True)
        for upper in [np.triu(one.sure & two.sure, 1)]
    ]
    ours, theirs = (
        np.concatenate([pair[k] for pair in given] or [[]]) for k in (0, 1)
    )
    if not ours.size:
        return {"pairs": 0, "same": None, "opposite": None, "kappa": None}
    same = float(np.mean(ours == theirs))
    chance = sum(
        float(np.mean(ours == sign) * np.mean(theirs == sign)) for sign in SIGNS
    )
    return {
        "pairs": int(ours.size),
        "same": same,
        "opposite": float(np.mean(ours * theirs < 0)),
        "kappa": (same - chance) / (1 - chance) if chance < 1 else None,
    }


def consensus(annotators, *, everything=False):
    """What more annotators say than any other thing, pair by pair.

    All who know a pair vote, because the sure ones alone would be those who
    erred: who sees two joints apart is sure more easily than who sees them
    equal. Then most of the voters must be sure.

    Args:
        annotators: list of `sorting.Relations` of one picture, not empty.
        everything: bool, nobody needs to be sure.

    Returns:
        `(K, K)` int8 relations, antisymmetric, 0 where unknown, and their
        symmetric bool mask; a pair whose first place is shared is not in it.
    """
    votes = np.stack(
        [
            sum((one.signs == sign) & one.known for one in annotators)
            for sign in SIGNS
        ]
    )
    most = votes.max(0)
    mask = (most > 0) & ((votes == most).sum(0) == 1)
    if not everything:
        mask &= 2 * sum(one.sure.astype(int) for one in annotators) > (
            votes.sum(0)
        )
    signs = np.array(SIGNS, np.int8)[votes.argmax(0)]
    return np.where(mask, signs, 0).astype(np.int8), mask


def contradictions(annotators):
    """Pairs of which some are sure that a is closer, and others that b is.

    Args:
        annotators: dict of name to `sorting.Relations`.

    Returns:
        list of (a, b, names that say a is closer, names that say b is).
    """
    found = []
    shapes = [one.signs.shape for one in annotators.values()]
    for a, b in np.ndindex(shapes[0] if shapes else (0, 0)):
        sides = {
            sign: [
                who
                for who, one in annotators.items()
                if one.sure[a, b] and one.signs[a, b] == sign
            ]
            for sign in (1, -1)
        }
        if a < b and sides[1] and sides[-1]:
            found.append((a, b, sides[1], sides[-1]))
    return found
