"""How trunk, arms, legs, hands and feet turn to follow given joints.

Every part turns by `F_posed @ F_rest.T`, where both frames are made of joints
in the same way: one axis along the part, one along the hinge about which it
bends. No rest pose of the source is needed.
"""

import dataclasses
import math

import numpy as np

from ordinal_tf.synthetic.body import rotations

SIDES = ("left", "right")
END = {"left": "L", "right": "R"}  # How bones name their side.
LEFT, UP, FORWARD = np.eye(3)  # The axes of the body at rest.

# How far each bone follows from the loins to the chest, from there to the
# head.
SPINE = {"spine05": 0.0, "spine04": 0.1, "spine03": 0.3, "spine02": 0.7}
NECK = {"neck01": 0.3, "neck02": 0.5, "neck03": 0.75}
# Bends of a limb in radians between which its hinge is taken over from the
# joints. The kit stands with legs below and arms above, so both keep the
# twist that they have at rest.
TRUST_ARM = (0.15, 0.45)
TRUST_LEG = (0.2, 0.6)
TRUST_BACKWARDS = (0.6, 1.0)
# Sine of the bend from neck to head between which it tells the head's yaw.
TRUST_HEAD = (0.3, 0.6)
NECK_LIMIT = 1.4  # Radians between chest and head.
# Largest bend of the neck that follows the jaw, and the part of it that is
# taken; the rest of the neck's turn lies between chest and head.
NECK_BEND, NECK_SEEN = 0.7, 0.6
# The part of a shoulder's shift against the chest that the collarbone takes
# from the joints; the rest is the usual shift for that height of the arm,
# because some skeletons have stiff shoulders.
SHOULDER_SEEN = 0.8
# Measured on Human3.6M's S9: shoulders rise 0.3 degrees (about the thorax)
# for each degree that the upper arm rises, up to 30.
SHOULDER_GAIN, SHOULDER_LIMIT = 0.3, 0.5
# Radians that the finger joints bend in a fist, from palm to tip.
FIST, THUMB = (1.2, 1.5, 0.9), (0.3, 0.5, 0.7)
# Range of the ankle in radians, positive when the toes go down.
ANKLE = (-0.5, 0.8)
# A foot stands on the ground while its ankle is less than this above the
# lower of the two, and its shin upright (cosine).
FLAT_MM, FLAT_SHIN = (60.0, 160.0), (0.4, 0.7)
# The foot of somebody who kneels, or lies on the front, stretches: cosine
# between the front of the shin and down.
KNEELING = (0.7, 0.95)


@dataclasses.dataclass(frozen=True)
class Figure:
    """What the turns follow from; points are `(3,)` float64, mm.

    Attributes:
        at: dict of joint to where it is wanted.
        still: dict of labelled point to where the body has it at rest.
        heads, tails: dicts of bone to its ends at rest.
        scales: dict of limb to the factor of its length.
    """

    at: dict
    still: dict
    heads: dict
    tails: dict
    scales: dict


def turn_trunk(figure, *, head_turn, head_nod):
    """Rotations from rest of pelvis, spine, neck and head, by bone."""
    at, still = figure.at, figure.still
    rest_frames = _trunk_frames(still)
    pelvis, loins, chest = (
        posed @ rest.T
        for posed, rest in zip(_trunk_frames(at), rest_frames, strict=True)
    )
    turns = {"root": pelvis, "spine01": chest}
    for bone, share in SPINE.items():
        turns[bone] = rotations.between(loins, chest, share)
    seen = _seen_head(at, still, chest)
    bent = _bent_neck(figure, chest, seen)
    head = seen @ rotations.turn(UP, head_turn)
    head = head @ rotations.turn(LEFT, head_nod)
    turns["head"] = head
    for bone, share in NECK.items():
        turned = rotations.between(chest, head, share)
        turns[bone] = rotations.between(turned, bent, NECK_SEEN)
    return turns


def _trunk_frames(at):
    """Frames of pelvis, loins and chest: columns left, up, forward."""
    left = rotations.unit(at["left_hip"] - at["right_hip"])
    up = rotations.unit(at["spine"] - at["pelvis"])
    square = rotations.across(up, left)
    pelvis = np.stack([left, square, rotations.cross(left, square)], axis=1)
    loins = rotations.frame(up, left)
    up = rotations.unit(at["thorax"] - at["spine"])
    chest = rotations.frame(up, at["left_shoulder"] - at["right_shoulder"])
    return pelvis, loins, chest


