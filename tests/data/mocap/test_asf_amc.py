"""ASF/AMC: hand-made files with closed forms."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from ordinal_tf.data.mocap import asf_amc

ASF = """# made by hand
:version 1.10
:units
  mass 1.0
  length 0.5
  angle deg
:root
  order TX TY TZ RX RY RZ
  axis XYZ
  position 0 0 0
  orientation 0 0 0
:bonedata
  begin
    id 1
    name lower
    direction 0 -1 0
    length 3
    axis 0 0 90 XYZ
    dof rx
    limits (-10.0 170.0)
  end
  begin
    id 2
    name upper
    direction 1 0 0
    length 2
    axis 0 0 0 XYZ
    dof ry rz
  end
:hierarchy
  begin
    root upper
    upper lower
  end
"""

AMC = """#!OML:ASF by hand
:FULLY-SPECIFIED
:DEGREES
1
root 1 2 3 0 0 0
upper 0 0
lower 0
2
root 0 0 0 0 90 0
upper 0 0
lower 0
3
root 0 0 0 0 0 0
upper 0 90
lower 90
"""


def write(path, text, *, newline="\n"):
    path.write_text(text, newline=newline)
    return path


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_amc_by_hand(tmp_path, newline):
    write(tmp_path / "07.asf", ASF, newline=newline)
    path = write(tmp_path / "07_01.amc", AMC, newline=newline)
    read = asf_amc.read_amc(path)
    assert read.joints == ("root", "upper", "lower")
    assert read.fps == 120
    # One unit is 1 / 0.5 inch, 50.8 mm.
    expected = [
        [[1, 2, 3], [3, 2, 3], [3, -1, 3]],
        # Ry(90) of the root takes x to -z.
        [[0, 0, 0], [0, 0, -2], [0, -3, -2]],
        # Rz(90) of the upper bone takes x to y and -y to x. The lower bone's
        # own x axis is, by its `axis`, the world's y at rest, so its rx turns
        # about that: -y stays, and ends along x.
        [[0, 0, 0], [0, 2, 0], [3, 2, 0]],
    ]
    assert read.mm_per_unit == pytest.approx(50.8)
    assert read.parents == (-1, 0, 1)
    np.testing.assert_allclose(read.positions, expected, atol=1e-12)


def test_amc_turns_in_the_frame_of_its_axis(tmp_path):
    write(
        tmp_path / "07.asf", ASF.replace("direction 0 -1 0", "direction 1 0 0")
    )
    path = write(tmp_path / "07_01.amc", AMC)
    read = asf_amc.read_amc(path)
    # A lower bone along x turns by 90 degrees about y, to -z; the upper
    # bone's Rz(90) leaves that alone.
    offset = read.positions[2, 2] - read.positions[2, 1]
    np.testing.assert_allclose(offset, [0, 0, -3], atol=1e-9)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("lower 90\n", "", r"07_01\.amc, line 14: .* within frame 3"),
        ("upper 0 90", "upper 0", r"line 14: bone upper needs 2 .* has 1"),
        ("upper 0 90", "upper 0 inf", r"line 14: bone upper holds 'inf'"),
        ("upper 0 90", "other 0 90", r"line 14: the frame has no upper"),
        ("2\nroot", "root", r"line 8: expected the number of frame 2"),
        (AMC, "", r"holds no frame"),
    ],
)
def test_bad_amc_names_file_and_line(tmp_path, old, new, message):
    write(tmp_path / "07.asf", ASF)
    text = AMC.replace(old, new)
    with pytest.raises(ValueError, match=message):
        asf_amc.read_amc(write(tmp_path / "07_01.amc", text))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (ASF[ASF.index(":hierarchy") :], "", r"ends before its bones"),
        ("    upper lower\n", "", r"does not connect lower to the root"),
        ("length 3", "length x", r"line 17: `length` holds 'x'"),
        ("direction 0 -1 0", "direction 0 -1", r"line 16: .*needs 3"),
        ("direction 0 -1 0", "direction 0 0 0", r"lower is zero"),
        ("    length 3\n", "", r"line 13: this bone has no length"),
        ("90 XYZ", "90 XXY", r"line 18: the axis order must be XYZ"),
        ("0 0 90 XYZ", "", r"line 18: the axis order must be XYZ"),
        ("dof rx\n", "dof rx l\n", r"line 19: `dof` may list"),
        ("length 0.5", "length 0", r"positive length"),
        ("axis XYZ\n  position", "axis YYX\n  position", r"order must be XYZ"),
        ("order TX TY TZ RX", "order TX TY TZ TX", r":root must have"),
    ],
)
def test_bad_asf_names_file_and_line(tmp_path, old, new, message):
    assert old in ASF
    with pytest.raises(ValueError, match=message):
        asf_amc.read_asf(write(tmp_path / "07.asf", ASF.replace(old, new, 1)))


def test_amc_without_its_body(tmp_path):
    path = write(tmp_path / "07_01.amc", AMC)
    with pytest.raises(ValueError, match=r"put 07\.asf beside it"):
        asf_amc.read_amc(path)
    other = write(tmp_path / "body.asf", ASF)
    assert asf_amc.find_asf(path) == other
    write(tmp_path / "third.asf", ASF)
    with pytest.raises(ValueError, match=r"body\.asf, third\.asf"):
        asf_amc.find_asf(path)


def test_radians(tmp_path):
    write(tmp_path / "07.asf", ASF)
    plain = write(tmp_path / "07_1.amc", AMC)
    expected = asf_amc.read_amc(plain).positions
    text = ASF.replace("angle deg", "angle rad")
    text = text.replace("axis 0 0 90 XYZ", f"axis 0 0 {np.pi / 2} XYZ")
    turned = AMC.replace("90", str(np.pi / 2))
    write(tmp_path / "08.asf", text)
    for header in (":RADIANS", ":FULLY-SPECIFIED"):
        clip = turned.replace(":DEGREES", header)
        read = asf_amc.read_amc(write(tmp_path / "08_1.amc", clip))
        np.testing.assert_allclose(read.positions, expected, atol=1e-12)
    # What a clip says of itself goes before what its body says.
    read = asf_amc.read_amc(write(tmp_path / "08_2.amc", AMC))
    np.testing.assert_allclose(read.positions, expected, atol=1e-12)


def test_capitals_and_a_mark_of_the_byte_order(tmp_path):
    asf, amc = tmp_path / "07.ASF", tmp_path / "07_01.AMC"
    asf.write_bytes(b"\xef\xbb\xbf" + ASF.upper().encode())
    amc.write_bytes(b"\xef\xbb\xbf" + AMC.encode())
    read = asf_amc.read_amc(amc)
    assert read.joints == ("root", "UPPER", "LOWER")
    np.testing.assert_allclose(
        read.positions[0], [[1, 2, 3], [3, 2, 3], [3, -1, 3]]
    )


@pytest.mark.parametrize(
    ("clip", "bodies", "expected"),
    [
        ("HDM_bd_01-01_01_120.amc", ["HDM_bd.asf", "HDM_mm.asf"], "HDM_bd.asf"),
        ("HDM_mm_1.amc", ["HDM_bd.asf", "HDM_mm.asf"], "HDM_mm.asf"),
        ("02_01.amc", ["02.ASF", "2.asf", "0.asf"], "02.ASF"),
        ("a_b_c.amc", ["a.asf", "a_b.asf"], "a_b.asf"),
        ("walk.amc", ["walk.asf", "w.asf"], "walk.asf"),
        ("walk.amc", ["body.asf", "._body.asf"], "body.asf"),
    ],
)
def test_the_body_that_fits_by_name(tmp_path, clip, bodies, expected):
    for name in bodies:
        write(tmp_path / name, ASF)
    assert asf_amc.find_asf(tmp_path / clip).name == expected


def test_other_bodies_do_not_fit(tmp_path):
    (tmp_path / "10.asf").mkdir()
    for name in ("1.asf", "walk1.asf"):
        write(tmp_path / name, ASF)
    with pytest.raises(ValueError, match="1.asf, walk1.asf"):
        asf_amc.find_asf(tmp_path / "10_01.amc")


@pytest.mark.parametrize("order", ["XYZ", "ZYX", "YZX"])
def test_axis_orders(tmp_path, order):
    """Against SciPy: small letters are turns about axes that stay."""
    lower = "axis 0 0 90 XYZ\n    dof rx"
    text = ASF.replace(lower, f"axis 10 20 30 {order}\n    dof rx ry rz")
    write(tmp_path / "07.asf", text)
    clip = (
        AMC.replace("lower 0", "lower 0 0 0")
        .replace("lower 90", "lower 40 50 60")
        .replace("upper 0 90", "upper 0 0")
    )
    read = asf_amc.read_amc(write(tmp_path / "07_1.amc", clip))
    by_axis = dict(zip("XYZ", (10, 20, 30), strict=True))
    turned = dict(zip("XYZ", (40, 50, 60), strict=True))
    axis, turn = (
        Rotation.from_euler(
            order.lower(), [angles[a] for a in order], degrees=True
        )
        for angles in (by_axis, turned)
    )
    expected = (axis * turn * axis.inv()).as_matrix()
    np.testing.assert_allclose(read.rotations[2, 2], expected, atol=1e-12)


def test_a_root_with_a_place_and_an_orientation(tmp_path):
    text = ASF.replace("position 0 0 0", "position 10 20 30")
    text = text.replace("orientation 0 0 0", "orientation 0 0 90")
    write(tmp_path / "07.asf", text)
    read = asf_amc.read_amc(write(tmp_path / "07_1.amc", AMC))
    # x of the body is the world's y at rest.
    np.testing.assert_allclose(
        read.positions[0, :2], [[11, 22, 33], [11, 24, 33]], atol=1e-12
    )
    # The channels turn what stands so: Ry(90) leaves y alone.
    np.testing.assert_allclose(
        read.positions[1, :2], [[10, 20, 30], [10, 22, 30]], atol=1e-12
    )


def test_bones_that_move(tmp_path):
    text = ASF.replace("dof rx\n", "dof tx ty tz rx\n")
    write(tmp_path / "07.asf", text)
    clip = AMC.replace("lower 0", "lower 5 0 0 0").replace(
        "lower 90", "lower 0 0 0 90"
    )
    read = asf_amc.read_amc(write(tmp_path / "07_1.amc", clip))
    # Along its own x, which its `axis` says is the world's y at rest.
    np.testing.assert_allclose(read.positions[0, 2], [3, -1 + 5, 3])
