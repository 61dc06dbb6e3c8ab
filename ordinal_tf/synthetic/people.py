"""People rendered from free parts, with labels that are exact.

Sample i is a pure function of the seed, i and the options. Each ingredient
draws from a stream of its own, so that switching one off leaves the others
as they were: two data sets that differ in one option show the same people in
the same poses from the same places.
"""

import dataclasses
import inspect

import numpy as np

from ordinal_tf import geometry, ordinal, skeleton, vectors
from ordinal_tf.data.mocap import views
from ordinal_tf.synthetic.body import model as bodies
from ordinal_tf.synthetic.body import posing
from ordinal_tf.synthetic.clothes import looks
from ordinal_tf.synthetic.pose import families, poses
from ordinal_tf.synthetic.render import effects, shading
from ordinal_tf.synthetic.scene import backgrounds, cameras, occluders

# Seed of `draw_poses`, after the user's: no sample draws from it.
_POSES = 2**40
# And of `draw_empty`.
_EMPTY = _POSES + 1
# What makes the options `recorded` and `pictures` of files; here, because
# this module is the only door.
read_poses = poses.read_poses
find_pictures = backgrounds.find_pictures
# Kinds of poses whose feet do not stand on the floor.
_FEET_FREE = (*families.AIRBORNE, "lying", "inverted")


def draw_poses(count, *, seed):
    """Poses as the rendered people take them, without bodies.

    Args:
        count: int.
        seed: int, 0 or more; other poses than those of `SyntheticPeople`.

    Returns:
        `(count, 17, 3)` float32 mm, y up, pelvis at 0.
    """
    rng = np.random.default_rng((seed, _POSES))
    recorded = poses.shipped_poses()
    drawn = [poses.draw_pose(rng, recorded=recorded)[0] for _ in range(count)]
    return np.array(drawn, np.float32).reshape(count, len(_JOINTS), 3)


def draw_empty(i, *, seed, size=256):
    """A picture of a place where nobody is.

    Args:
        i: int, which one.
        seed: int, 0 or more.
        size: int, side in pixels.

    Returns:
        uint8 `(size, size, 3)` RGB.
    """
    rng = np.random.default_rng((seed, _EMPTY, i))
    # Where somebody would stand, for the camera to look at.
    corners = np.array(np.meshgrid([-250, 250], [0, 1800], [-250, 250]))
    camera = cameras.sample_camera(rng, corners.reshape(3, -1).T, size=size)
    image = backgrounds.draw_background(rng, size, camera, bystanders=False)
    return effects.finish(rng, image)[1]


def draw_manner(
    rng,
    kind,
    *,
    limbs=0.05,
    head_turn_deg=25.0,
    head_nod_deg=12.0,
    fist=0.35,
    pronation_deg=40.0,
    lift=(0.5, 700.0),
):
    """What the joints of a pose leave open, for `posing.pose_body`.

    Args:
        rng: `np.random.Generator`.
        kind: of the pose, as `poses.draw_pose` returns it.
        limbs: the length of each limb is scaled by `exp(limbs * n)`, n normal
            and cut at 2; the same left and right.
        head_turn_deg, head_nod_deg: standard deviations.
        fist: probability that a hand is a fist; others are half open.
        pronation_deg: standard deviation of the turn of the hands.
        lift: (probability, most) mm that a jumping person is above the floor.

    Returns:
        dict of arguments of `posing.pose_body`, and mm above the floor.
    """
    cut = np.clip(rng.standard_normal(len(posing.LIMBS)), -2, 2)
    fists = rng.random(2) < fist
    curl = np.where(fists, rng.uniform(0.7, 1, 2), rng.uniform(0, 0.5, 2))
    manner = {
        "limb_scale": dict(
            zip(posing.LIMBS, np.exp(limbs * cut).tolist(), strict=True)
        ),
        "head_turn": np.radians(head_turn_deg) * rng.normal(),
        "head_nod": np.radians(head_nod_deg) * rng.normal(),
        "curl": tuple(curl),
        "pronation": tuple(np.radians(pronation_deg) * rng.normal(size=2)),
        "foot": tuple(rng.uniform(-0.1, 0.5, 2)),
    }
    if kind not in _FEET_FREE:
        manner["up"] = (0.0, 1.0, 0.0)
    jumps = kind in families.AIRBORNE and rng.random() < lift[0]
    return manner, lift[1] * rng.random() * jumps


