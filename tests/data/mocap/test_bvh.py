"""BVH: hand-made files with closed forms, and other programs' layouts."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from ordinal_tf.data.mocap import bvh

# A root, an arm of 10 along x and a hand of 5 along x. The root's OFFSET and
# the arm's must give way to the position channels, which say otherwise.
BVH = """HIERARCHY
ROOT base
{
  OFFSET 100 100 100
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT arm
  {
    OFFSET 99 0 0
    CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
    JOINT hand
    {
      OFFSET 5 0 0
      CHANNELS 3 Zrotation Xrotation Yrotation
      End Site
      {
        OFFSET 7 7 7
      }
    }
  }
}
MOTION
Frames: 3
Frame Time: 0.05
1 2 3 0 0 0 10 0 0 0 0 0 0 0 0
0 0 0 90 0 0 10 0 0 0 90 0 0 0 0
0 0 0 90 0 0 10 0 0 0 0 90 0 0 0
"""


def write(path, text, *, newline="\n"):
    path.write_text(text, newline=newline)
    return path


def test_bvh_by_hand(tmp_path):
    read = bvh.read_bvh(write(tmp_path / "a.bvh", BVH))
    assert read.joints == ("base", "arm", "hand", "hand_End")
    assert read.parents == (-1, 0, 1, 2)
    assert read.fps == 20 and read.notes == () and read.mm_per_unit is None
    expected = [
        [[1, 2, 3], [11, 2, 3], [16, 2, 3]],
        # Rz(90) takes x to y; Rx(90) of the arm leaves its x axis alone.
        [[0, 0, 0], [0, 10, 0], [0, 15, 0]],
        # Ry(90) takes the arm's x to its -z, which Rz(90) leaves alone.
        [[0, 0, 0], [0, 10, 0], [0, 10, -5]],
    ]
    np.testing.assert_allclose(read.positions[:, :3], expected, atol=1e-12)
    # The end is 7 7 7 in the hand's frame.
    tip = read.positions[0, 3] - read.positions[0, 2]
    np.testing.assert_allclose(tip, [7, 7, 7], atol=1e-12)


def test_bvh_multiplies_rotations_in_the_listed_order(tmp_path):
    frame = "0 0 0 90 90 0 10 0 0 0 0 0 0 0 0"
    text = BVH.replace("1 2 3 0 0 0 10 0 0 0 0 0 0 0 0", frame)
    text = text.replace("0.05", "0.0333333")
    read = bvh.read_bvh(write(tmp_path / "a.bvh", text))
    assert read.fps == 30
    # Rz Rx of the arm's x: Rx leaves it, Rz turns it to y. Were the order
    # reversed, it would end along z.
    np.testing.assert_allclose(read.positions[0, 1], [0, 10, 0], atol=1e-12)
    turn = read.rotations[0, 0]
    np.testing.assert_allclose(turn @ [0, 1, 0], [0, 0, 1], atol=1e-12)


LAST = BVH.splitlines()[-1]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (LAST, LAST[:-6], r"a\.bvh, line 26: .* needs 15 .* has 12"),
        (LAST, "", r"line 26: 2 frames .* promises 3"),
        ("Frames: 3", "Frames: 0", r"promises 0"),
        ("Frames: 3", "Frames: 2.5", r"promises 2.5"),
        ("Frames: 3", "Frames: x", r"line 22: `Frames:` holds 'x'"),
        ("90 0 0 10", "90 0 nan 10", r"line 26: .*'nan'"),
        ("90 0 0 10", "90 0 0,5 10", r"line 26: .*'0,5'"),
        ("OFFSET 5 0 0", "OFFSET 5 0", r"line 12: an OFFSET needs 3"),
        ("CHANNELS 3 Z", "CHANNELS 4 Z", r"line 13: 'CHANNELS 4"),
        ("CHANNELS 3 Zr", "CHANNELS 3 Wr", r"line 13: 'CHANNELS 3 Wr"),
        (BVH[BVH.index("MOTION") :], "", r"ends before MOTION"),
        ("Frames: 3\n", "", r"must be followed by `Frames:`"),
        ("Frame Time: 0.05", "Frame Time: 0", r"must be positive"),
        ("Frame Time: 0.05", "Time", r"line 23: expected `Frame Time:`"),
        (BVH, "a photograph", r"line 1: 'a photograph' is not part"),
        (BVH, "", r"ends before MOTION"),
    ],
)
def test_bad_bvh_names_file_and_line(tmp_path, old, new, message):
    text = new.join(BVH.rsplit(old, 1))
    assert text != BVH
    with pytest.raises(ValueError, match=message):
        bvh.read_bvh(write(tmp_path / "a.bvh", text))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("ROOT base\n{", "ROOT base {"),
        ("JOINT arm\n  {", "JOINT arm{"),
        ("      End Site\n      {", "      End Site {"),
        ("End Site", "End site"),
        ("HIERARCHY", "\ufeffHIERARCHY"),
        ("HIERARCHY", "hierarchy"),
        ("Zrotation", "ZRotation"),
        ("Xposition", "XPOSITION"),
        ("Frame Time: 0.05", "Frame Time:0.05"),
        ("Frame Time: 0.05", "FRAME TIME:\t0.05"),
        ("Frame Time: 0.05", "Frame Time 0.05"),
        ("Frames: 3", "Frames:3"),
        ("Frames: 3", "Frame: 3"),
        ("\n", "\r\n"),
        ("\n", "\n\n"),
        ("    ", "\t"),
        ("1 2 3 0 0 0 10", "1 2 3 0 0 0\n10"),
        ("0 0 90 0 0 0 0\n", "0 0 90 0 0 0 0   \n"),
    ],
)
def test_layouts_of_other_writers(tmp_path, old, new):
    plain = bvh.read_bvh(write(tmp_path / "a.bvh", BVH))
    assert old in BVH
    path = tmp_path / "b.bvh"
    path.write_bytes(BVH.replace(old, new).encode())
    read = bvh.read_bvh(path)
    assert read.joints == plain.joints and read.fps == plain.fps
    np.testing.assert_array_equal(read.positions, plain.positions)
    assert read.notes == ()


def test_utf16(tmp_path):
    path = tmp_path / "a.bvh"
    path.write_bytes(BVH.encode("utf-16"))
    assert len(bvh.read_bvh(path).positions) == 3


def test_names_with_spaces(tmp_path):
    text = BVH.replace("JOINT arm", "JOINT Bip01 L UpperArm")
    read = bvh.read_bvh(write(tmp_path / "a.bvh", text))
    assert read.joints[1] == "Bip01 L UpperArm"


def test_more_frames_than_promised_are_left_out_and_said(tmp_path):
    text = BVH.replace("Frames: 3", "Frames: 2")
    read = bvh.read_bvh(write(tmp_path / "a.bvh", text))
    assert len(read.positions) == 2
    np.testing.assert_allclose(read.positions[0, 0], [1, 2, 3])
    (note,) = read.notes
    assert "promises 2 of the 3 frames" in note


def test_positions_that_are_added(tmp_path):
    # The arm's channels say 0 and its OFFSET 99: so it is 99 away. With 1 in
    # a channel it is 100 away.
    text = BVH.replace(" 10 0 0 ", " 0 0 1 ")
    read = bvh.read_bvh(write(tmp_path / "a.bvh", text))
    np.testing.assert_allclose(read.positions[0, 1], [1 + 99, 2, 3 + 1])
    # The root is where its channels say, in either case.
    np.testing.assert_allclose(read.positions[0, 0], [1, 2, 3])
    assert read.notes == ("position channels are added to the OFFSETs",)


@pytest.mark.parametrize("order", ["XYZ", "ZYX", "YXZ", "ZXY", "YZX", "XZY"])
def test_rotation_orders(tmp_path, order):
    """Against SciPy: capitals are turns about axes that turn along."""
    names = " ".join(f"{axis}rotation" for axis in order)
    text = BVH.replace("Zrotation Xrotation Yrotation", names)
    row = "1 2 3 0 0 0 10 0 0 0 0 0 0 0 0"
    text = text.replace(row, "1 2 3 10 20 30 10 0 0 -40 50 60 0 0 0")
    read = bvh.read_bvh(write(tmp_path / "a.bvh", text))
    root = Rotation.from_euler(order, [10, 20, 30], degrees=True)
    arm = root * Rotation.from_euler(order, [-40, 50, 60], degrees=True)
    np.testing.assert_allclose(read.rotations[0, 1], arm.as_matrix())
    hand = np.array([1, 2, 3]) + root.apply([10, 0, 0]) + arm.apply([5, 0, 0])
    np.testing.assert_allclose(read.positions[0, 2], hand)


def test_two_trees(tmp_path):
    start, end = BVH.split("MOTION")
    second = start.replace("HIERARCHY\n", "").replace("base", "other")
    rows = end.strip().splitlines()
    rows[2:] = [f"{row} {row}" for row in rows[2:]]
    text = start + second + "MOTION\n" + "\n".join(rows)
    read = bvh.read_bvh(write(tmp_path / "a.bvh", text))
    assert read.parents == (-1, 0, 1, 2, -1, 4, 5, 6)
    np.testing.assert_array_equal(read.positions[:, :4], read.positions[:, 4:])
