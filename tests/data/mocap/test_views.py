"""Bodies, cameras and noise: closed forms and invariances."""

import numpy as np
import pytest

from ordinal_tf import skeleton
from ordinal_tf.data.mocap import views as mocap_views
from ordinal_tf.synthetic import people as synthetic

H36M = skeleton.H36M17
CAMERA = mocap_views.Camera()


def random_poses(count=6, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(scale=300, size=(count, 17, 3))


def bone_lengths(pose):
    return np.stack(
        [
            np.linalg.norm(pose[:, c] - pose[:, p], axis=-1)
            for p, c in H36M.bones
        ],
        axis=-1,
    )


def test_camera_frame_by_hand():
    # From in front (world +z), level: the world's x stays x, up becomes -y,
    # and what points at the camera becomes nearer.
    none = np.zeros(1)
    front = mocap_views.camera_rotations(none, none, none)[0]
    np.testing.assert_allclose(front, np.diag([1, -1, -1]), atol=1e-12)
    # From the world's +x side: -z is to the right, +x is nearer.
    side = mocap_views.camera_rotations(
        np.array([np.pi / 2]), np.zeros(1), np.zeros(1)
    )
    expected = [[0, 0, -1], [0, -1, 0], [-1, 0, 0]]
    np.testing.assert_allclose(side[0], expected, atol=1e-12)
    # From above, the head (up) is nearer than the feet.
    high = mocap_views.camera_rotations(none, np.array([0.3]), none)[0]
    np.testing.assert_allclose(
        high @ [0, 1, 0], [0, -np.cos(0.3), -np.sin(0.3)], atol=1e-12
    )
    # A roll of 90 degrees clockwise puts what was on top on the right.
    rolled = mocap_views.camera_rotations(
        np.zeros(1), np.zeros(1), np.array([np.pi / 2])
    )[0]
    np.testing.assert_allclose(rolled @ [0, 1, 0], [1, 0, 0], atol=1e-12)


def test_camera_rotations_are_rotations():
    rng = np.random.default_rng(0)
    turn = mocap_views.camera_rotations(*rng.uniform(-3, 3, (3, 50)))
    eye = np.broadcast_to(np.eye(3), turn.shape)
    np.testing.assert_allclose(turn @ turn.mT, eye, atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(turn), 1)


def test_views_are_a_pure_function_of_the_seed():
    recorded = random_poses()
    before = recorded.copy()
    settings = dict(batch_size=32, camera=CAMERA, body=mocap_views.Body())
    one, _ = mocap_views.training_batch(recorded, 3, 5, **settings)
    same, _ = mocap_views.training_batch(recorded, 3, 5, **settings)
    other, _ = mocap_views.training_batch(recorded, 3, 6, **settings)
    for key in one:
        np.testing.assert_array_equal(one[key], same[key])
        assert one[key].dtype == np.float32
        assert np.abs(one[key] - other[key]).max() > 1
    np.testing.assert_array_equal(recorded, before)


def test_views_agree_with_each_other():
    recorded = random_poses(200)
    views = mocap_views.sample_views(
        recorded, np.random.default_rng(0), camera=CAMERA
    )
    pose = views["pose_3d"]
    np.testing.assert_array_equal(pose[:, 0], 0)
    np.testing.assert_array_equal(pose[..., 2], views["depth"])
    # Turning keeps all lengths; recorded limbs were asked for.
    np.testing.assert_allclose(
        bone_lengths(pose), bone_lengths(recorded), rtol=1e-5
    )
    # The pixels fit a camera of some focal length f that sees the root at
    # (u0, v0): u (Z + z) = f (X + x), with unknown f / Z and X / Z. Solve
    # for them and for the pixels' agreement.
    for k in range(20):
        axis = k % 2  # The same holds of y.
        x, z = pose[k].astype(np.float64)[:, [axis, 2]].T
        u = views["keypoints_2d"][k, :, axis].astype(np.float64)
        # u = a x + b - u z / Z with a = f / Z, b = f X / Z.
        system = np.stack([x, np.ones(17), -u * z], axis=-1)
        fit, *_ = np.linalg.lstsq(system, u, rcond=None)
        np.testing.assert_allclose(system @ fit, u, atol=0.05)
        distance = 1 / fit[2]
        assert 2499 < distance < 8001
        assert 799 < fit[0] * distance < 1601
        assert abs(fit[1] / (fit[0] * distance)) < 0.2001


def test_limbs_are_symmetric_and_keep_directions():
    recorded = random_poses()
    body = mocap_views.Body(scale=0.1, limbs=0.2, girdles=0.3)
    factors = mocap_views.limb_factors(
        body, len(recorded), np.random.default_rng(2)
    )
    np.testing.assert_array_equal(factors, factors[:, list(H36M.mirror)])
    np.testing.assert_array_equal(factors[:, 0], 1)
    # All ten kinds of bone differ.
    assert len(np.unique(factors[0])) == 11
    scaled = mocap_views.scale_limbs(recorded, factors)
    np.testing.assert_allclose(
        bone_lengths(scaled), factors[:, 1:] * bone_lengths(recorded)
    )
    for parent, child in H36M.bones:
        one = recorded[:, child] - recorded[:, parent]
        new = scaled[:, child] - scaled[:, parent]
        np.testing.assert_allclose(np.cross(one, new), 0, atol=1e-6)


def test_limb_spread_is_as_asked():
    body = mocap_views.Body(scale=0.0, limbs=0.1, girdles=0.3)
    factors = mocap_views.limb_factors(body, 20_000, np.random.default_rng(0))
    # A normal cut at two standard deviations (clipped) has a standard
    # deviation of 0.9594 (integrated by hand).
    hip, knee = H36M.index("left_hip"), H36M.index("right_knee")
    spread = np.log(factors[:, [hip, knee]]).std(axis=0)
    np.testing.assert_allclose(spread, [0.3 * 0.9594, 0.1 * 0.9594], rtol=0.02)


def test_average_bodies_have_average_bones():
    recorded = random_poses()
    body = mocap_views.Body(scale=0, limbs=0, girdles=0, average=True)
    views = mocap_views.sample_views(
        recorded, np.random.default_rng(0), camera=CAMERA, body=body
    )
    lengths = bone_lengths(views["pose_3d"])
    for (_, child), column in zip(H36M.bones, lengths.T, strict=True):
        name = H36M.joints[child].removeprefix("left_").removeprefix("right_")
        np.testing.assert_allclose(
            column, mocap_views.PEOPLE_MM[name], rtol=1e-5
        )
    assert mocap_views.average_bones()[H36M.root] == 0


def test_average_bones_are_those_of_synthetic_people():
    people = synthetic.SyntheticPeople(0, size=64)
    poses = np.stack([people[4 * i]["pose"] for i in range(40)])
    mean = bone_lengths(poses).mean(0)
    expected = mocap_views.average_bones()[[c for _, c in H36M.bones]]
    # Bones differ by up to a tenth between people, necks by a fifth.
    np.testing.assert_allclose(mean, expected, rtol=0.08)


def test_cameras_that_look_from_anywhere():
    # Somebody along the world's y axis alone shows the camera's elevation.
    pole = np.zeros((4000, 17, 3))
    pole[:, 1, 1] = 1000.0
    camera = mocap_views.Camera(elevation=(0, 0), roll=0.0, anyhow=0.25)
    views = mocap_views.sample_views(
        pole, np.random.default_rng(0), camera=camera
    )
    x, y, z = views["pose_3d"][:, 1].T / 1000
    usual = (np.abs(x) < 1e-6) & (np.abs(z) < 1e-6)
    np.testing.assert_allclose(y[usual], -1, atol=1e-6)
    assert np.mean(~usual) == pytest.approx(0.25, abs=0.03)
    # Uniform on the sphere: every coordinate is uniform in +-1.
    for coordinate in (x[~usual], y[~usual], z[~usual]):
        assert coordinate.mean() == pytest.approx(0, abs=0.08)
        assert np.mean(coordinate**2) == pytest.approx(1 / 3, abs=0.04)


def test_mirror_is_its_own_inverse_and_trades_sides():
    recorded = random_poses()
    mirrored = mocap_views.mirror_poses(recorded)
    left, right = H36M.index("left_wrist"), H36M.index("right_wrist")
    np.testing.assert_allclose(
        mirrored[:, left], recorded[:, right] * [-1, 1, 1]
    )
    np.testing.assert_allclose(mocap_views.mirror_poses(mirrored), recorded)


def test_half_of_the_poses_are_mirrored():
    recorded = np.repeat(random_poses(1), 400, axis=0)
    views = mocap_views.sample_views(
        recorded, np.random.default_rng(0), camera=CAMERA, mirror=True
    )
    # Handedness of three bones tells a pose from its mirror image, whatever
    # the camera; the mirror image swaps sides and so changes their lengths.
    length = bone_lengths(views["pose_3d"])[:, 1]
    same = np.isclose(length, bone_lengths(recorded)[0, 1], rtol=1e-4)
    assert 160 < same.sum() < 240


def test_bad_cameras_are_refused():
    with pytest.raises(ValueError, match="distance_mm"):
        mocap_views.Camera(distance_mm=(500.0, 3000.0))
    with pytest.raises(ValueError, match="anyhow.*probability.*1.5"):
        mocap_views.Camera(anyhow=1.5)


def test_noise_is_relative_to_the_noisy_root():
    depth = np.zeros((4000, 17), np.float32)
    rng = np.random.default_rng(0)
    noisy = mocap_views.noisy_depth(depth, rng, sigma_mm=100.0)
    assert noisy.dtype == np.float32
    np.testing.assert_array_equal(noisy[:, 0], 0)
    # The difference of two joints' noise: sqrt(2) times as wide.
    np.testing.assert_allclose(noisy[:, 1:].std(), 141.4, rtol=0.02)


def test_noise_differs_between_poses():
    depth = np.zeros((4000, 17), np.float32)
    noisy = mocap_views.noisy_depth(
        depth, np.random.default_rng(0), sigma_mm=10.0, spread=1.5
    )
    # The root's noise is common to a pose, so the spread of the others about
    # their mean is the pose's sigma; its logarithm is uniform in +-1.5.
    sigma = np.log(noisy[:, 1:].std(axis=1, ddof=1) / 10)
    np.testing.assert_allclose(sigma.mean(), 0, atol=0.05)
    np.testing.assert_allclose(sigma.std(), 3 / np.sqrt(12), rtol=0.05)


def test_depth_scale_stays_in_its_range():
    depth = np.tile(np.arange(17.0), (500, 1))
    noisy = mocap_views.noisy_depth(
        depth, np.random.default_rng(0), sigma_mm=0.0, log_scale=0.2
    )
    factor = noisy[:, 16] / 16
    np.testing.assert_allclose(noisy, factor[:, None] * depth, rtol=1e-5)
    assert np.exp(-0.2) <= factor.min() < 0.83
    assert 1.2 < factor.max() <= np.exp(0.2) + 1e-6


def test_relations_preserved_by_hand():
    # Pairs beyond 100 mm: (0, 2) and (1, 2); the noisy depths swap 1 and 2.
    depth = np.array([[0.0, 50.0, 200.0]])
    noisy = np.array([[0.0, 3.0, 2.0]])
    assert mocap_views.relations_preserved(depth, noisy) == 0.5
    assert mocap_views.relations_preserved(depth, depth / 1000) == 1.0
    # Two depths 200 mm apart under independent noise of 100 mm each keep
    # their order with probability Phi(200 / (100 sqrt 2)) = 0.9214.
    rng = np.random.default_rng(0)
    depth = np.tile([0.0, 200.0], (200_000, 1))
    noisy = depth + 100 * rng.standard_normal(depth.shape)
    kept = mocap_views.relations_preserved(depth, noisy)
    np.testing.assert_allclose(kept, 0.9214, atol=0.002)


def test_relations_preserved_without_relations():
    assert np.isnan(
        mocap_views.relations_preserved(np.zeros((1, 3)), np.zeros((1, 3)))
    )


def upright(count):
    """Somebody of 2 m, one joint exactly above the root."""
    poses = np.zeros((count, 17, 3))
    poses[:, 1:, 1] = 1000.0
    return poses


def test_cameras_are_where_they_are_asked_to_be():
    """Every range of `Camera` is reached, evenly, and kept to."""
    camera = mocap_views.Camera(
        elevation=(-0.3, 0.6),
        roll=0.2,
        distance_mm=(2100.0, 9000.0),
        off_axis=0.25,
        focal_px=(700.0, 1400.0),
    )
    views = mocap_views.sample_views(
        upright(4000), np.random.default_rng(0), camera=camera
    )
    up = views["pose_3d"][:, 1].astype(np.float64) / 1000
    # Looking down by e, the world's up comes nearer by sin e; a roll turns
    # it clockwise. Radians, not degrees.
    evenly(np.arcsin(-up[:, 2]), -0.3, 0.6)
    evenly(np.arctan2(up[:, 0], -up[:, 1]), -0.2, 0.2)
    # Root and joint at the same place tell the focal length where it is
    # known, and the distance: u = f (X + x) / (Z + z).
    root, top = (views["keypoints_2d"][:, k].astype(np.float64) for k in (0, 1))
    x, z = 1000 * up[:, :2], 1000 * up[:, 2:]
    # From u0 Z = f X and u (Z + z) = f (X + x): (u - u0) Z = f x - u z.
    system = np.stack([-(top - root), x], axis=-1)
    solved = np.linalg.solve(system, (top * z)[..., None])[..., 0]
    distance, focal = solved[:, 0], solved[:, 1]
    evenly(np.log(distance), np.log(2100), np.log(9000))
    evenly(np.log(focal), np.log(700), np.log(1400))
    for axis in (0, 1):
        evenly(root[:, axis] / focal, -0.25, 0.25)


def evenly(values, low, high):
    """Values are uniform from `low` to `high`, to about a fiftieth."""
    near = (high - low) / 50
    assert low - near / 10 < values.min() < low + near
    assert high - near < values.max() < high + near / 10
    middle = (low + high) / 2
    np.testing.assert_allclose(np.median(values), middle, atol=2 * near)


def test_the_azimuth_goes_all_the_way_round():
    poses = np.zeros((4000, 17, 3))
    poses[:, 1:, 2] = 1000.0
    level = mocap_views.Camera(elevation=(0.0, 0.0), roll=0.0)
    views = mocap_views.sample_views(
        poses, np.random.default_rng(0), camera=level
    )
    ahead = views["pose_3d"][:, 1]
    evenly(np.arctan2(ahead[:, 0], ahead[:, 2]), -np.pi, np.pi)


@pytest.mark.parametrize(("least", "fine"), [(1999.0, False), (2000.0, True)])
def test_how_near_a_camera_may_be(least, fine):
    if fine:
        camera = mocap_views.Camera(distance_mm=(least, 3000.0))
        assert camera.distance_mm[0] == least
    else:
        with pytest.raises(ValueError, match="start at 2000"):
            mocap_views.Camera(distance_mm=(least, 3000.0))


def test_a_child_and_a_grown_person():
    """`scale` is the whole body's: every bone by the same factor."""
    body = mocap_views.Body(scale=0.1, limbs=0.0, girdles=0.0)
    factors = mocap_views.limb_factors(body, 5000, np.random.default_rng(0))
    np.testing.assert_allclose(factors[:, 1:].std(axis=1), 0, atol=1e-12)
    spread = np.log(factors[:, 3]).std()
    np.testing.assert_allclose(spread, 0.1 * 0.9594, rtol=0.04)
    assert factors.max() <= np.exp(0.2) + 1e-9
