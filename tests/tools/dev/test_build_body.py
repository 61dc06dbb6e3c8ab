"""The body file from a kit of a few boxes, and its parts by hand."""

import itertools
import zipfile

import numpy as np
import pytest

from ordinal_tf.synthetic.body import model as bodies

BOX = [
    [0, 1, 3, 2],
    [4, 6, 7, 5],
    [0, 4, 5, 1],
    [2, 3, 7, 6],
    [0, 2, 6, 4],
    [1, 5, 7, 3],
]
# Joint cubes of the kit, and the bone whose head each one is here.
CUBES = {
    "neck": "neck01",
    "head": "head",
    "jaw": "head",
    "l-clavicle": "clavicle.L",
    "l-upper-leg": "upperleg01.L",
    "l-knee": "lowerleg01.L",
    "l-ankle": "foot.L",
    "l-shoulder": "upperarm01.L",
    "l-elbow": "lowerarm01.L",
    "l-hand": "wrist.L",
    "l-eye": "head",
}


@pytest.fixture
def build_body(import_tool):
    return import_tool("dev.build_body")


@pytest.fixture
def makehuman(build_body):
    return build_body._makehuman


def small_kit(build_body, makehuman):
    """A kit with the bones of the real one and boxes for a body.

    All its targets have one effect: men are a tenth larger in all ways.
    """
    body = bodies.load_body()
    places, groups, quads, rig = [], {}, {}, {}

    def add(point):
        places.append(np.asarray(point, float))
        return len(places) - 1

    def both(name, points):
        sides = {name: points, f"r{name[1:]}": points * [-1, 1, 1]}
        if name[:2] != "l-":
            sides = {name: points}
        for key, corners in sides.items():
            groups[f"joint-{key}"] = np.array([add(p) for p in corners])

    for name, bone in CUBES.items():
        both(name, body.heads[[body.bones.index(bone)]].astype(float))
    for b, bone in enumerate(body.bones):
        parent = body.parents[b]
        names = [bone]
        if bone.startswith("toes"):
            names = [f"toe{i}-1.{bone[-1]}" for i in range(1, 6)]
        for name in names:
            rig[name] = {
                "parent": body.bones[parent] if parent >= 0 else "",
                **{
                    end: {"strategy": "VERTEX", "vertex_index": add(point)}
                    for end, point in (
                        ("head", body.heads[b]),
                        ("tail", body.tails[b]),
                    )
                },
            }
    for layer, names in enumerate(build_body.GROUPS):
        for group in names:
            side = {"helper-r-eye": -40, "helper-l-eye": 40}.get(group, 0)
            size = np.array([20, 900, 9]) + layer  # No two at one place.
            box = np.array(list(itertools.product((-1, 1), (0, 1), (-1, 1))))
            corners = np.array([add(p * size + [side, 0, 0]) for p in box])
            quads[group] = corners[np.array(BOX)]
            groups[group] = corners
    base = np.array(places)
    flipped = base * [-1, 1, 1]
    mirror = []
    for point in flipped:
        near = np.linalg.norm(base - point, axis=1)
        mirror.append(int(np.argmin(near)))
    kinds = ("african", "asian", "caucasian")
    targets = {
        f"macrodetails/{kind}-{sex}-{age}": (base * scale).astype(np.float32)
        for kind in kinds
        for sex, scale in (("male", 0.1), ("female", 0.0))
        for age in ("child", "young", "old")
    }
    return makehuman.Kit(
        base=base,
        mirror=np.array(mirror),
        groups=groups,
        quads=quads,
        uv=np.zeros((len(base), 2)),
        masks={name: np.zeros((4, 4), np.uint8) for name in ("ears", "lips")},
        rig=rig,
        weights={"root": [[v, 1.0] for v in range(len(base))]},
        targets=targets,
    )


def test_one_target_is_one_component(build_body, makehuman, tmp_path):
    """Men are 1.1 times as large: one component holds all there is."""
    kit = small_kit(build_body, makehuman)
    arrays, figures = build_body.build(kit, count=60, seed=3)
    again, _ = build_body.build(kit, count=60, seed=3)
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, again[name], err_msg=name)
    assert figures["shape_error_worst_mm"] < 0.01
    path = tmp_path / "body.npz"
    np.savez_compressed(path, **arrays)
    body = bodies.read_body(path)
    assert set(body.bones) == set(bodies.load_body().bones)
    assert len(body.vertices) == 6 * 8
    assert len(body.faces) == 6 * 12
    spread = np.abs(body.shape_basis).max((1, 2))
    assert spread[0] > 5 and np.all(spread[1:] < 0.1)
    # Heads of bones and points grow in proportion.
    rest = bodies.shaped(body, 2 * np.eye(len(spread))[0])
    growth = np.ptp(rest.vertices[:, 1]) / np.ptp(body.vertices[:, 1])
    knee = bodies.POINTS.index("left_knee")
    np.testing.assert_allclose(
        rest.points[knee] / body.points[knee], growth, rtol=2e-3
    )
    male = body.samples[body.samples_male, 0]
    assert male.min() > body.samples[~body.samples_male, 0].max()


