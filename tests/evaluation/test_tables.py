"""Scores as text, CSV, LaTeX, JSON and a page: all say the same."""

import csv
import io
import json
import re

import numpy as np
import pytest

from ordinal_tf.evaluation import pages, protocols, report, scored, tables
from tests.evaluation import labelled
from tests.evaluation.test_protocols import names_of


def of(name, someone, noise_mm=60, who="theirs"):
    given = labelled.answered(someone, noise_mm=noise_mm, name=who)
    protocol = protocols.find(name, someone)
    return scored.score(protocol, someone, given, replicates=50)


@pytest.fixture(scope="module")
def one():
    names = names_of(80)
    return of("h36m-p1", labelled.of(len(names), names=names))


@pytest.fixture(scope="module")
def two():
    someone = labelled.of(60)
    return [
        of("synthetic", someone, who="a_1"),
        of("synthetic", someone, 80, who="b"),
    ]


def test_json_has_the_keys_that_scripts_read(one, two):
    found = json.loads(json.dumps(tables.figures([one])))
    assert found["protocol"] == "h36m-p1" and found["people"] == 80
    assert found["mpjpe_mm"] == pytest.approx(one.figure("mpjpe_mm")[0])
    assert found["intervals"]["mpjpe_mm"] is None  # Of eight clips.
    groups = [g["mpjpe_mm"] for g in found["groups"].values()]
    mean = found["mean_of_groups"]["mpjpe_mm"]
    assert mean == pytest.approx(np.mean(groups))
    assert found["groups"]["SittingDown"]["people"] == 40
    assert len(found["joints"]["mpjpe_mm"]) == 17
    assert found["breakdown"]["pck3d"]["curve"]["150"] == found["pck3d"]
    both = tables.figures(two)
    for key in ("pck", "ordinal_accuracy", "mpjpe_mm", "pa_mpjpe_mm"):
        difference = both["difference"][key]["value"]
        assert difference == pytest.approx(both["a"][key] - both["b"][key])
    low, high = both["difference"]["mpjpe_mm"]["interval"]
    assert low < both["difference"]["mpjpe_mm"]["value"] < high
    assert both["a"]["intervals"]["pck"][0] <= both["a"]["pck"]


def test_text(one, two):
    text = tables.text([one])
    value = one.figure("mpjpe_mm")[0]
    assert re.search(rf"frames pooled +80 +{value:.1f} ", text)
    mean = one.mean_of_groups("mpjpe_mm")[0]
    assert re.search(rf"mean of actions +{mean:.1f} ", text)
    text = tables.text(two)
    assert "a_1 minus b, paired:" in text and "difference" in text
    assert max(map(len, text.splitlines())) < 240


def test_csv(two):
    rows = list(csv.DictReader(io.StringIO(tables.csv_text(two))))
    assert {row["answers"] for row in rows} == {"a_1", "b", "a_1 minus b"}
    (all_of_a,) = [
        row
        for row in rows
        if (row["answers"], row["figure"], row["kind"])
        == ("a_1", "pck", "group")
    ]
    assert float(all_of_a["value"]) == pytest.approx(
        two[0].figure("pck")[0], rel=1e-5
    )
    assert float(all_of_a["low"]) < float(all_of_a["high"])
    assert {"joint", "curve", "depth", "seen", "gap", "pair"} <= {
        row["kind"] for row in rows
    }


def test_latex(one, two):
    text = tables.latex(two)
    assert r"a\_1" in text and r"PCK@0.2, \%" in text
    for each in (text, tables.latex([one])):
        rows = [line for line in each.splitlines() if line.endswith(r"\\")]
        columns = each.split(r"{tabular}{l")[1].split("}")[0]
        for row in rows:
            if "multicolumn" not in row:
                assert row.count(" & ") == len(columns)
        assert each.count("{") == each.count("}")


def test_a_page_of_one_and_of_two(one, two):
    page = pages.document([one], notes=["A note."])
    titles = [chart["title"] for chart in page["charts"]]
    for title in (
        "3DPCK@150 by threshold",
        "MPJPE by joint",
        "MPJPE by depth",
        "MPJPE of visible and of hidden joints",
        "MPJPE by actions",
    ):
        assert title in titles
    assert [row["title"].split(",")[0] for row in page["gallery"]] == [
        "Worst",
        "Around the median",
        "Best",
    ]
    # The pictures are nowhere, the poses are shown all the same.
    person = page["gallery"][0]["people"][0]
    assert "image" not in person and person["pose"].shape == (17, 3)
    assert f"{one.each.max():.1f} mm" in person["caption"]
    assert "A note." in report.render(page)
    page = pages.document(two)
    assert all(len(chart["series"]) == 2 for chart in page["charts"])
    names = [figure["name"] for figure in page["figures"]]
    assert "difference: MPJPE" in names
    (both,) = [t for t in page["tables"] if t["title"] == "Figures"]
    assert [row[0] for row in both["rows"]] == [
        "a_1",
        "b",
        "a_1 minus b, paired",
    ]
    value = two[0].figure("mpjpe_mm")[0]
    assert both["rows"][0][1].startswith(f"{value:.1f} [")
    assert "a_1: the pairs that it tells apart worst" in [
        table["title"] for table in page["tables"]
    ]
    report.render(page)
