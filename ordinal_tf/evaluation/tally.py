"""Sums over people, and what they could have been: a bootstrap as it streams.

A figure is a ratio of two sums over people. Beside each sum stand B others, in
which every *unit* (a picture, or a clip, whose people resemble each other)
counts as often as a Poisson number of mean 1 says: the Poisson bootstrap
(Hanley and MacGibbon 2006; Chamandy et al. 2012), which needs no second pass
and memory that does not grow with the people. The numbers follow from the
unit's name alone, so two networks that are scored on the same people are
resampled alike, and their differences are paired.
"""

import hashlib

import numpy as np

REPLICATES = 1000
CONFIDENCE = 0.95
# Of fewer units nobody can tell how far others would differ.
LEAST_UNITS = 10


class Tally:
    """Sums of columns over people, with bootstrap replicates.

    A column's name is a tuple (figure, kind, cell), such as
    ("mpjpe_mm", "joint", "left_knee"); the kind "all" is kept of every group
    of people too.

    Args:
        replicates: int, B.
        seed: int, which B.

    Attributes:
        people: dict of group name (None: everybody) to how many people.
    """

    def __init__(self, *, replicates=REPLICATES, seed=0):
        self._replicates, self._seed = replicates, seed
        self._names, self._heads = None, None
        self._sums, self._groups = None, {}
        self._units = set()
        self.people = {None: 0}

    @property
    def units(self):
        """int, how many different units there were."""
        return len(self._units)

    @property
    def columns(self):
        """Names of the columns, in the order in which they came."""
        return list(self._names or ())

    @property
    def groups(self):
        """Names of the groups, sorted."""
        return sorted(self._groups)

    def add(self, units, groups, columns):
        """Adds P people.

        Args:
            units: P str, what each belongs to.
            groups: P str, or None where there are no groups.
            columns: dict of name to `(P,)` numerators and `(P,)`
                denominators; the same names in each call.
        """
        names = list(columns)
        if self._names is None:
            self._names = names
            self._heads = [k for k, n in enumerate(names) if n[1] == "all"]
            self._sums = np.zeros((2, self._replicates + 1, len(names)))
        if not len(units):
            return
        table = np.array([columns[name] for name in names], np.float64)
        table = np.moveaxis(table, 1, 0)  # (2, columns, people)
        weights = np.stack([self._weights(unit) for unit in units])
        self._sums += np.einsum("nci,ib->nbc", table, weights, optimize=True)
        self.people[None] += len(units)
        for group in sorted(set(groups or ())):
            rows = np.array([one == group for one in groups])
            part = table[:, self._heads][..., rows]
            sums = self._groups.setdefault(
                group, np.zeros((2, self._replicates + 1, len(self._heads)))
            )
            sums += np.einsum("nci,ib->nbc", part, weights[rows], optimize=True)
            self.people[group] = self.people.get(group, 0) + int(rows.sum())

    def _weights(self, unit):
        """`(B + 1,)`: 1, then how often a unit counts in each replicate."""
        text = f"{self._seed}/{unit}".encode()
        digest = hashlib.blake2b(text, digest_size=8).digest()
        number = int.from_bytes(digest)
        self._units.add(number)
        drawn = np.random.default_rng(number).poisson(1.0, self._replicates)
        return np.concatenate([[1.0], drawn])

    def ratio(self, name, group=None):
        """`(B + 1,)`: a column's ratio, then its replicates; NaN of nothing.

        Args:
            name: tuple; with a group, one of kind "all".
            group: str, or None for everybody.
        """
        column = self._names.index(name)
        sums = self._sums
        if group is not None:
            column, sums = self._heads.index(column), self._groups[group]
        whole = sums[1, :, column]
        found = np.full(whole.shape, np.nan)
        return np.divide(sums[0, :, column], whole, out=found, where=whole > 0)

    def count(self, name):
        """float, a column's denominator over everybody."""
        return float(self._sums[1, 0, self._names.index(name)])

    def mean_of_groups(self, name):
        """`(B + 1,)`: each group's ratio counts the same, however large."""
        ratios = np.stack([self.ratio(name, group) for group in self.groups])
        known = np.isfinite(ratios)
        total = np.where(known, ratios, 0).sum(0)
        found = np.full(total.shape, np.nan)
        counts = known.sum(0)
        return np.divide(total, counts, out=found, where=counts > 0)

    def interval(self, values):
        """The middle 95 % of replicates, or None where too little is known.

        Args:
            values: `(B + 1,)`, as `ratio` returns, or a difference of two.
        """
        return interval(values, self.units)


def interval(values, units):
    """See `Tally.interval`; `units` is how many were resampled."""
    replicates = values[1:][np.isfinite(values[1:])]
    # Of a figure that hangs on few units many replicates are empty.
    few = len(replicates) < max(1, 0.9 * len(values[1:]))
    if units < LEAST_UNITS or few:
        return None
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(replicates, [tail, 100 - tail])
    return float(low), float(high)