def _seen_head(at, still, chest):
    """Rotation of the head, from jaw and head top.

    The jaw lies before the neck, so the bend from neck to head tells where
    the head looks; in a skeleton with a straight neck, the shoulders do.
    """
    rest_up = rotations.unit(still["head_top"] - still["nose"])
    up = rotations.unit(at["head_top"] - at["nose"])
    neck = rotations.unit(at["nose"] - at["thorax"])
    side = rotations.swing(chest @ rest_up, up) @ chest @ LEFT
    normal = rotations.cross(up, neck)
    sine = rotations.length(normal)
    share = rotations.ramp(sine, TRUST_HEAD)
    if share:
        side = (1 - share) * side + share * normal / sine
    head = rotations.frame(up, side) @ rotations.frame(rest_up, LEFT).T
    return rotations.within(chest, head, NECK_LIMIT)


def _bent_neck(figure, chest, head):
    """Rotation of the neck that puts the jaw where the joints have it."""
    at, still = figure.at, figure.still
    base, top = figure.heads["neck01"], figure.heads["head"]
    neck = rotations.unit(at["nose"] - at["thorax"])
    reach = rotations.length(still["nose"] - still["thorax"]) * neck
    reach = reach - chest @ (base - still["thorax"])
    reach = reach - head @ (still["nose"] - top)
    way = rotations.unit(reach)
    bent = rotations.swing(chest @ rotations.unit(top - base), way) @ chest
    return rotations.within(chest, bent, NECK_BEND)


def turn_arm(figure, chest, side, *, pronation):
    """Rotations from rest of collarbone, shoulder, arm and hand.

    Args:
        figure: `Figure`.
        chest: `(3, 3)` rotation of the chest from rest.
        side: "left" or "right".
        pronation: radians, the thumb inwards when the arm hangs.
    """
    at, still, end = figure.at, figure.still, END[side]
    names = [f"{side}_{joint}" for joint in ("shoulder", "elbow", "wrist")]
    upper, lower = _halves(at, names)
    rest_upper, rest_lower = _halves(still, names)
    rest_across = rotations.unit(still[names[0]] - still["thorax"])
    across = chest.T @ rotations.unit(at[names[0]] - at["thorax"])
    rise = rotations.angle(chest.T @ upper, -UP)
    rise = SHOULDER_GAIN * (rise - rotations.angle(rest_upper, -UP))
    rise = rotations.clip(rise, -SHOULDER_LIMIT, SHOULDER_LIMIT)
    collar = chest @ rotations.between(
        rotations.turn(FORWARD if side == "left" else -FORWARD, rise),
        rotations.swing(rest_across, across),
        SHOULDER_SEEN,
    )

    rest_hinge = rotations.cross(rest_upper, rest_lower)
    pivot = figure.heads[f"upperarm01.{end}"]
    bone, rest_bone = _aim(
        upper,
        collar @ (still[names[0]] - pivot),
        (still[names[1]] - pivot) * figure.scales["upper_arm"],
    )
    loose = rotations.swing(chest @ rest_bone, bone) @ chest
    hinge = _hinge(loose @ rest_hinge, upper, lower, TRUST_ARM)
    arm = _turned(bone, rest_bone, hinge, rest_hinge)
    forearm = _turned(lower, rest_lower, hinge, rest_hinge)
    pronation = pronation if side == "left" else -pronation
    turns = {
        "clavicle": collar,
        "shoulder01": collar,
        # The halves share the twist, so that the skin does not wring.
        "upperarm01": rotations.between(loose, arm, 0.5),
        "upperarm02": arm,
        "lowerarm01": forearm,
        "lowerarm02": rotations.turn(lower, pronation / 2) @ forearm,
        "wrist": rotations.turn(lower, pronation) @ forearm,
    }
    return {f"{bone}.{end}": turned for bone, turned in turns.items()}


