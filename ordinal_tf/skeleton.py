"""Joint names, parents, mirror pairs, and mapping between joint sets by name.

Every array of joints in the package follows one of the `Skeleton`s below;
`H36M17` is the order of all outputs. Nothing maps joints by index: the
authors' Human3.6M files put the left leg first, everybody else the right.
"""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Skeleton:
    """A named, ordered set of joints.

    Attributes:
        name: str.
        joints: joint names in array order; left and right are the person's.
        parents: index of each joint's parent, -1 for the top of the tree.
        root: index of the joint that root-relative poses subtract.
    """

    name: str
    joints: tuple[str, ...]
    parents: tuple[int, ...]
    root: int

    def __len__(self):
        return len(self.joints)

    def index(self, joint):
        """Index of a joint by name; `ValueError` names the known ones."""
        if joint not in self.joints:
            raise ValueError(
                f"{self.name} has no joint {joint!r}; it has "
                f"{', '.join(self.joints)}."
            )
        return self.joints.index(joint)

    @property
    def mirror(self):
        """Permutation that trades left and right: joint k becomes mirror[k]."""
        swap = {"left": "right", "right": "left"}
        names = []
        for joint in self.joints:
            side, _, rest = joint.partition("_")
            names.append(f"{swap[side]}_{rest}" if side in swap else joint)
        return tuple(self.joints.index(name) for name in names)

    @property
    def bones(self):
        """`((parent, child), ...)` in joint order."""
        return tuple((p, c) for c, p in enumerate(self.parents) if p >= 0)


def _skeleton(name, joints, parents, root):
    return Skeleton(name, tuple(joints.split()), parents, root)


H36M17 = _skeleton(
    "h36m17",
    "pelvis right_hip right_knee right_ankle left_hip left_knee left_ankle "
    "spine thorax nose head_top left_shoulder left_elbow left_wrist "
    "right_shoulder right_elbow right_wrist",
    parents=(-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15),
    root=0,
)

# The order of the authors' own Human3.6M files: left leg first.
H36M17_LEFT_FIRST = _skeleton(
    "h36m17_left_first",
    "pelvis left_hip left_knee left_ankle right_hip right_knee right_ankle "
    "spine thorax nose head_top left_shoulder left_elbow left_wrist "
    "right_shoulder right_elbow right_wrist",
    parents=H36M17.parents,
    root=0,
)

LSP14 = _skeleton(
    "lsp14",
    "right_ankle right_knee right_hip left_hip left_knee left_ankle "
    "right_wrist right_elbow right_shoulder left_shoulder left_elbow "
    "left_wrist neck head_top",
    parents=(1, 2, 12, 12, 3, 4, 7, 8, 12, 12, 9, 10, -1, 12),
    root=12,
)

MPII16 = _skeleton(
    "mpii16",
    "right_ankle right_knee right_hip left_hip left_knee left_ankle pelvis "
    "thorax upper_neck head_top right_wrist right_elbow right_shoulder "
    "left_shoulder left_elbow left_wrist",
    parents=(1, 2, 6, 6, 3, 4, -1, 6, 7, 8, 11, 12, 7, 7, 13, 14),
    root=6,
)

HUMANEVA15 = _skeleton(
    "humaneva15",
    "pelvis thorax left_shoulder left_elbow left_wrist right_shoulder "
    "right_elbow right_wrist left_hip left_knee left_ankle right_hip "
    "right_knee right_ankle head_top",
    parents=(-1, 0, 1, 2, 3, 1, 5, 6, 0, 8, 9, 0, 11, 12, 1),
    root=0,
)

COCO17 = _skeleton(
    "coco17",
    "nose left_eye right_eye left_ear right_ear left_shoulder right_shoulder "
    "left_elbow right_elbow left_wrist right_wrist left_hip right_hip "
    "left_knee right_knee left_ankle right_ankle",
    # COCO has no trunk joint: limbs hang from the shoulders and hips, and
    # the nose, nearest to a trunk, is the top of the tree.
    parents=(-1, 0, 0, 1, 2, 0, 0, 5, 6, 7, 8, 5, 6, 11, 12, 13, 14),
    root=0,
)

