"""Joints by the names that people and programs give them."""

import pytest

from ordinal_tf import skeleton
from ordinal_tf.data.readers import joint_names

# As the annotation files and READMEs of the data sets have them.
CROWDPOSE = (
    "left_shoulder right_shoulder left_elbow right_elbow left_wrist "
    "right_wrist left_hip right_hip left_knee right_knee left_ankle "
    "right_ankle head neck"
).split()
HALPE = (
    "Nose LEye REye LEar REar LShoulder RShoulder LElbow RElbow LWrist RWrist "
    "LHip RHip LKnee Rknee LAnkle RAnkle Head Neck Hip LBigToe RBigToe "
    "LSmallToe RSmallToe LHeel RHeel"
).split()
POSETRACK = (
    "nose head_bottom head_top left_ear right_ear left_shoulder "
    "right_shoulder left_elbow right_elbow left_wrist right_wrist left_hip "
    "right_hip left_knee right_knee left_ankle right_ankle"
).split()
TDHP = (
    "head_top neck right_shoulder right_elbow right_wrist left_shoulder "
    "left_elbow left_wrist right_hip right_knee right_ankle left_hip "
    "left_knee left_ankle pelvis spine head"
).split()
AIC = (
    "Right Shoulder,Right Elbow,Right Wrist,Left Shoulder,Left Elbow,Left "
    "Wrist,Right Hip,Right Knee,Right Ankle,Left Hip,Left Knee,Left Ankle,Head "
    "Top,Neck"
).split(",")


def joint_of(names, name):
    """What a name of a file stands for, None where it is left out."""
    read = joint_names.read_names(names)
    column = list(names).index(name)
    if column not in read.columns:
        return None
    return read.body.joints[read.columns.index(column)]


@pytest.mark.parametrize(
    ("name", "joint"),
    [
        ("left_hip", "left_hip"),
        ("Left Hip", "left_hip"),
        ("LEFT-HIP", "left_hip"),
        ("LeftHip", "left_hip"),
        ("L_Hip", "left_hip"),
        ("lhip", "left_hip"),
        ("hip.left", "left_hip"),
        ("Hip R", "right_hip"),
        ("RElbow", "right_elbow"),
        ("Right ear", "right_ear"),
        ("HeadTop", "head_top"),
        ("head-top", "head_top"),
        ("upper neck", "upper_neck"),
        ("Pelvis", "pelvis"),
        ("MidHip", "pelvis"),
    ],
)
def test_spellings(name, joint):
    assert joint_of(["left_knee", name], name) == joint


@pytest.mark.parametrize(
    ("names", "name", "joint"),
    [
        (CROWDPOSE, "head", "head_top"),
        (HALPE, "Head", "head_top"),
        (HALPE, "Hip", "pelvis"),
        (HALPE, "Rknee", "right_knee"),
        (HALPE, "LBigToe", None),
        (POSETRACK, "head_bottom", "upper_neck"),
        (TDHP, "head", "head"),
        (AIC, "Head Top", "head_top"),
    ],
)
def test_a_name_has_the_meaning_of_its_data_set(names, name, joint):
    assert joint_of(names, name) == joint
    # In whatever order, and however the sides are written.
    assert joint_of(names[::-1], name) == joint
    assert joint_of([n.title() for n in names], name.title()) == joint


@pytest.mark.parametrize("name", ["head", "Head", "hip", "head_bottom"])
def test_elsewhere_it_is_left_out_and_said(name):
    read = joint_names.read_names([*CROWDPOSE[:5], name])
    assert read.left_out == (name,)
    assert read.body.joints == tuple(CROWDPOSE[:5])
    assert f"The joint {name!r} is left out, for it is" in read.notes[0]
    # One more joint, and it is another set than CrowdPose.
    read = joint_names.read_names([*CROWDPOSE, "nose"])
    assert read.left_out == ("head",) and read.columns[-1] == 14
    # Nobody asks about what is to be ignored.
    read = joint_names.read_names([*CROWDPOSE[:5], name], ignore=[name.upper()])
    assert not read.notes and len(read.body) == 5


def test_the_crown_is_no_nose():
    """CrowdPose's head is at the top, the nose halfway down to the neck."""
    body = joint_names.read_names(CROWDPOSE).body
    to_ours = skeleton.mapping(body, skeleton.H36M17)
    nose = to_ours.weights[skeleton.H36M17.index("nose")]
    assert nose[CROWDPOSE.index("head")] == nose[CROWDPOSE.index("neck")] == 0.5
    top = to_ours.weights[skeleton.H36M17.index("head_top")]
    assert top[CROWDPOSE.index("head")] == 1


def test_unknown_joints_are_listed():
    names = ["left_hip", "tail", "right_hip", "left_big_toe"]
    read = joint_names.read_names(names)
    assert read.columns == (0, 2) and read.left_out == ("tail", "left_big_toe")
    assert read.notes == ("Joints that are left out: tail, left_big_toe.",)
    assert read.find("LHip") == "left_hip" and read.find("tail") is None
    assert read.find("Left Wrist") == "left_wrist"  # One of ours.


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["left_wirst", "nose"], "'left_wirst'. Did you mean left_wrist"),
        (["Left Elbwo", "nose"], "'Left Elbwo'. Did you mean left_elbow"),
        (
            ["left_hip", "LHip"],
            "twice: 'left_hip' and 'LHip' are both left_hip",
        ),
        (["tail", "fin"], "none of the joints has a known name: tail, fin"),
    ],
)
def test_names_that_are_refused(names, message):
    with pytest.raises(ValueError, match=message):
        joint_names.read_names(names)


def test_ours_are_ours():
    for body in skeleton.SKELETONS:
        assert joint_names.read_names(body.joints).body is body
    shuffled = skeleton.H36M17.joints[::-1]
    read = joint_names.read_names(shuffled)
    assert read.body.joints == shuffled
    # Its nose is Human3.6M's own, unlike that of a set with other joints.
    index = skeleton.H36M17.index("nose")
    for names, rough in ((shuffled, False), (shuffled[1:], True)):
        body = joint_names.read_names(names).body
        mapped = skeleton.mapping(body, skeleton.H36M17)
        assert mapped.approximate[index] == rough