def turn_leg(figure, pelvis, side, *, pitch, up):
    """Rotations from rest of thigh, shin, foot and toes.

    Args:
        figure: `Figure`.
        pelvis: `(3, 3)` rotation of the pelvis from rest.
        side: "left" or "right".
        pitch: radians, the toes down.
        up: `(3,)` unit vector away from the ground, or None.
    """
    at, still, end = figure.at, figure.still, END[side]
    names = [f"{side}_{joint}" for joint in ("hip", "knee", "ankle")]
    upper, lower = _halves(at, names)
    rest_lower = _halves(still, names)[1]
    pivot = figure.heads[f"upperleg01.{end}"]
    bone, rest_bone = _aim(
        upper,
        pelvis @ (still[names[0]] - pivot),
        (still[names[1]] - pivot) * figure.scales["thigh"],
    )
    loose = rotations.swing(pelvis @ rest_bone, bone) @ pelvis
    default = loose @ LEFT  # The kit's knees look forward.
    # Knees do not bend forwards: such joints are noise about a straight leg.
    forwards = rotations.cross(upper, lower) @ default < 0
    trust = TRUST_BACKWARDS if forwards else TRUST_LEG
    hinge = _hinge(default, upper, lower, trust)
    thigh = _turned(bone, rest_bone, hinge, LEFT)
    shin = _turned(lower, rest_lower, hinge, LEFT)
    if up is not None:
        ankles = [at[f"{s}_ankle"] @ up for s in SIDES]
        low = 1 - rotations.ramp(at[names[2]] @ up - min(ankles), FLAT_MM)
        _, upright, front = shin.T @ up
        flat = rotations.ramp(upright, FLAT_SHIN) * math.atan2(front, upright)
        stretched = rotations.ramp(-front, KNEELING) * ANKLE[1]
        pitch = pitch + low * (flat + stretched)
    foot = shin @ rotations.turn(LEFT, rotations.clip(pitch, *ANKLE))
    turns = {
        "upperleg01": rotations.between(loose, thigh, 0.5),
        "upperleg02": thigh,
        "lowerleg01": shin,
        "lowerleg02": shin,
        "foot": foot,
        "toes": foot,
    }
    return {f"{bone}.{end}": turned for bone, turned in turns.items()}


def turn_fingers(figure, wrist, side, *, curl):
    """Rotations from rest of the fingers.

    Args:
        figure: `Figure`.
        wrist: `(3, 3)` rotation of the hand from rest.
        side: "left" or "right".
        curl: 0 for the hand at rest to 1 for a fist.
    """
    end = END[side]
    heads, tails = figure.heads, figure.tails
    knuckles = [heads[f"finger{finger}-1.{end}"] for finger in (2, 3, 5)]
    across = rotations.unit(knuckles[2] - knuckles[0])
    palm = rotations.cross(across, knuckles[1] - heads[f"wrist.{end}"])
    palm = rotations.unit(palm if side == "left" else -palm)
    turns = {}
    for finger in range(1, 6):
        first = f"finger{finger}-1.{end}"
        # The thumb closes across the palm, fingers into it.
        aim, bends = (palm + 2 * across, THUMB) if finger == 1 else (palm, FIST)
        axis = rotations.unit(rotations.cross(tails[first] - heads[first], aim))
        bent = 0.0
        for joint, bend in enumerate(bends, start=1):
            bent += curl * bend
            turned = wrist @ rotations.turn(axis, bent) if bent else wrist
            turns[f"finger{finger}-{joint}.{end}"] = turned
    return turns


def _halves(at, names):
    """Unit directions from each of three joints to the next."""
    first, middle, last = (at[name] for name in names)
    return rotations.unit(middle - first), rotations.unit(last - middle)


def _aim(way, offset, bone):
    """Where a bone points so that its end is seen in a wanted direction.

    Bones turn about the rig's pivots, but hips and shoulders are labelled
    elsewhere.

    Args:
        way: unit direction in which the end is to lie from the label.
        offset: from the pivot to the label, posed.
        bone: from the pivot to the end, at rest; longer than the offset.

    Returns:
        unit directions from the pivot to the end, posed and at rest.
    """
    along = offset @ way
    reach = math.sqrt(along**2 + bone @ bone - offset @ offset) - along
    return rotations.unit(offset + reach * way), rotations.unit(bone)


def _hinge(default, upper, lower, trust):
    """Axis about which a limb bends, roughly at right angles to it.

    Args:
        default: axis for the straight limb.
        upper, lower: unit directions of the halves.
        trust: bends between which the joints' own axis takes over.
    """
    share = rotations.ramp(rotations.angle(upper, lower), trust)
    if share == 0:
        return default
    bend = rotations.unit(rotations.cross(upper, lower))
    return (1 - share) * rotations.unit(default) + share * bend


def _turned(way, rest_way, hinge, rest_hinge):
    """Rotation that takes a direction and a hinge at rest to the posed."""
    rest = rotations.frame(rest_way, rest_hinge)
    return rotations.frame(way, hinge) @ rest.T
