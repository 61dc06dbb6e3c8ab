import concurrent.futures
import hashlib
import multiprocessing

import cv2
import numpy as np
import pytest

from ordinal_tf import geometry, ordinal, skeleton
from ordinal_tf.synthetic import people
from ordinal_tf.synthetic.body import model as bodies
from ordinal_tf.synthetic.body import posing
from ordinal_tf.synthetic.pose import families, limits

SIZE = 96
COUNT = 24


@pytest.fixture(scope="module")
def endless():
    return people.SyntheticPeople(3, size=SIZE)


@pytest.fixture(scope="module")
def samples(endless):
    return [endless[i] for i in range(COUNT)]


def test_types_and_shapes(samples):
    kinds = {
        "image": (np.uint8, (SIZE, SIZE, 3)),
        "box": (np.float32, (3,)),
        "keypoints": (np.float32, (17, 2)),
        "keypoint_mask": (np.bool_, (17,)),
        "depth": (np.float32, (17,)),
        "depth_mask": (np.bool_, (17,)),
        "relation": (np.int8, (17, 17)),
        "relation_mask": (np.bool_, (17, 17)),
        "pose": (np.float32, (17, 3)),
        "visible": (np.bool_, (17,)),
        "camera": (np.float32, (3, 3)),
        "mask": (np.bool_, (SIZE, SIZE)),
        "surface": (np.float32, (SIZE, SIZE)),
        "lsp_keypoints": (np.float32, (14, 2)),
    }
    for sample in samples:
        assert set(sample) == {*kinds, "jpeg", "kind"}
        for key, (kind, shape) in kinds.items():
            assert sample[key].dtype == kind and sample[key].shape == shape, key
        decoded = cv2.imdecode(
            np.frombuffer(sample["jpeg"], np.uint8), cv2.IMREAD_COLOR
        )
        np.testing.assert_array_equal(sample["image"], decoded[..., ::-1])


def test_the_pose_projects_to_the_keypoints(samples):
    for sample in samples:
        pixels = sample["pose"].astype(float) @ sample["camera"].T
        pixels = pixels[:, :2] / pixels[:, 2:]
        np.testing.assert_allclose(pixels, sample["keypoints"], atol=1e-3)


def test_depth_relation_and_box_are_the_packages_own(samples):
    for sample in samples:
        depth = sample["pose"][:, 2] - sample["pose"][0, 2]
        np.testing.assert_allclose(sample["depth"], depth, atol=1e-2)
        relation, pairs = ordinal.relations_from_depths(sample["depth"])
        np.testing.assert_array_equal(sample["relation"], relation)
        np.testing.assert_array_equal(
            sample["relation_mask"], ordinal.upper_pairs(pairs)
        )
        box = geometry.box_around(sample["keypoints"], np.ones(17, bool))
        np.testing.assert_allclose(sample["box"], box, atol=1e-3)


def test_joints_lie_just_behind_the_surface(samples):
    """Where a joint is seen, the skin before it is a limb's half away."""
    gaps = []
    for sample in samples:
        assert np.array_equal(
            np.isinf(sample["surface"]), sample["surface"] > 1e6
        )
        for k in np.flatnonzero(sample["visible"]):
            x, y = np.round(sample["keypoints"][k]).astype(int)
            surface = sample["surface"][y, x]
            if np.isfinite(surface):
                gaps.append(sample["pose"][k, 2] - surface)
    assert len(gaps) > 8 * COUNT
    assert np.max(gaps) < max(people.FLESH_MM.values())
    # Never far before the surface: a joint is inside the body.
    assert np.min(gaps) > -60
    assert 25 < np.median(gaps) < 130


def test_hidden_joints_have_something_before_them(samples):
    hidden = 0
    for sample in samples:
        for k in np.flatnonzero(~sample["visible"]):
            x, y = np.round(sample["keypoints"][k]).astype(int)
            if not (0 <= x < SIZE and 0 <= y < SIZE):
                continue
            hidden += 1
            name = skeleton.H36M17.joints[k]
            flesh = (
                people.FLESH_MM[name.split("_")[-1]]
                if (name not in people.FLESH_MM)
                else people.FLESH_MM[name]
            )
            behind = sample["pose"][k, 2] - sample["surface"][y, x]
            # A thing in front of the person takes the pixel off the mask.
            assert behind >= flesh or not sample["mask"][y, x]
    assert hidden > COUNT / 2


def test_left_is_the_persons_left(samples):
    """The front of the trunk and up give the left side: left = up x front."""
    names = skeleton.H36M17
    for sample in samples:
        at = {n: sample["pose"][k] for k, n in enumerate(names.joints)}
        # Camera axes have y down: as world axes, y and z change sign.
        pose = sample["pose"] * [1, -1, -1]
        assert limits.within_limits(pose, tolerance_deg=15.0)
        across = at["left_hip"] - at["right_hip"]
        assert 180 < np.linalg.norm(across) < 330


def test_the_mask_shows_the_person(samples):
    for sample in samples:
        # The mask lies around the visible joints.
        for k in np.flatnonzero(sample["visible"]):
            x, y = np.round(sample["keypoints"][k]).astype(int)
            near = sample["mask"][max(y - 3, 0) : y + 4, max(x - 3, 0) : x + 4]
            assert near.any()
        assert np.isfinite(sample["surface"][sample["mask"]]).all()


def _digest(made, numbers):
    return [
        hashlib.sha256(made[i]["jpeg"] + made[i]["pose"].tobytes()).hexdigest()
        for i in numbers
    ]


