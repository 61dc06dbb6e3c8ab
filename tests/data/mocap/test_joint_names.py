"""Skeletons as programs name them, on a body with an anatomy.

Names are from the HIERARCHY sections that the programs write; where each of
them lies in the body is said here once more, by hand.
"""

import numpy as np
import pytest

from ordinal_tf import skeleton
from ordinal_tf.data.mocap import joint_names
from tests import mocap_files

H36M = skeleton.H36M17
MADE = mocap_files.skeleton
UP_LEG = "{}UpLeg {}Leg {}Foot {}ToeBase"
ARM = "{}Shoulder {}Arm {}ForeArm {}Hand"
PLAIN = "Hips Spine Spine1 Spine2 Neck Head"

WRITERS = {
    "mixamo": mocap_files.MIXAMO,
    "mixamo_numbered": MADE(PLAIN, UP_LEG, ARM, shape="mixamorig1:{}"),
    "motionbuilder": MADE(PLAIN, UP_LEG, ARM, shape="Character1_{}"),
    "neuron": MADE(PLAIN, UP_LEG, ARM, shape="Robot_{}"),
    "paths": MADE(PLAIN, UP_LEG, ARM, shape="|Armature|{}"),
    "capitals": MADE(PLAIN.upper(), UP_LEG.upper(), ARM.upper()),
    "lafan1": MADE(PLAIN, "{}UpLeg {}Leg {}Foot {}Toe", ARM),
    "biovision": MADE(
        "Hips Chest Neck Head",
        "{}UpLeg {}LowLeg {}Foot",
        "{}Collar {}UpArm {}LowArm {}Hand",
    ),
    "xsens": MADE(
        "Hips Chest Chest2 Chest3 Neck Head",
        "{}Hip {}Knee {}Ankle {}Toe",
        "{}Collar {}Shoulder {}Elbow {}Wrist",
    ),
    "xsens_fbx": MADE(
        "Pelvis L5 L3 T8 Neck Head",
        "{}UpperLeg {}LowerLeg {}Foot {}Toe",
        "{}Shoulder {}UpperArm {}ForeArm {}Hand",
    ),
    "rokoko": MADE(
        "Hips Spine1 Spine2 Spine3 Neck Head",
        "{}Thigh {}Shin {}Foot {}Toe",
        ARM,
    ),
    "daz": MADE(
        "hip abdomen chest neck head",
        "{}Thigh {}Shin {}Foot",
        "{}Collar {}Shldr {}ForeArm {}Hand",
        sides="lr",
    ),
    "daz_genesis_8": MADE(
        "hip abdomenLower abdomenUpper chestLower neckLower head",
        "{}ThighBend {}Shin {}Foot {}Toe",
        "{}Collar {}ShldrBend {}ForearmBend {}Hand",
        sides="lr",
    ),
    "daz_genesis_9": MADE(
        "hip spine1 spine2 spine3 neck1 head",
        "{}_thigh {}_shin {}_foot {}_toes",
        "{}_shoulder {}_upperarm {}_forearm {}_hand",
        sides="lr",
    ),
    "biped": MADE(
        "Pelvis Spine Spine1 Neck Head",
        "{}~Thigh {}~Calf {}~Foot {}~Toe0",
        "{}~Clavicle {}~UpperArm {}~Forearm {}~Hand",
        sides="LR",
        shape="Bip01 {}",
    ),
    "unreal": MADE(
        "pelvis spine_01 spine_02 spine_03 neck_01 head",
        "thigh_{} calf_{} foot_{} ball_{}",
        "clavicle_{} upperarm_{} lowerarm_{} hand_{}",
        sides="lr",
    ),
    "character_creator": MADE(
        "Hip Waist Spine01 Spine02 NeckTwist01 Head",
        "{}_Thigh {}_Calf {}_Foot {}_ToeBase",
        "{}_Clavicle {}_Upperarm {}_Forearm {}_Hand",
        sides="LR",
        shape="CC_Base_{}",
    ),
    "rigify": MADE(
        "spine spine.001 spine.002 spine.003 neck head",
        "thigh.{} shin.{} foot.{} toe.{}",
        "shoulder.{} upper_arm.{} forearm.{} hand.{}",
        sides="LR",
    ),
    "vrm": MADE(
        "C_Hips C_Spine C_Chest C_UpperChest C_Neck C_Head",
        "{}_UpperLeg {}_LowerLeg {}_Foot {}_ToeBase",
        "{}_Shoulder {}_UpperArm {}_LowerArm {}_Hand",
        sides="LR",
        shape="J_Bip_{}",
    ),
    "optitrack": MADE(
        "Hip Ab Chest Neck Head",
        "{}Thigh {}Shin {}Foot {}Toe",
        "{}Shoulder {}UArm {}FArm {}Hand",
        sides="LR",
    ),
    "ipi": MADE(
        "Hip LowerSpine MiddleSpine Chest Neck Head",
        "{}Thigh {}Shin {}Foot",
        "{}Clavicle {}Shoulder {}Forearm {}Hand",
        sides="LR",
    ),
    "smpl": MADE(
        "Pelvis Spine1 Spine2 Spine3 Neck Head",
        "{}_Hip {}_Knee {}_Ankle {}_Foot",
        "{}_Collar {}_Shoulder {}_Elbow {}_Wrist",
        sides="LR",
        shape="m_avg_{}",
    ),
    "acclaim_as_bvh": MADE(
        "root lowerback upperback thorax upperneck head",
        "{}femur {}tibia {}foot {}toes",
        "{}clavicle {}humerus {}radius {}hand",
        sides="lr",
    ),
    "our_names": MADE(
        "pelvis spine thorax neck head",
        "{}_hip {}_knee {}_ankle",
        "{}_shoulder {}_elbow {}_wrist",
        sides=("left", "right"),
    ),
}
# More joints than a person needs, at places that are none of ours.
EXTRA = {
    # A wrist twists on the forearm, between elbow and hand.
    "acclaim_as_bvh": [("lwrist", "lradius", "left elbow")],
    "kinect": [],
    "daz": [("lButtock", "hip", "pelvis")],
    "mixamo": [
        ("mixamorig:LeftHandThumb1", "mixamorig:LeftHand", "left fingers"),
        ("mixamorig:HeadTop_End", "mixamorig:Head", "crown"),
    ],
    "biped": [("Bip01 L Finger0", "Bip01 L Hand", "left fingers")],
    "smpl": [("m_avg_L_Hand", "m_avg_L_Wrist", "left fingers")],
}


