"""How well people are found: recall and precision of rectangles."""

import numpy as np

from ordinal_tf import boxes

# Least overlap of the same person; and of the person who is meant.
_SAME, _NEAR = 0.5, 0.1
_FAR = 1e5  # Pixels; no joint is near.


def squared(rectangles):
    """The squares of the longer side around rectangles' middles, `(P, 4)`."""
    rectangles = np.asarray(rectangles, np.float64).reshape(-1, 4)
    low, high = rectangles[:, :2], rectangles[:, 2:]
    half = (high - low).max(1, keepdims=True) / 2
    middle = (low + high) / 2
    return np.concatenate([middle - half, middle + half], axis=1)


def judge(found, scores, true, ignored, crowds):
    """Which of the people found in a picture are right.

    Each true person counts once, for the surest that overlaps enough; what
    overlaps only with people who are not judged is left out.

    Args:
        found: `(P, 4)` rectangles.
        scores: `(P,)`.
        true: `(T, 4)` of people who must be found.
        ignored: `(I, 4)` of people who may be found.
        crowds: `(C, 4)` in which anybody may be found.

    Returns:
        `(P,)` int8: 1 right, 0 wrong, -1 not judged.
    """
    same = boxes.overlaps(found, true)
    verdicts = np.zeros(len(found), np.int8)
    taken = np.zeros(len(true), bool)
    allowed = (boxes.overlaps(found, ignored) >= _SAME).any(1)
    inside = boxes.overlaps(found, crowds, of_first=True)
    allowed |= (inside >= _SAME).any(1)
    for row in np.argsort(-np.asarray(scores), kind="stable"):
        mine = np.where(taken, 0.0, same[row])
        if len(mine) and mine.max() >= _SAME:
            verdicts[row] = 1
            taken[mine.argmax()] = True
        elif allowed[row]:
            verdicts[row] = -1
    return verdicts


def curve(scores, verdicts, count):
    """Recall and precision of all people at each score.

    Args:
        scores: `(P,)` of all pictures.
        verdicts: `(P,)`, see `judge`.
        count: int, how many people there are.

    Returns:
        Scores from high to low, recall and precision `(N,)` of all who score
        as much at least.
    """
    judged = verdicts >= 0
    scores, right = scores[judged], verdicts[judged] == 1
    order = np.argsort(-scores, kind="stable")
    scores, right = scores[order], np.cumsum(right[order])
    precision = right / np.arange(1, len(right) + 1)
    return scores, right / max(count, 1), precision


def average_precision(recall, precision):
    """Mean of the best precision at 101 recalls, as COCO counts it."""
    best = [
        precision[recall >= least].max(initial=0.0)
        for least in np.linspace(0, 1, 101)
    ]
    return float(np.mean(best))


def of_box(found, box):
    """Of the people found in a picture, the one who is meant.

    Args:
        found: dict of arrays with a row a person, `box` `(P, 3)` and
            `keypoints` `(P, K, 2)` among them.
        box: `(3,)` of the person who is meant.

    Returns:
        dict of the same arrays with one row: who overlaps most with the box.
        Where nobody does, zeros, and keypoints far outside the picture, so
        that all are wrong. And bool, whether there is one.
    """
    same = boxes.overlaps(boxes.rectangles(found["box"]), boxes.rectangles(box))
    if len(same) and same.max() > _NEAR:
        row = same[:, 0].argmax()
        return {k: v[row : row + 1] for k, v in found.items()}, True
    nobody = {
        key: np.zeros((1, *value.shape[1:]), value.dtype)
        for key, value in found.items()
    }
    nobody["keypoints"] -= _FAR
    return nobody, False
