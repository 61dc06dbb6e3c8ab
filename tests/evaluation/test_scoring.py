"""Figures of the held-out photographs, counted by hand."""

import numpy as np
import pytest

from ordinal_tf import geometry, skeleton
from ordinal_tf.data.readers import lsp
from ordinal_tf.evaluation import scoring
from tests import lsp_files

H36M = skeleton.H36M17


def people(count=2):
    """Standing people of a 100-pixel square; depths 1 to 17 per person."""
    points = np.zeros((count, 17, 2))
    for k, name in enumerate(H36M.joints):
        if name not in ("spine", "nose"):
            points[:, k] = 100 * lsp_files.standing([name])[0]
    depths = np.tile(np.arange(17) / 10.0, (count, 1))
    diff = depths[:, :, None] - depths[:, None, :]
    return {
        "true": points,
        "mask": np.ones((count, 17), bool),
        "relation": -np.sign(diff).astype(np.int8),
        "relation_mask": np.tile(~np.eye(17, dtype=bool), (count, 1, 1)),
        "keypoints": points.copy(),
        "depths": depths - depths[:, :1],
    }


def test_a_perfect_prediction():
    found = scoring.figures(**people())
    assert found["pck"] == found["ordinal_accuracy"] == 100
    assert set(found["pck_per_joint"]) == set(skeleton.LSP14.joints)
    assert set(found["pck_per_joint"].values()) == {100}
    # Pairs among fourteen joints, each once, of two people.
    assert found["photos"] == 2 and found["pairs"] == 2 * 14 * 13 / 2
    assert found["equal_close"] == 0
    depths = np.arange(17) / 10
    assert found["depth_rms"] == pytest.approx(np.sqrt(np.mean(depths**2)))


def test_shifted_joints_are_counted():
    data = people()
    # The torso, left shoulder (70, 20) to right hip (38, 50), is 43.9 pixels
    # long, of which a fifth is 8.77.
    wrist, knee = H36M.index("left_wrist"), H36M.index("right_knee")
    data["keypoints"][0, wrist] += [8.7, 0]
    data["keypoints"][1, wrist] += [0, 8.85]
    data["keypoints"][:, knee] -= [6.3, 6.3]  # 8.91
    # Joints that nobody labels do not matter.
    data["keypoints"][:, H36M.index("spine")] += 1000
    data["keypoints"][:, H36M.index("nose")] += 1000
    found = scoring.figures(**data)
    expected = dict.fromkeys(skeleton.LSP14.joints, 100.0)
    expected.update(left_wrist=50.0, right_knee=0.0)
    assert found["pck_per_joint"] == pytest.approx(expected)
    assert found["pck"] == pytest.approx(100 * 25 / 28)


def test_unlabelled_joints_do_not_count():
    data = people()
    wrist = H36M.index("left_wrist")
    data["mask"][0, wrist] = False
    data["true"][0, wrist] = np.nan
    data["keypoints"][:, wrist] += 50
    found = scoring.figures(**data)
    assert found["pck_per_joint"]["left_wrist"] == 0
    assert found["pck"] == pytest.approx(100 * 26 / 27)


@pytest.mark.parametrize(
    ("lacking", "limit"),
    [
        # A fifth of the shoulder-hip distances of `standing`.
        (("right_hip",), 0.2 * np.hypot(32, 30)),
        (("left_shoulder",), 0.2 * np.hypot(32, 30)),
        (("right_hip", "right_shoulder"), 0.2 * np.hypot(8, 30)),
        (("left_hip", "left_shoulder"), 0.2 * np.hypot(8, 30)),
    ],
)
def test_torso_where_its_ends_are_not_labelled(lacking, limit):
    wrist = H36M.index("left_wrist")
    for factor, share in ((0.99, 100), (1.01, 0)):
        data = people(1)
        for name in lacking:
            data["mask"][:, H36M.index(name)] = False
        data["keypoints"][:, wrist, 0] += factor * limit
        found = scoring.figures(**data)
        assert found["pck_per_joint"]["left_wrist"] == share


def test_nobody_has_a_torso():
    data = people(2)
    for name in ("left_hip", "right_hip"):
        data["mask"][0, H36M.index(name)] = False
    data["keypoints"][0] += 500
    found = scoring.figures(**data)
    # The first one is left out, not wrong.
    assert found["pck"] == 100
    data["mask"][1] = False
    assert scoring.figures(**data)["pck"] == 0


