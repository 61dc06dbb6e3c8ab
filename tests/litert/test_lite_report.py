"""Figures of the LiteRT report by hand."""

import numpy as np
import pytest

from ordinal_tf.litert import lite_report


def answers(people=2):
    return {
        "keypoints": np.zeros((people, 17, 2), np.float32),
        "ordinal_depth": np.zeros((people, 17), np.float32),
        "pose": np.zeros((people, 17, 3), np.float32),
    }


def test_changes_by_hand():
    found = answers()
    # Of 34 joints one moves by 5 px (3, 4), one by 2.5, one by exactly 2.
    found["keypoints"][0, 0] = [3, 4]
    found["keypoints"][0, 1] = [2.5, 0]
    found["keypoints"][1, 2] = [0, 2]
    found["ordinal_depth"][1, 3] = -0.34
    found["pose"][0, 4] = [0, 3, 4]
    report = lite_report.changes(answers(), found)
    assert report == pytest.approx(
        {
            "moved_half_cell": 100 * 2 / 34,
            "moved_one_cell": 100 * 1 / 34,
            "moved_mean_px": 9.5 / 34,
            "moved_worst_px": 5.0,
            "depth_mean": 0.01,
            "pose_mean_mm": 5.0 / 34,
            "pose_median_mm": 0.0,
        }
    )
    without = {k: v for k, v in found.items() if k != "pose"}
    assert "pose_mean_mm" not in lite_report.changes(answers(), without)


def row(file, size, ms, **changes):
    return {
        "file": file,
        "bytes": size,
        "ms_2_threads": ms,
        "moved_one_cell": 0.0,
        "pose_mean_mm": 1.0,
        "pck": 50.0,
        **changes,
    }


@pytest.mark.parametrize(
    ("changes", "best"),
    [
        ({}, "small"),  # Five per cent slower, half the size.
        ({"ms_2_threads": 11.5}, "fast"),
        ({"moved_one_cell": 5.1}, "fast"),
        ({"moved_one_cell": np.nan}, "fast"),
        ({"pck": 48.9}, "fast"),
        ({"pck": 49.1}, "small"),
        ({"pose_mean_mm": np.nan}, "fast"),
        ({"ms_2_threads": 5.0}, "small"),
    ],
)
def test_recommended(changes, best):
    rows = [row("fast", 200, 10.0), row("small", 100, 10.5, **changes)]
    # Files without the pose are never the ones to take.
    rows.append({k: v for k, v in row("2d", 1, 1.0).items() if "pose" not in k})
    assert lite_report.recommended(rows, reference_pck=50.0) == best


def test_nothing_to_recommend():
    rows = [row("bad", 1, 1.0, moved_one_cell=50.0)]
    assert lite_report.recommended(rows) is None


def test_table_has_a_dash_where_a_figure_is_missing():
    full = row(
        "a", 1_234_567, 10.0, **lite_report.changes(answers(), answers())
    )
    lines = lite_report.table([{**full, "ms_1_thread": 20.0, "bytes": None}])
    assert lines[-1].startswith("| a | - | 20.0 | 10.0 | 0.00 | 0.00 |")
    assert lines[-1].endswith("| 0.0 | 50.0 | - |")
    assert len({line.count("|") for line in lines}) == 1


def test_milliseconds_and_outputs():
    calls = []

    def run(crop):
        calls.append(1)
        return {"keypoints": crop * 2}

    assert lite_report.milliseconds(lambda: run(np.ones(3)), runs=4) >= 0
    assert len(calls) == 5
    crops = np.arange(6.0).reshape(3, 2)
    found = lite_report.outputs_of(run, crops)
    np.testing.assert_array_equal(found["keypoints"], 2 * crops)