# What may be set of each ingredient: the keyword arguments of a function.
# Their order numbers the streams of chance: new ones go to the end.
INGREDIENTS = {
    "pose": poses.draw_pose,
    "shape": bodies.random_shape,
    "manner": draw_manner,
    "look": looks.sample_look,
    "light": shading.sample_light,
    "camera": cameras.sample_camera,
    "background": backgrounds.draw_background,
    "occluders": occluders.draw_occluders,
    "effects": effects.finish,
}
PRESETS = {
    # People doing sports and everything else, photographed anywhere.
    "photographs": {},
    # Upright people in a room with fixed cameras, as in capture studios.
    "studio": {
        "camera": {
            "focal": (1.1, 1.3),
            "elevation": (0.1, 0.25),
            "steep": (0.0, 0.5),
            "roll": 0.01,
            "share": (0.5, 0.7),
            "cut": (0.0, 0.0),
        },
        "background": {
            "kinds": (("indoors", 1.0),),
            "clutter": (0, 3),
            "blur_px": (0.0, 0.5),
        },
        "occluders": {"chance": 0.0},
        "effects": {
            "exposure": (0.9, 1.1),
            "contrast": (0.95, 1.05),
            "white_balance": 0.02,
            "saturation": (0.9, 1.1),
            "grey": 0.0,
            "defocus": (0.0, 0.0),
            "motion": (0.0, 0.0),
            "shrink": (0.0, 1.0),
            "noise": (0.0, 3.0),
            "quality": (80, 95),
        },
    },
}
# Flesh before a joint, mm: a surface that is nearer to the camera than the
# joint by more than this belongs to something else, which hides it.
FLESH_MM = {
    "pelvis": 200.0,
    "hip": 190.0,
    "spine": 190.0,
    "thorax": 190.0,
    "shoulder": 140.0,
    "nose": 150.0,
    "head_top": 150.0,
    "knee": 110.0,
    "ankle": 90.0,
    "elbow": 80.0,
    "wrist": 70.0,
}

# Arguments that options cannot set.
_GIVEN = {"size", "recorded", "pictures", "up"}
# Every so many vertices tell well enough how far a person extends.
_EXTENT_STEP = 16
_JOINTS = skeleton.H36M17
_FLESH = np.array([FLESH_MM[name] for name in views.SIDELESS])
_LSP = skeleton.LSP14
# Where the body has what LSP labels: its neck, and the crown as head top.
_LSP_POINTS = [
    bodies.POINTS.index("crown" if name == "head_top" else name)
    for name in _LSP.joints
]
_FROM_LSP = skeleton.mapping(_LSP, _JOINTS)


@dataclasses.dataclass(frozen=True, eq=False)
class _Person:
    """A posed person in the world, y up, on the floor y = 0, mm."""

    vertices: np.ndarray
    normals: np.ndarray
    points: np.ndarray
    look: object
    kind: str


