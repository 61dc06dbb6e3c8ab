"""The page of a run: what it says of figures and people."""

import numpy as np

from ordinal_tf import drawing, skeleton
from ordinal_tf.training import page, runs

JOINTS = np.stack(
    [np.arange(20, 241, 55).repeat(4), np.tile((55, 110, 165, 220), 5)], -1
)[:17].astype(float)
PHOTO = np.full((256, 256, 3), 120, np.uint8)
ANKLE, NOSE = map(skeleton.H36M17.index, ("right_ankle", "nose"))


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


def rows_of(*errors):
    """People whose joints are all off by so many pixels; None: no labels."""
    count = len(errors)
    true = np.tile(JOINTS, (count, 1, 1))
    found = {"keypoints": true.copy(), "ordinal_depth": np.zeros((count, 17))}
    found["keypoints"][..., 0] += np.array([[error or 0.0] for error in errors])
    found["ordinal_depth"][:, NOSE] = -0.2  # Nearer than all others.
    mask = np.ones((count, 17), bool)
    mask[[error is None for error in errors]] = False
    labels = {"keypoints": true, "keypoint_mask": mask}
    labels["relation"] = np.zeros((count, 17, 17), np.int8)
    labels["relation"][:, NOSE, ANKLE] = -1  # Which is not what is found.
    labels["relation"][:, ANKLE, NOSE] = 1
    labels["relation_mask"] = np.zeros((count, 17, 17), bool)
    labels["relation_mask"][:, ANKLE, NOSE] = True
    photos = np.full((count, *PHOTO.shape), PHOTO)
    return page.people(photos, found, labels)


def people(*errors):
    return {
        row["title"]: [one["caption"] for one in row["people"]]
        for row in rows_of(*errors)
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


def test_a_sheet_shows_what_was_found_above_what_is_labelled():
    best, worst = rows_of(3.0, 30.0)
    for row, error in ((best, 3), (worst, 30)):
        sheet = row["sheet"]
        # Two pictures of 256, six pixels round each.
        assert sheet.shape == (530, 268, 3) and sheet.dtype == np.uint8
        found, labelled = sheet[6:262, 6:262], sheet[268:524, 6:262]
        for picture, moved in ((found, error), (labelled, 0)):
            wrist = skeleton.H36M17.index("left_wrist")
            x, y = JOINTS[wrist].astype(int)
            assert near(picture[y, x + moved], drawing.LEFT)
            assert not near(picture[y, x + 30 - moved], drawing.LEFT)
        # A full disc is the nearer joint's, a ring the other's.
        for picture, moved, disc in (
            (found, error, NOSE),
            (labelled, 0, ANKLE),
        ):
            for joint in (NOSE, ANKLE):
                x, y = JOINTS[joint].astype(int)
                full = near(picture[y, x + moved], drawing.NEARER)
                assert full == (joint == disc)


def near(colour, other):
    """Alike, although the picture was made smaller."""
    return np.abs(colour.astype(int) - other).max() < 40
