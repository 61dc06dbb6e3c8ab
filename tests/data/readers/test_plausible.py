"""What cannot be a person, with the figure that shows it."""

import re

import numpy as np
import pytest

from ordinal_tf import skeleton
from ordinal_tf.data.readers import h36m, plausible
from tests import bodies

H36M = skeleton.H36M17
KNOWN = np.ones((1, 17), bool)


def fault(pose, known=KNOWN):
    (sentence,) = plausible.pose_faults(pose, known)
    return sentence


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        (1.0, None),
        (0.6, None),
        (1.4, None),
        (0.4, r"a person of 0\.6[0-9]+ m\."),
        (1.7, r"a person of 2\.[0-9]+ m\."),
        (0.001, r"a person of 1\.[67][0-9]* mm; are these metres"),
        (0.1, r"a person of 0\.1[67][0-9]* m; are these centimetres"),
        (1000.0, r"a person of 1.[67][0-9]*e\+03 m; are these micrometres"),
    ],
)
def test_sizes_of_people(times, expected):
    pose = times * bodies.people(1, H36M.joints, jitter_mm=0)
    found = fault(pose + [0, 0, 4000])
    if expected is None:
        assert found is None
    else:
        assert re.search(expected, found), found


def test_what_is_not_known_is_not_judged():
    pose = 0.001 * bodies.people(1, H36M.joints)
    known = np.zeros((1, 17), bool)
    known[0, [H36M.index("left_hip"), H36M.index("left_knee")]] = True
    # One bone is not enough to say.
    assert fault(pose, known) is None
    assert np.isnan(plausible.stature(pose, known)).all()
    known[0, [H36M.index("left_ankle"), H36M.index("right_knee")]] = True
    known[0, H36M.index("right_hip")] = True
    assert "a person of 1." in fault(pose, known)
    pose[0, H36M.index("left_wrist")] = 1e9
    assert "a person of 1." in fault(pose, known)


def test_one_joint_far_away():
    pose = bodies.people(1, H36M.joints)
    pose[0, H36M.index("left_wrist")] = [5000, 0, 0]
    assert fault(pose).startswith("its joints lie 5.")
    known = KNOWN.copy()
    known[0, H36M.index("left_wrist")] = False
    assert fault(pose, known) is None


def test_a_clip_by_its_middle_pose():
    pose = bodies.people(9, H36M.joints)
    pose[3] *= 100  # One bad frame does not make another unit.
    plausible.check_clip("a.cdf", pose)
    with pytest.raises(ValueError, match="a.cdf: its bones .*are these metres"):
        plausible.check_clip("a.cdf", pose / 1000)
    plausible.check_clip("a.cdf", pose[:0])


def test_boxes():
    points = np.zeros((5, 17, 2))
    points[:, 0] = [0, 0]
    points[:, 1:, 1] = 100
    points[3] /= 1000
    boxes = np.array([[0, 0, s] for s in (125, 49, 2001, 125, 49)], float)
    known = np.ones((5, 17), bool)
    known[4, 2:] = False  # Two joints tell little.
    found = plausible.box_faults(boxes, points, known)
    assert found[0] is None and found[4] is None
    assert found[1].startswith("its box has a side of 49 pixels, and its joint")
    assert "and its joints reach over 100" in found[2]
    assert found[3].startswith("its 17 joints lie within 0.1 pixels; are these")
    # Of few joints, such as a head's, the box may hold much more.
    known[2, 5:] = False
    assert plausible.box_faults(boxes, points, known)[2] is None


def test_real_people(shared_data):
    path = shared_data / "h36m_sample" / "annot" / "valid.mat"
    if not path.is_file():
        pytest.skip("No Human3.6M sample.")
    poses = h36m.read_annotations(path).poses
    tall = plausible.stature(poses, np.ones(poses.shape[:2], bool))
    assert 1650 < tall.min() and tall.max() < 1900


def test_stature_of_what_is_known():
    """By the shares of Drillis and Contini: 1.7 m have thighs of 416.5, shins
    of 418.2 and, 6 cm above the shoulders, a trunk of 542.3 mm."""
    pose = np.zeros((1, 17, 3))
    place = {"spine": -250.0, "thorax": -542.3}
    for side in ("left", "right"):
        place |= {f"{side}_knee": 416.5, f"{side}_ankle": 834.7}
    for joint, y in place.items():
        pose[0, H36M.index(joint), 1] = y
    assert plausible.stature(pose) == pytest.approx(1700)
    assert plausible.stature(pose / 1000) == pytest.approx(1.7)
    # A leg alone, with the trunk but without the spine, says the same.
    known = np.zeros((1, 17), bool)
    some = ("pelvis", "thorax", "left_hip", "left_knee", "left_ankle")
    known[0, [H36M.index(joint) for joint in some]] = True
    assert plausible.stature(pose, known) == pytest.approx(1700)
