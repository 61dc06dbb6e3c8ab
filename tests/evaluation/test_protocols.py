"""Protocols against the arithmetic of their own scripts, written again here."""

import dataclasses

import numpy as np
import pytest

from ordinal_tf import skeleton
from ordinal_tf.evaluation import frame_names, protocols, scored, scoring
from tests.evaluation import labelled

H36M = skeleton.H36M17
DHP = skeleton.MPI_INF_3DHP17


def run(name, someone, given=None, **options):
    protocol = protocols.find(name, someone)
    given = given or labelled.answered(someone)
    protocols.check(protocol, someone, [given])
    options = {"replicates": 20, **options}
    return scored.score(protocol, someone, given, **options)


def value(found, key):
    return found.figure(key)[0]


def everything(someone, given):
    rows = list(range(someone.count))
    return someone.read(rows), given.of(rows)


def aligned(true, pose):
    """One pose after the best similarity (Kabsch; Umeyama 1991)."""
    a, b = true - true.mean(0), pose - pose.mean(0)
    u, s, vt = np.linalg.svd(a.T @ b)
    flip = np.diag([1, 1, np.sign(np.linalg.det(u @ vt))])
    scale = np.trace(np.diag(s) @ flip) / (b**2).sum()
    return scale * b @ (u @ flip @ vt).T + true.mean(0)


