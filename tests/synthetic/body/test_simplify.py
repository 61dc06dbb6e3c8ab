"""Collapsing short edges keeps a surface closed, in place and outside out."""

import numpy as np
import pytest

from ordinal_tf.synthetic.body import model as bodies
from ordinal_tf.synthetic.body import simplify


def torus(around=80, across=40, radius=100.0, thick=40.0):
    """A closed mesh with a hole, counter-clockwise from outside."""
    u = np.arange(around) * 2 * np.pi / around
    v = np.arange(across) * 2 * np.pi / across
    u, v = (x.ravel() for x in np.meshgrid(u, v, indexing="ij"))
    ring = radius + thick * np.cos(v)
    vertices = np.stack(
        [ring * np.cos(u), ring * np.sin(u), thick * np.sin(v)], 1
    )
    number = np.arange(around * across).reshape(around, across)
    right, up = np.roll(number, -1, 0), np.roll(number, -1, 1)
    both = np.roll(right, -1, 1)
    a, b, c, d = (x.ravel() for x in (number, right, both, up))
    faces = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
    return vertices, faces.astype(np.int32)


def volume(vertices, faces):
    a, b, c = vertices[faces].astype(float).transpose(1, 0, 2)
    return np.einsum("fi,fi->", a, np.cross(b, c)) / 6


def assert_closed(faces):
    edges = np.concatenate(
        [faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]
    )
    directed = {tuple(edge) for edge in edges.tolist()}
    assert len(directed) == len(edges)
    assert {(b, a) for a, b in directed} == directed


def characteristic(faces):
    vertices = len(np.unique(faces))
    return vertices - len(faces) * 3 // 2 + len(faces)


def test_a_torus_stays_a_torus():
    vertices, faces = torus()
    free = np.zeros(len(vertices), np.int32)
    fewer = simplify.collapse_short_edges(
        vertices, faces, free, shortest_mm=14.0
    )
    assert len(fewer) < 0.6 * len(faces)
    assert_closed(fewer)
    assert characteristic(fewer) == characteristic(faces) == 0
    assert volume(vertices, fewer) == pytest.approx(
        volume(vertices, faces), rel=0.05
    )


def test_groups_keep_their_borders():
    vertices, faces = torus()
    free = (vertices[:, 0] > 0).astype(np.int32)
    free[vertices[:, 1] > 50] = -1
    fewer = simplify.collapse_short_edges(
        vertices, faces, free, shortest_mm=12.0
    )
    assert len(fewer) < len(faces)
    # Whatever is in no group stays as it is.
    still = (free[faces] == -1).all(1)
    kept = {tuple(face) for face in fewer.tolist()}
    assert {tuple(face) for face in faces[still].tolist()} <= kept
    none = simplify.collapse_short_edges(
        vertices, faces, np.full(len(vertices), -1), shortest_mm=12.0
    )
    np.testing.assert_array_equal(none, faces)


def test_the_body_keeps_its_shape():
    body = bodies.load_body()
    faces = body.faces[body.face_layer == 0]
    free = body.paint.astype(np.int32)
    fewer = simplify.collapse_short_edges(
        body.vertices, faces, free, shortest_mm=7.0
    )
    assert len(fewer) < 0.7 * len(faces)
    assert_closed(fewer)
    assert characteristic(fewer) == characteristic(faces)
    assert volume(body.vertices, fewer) == pytest.approx(
        volume(body.vertices, faces), rel=0.01
    )
