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
    ours, theirs = np.zeros(0), np.zeros(0)
    for one, two in zip(first, second, strict=True):
        both = np.triu(one.sure & two.sure, 1)
        ours = np.append(ours, one.signs[both])
        theirs = np.append(theirs, two.signs[both])
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
    signs, known, sure = map(np.stack, zip(*annotators, strict=True))
    votes = np.stack([((signs == sign) & known).sum(0) for sign in SIGNS])
    most = votes.max(0)
    mask = (most > 0) & ((votes == most).sum(0) == 1)
    if not everything:
        mask &= 2 * sure.sum(0) > votes.sum(0)
    winners = np.array(SIGNS, np.int8)[votes.argmax(0)]
    return np.where(mask, winners, 0).astype(np.int8), mask


def contradictions(annotators):
    """Pairs of which some are sure that a is closer, and others that b is.

    Takes a dict of name to `sorting.Relations`, and returns a list of (a, b,
    names that say a is closer, names that say b is).
    """
    if not annotators:
        return []
    signs = np.stack([one.sure * one.signs for one in annotators.values()])
    ours, theirs = signs > 0, signs < 0
    names = np.array(list(annotators))
    return [
        (a, b, names[ours[:, a, b]].tolist(), names[theirs[:, a, b]].tolist())
        for a, b in np.argwhere(np.triu(ours.any(0) & theirs.any(0))).tolist()
    ]
