"""Measures along the body, and smoothing of its surface."""

import numpy as np
import pytest

from ordinal_tf.synthetic.body import anatomy


def bone(body, name, end):
    return (body.heads if end == "head" else body.tails)[body.bones.index(name)]


def test_lengths_along_the_limbs(body):
    found = anatomy.anatomy(body)
    skin = body.vertex_layer == 0

    def around(place, values, radius=75):
        near = np.linalg.norm(body.vertices - place, axis=1) < radius
        return values[near & skin].mean()

    elbow = bone(body, "lowerarm01.L", "head")
    shoulder = bone(body, "upperarm01.L", "head")
    wrist = bone(body, "wrist.R", "head")
    upper = np.linalg.norm(elbow - shoulder)
    lower = np.linalg.norm(bone(body, "wrist.L", "head") - elbow)
    assert upper + lower == pytest.approx(anatomy.WRIST_MM, abs=2)
    assert around(elbow, found.along_arm) == pytest.approx(upper, abs=12)
    assert around(wrist, found.along_arm, 45) == pytest.approx(
        anatomy.WRIST_MM, abs=12
    )
    hip, knee = (
        bone(body, f"{b}.L", "head") for b in ("upperleg01", "lowerleg01")
    )
    thigh = np.linalg.norm(knee - hip)
    assert around(knee, found.along_leg, 90) == pytest.approx(thigh, abs=12)
    shin = np.linalg.norm(bone(body, "foot.L", "head") - knee)
    assert thigh + shin == pytest.approx(anatomy.ANKLE_MM, abs=2)
    # Feet are measured by their height: heel and toes are alike.
    soles = skin & (body.vertices[:, 1] < 15)
    assert np.ptp(found.along_leg[soles]) < 20


def test_shares_of_limbs(body):
    found = anatomy.anatomy(body)
    total = found.arm + found.leg + found.head
    assert total.max() < 1 + 1e-5
    at = body.vertices
    assert found.arm[np.abs(at[:, 0]) > 350].min() > 0.99
    assert found.leg[at[:, 1] < 600].min() > 0.99
    assert found.head[at[:, 1] > 1620].min() > 0.9


def test_smoothing_keeps_flat_things_and_what_it_is_not_for(body):
    found = anatomy.anatomy(body)
    hands = (found.along_arm > anatomy.WRIST_MM + 30) & (found.arm > 0.9)
    for name, (rows, matrix) in found.smoother.items():
        np.testing.assert_allclose(matrix.sum(1), 1, rtol=1e-5)
        assert matrix.min() >= 0
        assert not hands[rows].any()
        moved = matrix @ body.vertices - body.vertices[rows]
        assert 3 < np.linalg.norm(moved, axis=1).max() < 60
        rise = found.rise[name]
        assert (rise >= 0).all() and rise.max() > 1
        assert not np.delete(rise, rows).any()


def test_texture_has_no_seam(body):
    found = anatomy.anatomy(body)
    faces = body.faces[body.face_layer == 0]
    corner = found.texture[faces]
    step = np.abs(corner - np.roll(corner, 1, axis=1)).max((1, 2))
    sides = body.vertices[faces]
    edge = np.linalg.norm(sides - np.roll(sides, 1, axis=1), axis=2).max(1)
    # Along a limb, mm are mm; where limbs meet the trunk it may stretch.
    assert np.median(step / edge) < 1.3
    assert np.mean(step > 6 * edge + 20) < 0.02
