"""Joint sets, their mirrors, and mapping by name."""

import numpy as np
import pytest

from ordinal_tf import skeleton
from ordinal_tf.skeleton import (
    COCO17,
    H36M17,
    H36M32,
    HUMANEVA15,
    LSP14,
    MPI_INF_3DHP17,
    MPII16,
)

ALL = pytest.mark.parametrize("body", skeleton.SKELETONS, ids=lambda s: s.name)


@ALL
def test_skeleton_is_a_tree(body):
    count = int(body.name.removesuffix("_left_first")[-2:])
    assert len(body) == len(set(body.joints)) == len(body.parents) == count
    tops = [k for k, parent in enumerate(body.parents) if parent < 0]
    assert len(tops) == 1 and body.root == tops[0]
    for k in range(count):
        for _ in range(count):
            k = body.parents[k] if k >= 0 else k
        assert k == -1  # Every walk upwards ends at the top.
    assert len(body.bones) == count - 1
    assert all(body.parents[child] == parent for parent, child in body.bones)


@ALL
def test_mirror_trades_left_and_right(body):
    for k, m in enumerate(body.mirror):
        assert body.mirror[m] == k
        joint, other = body.joints[k], body.joints[m]
        if joint.startswith("left_"):
            assert other == "right_" + joint.removeprefix("left_")
        elif not joint.startswith("right_"):
            assert other == joint
    # Bones are mirrored onto bones.
    bones = {frozenset(bone) for bone in body.bones}
    mirrored = {frozenset(body.mirror[k] for k in bone) for bone in bones}
    if body is not COCO17:
        assert bones == mirrored


def pairs(body):
    return [(k, m) for k, m in enumerate(body.mirror) if k < m]


def test_published_tables():
    """As the authors' code and data files write them down."""
    left_first = skeleton.H36M17_LEFT_FIRST
    assert left_first.index("left_hip") == 1 and H36M17.index("right_hip") == 1
    parents = (-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15)
    assert left_first.parents == H36M17.parents == parents
    legs_and_arms = [(1, 4), (2, 5), (3, 6), (11, 14), (12, 15), (13, 16)]
    assert pairs(left_first) == pairs(H36M17) == legs_and_arms
    mpii = [(0, 5), (1, 4), (2, 3), (10, 15), (11, 14), (12, 13)]
    assert pairs(MPII16) == mpii
    lsp = [(0, 5), (1, 4), (2, 3), (6, 11), (7, 10), (8, 9)]
    assert pairs(LSP14) == lsp
    assert (LSP14.index("left_shoulder"), LSP14.index("right_hip")) == (9, 2)
    # Which of Human3.6M's 32 points make the 17, as projects that read its
    # own files select them.
    weights = skeleton.mapping(H36M32, H36M17).weights
    selected = [0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27]
    assert weights.argmax(-1).tolist() == selected
    # The same for MPI-INF-3DHP's test set.
    weights = skeleton.mapping(MPI_INF_3DHP17, H36M17).weights
    selected = [14, 8, 9, 10, 11, 12, 13, 15, 1, 16, 0, 5, 6, 7, 2, 3, 4]
    assert weights.argmax(-1).tolist() == selected


