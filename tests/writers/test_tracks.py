"""People's rows in order: identities, gaps, rates."""

import numpy as np
import pytest

from ordinal_tf.writers import tracks
from tests.writers import made

RNG = np.random.default_rng(0)


def test_photographs_are_tracks_of_one_frame():
    pose = made.moving(RNG, 3)
    table = made.table(["a.jpg", "b.jpg", "b.jpg"], pose)
    found = tracks.split(table)
    assert [(t.source, t.person) for t in found] == [
        ("a.jpg", 0),
        ("b.jpg", 0),
        ("b.jpg", 1),
    ]
    for track, one in zip(found, pose, strict=True):
        assert track.times.tolist() == [0.0] and not track.absolute
        np.testing.assert_allclose(track.poses, one[None], atol=1e-3)
        assert tracks.steady(track).shape == (1, 17, 3)


def test_people_keep_their_rows_and_gaps_are_nan():
    """Two people who cross in the table, one gone for a frame."""
    pose = made.moving(RNG, 7)
    frames = [0, 0, 2, 2, 4, 6, 6]
    people = np.array([5, 2, 2, 5, 2, 5, 2])
    table = made.table(
        made.film(frames), pose, times=np.array(frames) / 10, person=people
    )
    five, two = tracks.split(table)
    assert (five.person, two.person) == (5, 2)
    np.testing.assert_allclose(five.times, [0, 0.2, 0.4, 0.6])
    assert five.seen.tolist() == [True, True, False, True]
    assert five.frame_s == pytest.approx(0.2)
    np.testing.assert_allclose(
        five.poses[[0, 1, 3]], pose[[0, 3, 5]], atol=1e-3
    )
    np.testing.assert_allclose(two.poses, pose[[1, 2, 4, 6]], atol=1e-3)
    filled = tracks.steady(five)
    middle = (pose[3] + pose[5]) / 2
    np.testing.assert_allclose(filled[2], middle, atol=1e-3)
    np.testing.assert_allclose(filled[3], pose[5], atol=1e-3)


def test_without_identities_rows_of_a_frame_are_counted():
    pose = made.moving(RNG, 5)
    images = made.film([3, 3, 4, 4, 4])
    found = tracks.split(made.table(images, pose, times=[0.3] * 2 + [0.4] * 3))
    assert [(t.person, len(t.times)) for t in found] == [(0, 2), (1, 2), (2, 1)]
    np.testing.assert_allclose(found[1].poses, pose[[1, 3]], atol=1e-3)
    np.testing.assert_allclose(found[2].times, [0.4])
    assert found[2].frame_s == pytest.approx(0.1)


def test_small_jitter_of_times_moves_nothing():
    pose = made.moving(RNG, 4)
    times = [0.0, 0.041, 0.079, 0.12]
    (track,) = tracks.split(made.table(made.film(range(4)), pose, times=times))
    np.testing.assert_allclose(tracks.steady(track), pose, atol=1e-3)


def test_a_rate_that_varies_becomes_steady():
    """A joint on a straight line, at a steady speed, stays so."""
    times = np.array([0, 0.1, 0.2, 0.3, 0.45, 0.6, 0.75])
    pose = np.zeros((7, 17, 3))
    pose[:, 1] = times[:, None] * [100, 200, 300]
    (track,) = tracks.split(made.table(made.film(range(7)), pose, times=times))
    steady = tracks.steady(track)
    assert track.frame_s == pytest.approx(0.125, abs=0.03)
    expected = np.arange(len(steady))[:, None] * track.frame_s * [100, 200, 300]
    # A quarter of a frame is taken for jitter.
    np.testing.assert_allclose(steady[:, 1], expected, atol=0.26 * 45)


def test_absolute_only_where_every_row_is():
    pose = made.moving(RNG, 3)
    camera = np.float32(pose + [0, 0, 4000])
    camera[2] = np.nan
    table = made.table(["a.jpg", "b.jpg", "c.jpg"], pose, pose_camera=camera)
    found = tracks.split(table)
    assert [track.absolute for track in found] == [True, True, False]
    np.testing.assert_allclose(
        found[1].poses[0], pose[1] + [0, 0, 4000], atol=1
    )
    np.testing.assert_allclose(found[2].poses[0], pose[2], atol=1e-3)


def test_nobody():
    assert tracks.split(made.table([], np.zeros((0, 17, 3)))) == []
