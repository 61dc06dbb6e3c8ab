"""The body of the synthetic people: mesh, shapes, rig, labelled points."""

import dataclasses
import functools
import pathlib

import numpy as np

from ordinal_tf import skeleton

PATH = pathlib.Path(__file__).with_name("body.npz")
# The parts of the mesh. Tights, skirt and hair are the kit's helpers: thin
# shells around the skin from which clothes are cut.
LAYERS = ("skin", "eyes", "tights", "skirt", "hair")
# Labelled points: the 17 joints where Human3.6M has them, then the top of
# the head and the base of the neck as LSP and MPII mark them, then MPII's
# upper neck.
POINTS = (*skeleton.H36M17.joints, "crown", "neck", "upper_neck")
# The bone that carries each point.
POINT_BONES = {
    "pelvis": "root",
    "right_hip": "root",
    "right_knee": "lowerleg01.R",
    "right_ankle": "foot.R",
    "left_hip": "root",
    "left_knee": "lowerleg01.L",
    "left_ankle": "foot.L",
    "spine": "spine02",
    "thorax": "spine01",
    "nose": "head",
    "head_top": "head",
    "left_shoulder": "shoulder01.L",
    "left_elbow": "lowerarm01.L",
    "left_wrist": "wrist.L",
    "right_shoulder": "shoulder01.R",
    "right_elbow": "lowerarm01.R",
    "right_wrist": "wrist.R",
    "crown": "head",
    "neck": "neck01",
    "upper_neck": "neck03",
}
# What a vertex is painted as, besides its layer: `scalp` is skin that a short
# haircut covers.
PAINT = ("plain", "lips", "brows", "iris", "scalp")
# One unit of the file's integers: of the mean body, of the components.
STEP_MM = {"mean": 1 / 16, "basis": 1 / 16}


@dataclasses.dataclass(frozen=True, eq=False)
class Body:
    """The mean adult at rest, and how bodies differ; all arrays read-only.

    Lengths are mm; x is the person's left, y up, z where it looks. It stands
    on y = 0 with the arms half lowered, the middle of the hips at x = z = 0.

    Attributes:
        vertices: `(V, 3)` float32.
        shape_basis: `(S, V, 3)` float32, per standard deviation.
        faces: `(F, 3)` int32 of all layers, counter-clockwise from outside.
        face_layer: `(F,)` uint8 index into `LAYERS`.
        vertex_layer: `(V,)` uint8 index into `LAYERS`.
        paint: `(V,)` uint8 index into `PAINT`.
        mirror: `(V,)` int32, each vertex's image on the other side.
        bones: names; `.L` is the person's left. Parents come first.
        parents: `(B,)` int32, -1 for the root.
        heads, tails: `(B, 3)` float32; a bone turns about its head.
        heads_basis, tails_basis: `(S, B, 3)` float32.
        bone_index: `(V, 5)` int32, the bones that move each vertex.
        bone_weight: `(V, 5)` float32, rows sum to 1.
        points: `(P, 3)` float32, in the order of `POINTS`.
        points_basis: `(S, P, 3)` float32.
        point_bone: `(P,)` int32, the bone that each point is fixed to.
        samples: `(N, S)` float32, shapes of plausible people: independent
            coefficients would make mostly bodies between the sexes.
        samples_male: `(N,)` bool.
    """

    vertices: np.ndarray
    shape_basis: np.ndarray
    faces: np.ndarray
    face_layer: np.ndarray
    vertex_layer: np.ndarray
    paint: np.ndarray
    mirror: np.ndarray
    bones: tuple[str, ...]
    parents: np.ndarray
    heads: np.ndarray
    tails: np.ndarray
    heads_basis: np.ndarray
    tails_basis: np.ndarray
    bone_index: np.ndarray
    bone_weight: np.ndarray
    points: np.ndarray
    points_basis: np.ndarray
    point_bone: np.ndarray
    samples: np.ndarray
    samples_male: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class Rest:
    """One shape at rest: `vertices` `(V, 3)`, `heads` and `tails` `(B, 3)`,
    `points` `(P, 3)`; float32, mm, axes of `Body`."""

    vertices: np.ndarray
    heads: np.ndarray
    tails: np.ndarray
    points: np.ndarray


@functools.cache
def load_body():
    """The packaged `Body`, read once."""
    return read_body(PATH)


