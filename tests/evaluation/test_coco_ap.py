"""COCO's AP: closed forms, pycocotools' own summary, labels that are none."""

import contextlib
import io
import json

import numpy as np
import pytest

from ordinal_tf import skeleton
from ordinal_tf.evaluation import coco_ap
from tests import coco_files

pytest.importorskip("pycocotools")
COCO = skeleton.COCO17
BODY = COCO.joints[5:]
# Of pycocotools, in the order of its 17 joints.
SIGMAS = np.array(
    [26, 25, 25, 35, 35, 79, 79, 72, 72, 62, 62, 107, 107, 87, 87, 89, 89]
)


@pytest.fixture
def labels(tmp_path):
    path = tmp_path / "person_keypoints.json"
    path.write_text(json.dumps(coco_files.content(20)))
    return coco_ap.read_labels(path)


def detections(labels, move=lambda points, area: points, score=1.0):
    found = []
    for one in labels.content["annotations"]:
        triples = np.array(one["keypoints"], float).reshape(-1, 3)
        triples[:, :2] = move(triples[:, :2], one["area"])
        found.append(
            {
                "image_id": one["image_id"],
                "category_id": 1,
                "keypoints": triples.ravel().tolist(),
                "score": score,
            }
        )
    return found


def ap(labels, found, joints=COCO.joints, **options):
    options = {"replicates": 0, **options}
    got = coco_ap.Resampled(labels, found, joints, **options)
    return {key: got.ratio((key, "all", ""))[0] for key in coco_ap.FIGURES}


def at_similarity(oks):
    """Moves each joint by what makes its term of OKS that large."""

    def move(points, area):
        # exp(-d^2 / (2 area (2 sigma)^2)) = oks
        away = np.sqrt(-2 * np.log(oks) * area) * 2 * SIGMAS / 1000
        return points + np.stack([away, 0 * away], axis=1)

    return move


@pytest.mark.parametrize(
    ("oks", "passed"), [(1.0, 10), (0.77, 6), (0.52, 1), (0.48, 0)]
)
def test_similarity_decides_how_many_thresholds_are_passed(labels, oks, passed):
    """AP is the mean over OKS of 0.50, 0.55, ... 0.95."""
    found = ap(labels, detections(labels, at_similarity(oks)))
    assert found["ap"] == pytest.approx(passed / 10)
    assert found["ar"] == pytest.approx(passed / 10)
    assert found["ap50"] == (oks > 0.5) and found["ap75"] == (oks > 0.75)


def test_a_surer_wrong_detection_costs_precision(labels):
    found = detections(labels)
    wrong = [
        {**one, "keypoints": [0.0] * 51, "score": 2.0} for one in found[:10]
    ]
    # At every recall at least 10 of 30 are wrong.
    assert ap(labels, found + wrong)["ap"] == pytest.approx(20 / 30, abs=0.01)
    wrong = [{**one, "score": 0.5} for one in wrong]
    assert ap(labels, found + wrong)["ap"] == pytest.approx(1.0)


def test_the_same_as_pycocotools_prints(labels):
    from pycocotools import coco, cocoeval

    rng = np.random.default_rng(0)
    found = detections(
        labels, lambda points, _: points + rng.normal(0, 1.2, points.shape)
    )
    for one in found:
        one["score"] = float(rng.random())
    with contextlib.redirect_stdout(io.StringIO()):
        truth = coco.COCO(str(labels.path))
        theirs = cocoeval.COCOeval(truth, truth.loadRes(found), "keypoints")
        theirs.evaluate()
        theirs.accumulate()
        theirs.summarize()
    ours = ap(labels, found)
    assert 0.1 < ours["ap"] < 0.9
    assert list(ours.values()) == pytest.approx(theirs.stats[[0, 1, 2, 5]])


def test_pictures_are_resampled(labels):
    half = detections(labels)
    for one in half[::2]:
        one["keypoints"] = [0.0] * 51
    got = coco_ap.Resampled(labels, half, COCO.joints, replicates=60)
    recall = got.ratio(("ar", "all", ""))
    low, high = got.interval(recall)
    # Of twenty pictures half are right: a share with this deviation.
    half_width = 1.96 * np.sqrt(0.25 / 20)
    assert recall[0] == 0.5
    assert (high - low) / 2 == pytest.approx(half_width, rel=0.3)
    assert got.people == {None: 20} and got.units == 20


