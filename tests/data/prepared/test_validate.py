"""Each check finds the mistake that it is for, and nothing in good data."""

import numpy as np
import pytest

from ordinal_tf import geometry, ordinal, skeleton
from ordinal_tf.data.pipeline import streams
from ordinal_tf.data.prepared import validate, writing
from ordinal_tf.data.readers import h36m, lsp
from tests import lsp_files, prepared_files

MIRROR = list(skeleton.H36M17.mirror)
LEGS = [MIRROR[k] if 1 <= k <= 6 else k for k in range(17)]


class Mistaken(prepared_files.DrawnPeople):
    """Drawn people whose labels went through a reader with a mistake."""

    def __init__(self, change):
        super().__init__()
        self.change = change

    def __getitem__(self, i):
        sample = super().__getitem__(i)
        return {**sample, **self.change(sample)}


def labels(change, count=40):
    """Labels of many people, as `validate` reads them."""
    people = Mistaken(change)
    found = [streams.rendered_record(people, i)[0] for i in range(count)]
    return {key: np.stack([one[key] for one in found]) for key in found[0]}


def wrong(people):
    """Names of the checks that find something systematic."""
    found = set()
    for check in validate.CHECKS:
        could, fails = check.test(people)
        if (could & fails).sum() > check.limit * could.sum():
            found.add(check.name)
    return found


def test_nothing_is_wrong_with_good_data(tmp_path):
    prepared_files.write_prepared(tmp_path / "out", count=20)
    done = []
    found = validate.validate(tmp_path / "out", progress=done.append)
    assert [one["failed"] for one in found] == [0] * len(validate.CHECKS)
    assert not any(one["wrong"] or one["examples"] for one in found)
    tested = {one["check"]: one["tested"] for one in found}
    assert min(tested.values()) > 5 and max(tested.values()) == 20
    assert done == [20]


def test_a_mistake_is_named_with_examples(tmp_path):
    people = streams.RenderedPeople(
        Mistaken(lambda sample: {"relation": -sample["relation"]}),
        *("drawn", {}, 0, 7),
    )
    writing.prepare(
        people,
        tmp_path / "out",
        about=prepared_files.ABOUT,
        report=prepared_files.quiet,
    )
    (found,) = (
        one for one in validate.validate(tmp_path / "out") if one["wrong"]
    )
    assert found["check"] == "relations agree with depth"
    assert found["failed"] == found["tested"] == 7
    assert "opposite sign" in found["meaning"]
    assert found["examples"][1] == (1, "00000001.jpg")
    assert len(found["examples"]) == 5


def moved(sample, order):
    """Labels whose joints are permuted."""
    pairs = np.ix_(order, order)
    mask = sample["relation_mask"] | sample["relation_mask"].T
    changed = {
        key: sample[key][order] for key in ("keypoints", "depth", "pose")
    }
    depth = changed["pose"][:, 2] - changed["pose"][0, 2]
    return {
        **changed,
        "depth": depth,
        "relation": sample["relation"][pairs],
        "relation_mask": mask[pairs],
    }


def farther(sample):
    """Distance along the axis as depth, as the root's were at zero."""
    return {"depth": sample["depth"] + 100}


def rolled(sample):
    """Every joint under the next one's number."""
    return moved(sample, [0, *range(2, 17), 1])


