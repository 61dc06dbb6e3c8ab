"""The program that draws the scores of runs that follow each other."""

import xml.etree.ElementTree

from ordinal_tf import files
from ordinal_tf.training import runs

SVG = "{http://www.w3.org/2000/svg}"


def write_run(folder, *, batch_size, steps, pck):
    """The log of a run: a line of training and a score at each step."""
    folder.mkdir()
    files.write_json(
        folder / runs.CONFIG, {"train": {"batch_size": batch_size}}
    )
    for step, value in zip(steps, pck, strict=True):
        runs.append_metrics(folder, {"step": step, "loss": 3.0})
        runs.append_metrics(folder, {"step": step, "pck": value})
    return f"--run={folder}"


def test_runs_follow_each_other(run_tool, tmp_path):
    first = write_run(
        tmp_path / "first", batch_size=10, steps=(0, 200), pck=(1.0, 41.0)
    )
    second = write_run(
        tmp_path / "second", batch_size=20, steps=(0, 100), pck=(40.0, 61.0)
    )
    out = tmp_path / "curves.svg"
    code, _, err = run_tool(
        "dev.draw_curves", first, second, "--figure=pck", f"--out={out}"
    )
    assert code == 0, err
    svg = xml.etree.ElementTree.parse(out).getroot()
    texts = {text.text for text in svg.iter(f"{SVG}text")}
    assert {"first", "second", "pck", "thousands of examples"} <= texts
    # Two runs of 2,000 examples: the second starts where the first ends.
    lines = [
        [float(pair.split(",")[0]) for pair in line.get("points").split()]
        for line in svg.iter(f"{SVG}polyline")
    ]
    assert len(lines) == 2 and lines[0][1] == lines[1][0]
    assert lines[0][1] - lines[0][0] == lines[1][1] - lines[1][0] > 100


def test_an_unknown_figure(run_tool, tmp_path):
    run = write_run(tmp_path / "run", batch_size=1, steps=(0,), pck=(1.0,))
    out = tmp_path / "curves.svg"
    code, _, err = run_tool(
        "dev.draw_curves", run, "--figure=oks", f"--out={out}"
    )
    assert code == 1 and "No run was scored by 'oks'" in err
    assert not out.exists()
