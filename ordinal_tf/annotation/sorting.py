"""Which pair of joints to ask about next, and the order that answers make.

Joints are inserted one after the other into an ordered list of levels, the
joints of a level being about equally far. The first guess is the level of the
nearest joint of the body that is sorted already, because a limb's ends are
seldom far apart in depth; after that, every answer halves what is left. What
follows from earlier answers is never asked.

Nothing here remembers anything: the sort runs anew over the answers, and
where it needs one that nobody has given, that is the question. So an answer
can be taken back or changed at any time.

Source: Pavlakos et al. 2018, arXiv:1805.04095, section 4.1: questions until
a global order follows, about 17 of 91; ambiguous pairs are equal.
"""

import dataclasses
import functools
import typing

import numpy as np

from ordinal_tf import ordinal, skeleton

JOINTS = skeleton.LSP14


@dataclasses.dataclass(frozen=True)
class Progress:
    """Where the sort of one picture stands.

    Attributes:
        levels: lists of joint indices, the closest to the camera first.
        question: the pair (a, b) to ask about, or None when all are sorted.
        unsorted: int, joints that are in no level yet.
    """

    levels: list[list[int]]
    question: tuple[int, int] | None
    unsorted: int


def progress(answers, placed=None):
    """`Progress` of a sort as far as the answers reach.

    Args:
        answers: dict of (joint a, joint b) to +1 where a is closer, -1 where
            b is, 0 where they are about equal; one direction is enough, and
            of two that disagree the one that was given last counts.
        placed: indices of the joints that can be asked about; None for all.
    """
    # From the neck outwards, along the body's tree.
    joints = sorted(range(len(JOINTS)), key=lambda j: len(_ancestors(j)))
    joints = [j for j in joints if placed is None or j in placed]
    signs = {}
    for (a, b), sign in answers.items():
        signs[a, b], signs[b, a] = sign, -sign
    levels = []
    for count, joint in enumerate(joints):
        unknown = ordinal.insert_by_halving(
            joint,
            levels,
            functools.partial(_answered, joint, signs),
            first=_level_of_neighbour(joint, levels),
        )
        if unknown is not None:
            question = joint, unknown[0]
            return Progress(levels, question, len(joints) - count)
    return Progress(levels, None, 0)


def _answered(joint, signs, level):
    """The sign of a joint against any of a level; None where none is known."""
    return next((signs[joint, m] for m in level if (joint, m) in signs), None)


class Relations(typing.NamedTuple):
    """What a person says of the pairs of a picture, K = 14.

    Attributes:
        signs: `(K, K)` int8, +1 where the first is closer, antisymmetric, 0
            where unknown.
        known: `(K, K)` bool, symmetric, False on the diagonal.
        sure: `(K, K)` bool, those of the known that were asked about or
            follow for certain.
    """

    signs: np.ndarray
    known: np.ndarray
    sure: np.ndarray


def relations(levels, answers):
    """`Relations` of the sorted `levels` that `progress` made of `answers`.

    "About equal" is not handed on: joints that both equal a third may be
    apart, and one that is closer than a level's first joint may equal another
    of that level. So a pair is sure where it was asked about, or where a whole
    level lies between; what else the order says is often wrong.
    """
    place = np.full(len(JOINTS), -1)
    for number, level in enumerate(levels):
        place[level] = number
    asked = np.zeros((len(JOINTS), len(JOINTS)), bool)
    for a, b in answers:
        asked[a, b] = asked[b, a] = True
    apart = place[None] - place[:, None]
    known = (place >= 0) & (place >= 0)[:, None]
    known &= ~np.eye(len(JOINTS), dtype=bool)
    signs = np.where(known, np.sign(apart), 0).astype(np.int8)
    return Relations(signs, known, known & (asked | (abs(apart) > 1)))


def _ancestors(joint):
    found = []
    while (joint := JOINTS.parents[joint]) >= 0:
        found.append(joint)
    return found


def _level_of_neighbour(joint, levels):
    """Where the search begins: the nearest sorted joint on the way inwards."""
    for neighbour in _ancestors(joint):
        for number, level in enumerate(levels):
            if neighbour in level:
                return number
    return len(levels) // 2
