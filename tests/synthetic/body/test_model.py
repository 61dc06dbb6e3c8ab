"""The packaged body: a sound mesh, symmetric, with points where they belong."""

import numpy as np
import pytest

from ordinal_tf import skeleton
from ordinal_tf.synthetic.body import model as bodies

FLIP = np.array([-1, 1, 1], np.float32)


def at(points, name):
    return points[bodies.POINTS.index(name)].astype(float)


def distance(points, first, last):
    return np.linalg.norm(at(points, first) - at(points, last))


def test_arrays(body):
    assert len(body.vertices) == 17346
    assert np.bincount(body.vertex_layer).tolist()[0] == 13380
    assert np.bincount(body.face_layer).tolist()[0] == 26756
    assert len(np.unique(body.face_layer)) == len(bodies.LAYERS)
    assert len(np.unique(body.paint)) == len(bodies.PAINT)
    assert body.vertices.dtype == body.shape_basis.dtype == np.float32
    assert body.faces.dtype == np.int32
    # Each face lies within its layer.
    layers = body.vertex_layer[body.faces]
    assert np.array_equal(layers, np.tile(body.face_layer, (3, 1)).T)
    with pytest.raises(ValueError, match="read-only"):
        body.vertices[0] = 0


def test_skin_is_closed_and_faces_outwards(body):
    faces = body.faces[body.face_layer == 0]
    edges = np.concatenate(
        [faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]
    )
    directed = {tuple(edge) for edge in edges.tolist()}
    assert len(directed) == len(edges)  # No two faces run along it alike.
    assert {(b, a) for a, b in directed} == directed  # A face on each side.
    a, b, c = body.vertices[faces].astype(float).transpose(1, 0, 2)
    litres = np.einsum("fi,fi->", a, np.cross(b, c)) / 6e6
    assert 50 < litres < 75  # Adults of about 66 kg; inside out: negative.


def test_left_and_right_are_alike(body):
    for name in ("vertices", "shape_basis"):
        array = getattr(body, name)
        np.testing.assert_array_equal(array[..., body.mirror, :], array * FLIP)
    swap = list(skeleton.H36M17.mirror) + [17, 18, 19]
    np.testing.assert_allclose(body.points[swap], body.points * FLIP, atol=0.1)
    weights = np.zeros((len(body.vertices), len(body.bones)))
    for slot in range(body.bone_index.shape[1]):
        rows = np.arange(len(weights))
        np.add.at(
            weights, (rows, body.bone_index[:, slot]), body.bone_weight[:, slot]
        )
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-6)
    other = {"L": "R", "R": "L"}
    names = [
        b[:-1] + other[b[-1]] if b[-2:] in (".L", ".R") else b
        for b in body.bones
    ]
    columns = [body.bones.index(name) for name in names]
    np.testing.assert_allclose(weights[body.mirror][:, columns], weights)


def test_axes(body):
    """Feet on the ground, head above, the face and toes forward, left +x."""
    assert abs(body.vertices[body.vertex_layer == 0, 1].min()) < 3
    assert at(body.points, "crown")[1] > 1500
    assert at(body.points, "left_wrist")[0] > 300
    iris = body.vertices[bodies.PAINT.index("iris") == body.paint]
    assert np.all(iris[:, 2] > at(body.points, "head_top")[2] + 40)
    b = body.bones.index("toes.L")
    assert body.heads[b][2] > at(body.points, "left_ankle")[2] + 90
    assert np.abs(body.heads[b][0] - at(body.points, "left_ankle")[0]) < 30


def test_limb_points_are_pivots(body):
    rest = bodies.shaped(body, body.samples[3])
    for joint in ("knee", "ankle", "elbow", "wrist"):
        for side in ("left", "right"):
            p = bodies.POINTS.index(f"{side}_{joint}")
            head = rest.heads[body.point_bone[p]]
            np.testing.assert_allclose(rest.points[p], head, atol=0.2)