# Orders as the data sets' own documents or other readers write them down.
DOCUMENTED = {
    # README of LSP-Extended.
    "lsp14": "Right ankle, Right knee, Right hip, Left hip, Left knee, Left "
    "ankle, Right wrist, Right elbow, Right shoulder, Left shoulder, Left "
    "elbow, Left wrist, Neck, Head top",
    # "Annotation description", human-pose.mpi-inf.mpg.de.
    "mpii16": "r ankle, r knee, r hip, l hip, l knee, l ankle, pelvis, "
    "thorax, upper neck, head top, r wrist, r elbow, r shoulder, l shoulder, "
    "l elbow, l wrist",
    # The category of person_keypoints_train2017.json.
    "coco17": "nose, left_eye, right_eye, left_ear, right_ear, left_shoulder, "
    "right_shoulder, left_elbow, right_elbow, left_wrist, right_wrist, "
    "left_hip, right_hip, left_knee, right_knee, left_ankle, right_ankle",
    # mmhuman3d, keypoints_mapping/mpi_inf_3dhp.py, the test set.
    "mpi_inf_3dhp17": "headtop, neck, right_shoulder, right_elbow, "
    "right_wrist, left_shoulder, left_elbow, left_wrist, right_hip, "
    "right_knee, right_ankle, left_hip, left_knee, left_ankle, pelvis, spine, "
    "head",
    # mmpose's conversion of HumanEva, and VideoPose3D's 15 joints.
    "humaneva15": "pelvis, thorax, lsho, lelb, lwri, rsho, relb, rwri, lhip, "
    "lkne, lank, rhip, rkne, rank, head",
    # VideoPose3D and mmpose: right leg first, then the left one.
    "h36m17": "root, right_hip, right_knee, right_foot, left_hip, left_knee, "
    "left_foot, spine, thorax, neck_base, head, left_shoulder, left_elbow, "
    "left_wrist, right_shoulder, right_elbow, right_wrist",
    # README of the sample of the authors' own files.
    "h36m17_left_first": "pelvis, L hip, L knee, L ankle, R hip, R knee, "
    "R ankle, spine, thorax, nose, head top, L shoulder, L elbow, L wrist, "
    "R shoulder, R elbow, R wrist",
}
SHORT = {"l": "left", "r": "right", "sho": "shoulder", "elb": "elbow"}
SHORT |= {"wri": "wrist", "kne": "knee", "ank": "ankle", "foot": "ankle"}
OURS = {"headtop": "head_top", "root": "pelvis", "neck_base": "nose"}
HEADS = {"head": "head_top"}  # But in MPI-INF-3DHP.


@pytest.mark.parametrize("name", DOCUMENTED)
def test_tables_as_documented(name):
    body = {body.name: body for body in skeleton.SKELETONS}[name]
    names = DOCUMENTED[name].split(", ")
    assert len(names) == len(body)
    for joint, written in zip(body.joints, names, strict=True):
        word = written.lower().replace(" ", "_")
        if word[0] in "lr" and word[1:] in ("hip", *SHORT):
            word = f"{word[0]}_{word[1:]}"
        word = "_".join(SHORT.get(part, part) for part in word.split("_"))
        word = OURS.get(word, word)
        if name != "mpi_inf_3dhp17":
            word = HEADS.get(word, word)
        assert joint == word, written


def test_unknown_joint_is_named():
    with pytest.raises(ValueError, match="lsp14 has no joint 'pelvis'.*neck"):
        LSP14.index("pelvis")


# Mapping points.


def points_of(body, seed=0):
    return np.random.default_rng(seed).normal(size=(2, len(body), 3))


def test_left_first_files_are_mapped_by_name():
    to_ours = skeleton.mapping(skeleton.H36M17_LEFT_FIRST, H36M17)
    points = points_of(H36M17)
    mapped, known = to_ours.points(points, np.ones((2, 17), bool))
    np.testing.assert_array_equal(to_ours.points(points)[0], mapped)
    # The columns that the sample data's README gives.
    order = [0, 4, 5, 6, 1, 2, 3, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]
    np.testing.assert_allclose(mapped, points[:, order])
    assert known.all() and not to_ours.approximate.any()


@ALL
def test_mapping_onto_itself_is_the_identity(body):
    same = skeleton.mapping(body, body)
    np.testing.assert_array_equal(same.weights, np.eye(len(body)))
    assert same.mask.all() and not same.approximate.any()


@pytest.mark.parametrize("source", skeleton.SKELETONS, ids=lambda s: s.name)
@pytest.mark.parametrize("target", skeleton.SKELETONS, ids=lambda s: s.name)
def test_mapping_commutes_with_mirroring(source, target):
    one = skeleton.mapping(source, target)
    mirrored = one.weights[list(target.mirror)][:, list(source.mirror)]
    np.testing.assert_allclose(mirrored, one.weights)
    sums = one.weights.sum(-1)
    np.testing.assert_allclose(sums, one.mask)  # Means, or nothing.
    shared = set(source.joints) & set(target.joints)
    for joint in shared:
        row = one.weights[target.index(joint)]
        assert row[source.index(joint)] == 1


def named(mapping, flags):
    return {j for j, f in zip(mapping.target.joints, flags, strict=True) if f}


