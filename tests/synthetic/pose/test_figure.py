"""Joints from angles, balance and collisions: by hand, and by brute force."""

import numpy as np
import pytest

from ordinal_tf import skeleton
from ordinal_tf.synthetic.pose import figure, limits

# The length that each joint's bone has; the pelvis has none.
BONES = {
    "hip": "hip",
    "knee": "thigh",
    "ankle": "shin",
    "spine": "lower_trunk",
    "thorax": "upper_trunk",
    "nose": "neck",
    "head_top": "head",
    "shoulder": "shoulder",
    "elbow": "upper_arm",
    "wrist": "forearm",
}
FEET = ("left_ankle", "right_ankle")


def joint(poses, name):
    return poses[..., skeleton.H36M17.index(name), :]


def random_angles(count, seed=0, *, bent=0.0):
    """Angles anywhere within the limits; limbs bent by `bent` at least."""
    rng = np.random.default_rng(seed)
    angles = {"lean": rng.uniform(-3, 3, count)}
    angles["tilt"] = rng.uniform(-1, 1, count)
    for name in limits.LIMITS_DEG:
        low, high = np.radians(limits.LIMITS_DEG[name])
        limb = name.startswith(("hip", "knee", "shoulder", "elbow"))
        for own in limits.SIDES if limb else ("",):
            angle = rng.uniform(
                max(low, bent) if low == 0 else low, high, count
            )
            angles[f"{own}_{name}".lstrip("_")] = angle
    return angles


def test_upright_by_hand():
    pose = figure.forward({"lean": 0.0})
    size = figure.LENGTHS
    np.testing.assert_allclose(
        joint(pose, "left_ankle"),
        [size["hip"], -size["thigh"] - size["shin"], 0],
        atol=1e-9,
    )
    np.testing.assert_allclose(
        joint(pose, "thorax"), [0, size["lower_trunk"] + size["upper_trunk"], 0]
    )
    # Arms hang straight; the head is above the thorax, the jaw before it.
    arm = joint(pose, "right_wrist") - joint(pose, "right_shoulder")
    expected = -size["upper_arm"] - size["forearm"]
    np.testing.assert_allclose(arm, [0, expected, 0], atol=1e-9)
    head = joint(pose, "head_top") - joint(pose, "thorax")
    np.testing.assert_allclose(head[[0, 2]], 0, atol=1e-9)
    assert (joint(pose, "nose") - joint(pose, "thorax"))[2] > 40


@pytest.mark.parametrize("side", limits.SIDES)
def test_right_angles_by_hand(side):
    """Forearm and shin at 90 degrees: forwards and backwards."""
    angles = {f"{side}_elbow_flexion": np.pi / 2}
    angles[f"{side}_knee_flexion"] = np.pi / 2
    pose = figure.forward(angles)
    forearm = joint(pose, f"{side}_wrist") - joint(pose, f"{side}_elbow")
    shin = joint(pose, f"{side}_ankle") - joint(pose, f"{side}_knee")
    size = figure.LENGTHS
    np.testing.assert_allclose(forearm, [0, 0, size["forearm"]], atol=1e-9)
    np.testing.assert_allclose(shin, [0, 0, -size["shin"]], atol=1e-9)
    # Raised sideways, the arm points outwards; it is the person's own side.
    pose = figure.forward({f"{side}_shoulder_elevation": np.pi / 2})
    arm = joint(pose, f"{side}_elbow") - joint(pose, f"{side}_shoulder")
    sign = 1 if side == "left" else -1
    np.testing.assert_allclose(arm, [sign * size["upper_arm"], 0, 0], atol=1e-9)


def test_lengths_are_those_of_the_table():
    poses = figure.forward(random_angles(50))
    assert poses.shape == (50, 17, 3)
    for parent, child in skeleton.H36M17.bones:
        name = skeleton.H36M17.joints[child]
        name = name.removeprefix("left_").removeprefix("right_")
        length = np.linalg.norm(poses[:, child] - poses[:, parent], axis=-1)
        wanted = figure.LENGTHS[BONES[name]]
        np.testing.assert_allclose(length, wanted, err_msg=name)


def test_angles_come_back():
    """What `forward` is given, `joint_angles` finds, where it is defined."""
    angles = random_angles(300, bent=0.6)
    found = limits.joint_angles(figure.forward(angles))
    compared = 0
    for name, angle in found.items():
        given = angles[name]
        # Near a pole, and for limbs that it makes undefined, 0 is returned.
        known = angle != 0
        if name.endswith("shoulder_back"):
            continue  # Follows from elevation and plane.
        error = np.angle(np.exp(1j * (angle - given)))[known]
        np.testing.assert_allclose(error, 0, atol=1e-7, err_msg=name)
        compared += known.sum()
    assert compared > 0.85 * 300 * (len(found) - 2)