@pytest.mark.parametrize("writer", WRITERS)
def test_every_joint_is_where_it_is_in_the_body(tmp_path, writer):
    tree = [*WRITERS[writer], *EXTRA.get(writer, ())]
    where = mocap_files.places()
    clip = mocap_files.read_clip(
        mocap_files.write_bvh(tmp_path / "a.bvh", tree)
    )
    pose = dict(zip(H36M.joints, clip.poses[0], strict=True))
    for side in ("left", "right"):
        for joint in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist"):
            np.testing.assert_allclose(
                pose[f"{side}_{joint}"],
                1000 * where[f"{side} {joint}"],
                atol=0.01,
                err_msg=f"{side} {joint}",
            )
    np.testing.assert_allclose(pose["thorax"], 1000 * where["neck"], atol=0.01)
    # The jaw is 2 cm above the head's joint and 5 cm ahead of it, and our
    # head top 11 cm above and 2 cm ahead.
    head = 1000 * where["head"]
    np.testing.assert_allclose(pose["nose"], head + [0, 20, 50], atol=0.01)
    np.testing.assert_allclose(pose["head_top"], head + [0, 110, 20], atol=0.01)
    # Halfway up the back, which is behind the straight line to the neck.
    assert 1180 < pose["spine"][1] < 1220 and pose["spine"][2] < -5
    hips = (pose["left_hip"] + pose["right_hip"]) / 2
    np.testing.assert_allclose(pose["pelvis"], hips, atol=0.01)
    assert clip.understood.unit == "cm" and clip.understood.up == "+Y"


def test_names_are_told():
    tree = mocap_files.MIXAMO
    (found,) = joint_names.find_people(*columns(tree))
    assert tree[found["left_knee"]][0] == "mixamorig:LeftLeg"
    assert tree[found["right_toe"]][0] == "mixamorig:RightToeBase"
    assert tree[found["neck"]][0] == "mixamorig:Neck"


def columns(tree):
    names = [name for name, _, _ in tree]
    parents = [names.index(p) if p else -1 for _, p, _ in tree]
    return names, parents


def test_a_kinect_has_both_ankles_and_feet_wrists_and_hands():
    tree = MADE(
        "SpineBase SpineMid SpineShoulder Neck Head",
        "Hip{} Knee{} Ankle{} Foot{}",
        "Shoulder{} Elbow{} Wrist{} Hand{}",
    )
    names, parents = columns(tree)
    (found,) = joint_names.find_people(names, parents)
    for joint, name in {
        "left_hip": "HipLeft",
        "left_ankle": "AnkleLeft",
        "left_shoulder": "ShoulderLeft",
        "right_wrist": "WristRight",
        "right_toe": "FootRight",
    }.items():
        assert names[found[joint]] == name


