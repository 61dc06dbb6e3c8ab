"""Rows of the ablation, with next to no training."""

import json

import pytest

from tests import lsp_files, tiny


@pytest.mark.slow  # Renders and trains.
def test_rows(run_tool, tmp_path):
    lsp_files.write_lsp(tmp_path / "lsp", count=12)
    arguments = (
        f"--lsp={tmp_path / 'lsp'}",
        f"--workdir={tmp_path / 'runs'}",
        "--count=4",
        "--held_out=3",
        "--size=40",
        "--processes=1",
        *tiny.flags(
            {
                "data.train_range": "(1, 8)",
                "data.held_out": "(9, 12)",
                "train.steps": 2,
            }
        ),
    )
    names = ["real and synthetic", "no clothes"]
    variants = f"--variants={','.join(names)}"
    code, out, err = run_tool("dev.ablation_people", *arguments, variants)
    assert code == 0, err
    rows = json.loads(out.splitlines()[-1])
    assert list(rows) == names
    for row in rows.values():
        assert set(row) == {"synthetic", "real"}
        for figures in row.values():
            assert 0 <= figures["pck"] <= 100
            assert 0 <= figures["ordinal_accuracy"] <= 100
    # Half of the examples are photographs in the first row, none in the other.
    assert "50.0 % of the examples from lsp" in out
    assert "100.0 % of the examples from synthetic" in out
    # The mixture shares its people with the row that takes nothing away.
    folders = {path.name for path in (tmp_path / "runs" / "data").iterdir()}
    assert folders == {"held_out", "everything", "no_clothes"}
    again, repeated, err = run_tool("dev.ablation_people", *arguments, variants)
    assert again == 0, err
    assert json.loads(repeated.splitlines()[-1]) == rows
    assert "no_clothes is finished; nothing to do." in repeated

    code, _, err = run_tool(
        "dev.ablation_people", *arguments, "--variants=no shoes"
    )
    assert code == 1 and "Received: no shoes." in err
