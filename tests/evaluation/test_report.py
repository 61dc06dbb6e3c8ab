"""The report's page: what is on it, and how it works in a browser."""

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from ordinal_tf.evaluation import charts, report
from tests import browser

POSE = np.random.default_rng(0).normal(size=(17, 3)) * 300
BARS = {
    "title": "By joint",
    "kind": "bars",
    "x": "",
    "y": "mm",
    "series": [{"name": "ours", "x": ["a", "b"], "y": [50.0, np.nan]}],
}
LINES = {
    "title": "Curve",
    "kind": "lines",
    "x": "threshold, mm",
    "y": "%",
    "series": [
        {
            "name": "ours",
            "x": [0, 50, 100, 150],
            "y": [0, 40, np.nan, 100],
            "low": [0, 30, np.nan, 95],
            "high": [0, 50, np.nan, 100],
        }
    ],
}


def person(**more):
    return {
        "caption": "<worst> one",
        "image": np.full((60, 80, 3), 90, np.uint8),
        "keypoints": np.linspace(0, 50, 34).reshape(17, 2),
        "pose": POSE,
        "pose_true": POSE * 1.1,
        **more,
    }


def document(**more):
    return {
        "title": "Lite & others",
        "lines": ["Of @@body@@ 600 people."],
        "figures": [
            {"name": "PCK@0.2", "value": 54.53, "unit": "%"},
            {"name": "MPJPE", "value": None, "interval": (1.0, 2.0)},
        ],
        "charts": [BARS, LINES],
        "tables": [{"title": "T", "columns": ["a", "n"], "rows": [["x", 3]]}],
        "gallery": [{"title": "Worst", "people": [person()]}],
        **more,
    }


def test_a_page_holds_everything_and_loads_nothing(tmp_path):
    report.write(tmp_path / "report.html", document())
    page = (tmp_path / "report.html").read_text()
    assert "<h1>Lite &amp; others</h1>" in page and "&lt;worst&gt;" in page
    assert "54.5 %" in page and "1.0 to 2.0" in page and "<td>3</td>" in page
    # What comes from outside is never taken for a place of the template.
    assert "Of @@body@@ 600 people." in page and page.count("@@") == 2
    addresses = re.findall(r'(?:src|href|url)\s*[=(]\s*"?([^">]+)', page)
    assert addresses and all(a.startswith("data:") for a in addresses)
    assert "http" not in page.replace("http-equiv", "")


def test_a_title_alone_is_a_report():
    assert "<h1>Nothing</h1>" in report.render({"title": "Nothing"})


def test_bars_are_as_high_as_their_values():
    chart = {**BARS, "series": [dict(BARS["series"][0], y=[50.0, 25.0])]}
    bars = [
        float(node.get("height"))
        for node in ElementTree.fromstring(charts.draw(chart))
        if node.find("title") is not None
    ]
    assert bars[0] == pytest.approx(2 * bars[1], abs=0.1)


def test_a_line_goes_through_its_points():
    root = ElementTree.fromstring(charts.draw(LINES))
    dots = [
        (float(c.get("cx")), float(c.get("cy"))) for c in root.iter("circle")
    ]
    # The point that is not known is a gap: two lines, three dots.
    assert len(dots) == 3 and len(list(root.iter("polyline"))) == 2
    (x0, y0), (x1, y1), (x3, y3) = dots
    assert (x1 - x0) / (x3 - x0) == pytest.approx(1 / 3, abs=1e-3)
    assert (y0 - y1) / (y0 - y3) == pytest.approx(0.4, abs=1e-3)
    assert "ours, 50: 40 (30 to 50)" in charts.draw(LINES)


@pytest.mark.parametrize("values", [[], [0.0], [7.0, 7.0], [np.nan, 1e-9]])
def test_charts_of_little(values):
    for kind in ("lines", "bars"):
        one = {"name": "a", "x": list(range(len(values))), "y": values}
        chart = {**LINES, "kind": kind, "series": [one]}
        ElementTree.fromstring(charts.draw(chart))


def test_a_pose_turns_in_a_browser(tmp_path):
    lacking = POSE.copy()
    lacking[3] = np.nan
    people = [person(), person(pose=lacking, image=None, pose_true=None)]
    rows = [{"title": "Worst", "people": people}]
    report.write(tmp_path / "report.html", document(gallery=rows))
    with browser.open_browser(tmp_path / "browser") as page:
        page.go((tmp_path / "report.html").as_uri())
        page.wait("document.querySelectorAll('canvas[data-yaw]').length === 2")
        canvas = "document.querySelector('canvas')"
        page.run(f"{canvas}.scrollIntoView()")
        x, y = page.run(
            "(({x, y}) => [x + 100, y + 100])"
            f"({canvas}.getBoundingClientRect())"
        )
        shown = (
            f"{canvas}.getContext('2d').getImageData(0, 0, 264, 264)"
            ".data.reduce((a, b) => a + b, 0)"
        )
        first, yaw = page.run(shown), page.run(f"{canvas}.dataset.yaw")
        assert first > 0
        page.drag((x, y), (x + 50, y))
        turned = float(page.run(f"{canvas}.dataset.yaw"))
        assert turned == pytest.approx(float(yaw) + 0.5, abs=1e-2)
        assert page.run(shown) != first
        page.run(f"{canvas}.focus()")
        page.press("ArrowLeft")
        assert float(page.run(f"{canvas}.dataset.yaw")) < turned
        assert page.complaints == []