def test_ordinal_accuracy_by_hand():
    data = people(1)
    data["relation_mask"][:] = False
    data["relation"][:] = 0
    hip, knee, ankle = (
        H36M.index(f"left_{n}") for n in ("hip", "knee", "ankle")
    )
    spine = H36M.index("spine")

    def annotate(i, j, sign):
        data["relation_mask"][0, i, j] = data["relation_mask"][0, j, i] = True
        data["relation"][0, i, j], data["relation"][0, j, i] = sign, -sign

    depths = np.zeros((1, 17))
    depths[0, [hip, knee, ankle]] = [0.3, 0.2, 0.25]
    annotate(knee, hip, 1)  # Nearer, and it is: right.
    annotate(knee, ankle, -1)  # Wrong.
    annotate(hip, ankle, 0)  # Equal, 0.05 apart: close.
    annotate(H36M.index("head_top"), hip, 0)  # 0.3 apart: not close.
    annotate(0, ankle, 1)  # The pelvis is not among the fourteen.
    annotate(spine, ankle, 1)
    data["depths"] = depths
    found = scoring.figures(**data)
    assert found["ordinal_accuracy"] == 50 and found["equal_close"] == 50
    assert found["pairs"] == 4
    data["depths"] = -depths
    assert scoring.figures(**data)["ordinal_accuracy"] == 50
    data["depths"] = 0 * depths
    found = scoring.figures(**data)
    # Equal depths order nothing.
    assert found["ordinal_accuracy"] == 0 and found["equal_close"] == 100


def test_nothing_annotated():
    data = people(1)
    data["relation_mask"][:] = False
    found = scoring.figures(**data)
    assert found["pairs"] == found["ordinal_accuracy"] == 0


def test_keypoints_that_were_not_found_are_wrong():
    data = people(1)
    data["keypoints"][:] = np.nan
    found = scoring.figures(**data)
    assert found["pck"] == 0 and found["ordinal_accuracy"] == 100


def test_evaluate_goes_through_the_crops(tmp_path):
    lsp_files.write_lsp(tmp_path / "lsp", count=5)
    photos = lsp.read_lsp(tmp_path / "lsp")
    shown = []

    def predict(image):
        assert image.shape[1:] == (40, 40, 3) and image.dtype == "uint8"
        rows = slice(len(shown), len(shown) + len(image))
        shown.extend(image)
        matrix = geometry.crop_matrix(photos.boxes[rows], 40)
        points = geometry.apply_affine(matrix, photos.keypoints[rows])
        # The ankle of the last photograph is off by a whole crop.
        points = np.array(points)
        if rows.stop == 5:
            points[-1, H36M.index("left_ankle")] += 40
        nearer = np.sum(photos.relation[rows], axis=-1)
        return {"keypoints": points, "ordinal_depth": -nearer.astype("float32")}

    found = scoring.evaluate(predict, photos, input_size=40, batch_size=2)
    assert len(shown) == found["photos"] == 5
    assert found["pck_per_joint"]["left_ankle"] == 80
    assert found["pck"] == pytest.approx(100 * 69 / 70)
    # Joints sorted by how many they are nearer than: nearly always right.
    assert found["ordinal_accuracy"] > 90


def test_pose_figures_by_hand():
    rng = np.random.default_rng(0)
    true = rng.normal(size=(4, 17, 3)) * 300
    true -= true[:, :1]
    mask = np.ones((4, 17), bool)
    mask[3, 0] = False  # No root: left out.
    mask[2, 5] = False
    pose = 2 * true
    pose[3] = np.nan
    pose[2, 5] = np.nan
    found = scoring.pose_figures(true + 1000, mask, pose)
    assert found["poses"] == 3
    lengths = np.linalg.norm(true[:3], axis=-1)[mask[:3]]
    assert found["mpjpe"] == pytest.approx(lengths.mean(), rel=1e-5)
    assert found["n_mpjpe"] == pytest.approx(0, abs=1e-3)
    assert found["pa_mpjpe"] == pytest.approx(0, abs=1e-2)
    assert found["pck3d"] == pytest.approx(100 * (lengths < 150).mean())
    assert found["mpjpe_per_joint"]["pelvis"] == 0
    pose = true.copy()
    pose[0, 4] += (0, 100, 0)
    found = scoring.pose_figures(true, mask, pose)
    assert found["mpjpe"] == pytest.approx(100 / 50)
    assert found["mpjpe_per_joint"]["left_hip"] == pytest.approx(100 / 3)


def test_a_root_alone_is_no_pose():
    """Moved onto itself it would be perfect."""
    true = np.random.default_rng(0).normal(size=(2, 17, 3)) * 300
    mask = np.ones((2, 17), bool)
    mask[1, 1:] = False
    pose = true.copy()
    pose[0, 1:, 0] += 50  # 16 joints of 17, root-relative.
    found = scoring.pose_figures(true, mask, pose)
    assert found["poses"] == 1
    assert found["mpjpe"] == pytest.approx(50 * 16 / 17)
    assert scoring.pose_figures(true[1:], mask[1:], pose[1:]) == {"poses": 0}


def test_nobody_with_a_pose():
    zeros = np.zeros((2, 17, 3))
    found = scoring.pose_figures(zeros, np.zeros((2, 17), bool), zeros)
    assert found == {"poses": 0}