def read_body(path):
    """Reads and checks what `tools.dev.build_body` wrote.

    Raises:
        ValueError: the file is of another version, or inconsistent.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        body = _unpack(arrays)
    except (KeyError, IndexError) as error:
        raise ValueError(
            f"{path} is no body file of this version ({error}); make it "
            "again with tools.dev.build_body."
        ) from error
    _check(body, path)
    for field in dataclasses.fields(body):
        value = getattr(body, field.name)
        if isinstance(value, np.ndarray):
            value.setflags(write=False)
    return body


def _unpack(arrays):
    """`Body` of the file's arrays, the left half mirrored from the right."""
    half, mirror = arrays["half"], arrays["mirror"].astype(np.int32)
    if tuple(arrays["points"]) != POINTS:
        raise KeyError("points")
    bones = tuple(str(name) for name in arrays["bones"])
    swapped = np.array([bones.index(_other_side(name)) for name in bones])

    def lengths(name, kind):
        return arrays[f"{name}_{kind}"].astype(np.float32) * np.float32(
            STEP_MM[kind]
        )

    def whole(right):
        full = np.empty((*right.shape[:-2], len(mirror), 3), np.float32)
        full[..., mirror[half], :] = right * np.float32([-1, 1, 1])
        full[..., half, :] = right
        return full

    index = np.empty((len(mirror), arrays["bone_index"].shape[1]), np.int32)
    weight = np.empty(index.shape, np.float32)
    index[mirror[half]] = swapped[arrays["bone_index"]]
    index[half] = arrays["bone_index"]
    shares = arrays["bone_weight"].astype(np.float32)
    weight[mirror[half]] = weight[half] = shares / shares.sum(1, keepdims=True)
    quads = arrays["quads"].astype(np.int32)
    heads, tails = lengths("ends", "mean")
    heads_basis, tails_basis = np.moveaxis(lengths("ends", "basis"), 1, 0)
    return Body(
        vertices=whole(lengths("vertices", "mean")),
        shape_basis=whole(lengths("vertices", "basis")),
        faces=quads[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3),
        face_layer=np.repeat(arrays["quad_layer"], 2),
        vertex_layer=arrays["vertex_layer"],
        paint=arrays["paint"],
        mirror=mirror,
        bones=bones,
        parents=arrays["parents"].astype(np.int32),
        heads=heads,
        tails=tails,
        heads_basis=heads_basis,
        tails_basis=tails_basis,
        bone_index=index,
        bone_weight=weight,
        points=lengths("points", "mean"),
        points_basis=lengths("points", "basis"),
        point_bone=np.array(
            [bones.index(POINT_BONES[name]) for name in POINTS], np.int32
        ),
        samples=arrays["samples"].astype(np.float32),
        samples_male=arrays["samples_male"],
    )


def _other_side(bone):
    stem, dot, side = bone.partition(".")
    return stem + dot + {"": "", "L": "R", "R": "L"}[side]


def _check(body, path):
    count, bones = len(body.vertices), len(body.bones)
    shapes = len(body.shape_basis)
    expected = {
        "shape_basis": (shapes, count, 3),
        "vertex_layer": (count,),
        "paint": (count,),
        "face_layer": (len(body.faces),),
        "parents": (bones,),
        "heads": (bones, 3),
        "tails": (bones, 3),
        "heads_basis": (shapes, bones, 3),
        "tails_basis": (shapes, bones, 3),
        "bone_weight": body.bone_index.shape,
        "points": (len(POINTS), 3),
        "points_basis": (shapes, len(POINTS), 3),
        "samples": (len(body.samples_male), shapes),
    }
    for name, shape in expected.items():
        if getattr(body, name).shape != shape:
            raise ValueError(
                f"{path}: {name} must have shape {shape}. Received: "
                f"{getattr(body, name).shape}."
            )
    order = np.arange(bones)
    if body.parents[0] != -1 or np.any(body.parents[1:] >= order[1:]):
        raise ValueError(f"{path}: a bone comes before its parent.")
    for name, limit in (
        ("faces", count),
        ("bone_index", bones),
        ("face_layer", len(LAYERS)),
        ("vertex_layer", len(LAYERS)),
        ("paint", len(PAINT)),
    ):
        if getattr(body, name).max() >= limit:
            raise ValueError(f"{path}: {name} points past {limit - 1}.")


def shaped(body, shape):
    """One body of a given shape, at rest.

    Args:
        body: `Body`.
        shape: `(S,)` coefficients, in standard deviations.

    Returns:
        `Rest`.
    """
    shape = np.asarray(shape, np.float32)

    def mix(mean, basis):
        flat = basis.reshape(len(basis), -1)
        return mean + (shape @ flat).reshape(mean.shape)

    return Rest(
        vertices=mix(body.vertices, body.shape_basis),
        heads=mix(body.heads, body.heads_basis),
        tails=mix(body.tails, body.tails_basis),
        points=mix(body.points, body.points_basis),
    )


def random_shape(body, rng, *, male=None, spread=0.15):
    """The shape of a plausible person.

    Args:
        body: `Body`.
        rng: `numpy.random.Generator`.
        male: True or False for a man or a woman; None for either.
        spread: standard deviation of what is added to the drawn sample.

    Returns:
        `(S,)` float32 for `shaped`.
    """
    rows = np.arange(len(body.samples))
    if male is not None:
        rows = rows[body.samples_male == male]
    shape = body.samples[rng.choice(rows)]
    noise = rng.normal(0, spread, len(shape))
    return (shape + noise).astype(np.float32)