MISTAKES = {
    "boxes are doubled": (
        lambda s: {"box": s["box"] * np.float32([1, 1, 5])},
        {"box around the keypoints", "box in the picture"},
    ),
    "boxes are elsewhere": (
        lambda s: {"box": s["box"] + np.float32([500, 0, 0])},
        {"box around the keypoints", "box in the picture"},
    ),
    "keypoints are elsewhere": (
        lambda s: {"keypoints": s["keypoints"] + np.float32([300, 0])},
        {
            "keypoints near the picture",
            "box around the keypoints",
            "pose projects to the keypoints",
        },
    ),
    "left and right are swapped": (
        lambda s: moved(s, MIRROR),
        {"knees bend forwards"},
    ),
    "the legs are swapped": (
        lambda s: moved(s, LEGS),
        {"hips and shoulders turn alike", "knees bend forwards"},
    ),
    "the pose is mirrored": (
        lambda s: {"pose": s["pose"] * np.float32([-1, 1, 1])},
        {"pose projects to the keypoints", "knees bend forwards"},
    ),
    "relations have the published sign": (
        lambda s: {"relation": -s["relation"]},
        {"relations agree with depth"},
    ),
    "relations are of other joints": (
        lambda s: {"relation": np.rot90(s["relation"], 2).copy()},
        {"relations agree with depth"},
    ),
    "depth has another zero": (farther, {"depth is that of the pose"}),
    "metres": (
        lambda s: {"pose": s["pose"] / 1000, "depth": s["depth"] / 1000},
        {"millimetres"},
    ),
    "joints are shifted": (
        rolled,
        {"proportions of a body", "left and right bones alike"},
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_found(mistake):
    change, expected = MISTAKES[mistake]
    assert expected <= wrong(labels(change))


def test_relations_that_contradict_each_other():
    rng = np.random.default_rng(0)

    def random(sample):
        upper = np.triu(rng.integers(-1, 2, (17, 17)), k=1)
        return {"relation": (upper - upper.T).astype(np.int8)}

    assert "relations are transitive" in wrong(labels(random))


def one(check, **people):
    """What one check says of people, by its name."""
    (found,) = (c for c in validate.CHECKS if c.name == check)
    could, fails = found.test(people)
    return (could & fails).tolist()


def test_width_and_height_of_the_picture():
    """Of 400 x 100 pixels: `size` is height and width, points are x and y."""
    size = np.array([[100, 400]] * 3)
    boxes = np.array([[390.0, 50, 40], [50, 390, 40], [200, 50, 40]])
    box = "box in the picture"
    assert one(box, size=size, box=boxes) == [False, True, False]
    points = np.tile(boxes[:, None, :2], (1, 17, 1))
    known = np.ones((3, 17), bool)
    assert one(
        "keypoints near the picture",
        size=size,
        box=boxes,
        keypoints=points,
        keypoint_mask=known,
    ) == [False, True, False]


def test_unknown_depths_are_not_judged():
    """A joint without depth holds 0, which is no depth of 0."""
    depth = np.zeros((2, 17), np.float32)
    depth[:, 5] = 600
    relation = np.zeros((2, 17, 17), np.int8)
    relation[:, 5, 1:4], relation[:, 1:4, 5] = 1, -1  # Joint 5 is nearer.
    mask = relation != 0
    known = np.ones((2, 17), bool)
    known[1, 1:4] = False
    agree = "relations agree with depth"
    people = {"depth": depth, "relation": relation, "relation_mask": mask}
    assert one(agree, **people, depth_mask=known) == [True, False]
    # The same of poses: depth and pose of joint 2 are apart by 600 mm.
    pose = np.zeros((2, 17, 3), np.float32)
    pose[:, 5, 2], pose[:, 2, 2] = 600, 600
    known = np.ones((2, 17), bool)
    known[1, 2] = False
    for masks in ((known, np.ones_like(known)), (np.ones_like(known), known)):
        found = one(
            "depth is that of the pose",
            depth=depth,
            depth_mask=masks[0],
            pose=pose,
            pose_mask=masks[1],
        )
        assert found == [True, False]
    known[:, 0] = False  # Without the root nothing is relative to it.
    assert one(
        "depth is that of the pose",
        depth=depth,
        depth_mask=np.ones_like(known),
        pose=pose,
        pose_mask=known,
    ) == [False, False]


def test_the_share_is_that_of_the_tested(tmp_path):
    """One of 3 who have a pose is wrong, among 30 people."""

    class Few(prepared_files.DrawnPeople):
        def __getitem__(self, i):
            sample = super().__getitem__(i)
            if i >= 3:
                zeros = np.zeros(17, bool)
                return {**sample, "relation_mask": np.zeros((17, 17), bool)} | {
                    "relation": np.zeros((17, 17), np.int8),
                    "depth_mask": zeros,
                    "depth": np.zeros(17, np.float32),
                }
            sign = -1 if i == 0 else 1
            return {**sample, "relation": sign * sample["relation"]}

    people = streams.RenderedPeople(Few(), "drawn", {}, 0, 30)
    writing.prepare(
        people,
        tmp_path / "out",
        about=prepared_files.ABOUT,
        report=prepared_files.quiet,
    )
    (found,) = (
        row
        for row in validate.validate(tmp_path / "out")
        if row["check"] == "relations agree with depth"
    )
    # 1 of 3 is above the limit of a tenth, 1 of 30 is below.
    assert (found["tested"], found["failed"], found["wrong"]) == (3, 1, True)


def test_what_is_not_known_is_not_judged(tmp_path):
    lsp_files.write_lsp(tmp_path / "lsp", count=4, relations=False)
    people = writing.PhotoPeople(
        lsp.read_lsp(tmp_path / "lsp"), tmp_path / "lsp", {}
    )
    writing.prepare(
        people,
        tmp_path / "out",
        about=prepared_files.ABOUT,
        report=prepared_files.quiet,
    )
    found = validate.validate(tmp_path / "out")
    assert {one["check"] for one in found} == {
        "box in the picture",
        "keypoints near the picture",
        "box around the keypoints",
        "hips and shoulders turn alike",
    }
    assert not any(one["wrong"] for one in found)


def test_real_poses_of_human36m(shared_data):
    real = h36m.read_annotations(shared_data / "h36m_sample/annot/valid.mat")
    keypoints, depth = real.views["keypoints_2d"], real.views["depth"]
    known = np.ones(depth.shape, bool)
    relation, pairs = ordinal.relations_from_depths(depth)
    people = {
        "size": np.full((len(depth), 2), 1000),
        "box": np.asarray(geometry.box_around(keypoints, known)),
        "keypoints": keypoints,
        "keypoint_mask": known,
        "depth": depth,
        "depth_mask": known,
        "relation": np.asarray(relation),
        "relation_mask": np.asarray(pairs),
        "pose": real.poses,
        "pose_mask": known,
        "camera": real.intrinsics,
    }
    for check in validate.CHECKS:
        could, _ = check.test(people)
        assert could.mean() > 0.5, check.name
    assert not wrong(people)