def test_obj(makehuman):
    text = (
        "# a comment\nv 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0.5\n"
        "vt 0.25 0.25\nvt 1 0\ng one\nf 1/1 2/2 3/1 4/2\n"
    )
    vertices, quads, uv = makehuman.parse_obj(text)
    assert vertices[3].tolist() == [0, 1, 0.5]
    assert quads["one"].tolist() == [[0, 1, 2, 3]]
    assert uv[:2].tolist() == [[0.25, 0.75], [1, 1]]
    with pytest.raises(ValueError, match="'two' is no quad"):
        makehuman.parse_obj("g two\nf 1 2 3\n")


def test_target_is_sparse_and_in_decimetres(makehuman):
    dense = makehuman.parse_target("# free\n1 0.5 -1 0\n3 0 0 .25\n", 5)
    expected = np.zeros((5, 3))
    expected[1], expected[3] = (50, -100, 0), (0, 0, 25)
    np.testing.assert_allclose(dense, expected)


@pytest.mark.parametrize(
    ("axis", "value", "expected"),
    [
        ("gender", 0.25, {"female": 0.75, "male": 0.25}),
        ("age", 0.75, {"child": 0, "young": 0.5, "old": 0.5}),
        ("height", 0.5, {"minheight": 0, "": 1, "maxheight": 0}),
        ("height", 0.6, {"minheight": 0, "": 0.8, "maxheight": 0.2}),
    ],
)
def test_slider(makehuman, axis, value, expected):
    assert makehuman.slider(axis, value) == pytest.approx(expected)


def test_corners_are_products(makehuman):
    values = {"gender": 1.0, "height": 0.6}
    assert makehuman.corners(("gender", "height"), values) == pytest.approx(
        {"male-maxheight": 0.2}
    )
    values = {"gender": 0.25, "age": 0.5}
    assert makehuman.corners(("gender", "age"), values) == pytest.approx(
        {"female-young": 0.75, "male-young": 0.25}
    )


def test_person_is_an_adult_and_symmetric(makehuman):
    rng = np.random.default_rng(0)
    for _ in range(20):
        targets, _ = makehuman.person_targets(rng)
        build = [
            weight
            for name, weight in targets.items()
            if name.startswith("macrodetails/universal-")
        ]
        assert sum(build) == pytest.approx(1)
        assert not any("baby" in name for name in targets)
        for name, weight in targets.items():
            if "/l-" in name:
                assert targets[name.replace("/l-", "/r-")] == weight


def test_strongest_keeps_pairs_together(build_body):
    """Columns 1 and 2 mirror each other, as do 3 and 4, and 5 and 6."""
    paired = np.array([False] + [True] * 6)
    weights = np.array([[0.4, 0.15, 0.15, 0.1, 0.1, 0.05, 0.05]] * 2)
    weights[:, 0] = 0
    weights = weights / weights.sum(1, keepdims=True)
    index, kept = build_body.strongest(weights, np.array([True, False]), paired)
    assert sorted(index[0][kept[0] > 0]) == [1, 2, 3, 4]
    assert sorted(index[1][kept[1] > 0]) == [1, 2, 3, 4, 5]
    np.testing.assert_allclose(kept.sum(1), 255, atol=2)
    assert kept[0][index[0] == 1] == kept[0][index[0] == 2]


def test_bones_of_face_and_toes_are_merged(build_body):
    rig = {
        "foot.L": {"parent": ""},
        "toe1-1.L": {"parent": "foot.L"},
        "toe1-2.L": {"parent": "toe1-1.L"},
        "head": {"parent": ""},
        "jaw": {"parent": "head"},
        "tongue00": {"parent": "jaw"},
    }
    assert build_body.bone_owners(rig) == {
        "foot.L": "foot.L",
        "toe1-1.L": "toes.L",
        "toe1-2.L": "toes.L",
        "head": "head",
        "jaw": "head",
        "tongue00": "head",
    }


def test_wrong_wheel(run_tool, tmp_path):
    other = tmp_path / "other.whl"
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("other/__init__.py", "")
    for path in (other, tmp_path / "missing.whl"):
        code, _, error = run_tool(
            "dev.build_body", f"--wheel={path}", f"--out={tmp_path / 'b.npz'}"
        )
        assert code == 1
        assert path.name in error and error.count("\n") == 1
    assert not (tmp_path / "b.npz").exists()
