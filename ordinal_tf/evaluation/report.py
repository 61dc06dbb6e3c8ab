"""A report as one HTML file that needs no network: figures, charts, people.

What it shows is a dict, the *document*; all keys but `title` may be left out:

    title    str
    lines    list of str, sentences below the title
    figures  list of {"name", "value", "unit"} and maybe "interval" (low, high)
    charts   list of what `charts.draw` takes
    tables   list of {"title", "columns": [str], "rows": [[str or number]]}
    gallery  list of {"title", "people": [person, ...]}

A person is a dict with `caption` and any of `image` (uint8 `(H, W, 3)` RGB),
`keypoints` and `keypoints_true` (`(17, 2)` pixels of that image), `pose` and
`pose_true` (`(17, 3)` mm, x right, y down, z away). NaN marks joints that are
not known. Numbers that are NaN or None show as a dash.
"""

import base64
import html
import json
import pathlib

import cv2
import numpy as np

from ordinal_tf import drawing, files, skeleton
from ordinal_tf.data.files import photos
from ordinal_tf.evaluation import charts

_PAGE = pathlib.Path(__file__).parent / "page"
_JOINTS = skeleton.H36M17
_MAX_SIDE = 264  # Pixels of the pictures in the gallery.
_QUALITY = 85


def write(path, document):
    """Writes a report, whole or not at all.

    Args:
        path: file, which may exist; its folder must.
        document: dict, see above.

    Raises:
        OSError: the file cannot be written.
    """
    files.write_text(path, render(document))


def render(document):
    """The report's HTML text; see `write`."""
    title = _text(document["title"])
    parts = [f"<h1>{title}</h1>"]
    parts += [f"<p>{_text(line)}</p>" for line in document.get("lines", ())]
    parts += _figures(document.get("figures", ()))
    shown = [_chart(one) for one in document.get("charts", ())]
    if shown:
        parts.append(f'<div class="charts">{"".join(shown)}</div>')
    parts += [_table(one) for one in document.get("tables", ())]
    parts += [_row_of_people(one) for one in document.get("gallery", ())]
    page = (_PAGE / "report.html").read_text(encoding="utf-8")
    # In one pass: what is put in is never looked at for places again.
    places = {
        "title": title,
        "style": (_PAGE / "report.css").read_text(encoding="utf-8"),
        "script": (_PAGE / "report.js").read_text(encoding="utf-8"),
        "bones": json.dumps(
            [[a, b, _side(b)] for a, b in _JOINTS.bones], separators=(",", ":")
        ),
        "body": "\n".join(parts),
    }
    pieces = page.split("@@")
    return "".join(
        places[piece] if n % 2 else piece for n, piece in enumerate(pieces)
    )


def _figures(figures):
    if not figures:
        return []
    cells = []
    for one in figures:
        interval = one.get("interval")
        around = (
            f"<small>{_number(interval[0])} to {_number(interval[1])}</small>"
            if interval is not None
            else ""
        )
        cells.append(
            f"<div><span>{_text(one['name'])}</span>"
            f"<b>{_number(one['value'])} {_text(one.get('unit', ''))}</b>"
            f"{around}</div>"
        )
    return [f'<div class="figures">{"".join(cells)}</div>']


def _chart(chart):
    return (
        f"<figure><figcaption>{_text(chart['title'])}</figcaption>"
        f"{charts.draw(chart)}</figure>"
    )


def _table(table):
    head = "".join(f"<th>{_text(name)}</th>" for name in table["columns"])
    rows = []
    for row in table["rows"]:
        cells = (
            _text(cell) if isinstance(cell, str) else _number(cell)
            for cell in row
        )
        rows.append("".join(f"<td>{cell}</td>" for cell in cells))
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return (
        f"<h2>{_text(table['title'])}</h2><div class=wide><table><thead><tr>"
        f"{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _row_of_people(row):
    people = "".join(_person(one) for one in row["people"])
    return f'<h2>{_text(row["title"])}</h2><div class="people">{people}</div>'


def _person(person):
    parts = []
    if person.get("image") is not None:
        parts.append(_photo(person))
    poses = {
        name: _rounded(person[key], 0)
        for name, key in (("pose", "pose"), ("true", "pose_true"))
        if person.get(key) is not None
    }
    if poses:
        data = html.escape(json.dumps(poses, separators=(",", ":")))
        parts.append(
            f'<canvas tabindex=0 width=264 height=264 data-poses="{data}" '
            'aria-label="3D pose: drag, or press arrow keys, to turn it">'
            "</canvas>"
        )
    caption = f"<figcaption>{_text(person.get('caption', ''))}</figcaption>"
    return f"<figure>{''.join(parts)}{caption}</figure>"


def _photo(person):
    image = person["image"]
    height, width = image.shape[:2]
    scale = min(1.0, _MAX_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    data = photos.encode_jpeg(small, _QUALITY)
    drawn = ""
    # The labels below, so that one sees by how much they are missed.
    for key, kind in (("keypoints_true", "true"), ("keypoints", "found")):
        if person.get(key) is not None:
            drawn += _bones(_rounded(person[key], 1), kind)
    return (
        '<div class="photo"><img alt="" src="data:image/jpeg;base64,'
        f'{base64.b64encode(data).decode()}">'
        f'<svg viewBox="-0.5 -0.5 {width} {height}">{drawn}</svg></div>'
    )


def _bones(points, kind):
    lines = []
    for a, b in _JOINTS.bones:
        if points[a] and points[b]:
            (x1, y1), (x2, y2) = points[a], points[b]
            colour = "#fff" if kind == "true" else _colour(b)
            lines.append(
                f'<line class="{kind}" x1="{x1}" y1="{y1}" x2="{x2}" '
                f'y2="{y2}" stroke="{colour}"/>'
            )
    return "".join(lines)


def _rounded(points, digits):
    """The joints' coordinates as lists; None for one that is not known."""
    points = np.asarray(points, np.float64)
    known = np.isfinite(points).all(1)
    return [
        np.round(row, digits).tolist() if fine else None
        for row, fine in zip(points, known, strict=True)
    ]


def _side(joint):
    name = _JOINTS.joints[joint]
    return next((s for s in ("right", "left") if name.startswith(s)), "middle")


def _colour(joint):
    colours = {"right": drawing.RIGHT, "left": drawing.LEFT}
    rgb = colours.get(_side(joint), drawing.MIDDLE)
    return "#{:02x}{:02x}{:02x}".format(*rgb)


def _number(value):
    if value is None or not np.isfinite(value):
        return "–"
    if isinstance(value, int | np.integer):
        return str(value)
    return f"{value:.1f}" if abs(value) >= 1 else f"{value:.3g}"


def _text(value):
    return html.escape(str(value))
