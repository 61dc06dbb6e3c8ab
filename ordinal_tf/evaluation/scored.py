"""Scores answers by a protocol, and compares two of them on the same people."""

import array
import dataclasses

import numpy as np

from ordinal_tf import skeleton
from ordinal_tf.evaluation import answers as answering
from ordinal_tf.evaluation import protocols, tally

GALLERY = 4  # People a row: worst, median, best.


@dataclasses.dataclass(frozen=True)
class Scored:
    """What a protocol found out about one that answers.

    Attributes:
        name: str, who answered.
        protocol: `protocols.Protocol`.
        data: str, who was scored.
        tally: `tally.Tally` of them.
        unanswered: int, people whom nobody answered for.
        people: `people.People`, those that were scored, or None where there
            is nothing to show of them.
        answers: `answers.Answers` for these, or None.
        each: `(N,)` float32, the first figure of each person; NaN where the
            person adds nothing to it.
    """

    name: str
    protocol: protocols.Protocol
    data: str
    tally: tally.Tally
    unanswered: int = 0
    people: object = None
    answers: object = None
    each: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0))

    def values(self, name, group=None):
        """`(B + 1,)` in the figure's unit: its value, then replicates."""
        factor = protocols.FIGURES[name[0]][2]
        return factor * self.tally.ratio(name, group)

    def figure(self, key, group=None):
        """A headline figure, see `values`."""
        return self.values((key, "all", ""), group)

    def mean_of_groups(self, key):
        """The same with each group counting the same."""
        factor = protocols.FIGURES[key][2]
        return factor * self.tally.mean_of_groups((key, "all", ""))

    def cells(self, key, kind):
        """`(cell names, values, lows, highs)` of a figure's breakdown.

        Cells in which nothing counts are left out.
        """
        found = []
        for figure, of, cell in self.tally.columns:
            if (figure, of) == (key, kind):
                values = self.values((figure, of, cell))
                if np.isfinite(values[0]):
                    around = self.tally.interval(values) or (np.nan, np.nan)
                    found.append((cell, float(values[0]), *around))
        return tuple(map(list, zip(*found, strict=True))) or ([], [], [], [])


def score(
    protocol, people, answers, *, replicates, allow_missing=False, progress=None
):
    """Scores all people, part by part.

    Args:
        protocol: `protocols.Protocol`, checked.
        people: `people.People`.
        answers: `answers.Answers` for the same people.
        replicates: int, B of the bootstrap.
        allow_missing: bool, score poses although some people have none.
        progress: function of how many people are done, or None.

    Returns:
        `Scored`.

    Raises:
        ValueError: nothing of the data can be scored, or somebody has no
            pose.
    """
    sums = tally.Tally(replicates=replicates)
    each = array.array("f")
    unanswered = 0
    head = (protocol.figures[0], "all", "")
    factor = protocols.FIGURES[protocol.figures[0]][2]
    for k in range(-(-people.count // answering.PART)):
        first = k * answering.PART
        some = range(first, min(people.count, first + answering.PART))
        truth, found = people.read(list(some)), answers.part(k)
        lost = _unanswered(protocol, found)
        if "pose" in protocol.uses and lost.any() and not allow_missing:
            name = truth["name"][int(lost.argmax())]
            raise ValueError(
                f"{answers.name} has no whole pose for somebody in {name}, and "
                "an error of no pose is no number; predict it, or leave such "
                "people out with --allow_missing."
            )
        unanswered += int(lost.sum())
        columns = protocol.columns(truth, found)
        group = protocol.group
        sums.add(
            [protocol.unit(name) for name in truth["name"]],
            group and [group(name) for name in truth["name"]],
            columns,
        )
        part, whole = np.asarray(columns[head], np.float64)
        nothing = np.full(part.shape, np.nan)
        one = np.divide(part, whole, out=nothing, where=whole > 0)
        each.extend((factor * one).astype(np.float32).tolist())
        if progress:
            progress(some.stop)
    if not np.isfinite(sums.ratio(head)[0]):
        raise ValueError(
            f"{protocol.name} finds nothing to score in {people.name}: "
            "nobody has all that it compares."
        )
    return Scored(
        answers.name,
        protocol,
        people.name,
        sums,
        unanswered,
        people,
        answers,
        np.frombuffer(each, np.float32),
    )


def _unanswered(protocol, found):
    """`(P,)` bool: no joint was found, or a joint of the pose is missing."""
    which = [skeleton.H36M17.index(joint) for joint in protocol.joints]
    lost = np.zeros(len(found["pose"]), bool)
    for field in protocol.uses:
        known = np.isfinite(found[field])
        if field == "pose":
            lost |= ~known[:, which].all((1, 2))
        else:
            lost |= ~known.reshape(len(known), -1).any(1)
    return lost


def compare(one, other):
    """Differences, `one` minus `other`, of the protocol's figures.

    Args:
        one, other: `Scored` by the same protocol, on the same people, with
            the same replicates.

    Returns:
        dict of figure's key to `(difference, (low, high) or None)`: the
        interval is of paired differences, and where it holds no 0 the two
        differ by more than chance.
    """
    found = {}
    for key in one.protocol.figures:
        values = one.figure(key) - other.figure(key)
        found[key] = float(values[0]), one.tally.interval(values)
    return found


def extremes(scored):
    """Rows of people: the worst, those around the median, the best.

    Returns:
        list of `(title, rows)`; a person is in one of them only.
    """
    known = np.flatnonzero(np.isfinite(scored.each))
    less_is_better = protocols.FIGURES[scored.protocol.figures[0]][3]
    order = known[np.argsort(scored.each[known], kind="stable")]
    if less_is_better:
        order = order[::-1]
    count = min(GALLERY, len(order) // 3) or min(1, len(order))
    middle = (len(order) - count) // 2
    parts = [("Worst", order[:count])]
    if len(order) >= 3:
        parts.append(("Around the median", order[middle : middle + count]))
        parts.append(("Best", order[::-1][:count]))
    return [(title, rows.tolist()) for title, rows in parts]
