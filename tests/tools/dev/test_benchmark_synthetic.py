import json
import os

import pytest


def test_the_table_and_the_json(run_tool):
    code, printed, error = run_tool(
        "dev.benchmark_synthetic", "--count=10", "--size=48", "--views=2"
    )
    assert code == 0, error
    *table, last = printed.strip().splitlines()
    figures = json.loads(last)
    assert figures["images_per_second_per_core"] > 0
    # The parts and the rest make up one picture.
    whole = 1e3 / figures["images_per_second_per_core"]
    parts = figures["milliseconds"]
    assert abs(sum(parts.values()) - whole) < 0.01 * whole
    assert parts["person drawn and lit"] > parts["labels"]
    assert any(line.startswith("decoding its JPEG") for line in table)


def test_the_process_may_use_all_cores_again(run_tool):
    if not hasattr(os, "sched_getaffinity"):
        pytest.skip("This system does not pin processes.")
    before = os.sched_getaffinity(0)
    run_tool("dev.benchmark_synthetic", "--count=10", "--size=48")
    assert os.sched_getaffinity(0) == before
