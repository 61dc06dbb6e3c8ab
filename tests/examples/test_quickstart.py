"""The notebook, cell by cell, as Jupyter would run it."""

import ast
import json

import numpy as np
import pytest
from PIL import Image

from ordinal_tf import skeleton


@pytest.fixture(scope="module")
def notebook(checkout):
    path = checkout / "examples" / "quickstart.ipynb"
    return json.loads(path.read_text(encoding="utf-8"))


def run(source, names):
    """Runs a cell; returns what its last line is worth, as Jupyter shows it."""
    *first, last = ast.parse(source).body
    shown = isinstance(last, ast.Expr)
    rest = ast.Module(first if shown else [*first, last], [])
    exec(compile(rest, "quickstart.ipynb", "exec"), names)
    if shown:
        last = compile(ast.Expression(last.value), "quickstart.ipynb", "eval")
        return eval(last, names)
    return None


def test_it_is_a_notebook_of_ten_cells_without_outputs(notebook):
    # nbformat 4.5: what Jupyter refuses to open without.
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    cells = notebook["cells"]
    assert len(cells) == 10
    assert len({cell["id"] for cell in cells}) == 10
    for cell in cells:
        assert isinstance(cell["metadata"], dict) and cell["source"]
        if cell["cell_type"] == "code":
            # Outputs are made by who runs it, and pictures stay out.
            assert cell["outputs"] == [] and cell["execution_count"] is None


@pytest.mark.slow  # Loads the shipped model.
def test_every_cell_runs_and_shows_what_it_says(
    notebook, checkout, monkeypatch
):
    monkeypatch.chdir(checkout / "examples")
    names, shown = {}, []
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            shown.append(run("".join(cell["source"]), names))
    shapes, picture, order, scores = (s for s in shown if s is not None)
    assert shapes["pose"] == (1, 17, 3) and shapes["keypoints"] == (1, 17, 2)
    assert isinstance(picture, Image.Image) and picture.height == 640
    assert np.asarray(picture).std() > 20
    assert sorted(order) == sorted(skeleton.H36M17.joints)
    depth = names["result"]["ordinal_depth"][0]
    assert order[0] == skeleton.H36M17.joints[int(depth.argmin())]
    # Four drawn people, on which a model that learned is better than chance.
    assert 0.5 < scores["order"] <= 1
    assert 20 < scores["PA-MPJPE"] <= scores["MPJPE"] < 500
