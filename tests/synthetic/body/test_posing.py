"""Posed bodies: directions, symmetry, rigid motion, sound joints."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from ordinal_tf import skeleton
from ordinal_tf.synthetic.body import model as bodies
from ordinal_tf.synthetic.body import posing

JOINTS = skeleton.H36M17
FLIP = np.array([-1.0, 1, 1])
LIMBS = {"arm": ("shoulder", "elbow", "wrist"), "leg": ("hip", "knee", "ankle")}
UP = np.array([0.0, 1.0, 0.0])


@pytest.fixture(scope="module")
def rest(body):
    return bodies.shaped(body, body.samples[0])


def bend(joints, side, limb, first, last):
    """Joints with one limb pointed in two directions, lengths as they are."""
    a, b, c = (JOINTS.index(f"{side}_{name}") for name in LIMBS[limb])
    moved = joints.copy()
    for start, end, way in ((a, b, first), (b, c, last)):
        way = np.asarray(way, float)
        length = np.linalg.norm(joints[end] - joints[start])
        moved[end] = moved[start] + length * way / np.linalg.norm(way)
    return moved


def random_pose(rest, rng):
    """Joints of a body that bends everywhere, limbs within their limits."""
    joints = rest.points[:17].astype(float)
    upper = [JOINTS.index(n) for n in ("thorax", "nose", "head_top")]
    arms = [k for k in range(17) if k >= 11]
    spine = joints[JOINTS.index("spine")]
    lean = Rotation.from_rotvec(rng.normal(0, 0.25, 3)).as_matrix()
    rows = upper + arms
    joints[rows] = (joints[rows] - spine) @ lean.T + spine
    for side, sign in (("left", 1), ("right", -1)):
        turn = Rotation.from_euler("xyz", rng.uniform(-0.7, 0.7, 3))
        flex = rng.uniform(0.6, 2.0)
        ways = turn.apply([[0, -1, 0], [0, -np.cos(flex), np.sin(flex)]])
        joints = bend(joints, side, "arm", *(ways + [[0.3 * sign, 0, 0]]))
        turn = Rotation.from_euler("xz", (-rng.uniform(0, 1.4), 0.2 * sign))
        flex = rng.uniform(0.7, 2.0)
        ways = turn.apply([[0, -1, 0], [0, -np.cos(flex), -np.sin(flex)]])
        joints = bend(joints, side, "leg", *ways)
    return joints


def degrees(first, last):
    sine = np.linalg.norm(np.cross(first, last))
    return np.degrees(np.arctan2(sine, np.sum(first * last)))


def volume(vertices, faces):
    a, b, c = vertices[faces].astype(float).transpose(1, 0, 2)
    return np.einsum("fi,fi->", a, np.cross(b, c)) / 6


def test_rest_stays_as_it_is(body, rest):
    posed = posing.pose_body(body, rest, rest.points[:17])
    np.testing.assert_allclose(posed.vertices, rest.vertices, atol=1e-2)
    np.testing.assert_allclose(posed.points, rest.points, atol=1e-2)
    identity = np.eye(3, 4)[None].repeat(len(body.bones), 0)
    np.testing.assert_allclose(posed.transforms, identity, atol=1e-2)
    assert posed.vertices.dtype == posed.points.dtype == np.float32


@pytest.mark.parametrize("seed", range(8))
def test_limbs_point_as_the_joints_do(body, rest, seed):
    """Whatever the source's lengths, which change here by a third."""
    rng = np.random.default_rng(seed)
    joints = random_pose(rest, rng)
    stretched = joints.copy()
    for parent, child in JOINTS.bones:
        offset = (joints[child] - joints[parent]) * rng.uniform(0.67, 1.33)
        stretched[child] = stretched[parent] + offset
    for wanted in (joints, stretched):
        posed = posing.pose_body(body, rest, wanted)
        np.testing.assert_allclose(posed.points[0], wanted[0], atol=1e-2)
        for parent, child in JOINTS.bones:
            name = JOINTS.joints[child]
            angle = degrees(
                posed.points[child] - posed.points[parent],
                wanted[child] - wanted[parent],
            )
            limit = 12 if name in ("spine", "thorax") else 0.5
            if name.endswith(("shoulder", "nose")):
                limit = 35  # These follow in part.
            assert angle < limit, name


@pytest.mark.parametrize("seed", range(3))
def test_limb_points_are_where_the_bones_turn(body, rest, seed):
    joints = random_pose(rest, np.random.default_rng(seed))
    posed = posing.pose_body(body, rest, joints)
    for joint in ("knee", "ankle", "elbow", "wrist"):
        for side in ("left", "right"):
            p = bodies.POINTS.index(f"{side}_{joint}")
            child = body.point_bone[p]
            point = np.append(rest.heads[child], 1)
            turned = [
                posed.transforms[b] @ point
                for b in (child, body.parents[child])
            ]
            np.testing.assert_allclose(turned[0], turned[1], atol=1e-2)
            # 0.2: rest points and pivots are stored in sixteenths of a mm.
            np.testing.assert_allclose(posed.points[p], turned[0], atol=0.2)