def test_joints_that_nobody_can_have_are_left_out(labels):
    """The face is 100 pixels off, which must not matter over the body."""

    def move(points, _):
        moved = points.copy()
        moved[:5] += 100
        return moved

    found = detections(labels, move)
    # Twelve of seventeen terms of 1 make 0.706: five thresholds of ten.
    assert ap(labels, found)["ap"] == pytest.approx(0.5)
    assert ap(labels, found, BODY)["ap"] == 1.0
    assert "12 joints" in coco_ap.protocol(BODY).title
    assert coco_ap.protocol(COCO.joints).title.endswith("over 17 joints")


def test_predictions_of_a_network_without_a_face(labels):
    joints = skeleton.H36M17
    points = np.zeros((20, 17, 2))
    triples = [
        np.array(one["keypoints"]).reshape(-1, 3)
        for one in labels.content["annotations"]
    ]
    for k, joint in enumerate(joints.joints):
        if joint in COCO.joints:
            points[:, k] = [t[COCO.index(joint), :2] for t in triples]
    names = [f"somewhere/photo{k}.jpg" for k in range(20)] + ["other.jpg"]
    points = np.concatenate([points, points[:1]])
    found, has = coco_ap.results_of(names, joints, points, None, labels)
    # Its nose is the jaw.
    assert has == BODY and len(found) == 20
    assert ap(labels, found, has)["ap"] == 1.0
    with pytest.raises(ValueError, match="none of the pictures, such as x"):
        coco_ap.results_of(["x"], joints, points[:1], None, labels)


def test_what_ranks_people(labels):
    points = np.zeros((3, 17, 2))
    score = np.array([[0.2] * 17, [0.9] * 17, [np.nan] * 17])
    names = ["photo0.jpg"] * 3

    def ranks(*arguments):
        found, _ = coco_ap.results_of(
            names, skeleton.H36M17, points, *arguments
        )
        return [one["score"] for one in found]

    assert ranks(score, labels) == pytest.approx([0.2, 0.9, 0.0])
    assert ranks(None, labels) == [1, 1, 1]
    person = np.array([0.7, np.nan, 0.3])
    assert ranks(score, labels, person) == pytest.approx([0.7, 0.9, 0.3])


def test_an_annotation_with_the_id_zero_counts(tmp_path):
    content = coco_files.content(12)
    for k, one in enumerate(content["annotations"]):
        one["id"] = k
    path = tmp_path / "labels.json"
    path.write_text(json.dumps(content))
    labels = coco_ap.read_labels(path)
    assert ap(labels, detections(labels))["ar"] == 1.0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda c: c.pop("images"), "must hold the lists"),
        (lambda c: c["categories"][0].pop("keypoints"), "Found: 0"),
        (lambda c: c["annotations"][1].pop("area"), "has no area"),
        (lambda c: c["annotations"].clear(), "no annotation of a person"),
    ],
)
def test_labels_that_are_none(tmp_path, change, says):
    content = coco_files.content(3)
    change(content)
    path = tmp_path / "labels.json"
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=f"labels.json.*{says}"):
        coco_ap.read_labels(path)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"score": None}, None),
        ({"keypoints": [1, 2, 3]}, "51 numbers"),
        ({"image_id": 5}, "has no image 5"),
    ],
)
def test_results_that_are_none(tmp_path, labels, change, says):
    found = detections(labels)
    found[2] |= change
    path = tmp_path / "results.json"
    path.write_text(json.dumps(found))
    if says is None:
        del found[2]["score"]
        path.write_text(json.dumps(found))
        says = "has image_id, score"
    with pytest.raises(ValueError, match=f"detection 2: .*{says}"):
        coco_ap.read_results(path, labels)
    path.write_text("{}")
    with pytest.raises(ValueError, match="detection 0"):
        coco_ap.read_results(path, labels)
