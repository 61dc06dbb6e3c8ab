"""Fewer triangles where there are more than a picture shows."""

import numpy as np
from scipy import sparse

# A face may turn by the angle of this cosine when an edge is collapsed.
_STEADY = 0.35
_ROUNDS = 30  # At the most.


def collapse_short_edges(vertices, faces, free, *, shortest_mm):
    """Merges the ends of short edges, keeping surfaces whole.

    Each round collapses edges that are the shortest all around; vertices
    are never moved, one end of the edge takes the place of both.

    Args:
        vertices: `(V, 3)`.
        faces: `(F, 3)` int, a closed mesh or several.
        free: `(V,)` int, the group of each vertex; edges collapse only
            within a group, and never those of group -1.
        shortest_mm: edges of this length stay.

    Returns:
        `(F', 3)` int32 faces between the same vertices.
    """
    faces = np.asarray(faces, np.int32)
    barred = np.zeros(len(vertices), bool)
    for _ in range(_ROUNDS):
        kept, gone = _choose(vertices, faces, free, shortest_mm, barred)
        if not len(gone):
            break
        into = np.arange(len(vertices), dtype=np.int32)
        into[gone] = kept
        moved = into[faces]
        steady = _steady(vertices, faces, moved)
        # Whoever would turn a face over stays for good.
        wrong = np.unique(faces[~steady])
        wrong = wrong[into[wrong] != wrong]
        barred[wrong] = True
        into[wrong] = wrong
        moved = into[faces]
        a, b, c = moved.T
        faces = moved[(a != b) & (b != c) & (c != a)]
    return faces


def neighbours(faces, count):
    """`(count, count)` sparse bool: which vertices share an edge."""
    a, b, c = faces.T
    rows, columns = np.concatenate([a, b, c]), np.concatenate([b, c, a])
    ones = np.ones(len(rows), np.int32)
    near = sparse.csr_matrix((ones, (rows, columns)), shape=(count, count))
    return (near + near.T) > 0


def _choose(vertices, faces, free, shortest_mm, barred):
    """Edges to collapse, no two of them close: ends that stay, and go."""
    a, b, c = faces.T
    first, last = np.concatenate([a, b, c]), np.concatenate([b, c, a])
    # In a closed mesh each edge runs once in each direction.
    one_way = first < last
    first, last = first[one_way], last[one_way]
    length = np.linalg.norm(vertices[first] - vertices[last], axis=1)
    able = (free[first] == free[last]) & (free[first] >= 0)
    able &= (length < shortest_mm) & ~(barred[first] & barred[last])
    rank = np.full(len(first), len(first))
    rank[np.lexsort([length, ~able])] = np.arange(len(first))
    rank[~able] = len(first)
    # The best rank of the edges at a vertex, then at it and its neighbours.
    near = np.full(len(vertices), len(first))
    np.minimum.at(near, first, rank)
    np.minimum.at(near, last, rank)
    around = near.copy()
    np.minimum.at(around, first, near[last])
    np.minimum.at(around, last, near[first])
    best = able & (rank == around[first]) & (rank == around[last])
    first, last = first[best], last[best]
    whole = _shared(faces, len(vertices), first, last) == 2
    first, last = first[whole], last[whole]
    swap = barred[last]
    return np.where(swap, last, first), np.where(swap, first, last)


def _shared(faces, count, first, last):
    """How many neighbours the ends of edges share; 2 where it is safe."""
    near = neighbours(faces, count).astype(np.int32)
    both = near[first].multiply(near[last])
    return np.asarray(both.sum(1)).ravel()


def _steady(vertices, faces, moved):
    """`(F,)` bool: faces that vanish or keep looking the same way."""
    changed = np.flatnonzero((faces != moved).any(1))
    before = _across(vertices[faces[changed]])
    after = _across(vertices[moved[changed]])
    lengths = np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)
    a, b, c = moved[changed].T
    vanish = (a == b) | (b == c) | (c == a)
    steady = np.ones(len(faces), bool)
    steady[changed] = vanish | ((before * after).sum(1) > _STEADY * lengths)
    return steady


def _across(corner):
    return np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