class SyntheticPeople:
    """Endless labelled pictures of one person each.

    `people[i]` is a dict of

        jpeg           bytes
        image          uint8   (S, S, 3)  RGB, what the JPEG decodes to
        box            float32 (3,)       centre x, centre y, side; pixels
        keypoints      float32 (17, 2)    pixels, in the picture or not
        keypoint_mask  bool    (17,)      all True
        depth          float32 (17,)      mm, root-relative
        depth_mask     bool    (17,)      all True
        relation       int8    (17, 17)   depths equal within 100 mm are
        relation_mask  bool    (17, 17)   upper triangle
        pose           float32 (17, 3)    mm, camera axes, from the camera
        visible        bool    (17,)      in the picture, nothing before it
        camera         float32 (3, 3)     intrinsics
        mask           bool    (S, S)     the person, less what hides it
        surface        float32 (S, S)     mm, depth of the person; inf beside
        lsp_keypoints  float32 (14, 2)    as LSP marks them, crown and neck
        kind           str                the sort of pose

    Args:
        seed: int, 0 or more.
        size: int, S.
        preset: one of `PRESETS`.
        options: `{ingredient: {name: value}}`, over the preset's; the names
            are keyword arguments of the functions in `INGREDIENTS`.
        recorded: `(M, 17, 3)` mm, y up, poses to draw from; by default the
            packaged ones.
        pictures: paths of background pictures without people.
        views: int, pictures in a row of the same person in the same pose and
            clothes; their posing is shared.
        joints: "h36m17" labels the joints where Human3.6M has them; "lsp14"
            gives what a reader of LSP would: the neck as thorax, the crown
            as head top, the joints between them as midpoints.

    Raises:
        ValueError: an unknown preset, ingredient or name, or a bad number.
    """

    def __init__(
        self,
        seed,
        *,
        size=256,
        preset="photographs",
        options=None,
        recorded=None,
        pictures=(),
        views=1,
        joints="h36m17",
    ):
        if preset not in PRESETS:
            raise ValueError(
                f"`preset` must be one of {', '.join(PRESETS)}. Received: "
                f"{preset!r}."
            )
        if joints not in ("h36m17", "lsp14"):
            raise ValueError(
                f"`joints` must be h36m17 or lsp14. Received: {joints!r}."
            )
        for name, value, least in (
            ("seed", seed, 0),
            ("size", size, 32),
            ("views", views, 1),
        ):
            if value < least:
                raise ValueError(
                    f"`{name}` must be {least} or more. Received: {value}."
                )
        self.seed, self.size = seed, size
        self.views, self.joints = views, joints
        self.options = _merged(PRESETS[preset], options or {})
        self._recorded = poses.shipped_poses() if recorded is None else recorded
        self._pictures = tuple(pictures)
        self._last = (None, None)

    def __getitem__(self, i):
        """Sample i; see the class."""
        if i < 0:
            raise IndexError(f"Samples are numbered from 0. Received: {i}.")
        person = self._person(i // self.views)
        camera = cameras.sample_camera(
            self._rng("camera", i),
            person.vertices[::_EXTENT_STEP],
            size=self.size,
            **self.options["camera"],
        )
        background = backgrounds.draw_background(
            self._rng("background", i),
            self.size,
            camera,
            pictures=self._pictures,
            **self.options["background"],
        )
        turn = camera.rotation.astype(np.float32)
        vertices = cameras.to_camera(person.vertices, camera).astype(np.float32)
        light = shading.sample_light(
            self._rng("light", i), up=turn[:, 1], **self.options["light"]
        )
        drawn = shading.render(
            vertices,
            person.normals @ turn.T,
            bodies.load_body(),
            person.look,
            light,
            camera.intrinsics,
            self.size,
        )
        left = shading.ground_shadow(
            vertices,
            light,
            camera.intrinsics,
            self.size,
            floor=camera.translation,  # The world's origin lies on it.
        )
        # The share of light, to about the power of the sRGB curve.
        background *= np.sqrt(left)[..., None]
        image = background * (1 - drawn.alpha[..., None]) + drawn.rgb
        mask = drawn.mask
        image, hidden = occluders.draw_occluders(
            self._rng("occluders", i), image, mask, **self.options["occluders"]
        )
        jpeg, image = effects.finish(
            self._rng("effects", i), image, **self.options["effects"]
        )
        return {
            "jpeg": jpeg,
            "image": image,
            **_labels(
                person.points, camera, drawn.depth, hidden, joints=self.joints
            ),
            "mask": mask & ~hidden,
            "surface": drawn.depth,
            "kind": person.kind,
        }

    def _rng(self, ingredient, i):
        number = list(INGREDIENTS).index(ingredient)
        return np.random.default_rng((self.seed, number, i))

    def _person(self, group):
        """The person that all views of a group show; the last one is kept."""
        if self._last[0] != group:
            self._last = (group, self._new_person(group))
        return self._last[1]

    def _new_person(self, group):
        joints, kind = poses.draw_pose(
            self._rng("pose", group),
            recorded=self._recorded,
            **self.options["pose"],
        )
        whole = bodies.load_body()
        rng = self._rng("shape", group)
        # Sex first: shape and clothes have to agree on it.
        sex = {"male": bool(rng.random() < 0.5)}
        if "male" in self.options["shape"]:
            sex["male"] = self.options["shape"]["male"]
        shape = bodies.random_shape(
            whole, rng, **{**self.options["shape"], **sex}
        )
        manner, lift = draw_manner(
            self._rng("manner", group), kind, **self.options["manner"]
        )
        posed = posing.pose_body(
            whole, bodies.shaped(whole, shape), joints, **manner
        )
        # The lowest point stands on the floor, or is that far above it.
        floor = np.float32([0, posed.vertices[:, 1].min() - lift, 0])
        return _Person(
            vertices=posed.vertices - floor,
            normals=posing.normals(posed.vertices, whole.faces),
            points=posed.points - floor,
            look=looks.sample_look(
                self._rng("look", group), **{**sex, **self.options["look"]}
            ),
            kind=kind,
        )


def _merged(preset, options):
    """Options of every ingredient, checked against its function."""
    unknown = set(options) - set(INGREDIENTS)
    if unknown:
        raise ValueError(
            f"The ingredients are {', '.join(INGREDIENTS)}. Received: "
            f"{', '.join(sorted(unknown))}."
        )
    merged = {}
    for name, function in INGREDIENTS.items():
        parameters = inspect.signature(function).parameters.values()
        known = {p.name for p in parameters if p.kind is p.KEYWORD_ONLY}
        known -= _GIVEN
        merged[name] = {**preset.get(name, {}), **options.get(name, {})}
        strange = set(merged[name]) - known
        if strange:
            raise ValueError(
                f"`{name}` may set {', '.join(sorted(known)) or 'nothing'}. "
                f"Received: {', '.join(sorted(strange))}."
            )
    return merged


def _labels(points, camera, depth, hidden, *, joints):
    """The labels of a sample, from the body's points in the world."""
    seen = cameras.to_camera(points.astype(np.float64), camera)
    pixels = vectors.project(seen, camera.intrinsics)
    count = len(_JOINTS)
    pose, keypoints = seen[:count], pixels[:count]
    lsp = seen[_LSP_POINTS]
    if joints == "lsp14":
        pose, _ = _FROM_LSP.points(lsp, np.ones(len(_LSP), bool))
        keypoints = vectors.project(pose, camera.intrinsics)
    relative = pose[:, 2] - pose[_JOINTS.root, 2]
    everything = np.ones(count, bool)
    return {
        "box": _box(keypoints),
        "keypoints": keypoints.astype(np.float32),
        "keypoint_mask": everything,
        "depth": relative.astype(np.float32),
        "depth_mask": everything,
        "relation": _relation(relative),
        "relation_mask": np.triu(np.ones((count, count), bool), k=1),
        "pose": pose.astype(np.float32),
        "visible": _visible(keypoints, pose[:, 2], depth, hidden),
        "camera": camera.intrinsics.astype(np.float32),
        "lsp_keypoints": pixels[_LSP_POINTS].astype(np.float32),
    }


# The next two are `geometry.box_around` and `ordinal.relations_from_depths` in
# plain NumPy: a backend's eager operations would take longer than drawing.


def _box(keypoints):
    low, high = keypoints.min(0), keypoints.max(0)
    side = geometry.BOX_MARGIN * (high - low).max()
    return np.append((low + high) / 2, side).astype(np.float32)


def _relation(depths):
    behind = depths[None, :] - depths[:, None]
    near = behind >= ordinal.TOLERANCE_MM
    return near.astype(np.int8) - near.T.astype(np.int8)


def _visible(keypoints, depths, surface, hidden):
    """`(17,)` bool: in the picture, with nothing but own flesh before it."""
    size = len(hidden)
    column, row = np.round(keypoints).astype(int).T
    inside = (column >= 0) & (column < size) & (row >= 0) & (row < size)
    column, row = (np.clip(at, 0, size - 1) for at in (column, row))
    open_ = depths - surface[row, column] < _FLESH
    return inside & open_ & ~hidden[row, column]