@pytest.mark.parametrize(
    ("source", "missing", "approximate"),
    [
        (LSP14, set(), {"thorax", "spine", "nose", "head_top"}),
        (MPII16, set(), {"spine", "nose", "head_top"}),
        (HUMANEVA15, set(), {"spine", "nose"}),
        (COCO17, {"head_top"}, {"thorax", "spine", "nose"}),
        (MPI_INF_3DHP17, set(), {"thorax", "nose", "head_top"}),
        (H36M32, set(), set()),
    ],
)
def test_what_is_derived(source, missing, approximate):
    to_ours = skeleton.mapping(source, H36M17)
    assert named(to_ours, ~to_ours.mask) == missing
    assert named(to_ours, to_ours.approximate) == approximate


def test_derived_points_by_hand():
    points = np.zeros((14, 2))
    points[LSP14.index("left_hip")] = [10, 0]
    points[LSP14.index("right_hip")] = [0, 4]
    points[LSP14.index("neck")] = [5, 100]
    points[LSP14.index("head_top")] = [5, 140]
    points[LSP14.index("left_knee")] = np.nan
    mask = np.ones(14, bool)
    mask[LSP14.index("left_knee")] = False
    mapped, known = skeleton.mapping(LSP14, H36M17).points(points, mask)
    expected = {
        "pelvis": [5, 2],
        "thorax": [5, 100],
        "spine": [5, 51],
        "nose": [5, 120],
        "left_knee": [0, 0],
    }
    for joint, point in expected.items():
        np.testing.assert_allclose(mapped[H36M17.index(joint)], point)
    assert named(skeleton.mapping(LSP14, H36M17), ~known) == {"left_knee"}


def test_derived_point_needs_all_of_its_sources():
    mask = np.ones(14, bool)
    mask[LSP14.index("left_hip")] = False
    to_ours = skeleton.mapping(LSP14, H36M17)
    _, known = to_ours.points(np.zeros((14, 2)), mask)
    assert named(to_ours, ~known) == {"left_hip", "pelvis", "spine"}


# Mapping relations.


def relations_of(depths, tolerance=0.0):
    diff = depths[..., :, None] - depths[..., None, :]
    return np.where(np.abs(diff) <= tolerance, 0, -np.sign(diff)).astype("int8")


@pytest.mark.parametrize("source", skeleton.SKELETONS, ids=lambda s: s.name)
def test_mapped_relations_hold_for_mapped_depths(source):
    rng = np.random.default_rng(0)
    # A share of equal depths, so that all three relations occur.
    depths = rng.integers(0, 6, (20, len(source))).astype(float)
    every = np.ones((20, len(source), len(source)), bool)
    to_ours = skeleton.mapping(source, H36M17)
    relations, known = to_ours.relations(relations_of(depths), every)
    derived = depths @ to_ours.weights.T
    expected = relations_of(derived, tolerance=1e-9)
    np.testing.assert_array_equal(relations[known], expected[known])
    assert set(np.unique(relations[known])) == {-1, 0, 1}
    np.testing.assert_array_equal(relations, -np.swapaxes(relations, -1, -2))
    np.testing.assert_array_equal(known, np.swapaxes(known, -1, -2))
    assert not relations[~known].any()
    # Joints that are there under their own name lose no pair.
    own = [k for k, j in enumerate(H36M17.joints) if j in source.joints]
    assert known[:, own][:, :, own][:, ~np.eye(len(own), dtype=bool)].all()


def test_relations_of_derived_joints_by_hand():
    relations, mask = np.zeros((14, 14), "int8"), np.zeros((14, 14), bool)

    def annotate(i, j, relation):
        i, j = LSP14.index(i), LSP14.index(j)
        relations[i, j], relations[j, i] = relation, -relation
        mask[i, j] = mask[j, i] = True

    annotate("left_hip", "left_wrist", 1)
    annotate("right_hip", "left_wrist", 1)
    annotate("left_hip", "right_wrist", 1)
    annotate("right_hip", "right_wrist", -1)
    annotate("left_hip", "left_knee", 0)
    mapped, known = skeleton.mapping(LSP14, H36M17).relations(relations, mask)
    pelvis = H36M17.root

    def pair(joint):
        k = H36M17.index(joint)
        return mapped[pelvis, k], known[pelvis, k]

    assert pair("left_wrist") == (1, True)  # Both hips are nearer.
    assert pair("right_wrist") == (0, False)  # The hips disagree.
    assert pair("left_knee") == (0, False)  # One hip says nothing.
    assert known.sum() == 2 * 6
