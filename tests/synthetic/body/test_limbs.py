"""Where the joints leave a choice: shoulders, kneeling feet, necks."""

import numpy as np
import pytest

from ordinal_tf import skeleton
from ordinal_tf.synthetic.body import limbs, rotations
from ordinal_tf.synthetic.body import model as bodies

JOINTS = skeleton.H36M17


@pytest.fixture(scope="module")
def still():
    """`limbs.Figure` of a body whose joints are where it rests."""
    body = bodies.load_body()

    def named(keys, points):
        return dict(zip(keys, points.astype(float), strict=True))

    points = named(bodies.POINTS, body.points)
    return limbs.Figure(
        at=points,
        still=points,
        heads=named(body.bones, body.heads),
        tails=named(body.bones, body.tails),
        scales={"upper_arm": 1.0, "thigh": 1.0},
    )


def moved(figure, **joints):
    at = {**figure.at, **{k: np.array(v, float) for k, v in joints.items()}}
    return limbs.Figure(
        at, figure.still, figure.heads, figure.tails, figure.scales
    )


@pytest.mark.parametrize("side", limbs.SIDES)
def test_collarbone_rises_with_the_arm_alone(still, side):
    """A skeleton with stiff shoulders: the share that is not seen moves."""
    shoulder = still.at[f"{side}_shoulder"]
    sign = 1 if side == "left" else -1
    high = moved(
        still,
        **{
            f"{side}_elbow": shoulder + [100 * sign, 250, 0],
            f"{side}_wrist": shoulder + [120 * sign, 450, 150],
        },
    )
    turns = limbs.turn_arm(high, np.eye(3), side, pronation=0.0)
    collar = turns[f"clavicle.{limbs.END[side]}"]
    up = collar @ [sign, 0, 0]
    expected = (1 - limbs.SHOULDER_SEEN) * limbs.SHOULDER_LIMIT
    assert np.arcsin(up[1]) == pytest.approx(expected, rel=0.05)


def test_twist_is_shared_by_the_halves_of_the_arm(still):
    """Forearms turned inwards about hanging upper arms."""
    shoulder = still.at["left_shoulder"]
    elbow = shoulder + [0, -280, 0]
    for inwards in (0.0, 0.6, 1.2):
        wrist = elbow + 250 * np.array([-np.sin(inwards), 0, np.cos(inwards)])
        bent = moved(still, left_elbow=elbow, left_wrist=wrist)
        turns = limbs.turn_arm(bent, np.eye(3), "left", pronation=0.0)
        first, last = turns["upperarm01.L"], turns["upperarm02.L"]
        share = rotations.radians(last @ first.T)
        if inwards == 0:
            straight = share
    loose = rotations.swing(
        rotations.unit(still.at["left_elbow"] - shoulder), -limbs.UP
    )
    whole = rotations.radians(last @ loose.T)
    assert share == pytest.approx(whole / 2, abs=0.1)
    assert share > straight + 0.4


def test_foot_of_a_kneeling_leg_stretches(still):
    knee = still.at["left_hip"] + [0, -420, 0]
    other = still.at["right_hip"] + [0, -420, 0]
    kneeling = moved(
        still,
        left_knee=knee,
        left_ankle=knee + [0, 0, -420],
        right_knee=other,
        right_ankle=other + [0, 0, -420],
    )
    for up, expected in ((limbs.UP, limbs.ANKLE[1]), (None, 0.0)):
        turns = limbs.turn_leg(kneeling, np.eye(3), "left", pitch=0.0, up=up)
        apart = turns["foot.L"] @ turns["lowerleg02.L"].T
        assert rotations.radians(apart) == pytest.approx(expected, abs=1e-6)


def test_ankles_have_limits(still):
    for pitch, expected in ((3.0, limbs.ANKLE[1]), (-3.0, -limbs.ANKLE[0])):
        turns = limbs.turn_leg(still, np.eye(3), "left", pitch=pitch, up=None)
        apart = turns["foot.L"] @ turns["lowerleg02.L"].T
        assert rotations.radians(apart) == pytest.approx(expected)


@pytest.mark.parametrize("yaw", [-0.8, 0.0, 0.5])
def test_head_looks_where_the_jaw_is(still, yaw):
    """The jaw turned about the neck, and the head top with it."""
    turn = rotations.turn(limbs.UP, yaw)
    thorax = still.at["thorax"]
    turned = moved(
        still,
        **{
            joint: turn @ (still.at[joint] - thorax) + thorax
            for joint in ("nose", "head_top")
        },
    )
    turns = limbs.turn_trunk(turned, head_turn=0.0, head_nod=0.0)
    looks = turns["head"] @ limbs.FORWARD
    assert np.arctan2(looks[0], looks[2]) == pytest.approx(yaw, abs=1e-6)


def test_straight_neck_looks_where_the_shoulders_do(still):
    thorax = still.at["thorax"]
    straight = moved(
        still, nose=thorax + [0, 110, 0], head_top=thorax + [0, 210, 0]
    )
    turns = limbs.turn_trunk(straight, head_turn=0.0, head_nod=0.0)
    assert abs((turns["head"] @ limbs.FORWARD)[0]) < 1e-9
