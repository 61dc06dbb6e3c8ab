"""Charts as SVG text: lines and bars, with intervals and nothing to load."""

import html
import math

import numpy as np

WIDTH, HEIGHT = 560, 330
# Names of series stand above the plot, those of many bars aslant below it.
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 14, 24, 64
# Orange and blue first, which colour-blind people tell apart.
COLOURS = ("#409cff", "#ff851b", "#78c48c", "#c08adf", "#a4aec0", "#d9b64c")


def draw(chart):
    """One chart as an `<svg>` element.

    Args:
        chart: dict with `title`; `kind`, "lines" or "bars"; `x` and `y`,
            labels of the axes; and `series`, a list of dicts with `name`,
            `x` (numbers, or for bars names, the same ones in each series),
            `y` (numbers; NaN or None leaves a gap), and maybe `low` and
            `high`, the ends of an interval around `y`.

    Returns:
        str.
    """
    series = [_whole(one) for one in chart["series"]]
    values = [one[key] for one in series for key in ("y", "low", "high")]
    ticks = _ticks(np.concatenate(values), from_zero=chart["kind"] == "bars")
    parts = _frame(chart, ticks)
    body = _bars if chart["kind"] == "bars" else _lines
    parts += body(series, ticks)
    if len(series) > 1:
        parts += _legend(series)
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{_text(chart["title"])}">{"".join(parts)}</svg>'
    )


def _whole(one):
    """A series with both ends of its intervals, floats, NaN where unknown."""
    found = {"name": one["name"], "x": list(one["x"])}
    for key in ("y", "low", "high"):
        value = np.array(one.get(key, one["y"]), np.float64)
        found[key] = np.where(np.isfinite(value), value, np.nan)
    return found


def _ticks(values, *, from_zero=False):
    """Round numbers that hold the values between them."""
    known = values[np.isfinite(values)]
    low, high = (known.min(), known.max()) if len(known) else (0.0, 1.0)
    if from_zero:
        low, high = min(low, 0.0), max(high, 0.0)
    if high - low < 1e-9 * max(1.0, abs(high)):
        high = low + 1.0
    raw = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(k * power for k in (1, 2, 2.5, 5, 10) if raw <= k * power)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return step * np.arange(first, last + 1)


def _y(value, ticks):
    share = (value - ticks[0]) / (ticks[-1] - ticks[0])
    return HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM)


def _frame(chart, ticks):
    parts = []
    for tick in ticks:
        y = _y(tick, ticks)
        parts.append(
            f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" '
            f'y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">'
            f"{_number(tick)}</text>"
        )
    middle = (WIDTH + _LEFT - _RIGHT) / 2
    centre = (HEIGHT + _TOP - _BOTTOM) / 2
    parts.append(
        f'<text x="{middle}" y="{HEIGHT - 4}" text-anchor="middle">'
        f"{_text(chart['x'])}</text>"
        f'<text transform="translate(12 {centre}) rotate(-90)" '
        f'text-anchor="middle">{_text(chart["y"])}</text>'
    )
    return parts


def _lines(series, ticks):
    every = np.concatenate([np.array(one["x"], np.float64) for one in series])
    every = every if len(every) else np.zeros(1)
    across = _ticks(every)
    # The data's own ends: a curve fills its frame.
    low, high = np.nanmin(every), np.nanmax(every)
    span = high - low or 1.0

    def place(x):
        return _LEFT + (x - low) / span * (WIDTH - _LEFT - _RIGHT)

    parts = [
        f'<text x="{place(tick):.1f}" y="{HEIGHT - _BOTTOM + 16}" '
        f'text-anchor="middle">{_number(tick)}</text>'
        for tick in across
        if low - 1e-9 <= tick <= high + 1e-9
    ]
    for one, colour in zip(series, _colours(), strict=False):
        x = place(np.array(one["x"], np.float64))
        known = np.isfinite(one["low"]) & np.isfinite(one["high"])
        if known.any() and np.any(one["low"][known] < one["high"][known]):
            around = [
                *zip(x[known], _y(one["low"][known], ticks), strict=True),
                *list(
                    zip(x[known], _y(one["high"][known], ticks), strict=True)
                )[::-1],
            ]
            parts.append(
                f'<polygon points="{_points(around)}" fill="{colour}" '
                'fill-opacity=".2"/>'
            )
        for run in _runs(np.isfinite(one["y"])):
            line = zip(x[run], _y(one["y"][run], ticks), strict=True)
            parts.append(
                f'<polyline points="{_points(line)}" fill="none" '
                f'stroke="{colour}" stroke-width="2"/>'
            )
            parts += [
                f'<circle cx="{x[k]:.1f}" cy="{_y(one["y"][k], ticks):.1f}" '
                f'r="3" fill="{colour}"><title>{_hint(one, k)}</title>'
                "</circle>"
                for k in range(*run.indices(len(x)))
            ]
    return parts


def _bars(series, ticks):
    names = series[0]["x"]
    room = (WIDTH - _LEFT - _RIGHT) / max(1, len(names))
    width = 0.8 * room / len(series)
    parts = []
    for k, name in enumerate(names):
        middle = _LEFT + (k + 0.5) * room
        parts.append(_bar_name(middle, str(name), crowded=len(names) > 6))
    for n, (one, colour) in enumerate(zip(series, _colours(), strict=False)):
        for k, value in enumerate(one["y"]):
            if not np.isfinite(value):
                continue
            left = _LEFT + (k + 0.1) * room + n * width
            top, bottom = sorted((_y(value, ticks), _y(0.0, ticks)))
            parts.append(
                f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" '
                f'height="{bottom - top:.1f}" fill="{colour}">'
                f"<title>{_hint(one, k)}</title></rect>"
            )
            low, high = one["low"][k], one["high"][k]
            if np.isfinite(low) and np.isfinite(high) and low < high:
                parts.append(
                    f'<line class="interval" x1="{left + width / 2:.1f}" '
                    f'x2="{left + width / 2:.1f}" y1="{_y(low, ticks):.1f}" '
                    f'y2="{_y(high, ticks):.1f}"/>'
                )
    return parts


def _bar_name(x, name, *, crowded):
    y = HEIGHT - _BOTTOM + 14
    place = f'x="{x:.1f}" y="{y}" text-anchor="middle"'
    if crowded:
        turned = f"translate({x + 4:.1f} {y - 4}) rotate(-30)"
        place = f'transform="{turned}" class="small" text-anchor="end"'
    return f"<text {place}>{_text(name)}</text>"


def _legend(series):
    parts, x = [], _LEFT
    for one, colour in zip(series, _colours(), strict=False):
        parts.append(
            f'<rect x="{x}" y="4" width="10" height="10" fill="{colour}"/>'
            f'<text x="{x + 14}" y="13">{_text(one["name"])}</text>'
        )
        x += 30 + 7 * len(one["name"])
    return parts


def _colours():
    while True:
        yield from COLOURS


def _runs(known):
    """Slices of consecutive True."""
    edges = np.flatnonzero(np.diff(np.r_[False, known, False].astype(int)))
    return [slice(a, b) for a, b in edges.reshape(-1, 2)]


def _points(pairs):
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in pairs)


def _hint(one, k):
    text = f"{one['name']}, {one['x'][k]}: {_number(one['y'][k])}"
    low, high = one["low"][k], one["high"][k]
    if np.isfinite(low) and np.isfinite(high) and low < high:
        text += f" ({_number(low)} to {_number(high)})"
    return _text(text)


def _number(value):
    # Minus zero comes of multiples of steps.
    return f"{value + 0.0:.4g}"


def _text(value):
    return html.escape(str(value))
