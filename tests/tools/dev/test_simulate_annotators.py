import json

import numpy as np
import pytest

from tests import prepared_files


def test_without_errors_nothing_is_upside_down(import_tool):
    program = import_tool("dev.simulate_annotators")
    depths = np.random.default_rng(0).normal(0, 200, (20, 14))
    row = program.simulate(depths, 0.0, 1, 0)
    assert row["opposite"] == row["all_opposite"] == 0.0
    assert row["right"] > row["all_right"] > 0.7
    assert 13 <= row["questions"] < 40 and row["pairs"] < 91
    again = program.simulate(depths, 0.0, 3, 0)
    # Who never errs agrees with oneself.
    for figures in (row, again):
        del figures["annotators"], figures["questions_5_95"]
    assert again == pytest.approx(row)


def test_errors_cost_and_more_people_help(import_tool):
    program = import_tool("dev.simulate_annotators")
    depths = np.random.default_rng(0).normal(0, 200, (40, 14))
    right = {
        (error, people): program.simulate(depths, error, people, 0)["right"]
        for error, people in ((0.0, 1), (0.2, 1), (0.2, 5))
    }
    assert right[0.0, 1] > right[0.2, 5] > right[0.2, 1] + 0.05


@pytest.mark.slow  # Prepares a data set.
def test_the_table_and_the_json(run_tool, tmp_path):
    prepared_files.write_prepared(tmp_path / "drawn", count=6)
    code, printed, error = run_tool(
        "dev.simulate_annotators",
        f"--data={tmp_path / 'drawn'}",
        "--errors=0,20",
        "--annotators=1,3",
    )
    assert code == 0, error
    figures = json.loads(printed.strip().splitlines()[-1])
    assert figures["people"] == 6 and figures["paper"] == 17
    assert [(r["annotators"], r["error"]) for r in figures["rows"]] == [
        (1, 0.0),
        (1, 0.2),
        (3, 0.0),
        (3, 0.2),
    ]