@pytest.mark.parametrize("seed", range(4))
def test_mirrored_joints_give_the_mirrored_body(body, rest, seed):
    joints = random_pose(rest, np.random.default_rng(seed))
    mirrored = joints[list(JOINTS.mirror)] * FLIP
    options = dict(curl=(0.2, 0.8), pronation=(0.5, -0.3), foot=(0.1, 0.4))
    swapped = {name: value[::-1] for name, value in options.items()}
    one = posing.pose_body(body, rest, joints, **options, head_turn=0.3)
    two = posing.pose_body(body, rest, mirrored, **swapped, head_turn=-0.3)
    np.testing.assert_allclose(
        two.vertices[body.mirror], one.vertices * FLIP, atol=2e-2
    )


@pytest.mark.parametrize("seed", range(3))
def test_rigid_motion_carries_the_body_along(body, rest, seed):
    rng = np.random.default_rng(seed)
    joints = random_pose(rest, rng)
    rotation = Rotation.random(rng=rng).as_matrix()
    shift = rng.normal(0, 2000, 3)
    posed = posing.pose_body(body, rest, joints, up=UP)
    moved = posing.pose_body(
        body, rest, joints @ rotation.T + shift, up=rotation @ UP
    )
    np.testing.assert_allclose(
        moved.vertices, posed.vertices @ rotation.T + shift, atol=2e-2
    )


def straight(rest):
    joints = rest.points[:17].astype(float)
    for side, sign in (("left", 1), ("right", -1)):
        joints = bend(joints, side, "arm", (sign, 0, 0), (sign, 0, 0))
        joints = bend(joints, side, "leg", (0, -1, 0), (0, -1, 0))
    return joints


def test_straight_limbs_keep_kneecaps_and_elbows(body, rest):
    """No bend tells the hinge: knees look forward, elbows down and back."""
    posed = posing.pose_body(body, rest, straight(rest))
    assert np.all(np.isfinite(posed.vertices))
    for end in ("L", "R"):
        knee = posed.transforms[body.bones.index(f"upperleg02.{end}"), :, :3]
        assert (knee @ [0, 0, 1])[2] > 0.95
        foot = body.bones.index(f"foot.{end}")
        toes = body.bones.index(f"toes.{end}")
        way = posed.transforms[foot, :, :3] @ (
            rest.heads[toes] - rest.heads[foot]
        )
        assert way[2] > 0.9 * np.linalg.norm(way[[0, 2]])


def test_knees_bend_backwards_only(body, rest):
    """A knee that joints bend forwards a little is a straight leg's noise."""
    joints = rest.points[:17].astype(float)
    for flex in (0.3, 1.0, 2.0):
        ways = [(0, -1, 0), (0, -np.cos(flex), -np.sin(flex))]
        posed = posing.pose_body(body, rest, bend(joints, "left", "leg", *ways))
        front = posed.transforms[body.bones.index("upperleg02.L"), :, :3]
        assert (front @ [0, 0, 1])[2] > 0.9
    ways = [(0, -1, 0), (0, -np.cos(0.2), np.sin(0.2))]
    posed = posing.pose_body(body, rest, bend(joints, "left", "leg", *ways))
    front = posed.transforms[body.bones.index("upperleg02.L"), :, :3]
    assert (front @ [0, 0, 1])[2] > 0.9


@pytest.mark.parametrize("seed", range(4))
def test_volume_is_about_kept(body, rest, seed):
    joints = random_pose(rest, np.random.default_rng(seed))
    faces = body.faces[body.face_layer == 0]
    posed = posing.pose_body(body, rest, joints)
    ratio = volume(posed.vertices, faces) / volume(rest.vertices, faces)
    assert 0.88 < ratio < 1.08


def test_limb_scale_stretches_just_that_limb(body, rest):
    joints = random_pose(rest, np.random.default_rng(0))
    plain = posing.pose_body(body, rest, joints).points
    scale = {"upper_arm": 1.1, "shin": 0.9, "trunk": 1.05}
    scaled = posing.pose_body(body, rest, joints, limb_scale=scale).points

    def ratio(first, last):
        a, b = JOINTS.index(first), JOINTS.index(last)
        return np.linalg.norm(scaled[b] - scaled[a]) / np.linalg.norm(
            plain[b] - plain[a]
        )

    for side in ("left", "right"):
        for first, last, expected in (
            ("shoulder", "elbow", 1.1),
            ("elbow", "wrist", 1.0),
            ("knee", "ankle", 0.9),
            ("hip", "knee", 1.0),
        ):
            got = ratio(f"{side}_{first}", f"{side}_{last}")
            # Labelled shoulders lie some mm from where the bone turns.
            exact = 0.01 if first == "shoulder" else 1e-3
            assert got == pytest.approx(expected, abs=exact), (first, last)
    assert 1.03 < ratio("pelvis", "thorax") < 1.06
    with pytest.raises(ValueError, match="upper_arm.*neck"):
        posing.pose_body(body, rest, joints, limb_scale={"neck": 2})