# The test set of MPI-INF-3DHP, in the order of its `relevant` joint set
# (mpii_get_joint_set.m of the dataset; there the spine's parent is the root).
MPI_INF_3DHP17 = _skeleton(
    "mpi_inf_3dhp17",
    "head_top neck right_shoulder right_elbow right_wrist left_shoulder "
    "left_elbow left_wrist right_hip right_knee right_ankle left_hip "
    "left_knee left_ankle pelvis spine head",
    parents=(16, 15, 1, 2, 3, 1, 5, 6, 14, 8, 9, 14, 11, 12, -1, 14, 1),
    root=14,
)

# The 32 points of Human3.6M's own pose files, of which 17 move on their own:
# the others are ends of hands and feet and points that coincide with those.
H36M32 = _skeleton(
    "h36m32",
    "pelvis right_hip right_knee right_ankle right_toe_base right_toe_tip "
    "left_hip left_knee left_ankle left_toe_base left_toe_tip lower_spine "
    "spine thorax nose head_top left_clavicle left_shoulder left_elbow "
    "left_wrist left_thumb left_thumb_tip left_hand left_hand_tip "
    "right_clavicle right_shoulder right_elbow right_wrist right_thumb "
    "right_thumb_tip right_hand right_hand_tip",
    parents=(
        *(-1, 0, 1, 2, 3, 4, 0, 6, 7, 8, 9, 0, 11, 12, 13, 14),
        *(12, 16, 17, 18, 19, 20, 19, 22, 12, 24, 25, 26, 27, 28, 27, 30),
    ),
    root=0,
)

SKELETONS = (
    H36M17,
    H36M17_LEFT_FIRST,
    LSP14,
    MPII16,
    HUMANEVA15,
    COCO17,
    MPI_INF_3DHP17,
    H36M32,
)

# What stands in for a joint that a skeleton lacks: alternatives in order of
# preference, each the mean of the named joints, and whether that is an
# approximation (True) or the joint's own definition (False).
_STAND_INS = {
    "pelvis": [(("left_hip", "right_hip"), False)],
    # LSP's neck is the base of the neck, a few centimetres above the point
    # that Human3.6M and MPII call thorax.
    "thorax": [
        (("neck",), True),
        (("left_shoulder", "right_shoulder"), True),
    ],
    "neck": [
        (("thorax",), True),
        (("left_shoulder", "right_shoulder"), True),
    ],
    # Human3.6M's spine lies 256 mm above the pelvis, 250 mm below the thorax.
    "spine": [(("pelvis", "thorax"), True)],
    # Human3.6M's "nose" is the jaw, halfway from thorax to head (121, 115 mm).
    # Only MPI-INF-3DHP has a joint `head`: the lower end of the head, near the
    # jaw. Other sets call the crown so, which is our `head_top`.
    "nose": [
        (("upper_neck",), True),
        (("head",), True),
        (("thorax", "head_top"), True),
    ],
    "upper_neck": [(("nose",), True)],
}

# Human3.6M's head joint is about 10 cm below the crown, which is the head top
# of LSP, MPII, MPI-INF-3DHP and of whoever labels photographs; so is its
# "nose", the jaw, another point than the face's nose of COCO and of others.
_H36M = ("h36m17", "h36m17_left_first", "h36m32")
_OF_H36M = {"head_top": (*_H36M, "humaneva15"), "nose": _H36M}


