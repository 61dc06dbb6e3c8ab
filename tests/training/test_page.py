"""The page of a run: what it says of figures and people."""

import numpy as np

from ordinal_tf.training import page, runs


def logged(workdir):
    workdir.mkdir()
    for line in (
        {"step": 0, "pck": 1.0, "per_joint": {"nose": 2.0}},
        {"step": 2, "loss": 3.0, "rank": 1.5},
        {"step": 4, "loss": 2.0, "rank": 1.0},
        {"step": 4, "pck": 41.25, "per_joint": {"nose": 52.5}},
    ):
        runs.append_metrics(workdir, line)


def test_curves_figures_and_joints(tmp_path):
    workdir = tmp_path / "run"
    logged(workdir)
    found = {"pck": 41.25, "per_joint": {"nose": 52.5}}
    averaged = {"pck": 43.75, "per_joint": {"nose": 53.5}}
    page.write(workdir, {"last": found, "ema": averaged})
    text = (workdir / page.NAME).read_text()
    assert "Training run" in text and "After step 4." in text
    for title in ("loss", "rank", "pck"):
        assert f'aria-label="{title}"' in text
    assert text.count("<svg") == 3
    assert "pck (ema)" in text and "53.5" in text
    assert "://" not in text.replace("http://www.w3.org", "")


def people(*errors):
    """Whose joints are all off by so many pixels; None: none is labelled."""
    count = len(errors)
    found = np.zeros((count, 17, 2))
    found[..., 0] = np.array([[error or 0.0] for error in errors])
    mask = np.ones((count, 17), bool)
    mask[[error is None for error in errors]] = False
    labels = {"keypoints": np.zeros((count, 17, 2)), "keypoint_mask": mask}
    photos = np.zeros((count, 8, 8, 3), np.uint8)
    rows = page.people(photos, found, labels)
    return {
        row["title"]: [one["caption"] for one in row["people"]] for row in rows
    }


def test_best_and_worst():
    assert people(3.0, None, 1.0, 2.0) == {
        "Best": ["1.0 pixels", "2.0 pixels"],
        "Worst": ["3.0 pixels"],
    }
    many = people(*map(float, range(12)))
    assert many["Best"] == [f"{i}.0 pixels" for i in range(4)]
    assert many["Worst"] == [f"{i}.0 pixels" for i in (11, 10, 9, 8)]
    assert people(5.0) == {"Best": ["5.0 pixels"]}
    assert people(None) == {}
