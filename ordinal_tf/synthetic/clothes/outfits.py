"""The mesh of a dressed person: garments cut out and put on.

Triangles are cut where a garment's field is zero, so hems are as fine as one
could wish; what lies well inside a garment is left out.
"""

import dataclasses
import functools

import numpy as np

from ordinal_tf import vectors
from ordinal_tf.synthetic.body import model as bodies
from ordinal_tf.synthetic.body.anatomy import anatomy
from ordinal_tf.synthetic.clothes import garments as clothes

# Kinds of garments that are none.
_HAIR = ("hair", "bun", "long_hair")
# Skin this far inside a garment is left out: it could only poke through.
_HIDDEN_MM = 28.0
# Further from its hems than this, a garment's inside is not seen.
_OPEN_MM = 90.0
# Least distance between two garments.
_APART_MM = 3.0


@dataclasses.dataclass(frozen=True, eq=False)
class Outfit:
    """The mesh of a dressed person: N vertices that follow the body's.

    Vertex i lies between body vertices `start[i]` and `end[i]`, `lift` along
    their normal.

    Attributes:
        start, end: `(N,)` int32.
        share: `(N,)` float32, of `end`.
        lift: `(N,)` float32 mm.
        parts: slices of the vertices by piece: skin first, then garments.
        smooth: for each part, a name in `Anatomy.smoother`, or None.
        faces: `(F, 3)` int32.
        face_part: `(F,)` uint8 index into `parts`.
        face_open: `(F,)` bool, its inside may be seen through an opening.
        texture: `(N, 2)` float32 mm.
        fabrics: for each part, its `Fabric`; None for the skin.
        hair: for each part, whether it is hair.
    """

    start: np.ndarray
    end: np.ndarray
    share: np.ndarray
    lift: np.ndarray
    parts: tuple[slice, ...]
    smooth: tuple[str | None, ...]
    faces: np.ndarray
    face_part: np.ndarray
    face_open: np.ndarray
    texture: np.ndarray
    fabrics: tuple[clothes.Fabric | None, ...]
    hair: tuple[bool, ...]

    def vary(self, values):
        """Body values `(V, ...)` at the outfit's vertices, `(N, ...)`."""
        share = self.share.reshape(-1, *(1,) * (values.ndim - 1))
        start = np.take(values, self.start, 0)
        return start + share * (np.take(values, self.end, 0) - start)


@functools.lru_cache(maxsize=4)
def dress(body, garments):
    """Cuts garments from the body and drops what they hide.

    Args:
        body: `model.Body`.
        garments: tuple of `Garment`, from the skin outwards.

    Returns:
        `Outfit`.
    """
    anat = anatomy(body)
    fields = [clothes.cover(body, garment) for garment in garments]
    faces = dict(zip(bodies.LAYERS, anat.faces, strict=True))
    pieces = [_shown(np.concatenate([faces["skin"], faces["eyes"]]), fields)]
    for i, (garment, field) in enumerate(zip(garments, fields, strict=True)):
        piece = faces[clothes.source(garment)]
        a, b, c = _at_corners(field > 0, piece)
        pieces.append(_shown(piece[a | b | c], fields[i + 1 :]))
    return _assemble(body, anat, garments, fields, pieces)


def _shown(faces, fields):
    """Faces less those that lie well inside one of the garments."""
    if not fields:
        return faces
    hidden = np.zeros(len(faces), bool)
    for field in fields:
        a, b, c = _at_corners(field > _HIDDEN_MM, faces)
        hidden |= a & b & c
    return faces[~hidden]


def _assemble(body, anat, garments, fields, pieces):
    """`Outfit` of the skin and the garments; `pieces` are their faces."""
    nodes, faces = _compact(pieces[0], len(body.vertices))
    none = np.zeros(len(nodes), np.float32)
    layers = [(nodes, nodes, none, none)]
    cuts, openings = [faces], [np.zeros(len(faces), bool)]
    below = np.zeros(len(body.vertices), np.float32)
    for garment, field, piece in zip(garments, fields, pieces[1:], strict=True):
        start, end, share, faces = _cut(piece, field)
        lift = np.maximum(clothes.lift_of(anat, garment, field), below)
        # What is worn over it stays outside, a little past its hem too.
        below = np.where(field > -20, lift + _APART_MM, below)
        lift = lift[start] + share * (lift[end] - lift[start])
        layers.append((start, end, share, lift))
        cuts.append(faces)
        near = field[start] < _OPEN_MM
        if clothes.smoothing(garment) is None:
            near[:] = True
        a, b, c = _at_corners(near, faces)
        openings.append(a | b | c)
    ends = np.cumsum([0, *(len(layer[0]) for layer in layers)])
    start, end, share, lift = (
        np.concatenate(column) for column in zip(*layers, strict=True)
    )
    faces = np.concatenate(
        [cut + first for cut, first in zip(cuts, ends[:-1], strict=True)]
    )
    part = np.arange(len(cuts), dtype=np.uint8)
    texture = anat.texture[start]
    texture = texture + share[:, None] * (anat.texture[end] - texture)
    return Outfit(
        start=start.astype(np.int32),
        end=end.astype(np.int32),
        share=share.astype(np.float32),
        lift=lift.astype(np.float32),
        parts=tuple(map(slice, ends[:-1].tolist(), ends[1:].tolist())),
        smooth=(None, *(clothes.smoothing(garment) for garment in garments)),
        faces=faces.astype(np.int32),
        face_part=np.repeat(part, [*map(len, cuts)]),
        face_open=np.concatenate(openings),
        texture=texture,
        fabrics=(None, *(garment.fabric for garment in garments)),
        hair=(False, *(garment.kind in _HAIR for garment in garments)),
    )