def test_cmu_as_cgspeed_converted_it():
    """`LHipJoint` is no hip, `Neck` starts at the collar bones."""
    tree = [
        ("Hips", None, ""),
        ("LHipJoint", "Hips", ""),
        *[
            (n, "LHipJoint" if n == "LeftUpLeg" else p, "")
            for n, p, _ in MADE(
                "Hips LowerBack Spine Spine1 Neck1 Head", UP_LEG, ARM
            )
            if n != "Hips"
        ],
    ]
    at = [n for n, _, _ in tree].index("Neck1")
    tree[at] = ("Neck1", "Neck", "")
    tree.insert(at, ("Neck", "Spine1", ""))
    names, parents = columns(tree)
    (found,) = joint_names.find_people(names, parents)
    assert names[found["left_hip"]] == "LeftUpLeg"
    assert names[found["neck"]] == "Neck1"


def test_a_forearm_without_a_hand_ends_at_its_end(tmp_path):
    tree = [one for one in WRITERS["biovision"] if "Hand" not in one[0]]
    names, parents = columns(tree)
    names += ["LeftLowArm_End", "RightLowArm_End"]
    parents += [names.index("LeftLowArm"), names.index("RightLowArm")]
    (found,) = joint_names.find_people(names, parents)
    assert names[found["left_wrist"]] == "LeftLowArm_End"
    assert names[found["right_wrist"]] == "RightLowArm_End"


def test_two_people():
    one = MADE(PLAIN, UP_LEG, ARM, shape="Ann:{}")
    two = MADE(PLAIN, UP_LEG, ARM, shape="Bob:{}")
    names, parents = columns(one + two)
    found = joint_names.find_people(names, parents)
    assert [names[f["head"]] for f in found] == ["Ann:Head", "Bob:Head"]
    # Of the same names in two trees, each person keeps his own limbs.
    plain, above = columns(MADE(PLAIN, UP_LEG, ARM))
    size = len(plain)
    found = joint_names.find_people(
        plain + plain, above + [p + size if p >= 0 else -1 for p in above]
    )
    assert len(found) == 2
    assert all(k < size for k in found[0].values())
    assert all(k >= size for k in found[1].values())


def test_a_namespace_that_some_joints_lack():
    names, parents = columns(MADE(PLAIN, UP_LEG, ARM))
    names = [f"a:{n}" if k % 2 else n for k, n in enumerate(names)]
    (found,) = joint_names.find_people(names, parents)
    assert names[found["left_hip"]].endswith("LeftUpLeg")


@pytest.mark.parametrize(
    ("old", "new", "missing"),
    [
        ("LeftLeg", "LeftShank", "left_hip, left_knee, left_ankle"),
        ("RightHand", "RightPaw", "right_wrist"),
        ("Head", "Skull", "head"),
    ],
)
def test_what_is_missing_is_named(old, new, missing):
    names, parents = columns(MADE(PLAIN, UP_LEG, ARM))
    names[names.index(old)] = new
    with pytest.raises(ValueError, match=f"{missing.split(', ')[-1]}.*{new}"):
        joint_names.find_people(names, parents)


def test_limbs_must_hang_on_each_other():
    names, parents = columns(MADE(PLAIN, UP_LEG, ARM))
    # A right shin on the left thigh makes no leg.
    parents[names.index("RightLeg")] = names.index("LeftUpLeg")
    with pytest.raises(ValueError, match="right_knee"):
        joint_names.find_people(names, parents)


def test_bones_of_the_cmu_database_end_at_the_joint():
    """The CMU guide: `lfemur` is the thigh, which ends at the knee."""
    bones = (
        "root lhipjoint lfemur ltibia lfoot ltoes rhipjoint rfemur rtibia "
        "rfoot rtoes lowerback upperback thorax lowerneck upperneck head "
        "lclavicle lhumerus lradius lwrist lhand rclavicle rhumerus rradius "
        "rwrist rhand"
    ).split()
    found = joint_names.find_acclaim([bone.upper() for bone in bones])
    by_joint = {joint: bones[k] for joint, k in found.items()}
    assert by_joint["left_hip"] == "lhipjoint"
    assert by_joint["left_knee"] == "lfemur"
    assert by_joint["right_ankle"] == "rtibia"
    assert by_joint["left_shoulder"] == "lclavicle"
    assert by_joint["left_elbow"] == "lhumerus"
    assert by_joint["right_elbow"] == "rhumerus"
    assert by_joint["right_wrist"] == "rwrist"
    assert by_joint["left_toe"] == "lfoot"
    assert by_joint["neck"] == "lowerneck"
    assert by_joint["upperneck"] == "upperneck"
    assert by_joint["lowerback"] == "lowerback"
    bones.remove("rtibia")
    with pytest.raises(ValueError, match="no bone is named rtibia"):
        joint_names.find_acclaim(bones)
