"""How motion capture is understood, from the command line."""

import numpy as np
from PIL import Image

from tests import mocap_files


def test_a_file(run_tool, tmp_path):
    path = mocap_files.write_bvh(tmp_path / "a.bvh", mocap_files.MIXAMO)
    sheet = tmp_path / "made" / "a.png"
    code, out, err = run_tool("inspect", f"--mocap={path}", f"--sheet={sheet}")
    assert code == 0, err
    assert "unit cm, up +Y, people of 1.70 m" in out
    assert "left_knee: mixamorig:LeftLeg\n" in out
    assert "right_wrist: mixamorig:RightHand\n" in out
    with Image.open(sheet) as image:
        assert image.width > 1000 and np.ptp(np.asarray(image)) > 100


def test_a_folder_with_bad_files(run_tool, tmp_path):
    mocap_files.write_bvh(tmp_path / "a.bvh", mocap_files.MIXAMO)
    mocap_files.write_bandai(tmp_path / "b.bvh")
    for k in range(12):
        (tmp_path / f"bad{k}.bvh").write_text("HIERARCHY\n")
    code, out, err = run_tool("inspect", f"--mocap={tmp_path}")
    assert code == 0, err
    assert out.count("skipped: ") == 12
    assert "left_knee: LowerLeg_L\n" in out
    assert "left_knee: mixamorig:LeftLeg\n" in out


def test_what_cannot_be_read(run_tool, tmp_path):
    path = tmp_path / "a.bvh"
    path.write_text("HIERARCHY\n")
    code, _, err = run_tool("inspect", f"--mocap={path}")
    assert code == 1 and "a.bvh, line 1: the file ends before MOTION" in err
    code, _, err = run_tool("inspect", f"--mocap={path}", "--data=prepared")
    assert code == 1 and "--data, a --run, or --mocap" in err
    code, _, err = run_tool("inspect", f"--mocap={tmp_path / 'no.bvh'}")
    assert code == 1 and "no.bvh" in err