def place(outfit, body, vertices, normals):
    """Where the outfit's vertices are on a posed body.

    Args:
        outfit: `Outfit`.
        body: `model.Body`.
        vertices, normals: `(V, 3)` float32 mm of the posed body, any axes.

    Returns:
        `(N, 3)` float32 mm.
    """
    smoother = anatomy(body).smoother
    both = np.concatenate([vertices, normals], 1)
    smoothed = {None: both}
    placed = []
    for part, name in zip(outfit.parts, outfit.smooth, strict=True):
        if name not in smoothed:
            smoothed[name] = _smoothed(both, *smoother[name])
        source, lift = smoothed[name], outfit.lift[part, None]
        first = np.take(source, outfit.start[part], 0)
        first = first[:, :3] + lift * first[:, 3:]
        # Few vertices lie between two others: those of hems.
        between = np.flatnonzero(outfit.share[part])
        last = np.take(source, outfit.end[part][between], 0)
        last = last[:, :3] + lift[between] * last[:, 3:]
        share = outfit.share[part][between, None]
        first[between] += share * (last - first[between])
        placed.append(first)
    return np.concatenate(placed)


def _smoothed(both, rows, matrix):
    """Places and normals `(V, 6)`, averaged where there is cloth."""
    mean = matrix @ both
    mean[:, 3:] = vectors.unit(mean[:, 3:], least=1e-9)
    everywhere = both.copy()
    everywhere[rows] = mean
    return everywhere


def _compact(faces, count):
    """The vertices that faces use, and the faces renumbered to them."""
    used = np.zeros(count, bool)
    used[faces] = True
    nodes = np.flatnonzero(used)
    number = np.zeros(count, np.int32)
    number[nodes] = np.arange(len(nodes), dtype=np.int32)
    return nodes, number[faces]


def _cut(faces, field):
    """The part of a mesh in which a field is positive.

    Returns:
        `(N,)` first and second body vertex of each new vertex, `(N,)` share
        of the second, `(F, 3)` faces of new vertices.
    """
    a, b, c = _at_corners(field > 0, faces)
    count = a.astype(np.int8) + b + c
    whole = faces[count == 3]
    # The corner that is alone on its side comes first.
    one, two = faces[count == 1], faces[count == 2]
    one = _turned(one, (field[one] > 0).argmax(1))
    two = _turned(two, (field[two] <= 0).argmax(1))
    alone = np.concatenate([one, two])
    edges = np.concatenate([alone[:, [0, 1]], alone[:, [0, 2]]])
    low, high = edges.min(1), edges.max(1)
    key = low.astype(np.int64) * len(field) + high
    unique, number = np.unique(key, return_inverse=True)
    first, last = np.divmod(unique, len(field))
    # Zero at the hem, by linear interpolation.
    share = field[first] / (field[first] - field[last])
    number = number.astype(np.int32) + len(field)
    left, right = number[: len(alone)], number[len(alone) :]
    k = len(one)
    corner = np.stack([one[:, 0], left[:k], right[:k]], 1)
    quad_a = np.stack([two[:, 1], two[:, 2], right[k:]], 1)
    quad_b = np.stack([two[:, 1], right[k:], left[k:]], 1)
    faces = np.concatenate([whole, corner, quad_a, quad_b])
    used, faces = _compact(faces, len(field) + len(unique))
    old = used[used < len(field)]
    return (
        np.concatenate([old, first]),
        np.concatenate([old, last]),
        np.concatenate([np.zeros(len(old)), share]).astype(np.float32),
        faces,
    )


def _at_corners(flags, faces):
    """Flags of vertices at the three corners of faces, each `(F,)`."""
    a, b, c = np.take(flags, faces).T
    return a, b, c


def _turned(faces, first):
    """Faces whose corners start at number `first`, in the same sense."""
    order = (first[:, None] + np.arange(3)) % 3
    return np.take_along_axis(faces, order, 1)