def test_feet_stand_flat_where_they_can(body, rest):
    """Shins that lean forward by 20 degrees; the soles stay level."""
    joints = rest.points[:17].astype(float)
    lean = np.radians(20)
    for side in ("left", "right"):
        ways = [(0, -0.9, 0.5), (0, -np.cos(lean), -np.sin(lean))]
        joints = bend(joints, side, "leg", *ways)
    bone = body.bones.index("foot.L")
    level = posing.pose_body(body, rest, joints, up=UP).transforms[bone]
    assert degrees(level[:, :3] @ UP, UP) < 5
    free = posing.pose_body(body, rest, joints).transforms[bone]
    assert 15 < degrees(free[:, :3] @ UP, UP) < 30


def test_fingers_curl_towards_the_palm(body, rest):
    """A fist brings the finger tips near the middle of the hand."""
    joints = rest.points[:17].astype(float)
    reach = {}
    for curl in (0.0, 1.0):
        posed = posing.pose_body(body, rest, joints, curl=(curl, curl))
        for end in ("L", "R"):
            tips, roots = (
                np.mean(
                    [
                        posed.transforms[b] @ np.append(place[b], 1)
                        for b in (
                            body.bones.index(f"finger{f}-{j}.{end}")
                            for f in (2, 3, 4, 5)
                        )
                    ],
                    axis=0,
                )
                for j, place in ((3, rest.tails), (1, rest.heads))
            )
            wrist = posed.points[
                bodies.POINTS.index(
                    "left_wrist" if end == "L" else "right_wrist"
                )
            ]
            # The palm's side is the thumb tip's side of the knuckles' plane.
            thumb = body.bones.index(f"finger1-3.{end}")
            way = (
                rest.tails[thumb]
                - rest.heads[body.bones.index(f"finger3-1.{end}")]
            )
            reach[curl, end] = (
                np.linalg.norm(tips - wrist),
                (tips - roots) @ way,
            )
    for end in ("L", "R"):
        assert reach[1.0, end][0] < 0.75 * reach[0.0, end][0]
        assert reach[1.0, end][1] > reach[0.0, end][1]


def test_head_turns_left_and_down(body, rest):
    joints = rest.points[:17].astype(float)
    bone = body.bones.index("head")
    forward = np.array([0.0, 0.0, 1.0])
    for options, expected in (
        (dict(head_turn=0.5), [np.sin(0.5), 0, np.cos(0.5)]),
        (dict(head_nod=0.5), [0, -np.sin(0.5), np.cos(0.5)]),
    ):
        posed = posing.pose_body(body, rest, joints, **options)
        looks = posed.transforms[bone, :, :3] @ forward
        np.testing.assert_allclose(looks, expected, atol=1e-3)


def test_normals_of_a_cube():
    """Corners of a cube point along its diagonals, by symmetry of areas."""
    corners = np.array(
        [[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float
    )
    quads = [
        [0, 1, 3, 2],
        [4, 6, 7, 5],
        [0, 4, 5, 1],
        [2, 3, 7, 6],
        [0, 2, 6, 4],
        [1, 5, 7, 3],
    ]
    # Both diagonals of every side, so that no corner is favoured.
    faces = [
        [q[i] for i in triangle]
        for q in quads
        for triangle in ((0, 1, 2), (0, 2, 3), (0, 1, 3), (1, 2, 3))
    ]
    points = np.concatenate([corners, [[5, 5, 5]]])  # In no face.
    got = posing.normals(points, np.array(faces, np.int32))
    np.testing.assert_allclose(got[:8], corners / np.sqrt(3), atol=1e-6)
    np.testing.assert_array_equal(got[8], 0)
    assert got.dtype == np.float32


@pytest.mark.parametrize(
    ("joints", "sentence"),
    [
        (np.zeros((16, 3)), "17 finite points"),
        (np.full((17, 3), np.nan), "17 finite points"),
        (np.zeros((17, 3)), "pelvis and right_hip"),
    ],
)
def test_bad_joints(body, rest, joints, sentence):
    with pytest.raises(ValueError, match=sentence):
        posing.pose_body(body, rest, joints)