@dataclasses.dataclass(frozen=True)
class Mapping:
    """How the joints of `target` follow from those of `source`.

    Attributes:
        source, target: the two skeletons.
        weights: `(Kt, Ks)` float64; row t averages source joints, or is zero.
        mask: `(Kt,)` bool, the target joint exists in or follows from source.
        approximate: `(Kt,)` bool, it exists but stands for another point.
    """

    source: Skeleton
    target: Skeleton
    weights: np.ndarray
    mask: np.ndarray
    approximate: np.ndarray

    def points(self, points, mask=None):
        """Maps points, averaging where a joint is derived.

        Args:
            points: `(..., Ks, C)` coordinates; anything where not masked.
            mask: `(..., Ks)` bool, the point is known; None: all are.

        Returns:
            `(..., Kt, C)` float64 points, 0 where unknown, and `(..., Kt)`
            bool: known, which asks for every joint that the mean takes.
        """
        if mask is None:
            mask = np.ones(np.shape(points)[:-1], bool)
        mask = np.asarray(mask, bool)
        points = np.where(mask[..., None], points, 0.0)
        needs = self.weights > 0
        known = ~np.any(needs & ~mask[..., None, :], axis=-1) & self.mask
        mapped = np.einsum("ts,...sc->...tc", self.weights, points)
        return np.where(known[..., None], mapped, 0.0), known

    def relations(self, relations, mask):
        """Maps depth relations; a mean of joints needs all of them to agree.

        The middle of two joints that are both nearer than a third is nearer
        too, and about equal where both are; where they disagree, or where a
        pair shares a joint, nothing follows and the pair is masked.

        Args:
            relations: `(..., Ks, Ks)` of -1, 0, +1, antisymmetric.
            mask: `(..., Ks, Ks)` bool, symmetric: the pair is annotated.

        Returns:
            `(..., Kt, Kt)` int8 relations, 0 where unknown, and their
            symmetric bool mask.
        """
        needs = (self.weights > 0).astype(np.int64)
        pairs = np.einsum("is,ju->ijsu", needs, needs).astype(bool)
        wanted = pairs.sum((-1, -2))
        flat = pairs.reshape(*wanted.shape, -1).astype(np.int64)
        mask = np.asarray(mask, bool)
        found = {}
        for sign in (-1, 0, 1):
            agree = (np.asarray(relations) == sign) & mask
            agree = agree.reshape(*agree.shape[:-2], -1).astype(np.int64)
            count = np.einsum("ijp,...p->...ij", flat, agree)
            found[sign] = (count == wanted) & (wanted > 0)
        known = found[-1] | found[0] | found[1]
        mapped = found[1].astype(np.int8) - found[-1].astype(np.int8)
        return mapped, known


def mapping(source, target):
    """Maps `source` onto `target` by joint name, with the usual stand-ins.

    Returns:
        `Mapping`. Pelvis is the middle of the hips; thorax that of the
        shoulders unless the source has a neck; spine and nose are midpoints.
        `approximate` says which of these are not the joint's definition.
    """
    weights = np.zeros((len(target), len(source)))
    approximate = np.zeros(len(target), bool)
    for t, joint in enumerate(target.joints):
        row, rough = _resolve(joint, source)
        if row is None:
            continue
        weights[t] = row
        if joint in _OF_H36M:
            same = _OF_H36M[joint]
            rough |= (source.name in same) != (target.name in same)
        approximate[t] = rough
    return Mapping(source, target, weights, weights.any(-1), approximate)


def _resolve(joint, source, seen=()):
    """Source weights of a joint (or None), and whether they approximate."""
    if joint in source.joints:
        return np.eye(len(source))[source.joints.index(joint)], False
    for names, rough in _STAND_INS.get(joint, ()):
        if set(names) & set(seen):
            continue  # thorax and neck stand in for each other: no circles.
        rows = [_resolve(name, source, (*seen, joint)) for name in names]
        if all(row is not None for row, _ in rows):
            weights = np.mean([row for row, _ in rows], axis=0)
            return weights, rough or any(r for _, r in rows)
    return None, False
