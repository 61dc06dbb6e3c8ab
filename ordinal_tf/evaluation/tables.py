"""Scores as a table for people, as CSV, LaTeX and JSON."""

import csv
import io

import numpy as np

from ordinal_tf.evaluation import protocols, scored

_ALL = "all"
_SPECIAL = {
    "&": r"\&",
    "%": r"\%",
    "_": r"\_",
    "#": r"\#",
    "$": r"\$",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "\\": r"\textbackslash{}",
}


def figures(several):
    """JSON-able dict of the scores of one, or of two and how they differ.

    Args:
        several: one `scored.Scored` or two.

    Returns:
        dict. Of one: `answers`, `protocol`, `data`, `people`, `units`,
        `unanswered`, the protocol's figures by their keys, `intervals`,
        with groups `mean_of_groups` and `groups`, and `joints` and
        `breakdown`, each by figure. Of two: `a`, `b` and `difference`, a
        minus b, with `value` and `interval` a figure. None stands for what is
        not known.
    """
    found = [_figures_of(one) for one in several]
    if len(several) == 1:
        return found[0]
    difference = {
        key: {"value": _plain(value), "interval": around}
        for key, (value, around) in scored.compare(*several).items()
    }
    return {"a": found[0], "b": found[1], "difference": difference}


def _figures_of(one):
    keys = one.protocol.figures
    values = {key: one.figure(key) for key in keys}
    found = {
        "answers": one.name,
        "protocol": one.protocol.name,
        "data": one.data,
        "people": one.tally.people[None],
        "units": one.tally.units,
        "unanswered": one.unanswered,
        **{key: _plain(value[0]) for key, value in values.items()},
        "intervals": {
            key: one.tally.interval(value) for key, value in values.items()
        },
    }
    if one.tally.groups:
        found["mean_of_groups"] = {
            key: _plain(one.mean_of_groups(key)[0]) for key in keys
        }
        found["groups"] = {
            group: {
                "people": one.tally.people[group],
                **{key: _plain(one.figure(key, group)[0]) for key in keys},
            }
            for group in one.tally.groups
        }
    found["joints"], found["breakdown"] = {}, {}
    for figure, kind, cell in one.tally.columns:
        if kind == "all":
            continue
        value = _plain(one.values((figure, kind, cell))[0])
        if value is None:
            continue
        place = found["joints"].setdefault(figure, {})
        if kind != "joint":
            kinds = found["breakdown"].setdefault(figure, {})
            place = kinds.setdefault(kind, {})
        place[cell] = value
    found["joints"] = {k: v for k, v in found["joints"].items() if v}
    return found


def rows(one):
    """Rows of the table of one: name, people, `(value, interval)` a figure."""
    keys = one.protocol.figures

    def cells(of):
        return [(of(key)[0], one.tally.interval(of(key))) for key in keys]

    table = [
        (
            group,
            one.tally.people[group],
            cells(lambda key, group=group: one.figure(key, group)),
        )
        for group in one.tally.groups
    ]
    if one.tally.groups:
        name = f"mean of {one.protocol.groups}"
        table.append((name, None, cells(one.mean_of_groups)))
    pooled = "frames pooled" if one.tally.groups else _ALL
    table.append((pooled, one.tally.people[None], cells(one.figure)))
    return table


def text(several):
    """The table for people; of two, both and the difference."""
    lines = []
    for one in several:
        if lines:
            lines.append("")
        lines.append(f"{one.name}: {one.protocol.title}")
        heads = [head(key) for key in one.protocol.figures]
        lines.append(_line("", "people", heads))
        for name, people, cells in rows(one):
            row = [shown(*cell) for cell in cells]
            lines.append(_line(name, "" if people is None else people, row))
    if len(several) == 2:
        one, other = several
        lines += ["", f"{one.name} minus {other.name}, paired:"]
        lines.append(_line("", "", [head(k) for k in one.protocol.figures]))
        cells = [
            shown(value, around, sign="+")
            for value, around in scored.compare(*several).values()
        ]
        lines.append(_line("difference", "", cells))
    return "\n".join(lines) + "\n"


def _line(name, people, cells):
    return f"{name:26}{people:>8}" + "".join(f"{c:>22}" for c in cells)


def head(key):
    """What a column of a figure is called, with its unit."""
    name, unit, *_ = protocols.FIGURES[key]
    return f"{name}, {unit}"


def shown(value, around, sign=""):
    """A figure with one decimal, its interval in brackets, or a dash."""
    if not np.isfinite(value):
        return "-"
    text = f"{value:{sign}.1f}"
    if around:
        text += f" [{around[0]:.1f}, {around[1]:.1f}]"
    return text


def csv_text(several):
    """Everything, a row a number: who, what, its value and interval."""
    file = io.StringIO()
    write = csv.writer(file, lineterminator="\n").writerow
    write(
        "answers protocol figure kind cell value low high unit people".split()
    )
    for one in several:
        start = [one.name, one.protocol.name]
        for name, people, cells in rows(one):
            for key, cell in zip(one.protocol.figures, cells, strict=True):
                write([*start, *_csv(key, "group", name, *cell), people])
        for figure, kind, cell in one.tally.columns:
            values = one.values((figure, kind, cell))
            if kind != "all" and np.isfinite(values[0]):
                around = one.tally.interval(values)
                row = _csv(figure, kind, cell, values[0], around)
                write([*start, *row, None])
    if len(several) == 2:
        names = [f"{several[0].name} minus {several[1].name}"]
        names.append(several[0].protocol.name)
        for key, cell in scored.compare(*several).items():
            write([*names, *_csv(key, "difference", _ALL, *cell), None])
    return file.getvalue()


def _csv(key, kind, cell, value, around):
    low, high = around or (None, None)
    unit = protocols.FIGURES[key][1]
    numbers = [None if n is None else f"{n:.6g}" for n in (value, low, high)]
    return [key, kind, cell, *numbers, unit]


def latex(several):
    """A `tabular` (of booktabs) with the rows of `text`."""
    keys = several[0].protocol.figures
    heads = " & ".join(_escaped(head(key)) for key in keys)
    lines = [
        f"% {one.name}: {one.protocol.title}; {one.data}" for one in several
    ]
    lines += [
        rf"\begin{{tabular}}{{l{'r' * len(keys)}}}",
        r"\toprule",
        rf" & {heads} \\",
    ]
    for one in several:
        lines.append(r"\midrule")
        if len(several) > 1:
            span = len(keys) + 1
            name = _escaped(one.name)
            lines.append(rf"\multicolumn{{{span}}}{{l}}{{{name}}} \\")
        lines += [
            _latex_line(name, [_cell(*c) for c in cells])
            for name, _, cells in rows(one)
        ]
    if len(several) == 2:
        lines.append(r"\midrule")
        cells = scored.compare(*several).values()
        row = [_cell(*cell, sign="+") for cell in cells]
        lines.append(_latex_line("difference", row))
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


def _latex_line(name, cells):
    return rf"{_escaped(name)} & {' & '.join(cells)} \\"


def _cell(value, around, sign=""):
    if not np.isfinite(value):
        return "--"
    text = f"{value:{sign}.1f}"
    if around:
        text += rf" {{\scriptsize [{around[0]:.1f}, {around[1]:.1f}]}}"
    return f"${text}$" if sign and not around else text


def _escaped(text):
    return "".join(_SPECIAL.get(letter, letter) for letter in str(text))


def _plain(value):
    """A float that JSON can hold, or None."""
    return float(value) if np.isfinite(value) else None