def test_standing_people_stand():
    poses = figure.balance(figure.forward(random_angles(200)), FEET)
    left, right = (joint(poses, name) for name in FEET)
    np.testing.assert_allclose(left[:, 1], right[:, 1], atol=1e-6)
    np.testing.assert_allclose(poses[:, 0], 0, atol=1e-9)
    # The mass is above the line through the feet.
    mass = np.einsum("k,nkj->nj", figure.MASS, poses) - (left + right) / 2
    line = left - right
    across = mass[:, 0] * line[:, 2] - mass[:, 2] * line[:, 0]
    np.testing.assert_allclose(across / np.linalg.norm(line), 0, atol=1e-6)
    assert mass[:, 1].min() > 0
    hung = figure.balance(poses, ("left_wrist", "right_wrist"), hanging=True)
    mass = np.einsum("k,nkj->nj", figure.MASS, hung)
    assert np.all(mass[:, 1] < joint(hung, "left_wrist")[:, 1])


def test_balance_turns_and_does_not_bend():
    poses = figure.forward(random_angles(40))

    def gaps(some):
        return np.linalg.norm(some[:, :, None] - some[:, None], axis=-1)

    for support in (("left_ankle",), FEET, ("pelvis", *FEET)):
        turned = figure.balance(poses, support)
        np.testing.assert_allclose(gaps(turned), gaps(poses), atol=1e-6)
        # Not mirrored either.
        before, after = (
            np.linalg.det(some[:, [4, 7, 9]]) for some in (poses, turned)
        )
        np.testing.assert_allclose(after, before, rtol=1e-6)
    level = joint(turned, "pelvis")[:, 1] - joint(turned, FEET[0])[:, 1]
    np.testing.assert_allclose(level, 0, atol=1e-6)


def test_upside_down_people_can_be_turned():
    upright = figure.forward({"lean": 0.0})
    turned = figure.balance(upright * [1, -1, -1], FEET)
    assert joint(turned, "head_top")[1] > 600


@pytest.mark.parametrize(
    ("facing", "axis", "sign"), [("up", 2, 1), ("down", 2, -1), ("aside", 0, 1)]
)
def test_lying_by_hand(facing, axis, sign):
    angles = random_angles(20)
    pelvis = figure.lay(figure.forward(angles), facing)
    left = joint(pelvis, "left_hip") - joint(pelvis, "right_hip")
    axes = limits.frame(joint(pelvis, "spine"), left)
    np.testing.assert_allclose(axes[:, 1, axis], sign, atol=1e-9)


def test_who_stands():
    pose = figure.forward({"lean": 0.0})
    assert figure.stands(pose, FEET)
    # Not on the hands, and not beside the feet.
    assert not figure.stands(pose, ("left_wrist", "right_wrist"))
    lifted = figure.forward({"left_hip_flexion": 1.0})
    assert not figure.stands(lifted, FEET)
    assert figure.stands(lifted, ("right_ankle",))
    leaning = figure.forward({"tilt": 0.5, "left_knee_flexion": 0.0})
    assert not figure.stands(leaning, FEET)


def test_segments_by_brute_force():
    rng = np.random.default_rng(0)
    a, b, c, d = rng.normal(size=(4, 200, 3))
    d[:20] = 1.5 * b[:20]  # Parallel.
    found = figure.segment_gaps(a, b, c, d)
    along = np.linspace(0, 1, 101)[:, None]
    for k in range(len(a)):
        one, two = a[k] + along * b[k], c[k] + along * d[k]
        least = np.linalg.norm(one[:, None] - two[None], axis=-1).min()
        assert least - 0.05 < found[k] <= least + 1e-12


def test_a_hand_inside_the_trunk_meets_it():
    pose = figure.forward(
        {f"{side}_shoulder_elevation": 0.4 for side in limits.SIDES}
    )
    assert not figure.meets(pose)
    inside = pose.copy()
    inside[skeleton.H36M17.index("left_wrist")] = joint(pose, "spine")
    assert figure.meets(inside)
    np.testing.assert_array_equal(
        figure.meets(np.stack([pose, inside])), [False, True]
    )
    # Crossed legs: a shin through the other one.
    crossed = figure.forward(
        {f"{side}_hip_abduction": -0.2 for side in limits.SIDES}
    )
    assert figure.meets(crossed)