def test_points_have_the_proportions_of_human36m(body):
    """Lengths of subjects S1 and S9, as parts of their legs or trunks.

    Between the two with a twelfth to spare: the kit's people are others.
    """
    men = body.samples[body.samples_male].mean(0)
    points = bodies.shaped(body, men).points
    leg = distance(points, "left_hip", "left_knee")
    leg += distance(points, "left_knee", "left_ankle")
    trunk = distance(points, "pelvis", "spine")
    trunk += distance(points, "spine", "thorax")
    s1 = dict(leg=442.9 + 454.2, trunk=233.4 + 257.1, hip=132.9, spine=233.4)
    s9 = dict(leg=472.2 + 468.6, trunk=256.2 + 250.4, hip=124.1, spine=256.2)
    s1.update(shoulder=151.0, arm=278.9, forearm=251.7, neck=121.1, head=115.0)
    s9.update(shoulder=183.3, arm=296.3, forearm=249.0, neck=120.6, head=115.0)
    for name, length, unit in (
        ("hip", distance(points, "pelvis", "left_hip"), "leg"),
        ("trunk", trunk, "leg"),
        ("spine", distance(points, "pelvis", "spine"), "trunk"),
        ("shoulder", distance(points, "thorax", "left_shoulder"), "trunk"),
        ("arm", distance(points, "left_shoulder", "left_elbow"), "trunk"),
        ("forearm", distance(points, "left_elbow", "left_wrist"), "trunk"),
        ("neck", distance(points, "thorax", "nose"), "trunk"),
        ("head", distance(points, "nose", "head_top"), "trunk"),
    ):
        ratio = length / {"leg": leg, "trunk": trunk}[unit]
        known = sorted(s[name] / s[unit] for s in (s1, s9))
        assert known[0] * 11 / 12 < ratio < known[1] * 13 / 12, name
    assert 90 < distance(points, "head_top", "crown") < 130


def test_shapes_are_linear_and_of_unit_variance(body):
    count = len(body.shape_basis)
    rng = np.random.default_rng(0)
    one, two = rng.normal(size=(2, count))
    zero = bodies.shaped(body, np.zeros(count))
    np.testing.assert_array_equal(zero.vertices, body.vertices)
    for name in ("vertices", "heads", "tails", "points"):
        a, b, both, mean = (
            getattr(bodies.shaped(body, shape), name)
            for shape in (one, two, one + two, np.zeros(count))
        )
        np.testing.assert_allclose(both - b, a - mean, atol=1e-2)
    np.testing.assert_allclose(body.samples.mean(0), 0, atol=0.15)
    np.testing.assert_allclose(body.samples.std(0), 1, atol=0.15)
    tall = bodies.shaped(body, np.eye(count)[0]).vertices
    assert tall[:, 1].max() > body.vertices[:, 1].max() + 50


def test_random_people_are_plausible(body):
    rng = np.random.default_rng(1)
    statures = {}
    for male in (True, False):
        rests = [
            bodies.shaped(body, bodies.random_shape(body, rng, male=male))
            for _ in range(60)
        ]
        statures[male] = np.array([np.ptp(r.points[:, 1]) for r in rests])
        # Without the 7 cm from ankle to sole.
        assert np.all((statures[male] > 1250) & (statures[male] < 1950))
        assert 50 < statures[male].std() < 110
    assert 80 < statures[True].mean() - statures[False].mean() < 160
    again = [
        bodies.random_shape(body, np.random.default_rng(7)) for _ in range(2)
    ]
    np.testing.assert_array_equal(*again)


def test_bad_files(tmp_path):
    path = tmp_path / "old.npz"
    np.savez(path, vertices=np.zeros((3, 3)))
    with pytest.raises(ValueError, match="old.npz.*build_body"):
        bodies.read_body(path)
    with np.load(bodies.PATH) as file:
        arrays = dict(file)
    arrays["parents"] = arrays["parents"][::-1]
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match="old.npz.*parent"):
        bodies.read_body(path)
    with pytest.raises(OSError, match="none.npz"):
        bodies.read_body(tmp_path / "none.npz")


def test_licence_comes_along():
    text = bodies.PATH.with_name("BODY_LICENSE.md").read_text(encoding="utf-8")
    assert "CC0" in text and "MakeHuman" in text