@pytest.mark.slow  # Processes start.
def test_the_same_sample_in_any_process_and_order(endless, samples):
    expected = [
        hashlib.sha256(s["jpeg"] + s["pose"].tobytes()).hexdigest()
        for s in samples[:4]
    ]
    assert _digest(endless, [3, 2, 1, 0]) == expected[::-1]
    with concurrent.futures.ProcessPoolExecutor(
        1, mp_context=multiprocessing.get_context("spawn")
    ) as pool:
        other = pool.submit(
            _digest, people.SyntheticPeople(3, size=SIZE), [2, 0]
        ).result()
    assert other == [expected[2], expected[0]]
    assert _digest(people.SyntheticPeople(4, size=SIZE), [0]) != expected[:1]


def test_one_ingredient_leaves_the_others_alone(samples):
    plain = people.SyntheticPeople(
        3,
        size=SIZE,
        options={"look": {"clothes": False}, "occluders": {"chance": 0.0}},
    )
    for i in range(4):
        sample = plain[i]
        np.testing.assert_array_equal(sample["pose"], samples[i]["pose"])
        np.testing.assert_array_equal(sample["box"], samples[i]["box"])
        assert sample["jpeg"] != samples[i]["jpeg"]


def test_views_share_the_posed_body():
    made = people.SyntheticPeople(0, size=SIZE, views=3)
    poses = [made[i]["pose"] for i in range(6)]

    def gaps(pose):
        return np.linalg.norm(pose[:, None] - pose[None], axis=-1)

    for one, other in ((0, 1), (0, 2), (3, 5)):
        # Rigid motion: only the camera differs.
        np.testing.assert_allclose(
            gaps(poses[one]), gaps(poses[other]), atol=0.5
        )
        assert np.abs(poses[one] - poses[other]).max() > 10
    assert np.abs(gaps(poses[2]) - gaps(poses[3])).max() > 20


def test_lsp_labels(samples):
    made = people.SyntheticPeople(3, size=SIZE, joints="lsp14")
    to_body = skeleton.mapping(skeleton.LSP14, skeleton.H36M17)
    for i in range(4):
        sample = made[i]
        np.testing.assert_array_equal(sample["jpeg"], samples[i]["jpeg"])
        points = samples[i]["lsp_keypoints"]
        np.testing.assert_array_equal(sample["lsp_keypoints"], points)
        mapped, _ = to_body.points(points, np.ones(14, bool))
        exact = to_body.weights.max(1) == 1
        np.testing.assert_allclose(
            sample["keypoints"][exact], mapped[exact], atol=1e-3
        )
        # Midpoints are taken in space: nearly those of the picture.
        np.testing.assert_allclose(sample["keypoints"], mapped, atol=3)
        crown = skeleton.LSP14.index("head_top")
        head = skeleton.H36M17.index("head_top")
        gap = points[crown] - samples[i]["keypoints"][head]
        assert 0 < np.linalg.norm(gap) < SIZE / 4


def test_studio_shows_everybody_whole():
    made = people.SyntheticPeople(0, size=SIZE, preset="studio")
    for i in range(6):
        keypoints = made[i]["keypoints"]
        assert keypoints.min() > 0 and keypoints.max() < SIZE - 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"preset": "film"}, "`preset` must be one of"),
        ({"options": {"hats": {}}}, "The ingredients are pose"),
        ({"options": {"look": {"hats": 1}}}, "`look` may set"),
        ({"options": {"camera": {"size": 1}}}, "`camera` may set"),
        ({"joints": "coco17"}, "`joints` must be h36m17 or lsp14"),
        ({"views": 0}, "`views` must be 1 or more"),
        ({"size": 8}, "`size` must be 32 or more"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        people.SyntheticPeople(0, **arguments)


def test_negative_samples_do_not_exist(endless):
    with pytest.raises(IndexError, match="numbered from 0"):
        endless[-1]


def test_the_body_and_its_labels_move_together():
    """Posed points are those that the labels are made of."""
    whole = bodies.load_body()
    rest = bodies.shaped(whole, np.zeros(len(whole.shape_basis)))
    joints = people.poses.shipped_poses()[7]
    posed = posing.pose_body(whole, rest, joints)
    assert posed.points.shape == (len(bodies.POINTS), 3)
    assert bodies.POINTS[:17] == skeleton.H36M17.joints


def test_people_stand_on_the_floor_and_jump_above_it():
    """Nobody sinks into it; y is up, the floor at 0."""
    endless = people.SyntheticPeople(
        1, size=SIZE, options={"manner": {"lift": (1.0, 700.0)}}
    )
    jumps = []
    for group in range(60):
        person = endless._new_person(group)
        lowest = person.vertices[:, 1].min()
        # Joints, moved with the skin, are within it.
        assert lowest < person.points[:, 1].min() < lowest + 400
        if person.kind in families.AIRBORNE:
            jumps.append(lowest)
        else:
            assert abs(lowest) < 1e-3
    assert len(jumps) > 2
    assert min(jumps) > -1e-3 and 150 < max(jumps) < 700.001


def test_poses_without_bodies():
    drawn = people.draw_poses(60, seed=4)
    assert drawn.shape == (60, 17, 3) and drawn.dtype == np.float32
    np.testing.assert_array_equal(drawn[:, 0], 0)
    assert limits.within_limits(drawn, tolerance_deg=7.0).mean() > 0.95
    np.testing.assert_array_equal(people.draw_poses(9, seed=4), drawn[:9])
    assert np.abs(people.draw_poses(9, seed=5) - drawn[:9]).max() > 1
    # Not walkers alone: some have their head below the pelvis.
    head = drawn[:, skeleton.H36M17.index("head_top"), 1]
    assert 0.02 < (head < 0).mean() < 0.5
    assert people.draw_poses(0, seed=4).shape == (0, 17, 3)