def names_of(count):
    """Frames of two subjects, actions of different lengths, two trials."""
    actions = ["Sitting", "Sitting 1", "SittingDown", "WalkTogether 1"]
    lengths = np.array([0.1, 0.1, 0.5, 0.3]) * count
    return [
        f"{subject}/Videos/{action}.54138969.mp4@{frame}"
        for subject in ("S9", "S11")
        for action, length in zip(actions, lengths // 2, strict=True)
        for frame in range(int(length))
    ]


@pytest.mark.parametrize("name", ["h36m-p1", "h36m-p2"])
def test_human36m_pools_frames_and_averages_actions(name):
    names = names_of(80)
    someone = labelled.of(len(names), names=names)
    given = labelled.answered(someone)
    found = run(name, someone, given)
    truth, answer = everything(someone, given)
    true = truth["pose"] - truth["pose"][:, :1]
    pose = answer["pose"] - answer["pose"][:, :1]
    if name == "h36m-p2":
        pose = np.stack(
            [aligned(t, p) for t, p in zip(true, pose, strict=True)]
        )
    each = np.linalg.norm(true - pose, axis=-1).mean(-1)
    key = protocols.find(name, someone).figures[0]
    assert key == {"1": "mpjpe_mm", "2": "pa_mpjpe_mm"}[name[-1]]
    assert value(found, key) == pytest.approx(each.mean(), rel=1e-5)
    # Sitting's two takes are one action, and SittingDown another.
    words = np.array([n.split("/")[2].split(".")[0].split()[0] for n in names])
    means = {word: each[words == word].mean() for word in set(words)}
    assert found.tally.groups == sorted(means) and len(means) == 3
    for word, mean in means.items():
        assert found.figure(key, word)[0] == pytest.approx(mean, rel=1e-5)
    mean = np.mean(list(means.values()))
    assert found.mean_of_groups(key)[0] == pytest.approx(mean, rel=1e-5)
    assert abs(mean - each.mean()) > 1e-3
    assert found.tally.units == 8  # Clips, not frames.
    assert found.each == pytest.approx(each, rel=1e-5)


def test_human36m_takes_its_test_subjects():
    names = names_of(20) + ["S1/Videos/Eating.54138969.mp4@0"]
    someone = labelled.of(len(names), names=names)
    protocol = protocols.find("h36m-p1", someone)
    rows, notes = protocols.rows(protocol, someone, part=7)
    assert rows == list(range(len(names) - 1)) and "1 of 21" in notes[0]
    rows, _ = protocols.rows(protocol, someone, part=7, wanted={names[3]})
    assert rows == [3]
    others = labelled.of(2, names=["S1/Eating.1_000001.jpg"] * 2)
    with pytest.raises(ValueError, match="has S1, and scored are S9 and S11"):
        protocols.rows(protocol, others, part=7)


@pytest.mark.parametrize(
    ("name", "subject", "action"),
    [
        ("S9/Videos/Sitting 1.54138969.mp4@12", "S9", "Sitting"),
        ("images/S11_SittingDown_1.55011271_000001.jpg", "S11", "SittingDown"),
        ("s_09_act_06_subact_01_ca_01/s_09_act_06_x.jpg", "S9", "Phoning"),
        ("s_11_act_16_subact_02_ca_04_000001.jpg", "S11", "WalkTogether"),
        ("S5_WalkingDog.54138969_000001.jpg", "S5", "WalkDog"),
        ("S8/TakingPhoto.54138969_000001.jpg", "S8", "Photo"),
        ("photo.jpg", "", "Photo"),
        ("im00001.jpg", "", "other"),
    ],
)
def test_names_of_human36m(name, subject, action):
    assert frame_names.h36m_subject(name) == subject
    assert frame_names.h36m_action(name) == action


def test_clips():
    film = "S9/Videos/Sitting 1.54138969.mp4"
    assert frame_names.clip(f"{film}@12") == film
    frame = "images/S11_Posing_1.55011271_{:06}.jpg"
    assert frame_names.clip(frame.format(1)) == frame_names.clip(
        frame.format(90)
    )


def test_mpi_inf_3dhp_as_its_script():
    """mpii_compute_3d_pck.m and mpii_evaluate_errors.m, loop by loop."""
    names = [f"TS{1 + k % 6}/imageSequence/img_{k:06}.jpg" for k in range(60)]
    someone = labelled.of(60, names=names, source=DHP)
    given = labelled.answered(someone, noise_mm=90)
    found = run("mpi-inf-3dhp", someone, given)
    truth, answer = everything(someone, given)
    ours = {"neck": "thorax", "head": "nose"}
    order = [H36M.index(ours.get(joint, joint)) for joint in DHP.joints]
    true = truth["pose"][:, order].astype(float)
    pose = answer["pose"][:, order].astype(float)
    error = np.linalg.norm(
        (true - true[:, 14:15]) - (pose - pose[:, 14:15]), axis=-1
    )
    groups = [[1], [2], [3, 6], [4, 7], [5, 8], [9, 12], [10, 13], [11, 14]]
    limits = np.arange(0, 151, 5)
    pck, curve, joints = 0.0, np.zeros(31), 0
    for group in groups:
        part = error[:, np.array(group) - 1]
        pck += len(group) * (part < 150).mean()
        curve += len(group) * np.array([(part < t).mean() for t in limits])
        joints += len(group)
    assert value(found, "pck3d") == pytest.approx(100 * pck / joints)
    auc = 100 * (curve / joints).sum() / 31
    assert value(found, "auc") == pytest.approx(auc)
    # The average of MPJPE is over all 17 joints, the root's 0 included.
    assert value(found, "mpjpe_mm") == pytest.approx(error.mean(), rel=1e-6)
    cells, values, _, _ = found.cells("pck3d", "curve")
    assert cells == [str(t) for t in limits]
    assert values == pytest.approx(100 * curve / joints)
    assert found.tally.groups == [f"TS{k}" for k in range(1, 7)]
    perfect = labelled.answered(someone, noise_mm=0)
    best = run("mpi-inf-3dhp", someone, perfect)
    assert value(best, "auc") == pytest.approx(100 * 30 / 31)


def test_humaneva_scores_its_fifteen_joints():
    names = [
        f"S{1 + k % 3}/Image_Data/{action}_1_(C1).avi@{k}"
        for k in range(15)
        for action in ("Walking", "Jog")
    ]
    source = skeleton.HUMANEVA15
    someone = labelled.of(30, names=names, source=source)
    given = labelled.answered(someone)
    found = run("humaneva", someone, given)
    truth, answer = everything(someone, given)
    used = [H36M.index(joint) for joint in source.joints]
    each = [
        np.linalg.norm(t - aligned(t, p), axis=-1).mean()
        for t, p in zip(
            truth["pose"][:, used].astype(float),
            answer["pose"][:, used].astype(float),
            strict=True,
        )
    ]
    mean = np.mean(each)
    assert value(found, "pa_mpjpe_mm") == pytest.approx(mean, rel=1e-5)
    expected = {f"S{s} {a}" for s in (1, 2, 3) for a in ("Jog", "Walking")}
    assert set(found.tally.groups) == expected


def test_mpii_as_its_script():
    """evalMPII's distances over 0.6 of the head box's diagonal."""
    rng = np.random.default_rng(3)
    heads = rng.uniform(20, 60, 40)
    heads[0] = np.nan
    someone = labelled.of(40, source=skeleton.MPII16, head_size=heads)
    given = labelled.answered(someone)
    found = run("mpii", someone, given)
    truth, answer = everything(someone, given)
    correct = counted = 0
    for joint in skeleton.MPII16.joints:
        if joint in ("pelvis", "thorax"):
            continue
        k = H36M.index({"upper_neck": "nose"}.get(joint, joint))
        for n in range(1, 40):
            if truth["keypoint_mask"][n, k]:
                away = truth["keypoints"][n, k] - answer["keypoints"][n, k]
                correct += np.hypot(*away) / heads[n] <= 0.5
                counted += 1
    assert value(found, "pckh") == pytest.approx(100 * correct / counted)


def test_lsp_and_ordinal_are_the_figures_of_training():
    someone = labelled.of(60, source=skeleton.LSP14)
    given = labelled.answered(someone, noise_px=25)
    truth, answer = everything(someone, given)
    old = scoring.figures(
        truth["keypoints"],
        truth["keypoint_mask"],
        truth["relation"],
        truth["relation_mask"],
        keypoints=answer["keypoints"],
        depths=answer["ordinal_depth"],
    )
    lsp, order = run("lsp", someone, given), run("ordinal", someone, given)
    assert 20 < old["pck"] < 99 and 60 < old["ordinal_accuracy"] < 99
    assert value(lsp, "pck") == pytest.approx(old["pck"], abs=0.1)
    for joint, share in zip(*lsp.cells("pck", "joint")[:2], strict=True):
        assert share == pytest.approx(old["pck_per_joint"][joint], abs=0.1)
    for key in ("ordinal_accuracy", "equal_close"):
        assert value(order, key) == pytest.approx(old[key], abs=0.1)
    curve = dict(zip(*lsp.cells("pck", "curve")[:2], strict=True))
    assert curve["0.2"] == value(lsp, "pck") and curve["0"] == 0


def test_ordinal_by_pair_relation_and_gap():
    someone = labelled.of(50, jitter_mm=150)
    given = labelled.answered(someone, noise_mm=150)
    found = run("ordinal", someone, given)
    truth, answer = everything(someone, given)
    true, depth = truth["depth"], answer["ordinal_depth"]
    i, j = np.triu_indices(17, k=1)
    apart = true[:, j] - true[:, i]
    right = np.sign(depth[:, j] - depth[:, i]) == np.sign(apart)
    unequal = np.abs(apart) >= 100
    share = 100 * right[unequal].mean()
    assert value(found, "ordinal_accuracy") == pytest.approx(share, abs=0.05)
    pairs = dict(zip(*found.cells("ordinal_accuracy", "pair")[:2], strict=True))
    k = np.flatnonzero((i == H36M.index("left_ankle")) & (j == 13))[0]
    one = 100 * right[unequal[:, k], k].mean()
    assert pairs["left_ankle / left_wrist"] == pytest.approx(one, abs=1e-6)
    gaps = dict(zip(*found.cells("ordinal_accuracy", "gap")[:2], strict=True))
    inside = (np.abs(apart) >= 200) & (np.abs(apart) < 300)
    expected = 100 * right[inside].mean()
    assert gaps["200 to 300"] == pytest.approx(expected, abs=0.3)
    assert gaps["from 500"] > gaps["100 to 200"] and "0 to 100" not in gaps
    kinds = dict(
        zip(*found.cells("ordinal_accuracy", "relation")[:2], strict=True)
    )
    nearer = 100 * right[unequal & (apart > 0)].mean()
    assert kinds["nearer"] == pytest.approx(nearer, abs=0.2)


def test_relations_follow_from_depths_where_nobody_gave_any():
    nobody = np.zeros((20, 17, 17), bool)
    bare = labelled.of(20, relation=nobody.astype(int), relation_mask=nobody)
    assert "relation" not in bare.knows
    given = labelled.answered(bare)
    with_own = labelled.of(20)
    for key in ("ordinal_accuracy", "equal_close"):
        assert value(run("ordinal", bare, given), key) == pytest.approx(
            value(run("ordinal", with_own, given), key)
        )


def test_synthetic_has_everything_by_depth_and_hidden():
    someone = dataclasses.replace(labelled.of(40), views=4)
    given = labelled.answered(someone)
    found = run("synthetic", someone, given)
    assert found.tally.units == 10  # Four views of each.
    for key in ("pck", "ordinal_accuracy", "mpjpe_mm", "pck3d", "auc"):
        assert np.isfinite(value(found, key))
    truth, answer = everything(someone, given)
    error = np.linalg.norm(
        (truth["pose"] - truth["pose"][:, :1])
        - (answer["pose"] - answer["pose"][:, :1]),
        axis=-1,
    )
    seen = dict(zip(*found.cells("mpjpe_mm", "seen")[:2], strict=True))
    hidden = error[~truth["visible"]].mean()
    assert seen["hidden"] == pytest.approx(hidden, rel=1e-5)
    near = error[(truth["depth"] >= 100) & (truth["depth"] < 200)].mean()
    depths = dict(zip(*found.cells("mpjpe_mm", "depth")[:2], strict=True))
    assert depths["100 to 200"] == pytest.approx(near, rel=1e-5)


def test_what_was_not_found_is_wrong_in_2d():
    someone = labelled.of(30, source=skeleton.LSP14)
    given = labelled.answered(someone, noise_px=0)
    lost = dataclasses.replace(
        given,
        part=lambda k: given.part(k) | {"keypoints": _lost(given.part(k))},
    )
    assert value(run("lsp", someone, given), "pck") == 100
    share = value(run("lsp", someone, lost), "pck")
    assert share == pytest.approx(50, abs=5)


def _lost(part):
    points = part["keypoints"].copy()
    points[::2] = np.nan
    return points


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("h36m-p1", {"source": skeleton.LSP14}, "labelled as lsp14"),
        ("humaneva", {}, "labelled as humaneva15, and made .made. is"),
        ("mpii", {"source": skeleton.MPII16}, "needs head boxes.*--source"),
        (
            "ordinal",
            {
                "relation_mask": np.zeros((40, 17, 17), bool),
                "pose_mask": np.zeros((40, 17), bool),
            },
            "needs depth relations or depths",
        ),
        ("synthetic", {"pose_mask": np.zeros((40, 17), bool)}, "3D poses"),
    ],
)
def test_data_that_cannot_serve(name, options, says):
    someone = labelled.of(40, **options)
    with pytest.raises(ValueError, match=says):
        protocols.check(protocols.find(name, someone), someone)


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("h36m-p1", {"gives": frozenset(["keypoints"])}, "pose, which theirs"),
        ("h36m-p1", {"lacks": ("spine", "nose")}, "spine, nose"),
        ("ordinal", {"gives": frozenset()}, "ordinal_depth"),
    ],
)
def test_answers_that_cannot_serve(name, change, says):
    someone = labelled.of(4, names=names_of(8)[:4])
    given = dataclasses.replace(labelled.answered(someone), **change)
    with pytest.raises(ValueError, match=says):
        protocols.check(protocols.find(name, someone), someone, [given])


def test_paired_differences_and_extremes():
    someone = labelled.of(200)
    one = run("synthetic", someone, replicates=300)
    worse = labelled.answered(someone, noise_mm=70, seed=1)
    other = run("synthetic", someone, worse, replicates=300)
    difference, (low, high) = scored.compare(one, other)["mpjpe_mm"]
    expected = value(one, "mpjpe_mm") - value(other, "mpjpe_mm")
    assert difference == pytest.approx(expected) and low < difference < high < 0
    alone = other.tally.interval(other.figure("mpjpe_mm"))
    assert high - low < alone[1] - alone[0]  # The same noise, scaled.
    (worst, rows), (_, middle), (best, others) = scored.extremes(one)
    assert (worst, best) == ("Worst", "Best")
    assert rows[0] == one.each.argmax() and others[0] == one.each.argmin()
    assert one.each[middle] == pytest.approx(np.median(one.each), rel=0.05)
    few = labelled.of(2)
    assert len(scored.extremes(run("synthetic", few))) == 1
