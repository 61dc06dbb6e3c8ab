"""Intrinsics: every layout, what does not fit, and EXIF by hand."""

import json

import numpy as np
import pytest
from PIL import Image

from ordinal_tf.data.readers import camera_file

CAMERA = [800.0, 790.0, 330.0, 235.0]
KEYS = dict(zip(("fx", "fy", "cx", "cy"), CAMERA, strict=True))
MATRIX = [[800, 0, 330], [0, 790, 235], [0, 0, 1]]
SIZES = {"a.jpg": (480, 640)}


def written(tmp_path, content):
    path = tmp_path / "camera.json"
    path.write_text(json.dumps(content), encoding="utf-8-sig")
    return str(path)


def test_numbers_on_the_command_line():
    sizes = {"a.jpg": (480, 640), "film.mp4": (470, 660)}
    read = camera_file.read_intrinsics("800,790, 330,235", sizes)
    assert list(read) == ["a.jpg", "film.mp4"]
    for camera in read.values():
        np.testing.assert_array_equal(camera, CAMERA)


@pytest.mark.parametrize(
    "content", [KEYS, KEYS | {"width": 640, "height": 480}, MATRIX, CAMERA]
)
def test_files_for_all_pictures(tmp_path, content):
    read = camera_file.read_intrinsics(written(tmp_path, content), SIZES)
    np.testing.assert_array_equal(read["a.jpg"], CAMERA)


def test_files_by_name(tmp_path):
    content = {"a.jpg": KEYS, "b.png": None, "other.jpg": "not looked at"}
    path = written(tmp_path, content)
    read = camera_file.read_intrinsics(path, SIZES | {"b.png": (9, 9)})
    assert list(read) == ["a.jpg"]
    with pytest.raises(ValueError, match="camera.json has no .* c.png; .*null"):
        camera_file.read_intrinsics(path, {"c.png": (9, 9)})


def test_a_part_of_a_picture_says_its_size(tmp_path):
    """Its centre may lie anywhere, even outside."""
    part = KEYS | {"cx": -50.0, "width": 640, "height": 480}
    read = camera_file.read_intrinsics(written(tmp_path, part), SIZES)
    assert read["a.jpg"][2] == -50
    del part["width"], part["height"]
    with pytest.raises(ValueError, match="centre at -50, 235, far from the mi"):
        camera_file.read_intrinsics(written(tmp_path, part), SIZES)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([800, 790, 330], "must be fx,fy,cx,cy or JSON"),
        ([[800, 0.5, 330], [0, 790, 235], [0, 0, 1]], "skewed"),
        ({"fx": 800, "fy": 790, "cx": 330}, "no 'cy'"),
        (KEYS | {"fx": "wide"}, "could not convert"),
        (KEYS | {"fx": None}, "must be fx,fy,cx,cy"),
        (KEYS | {"fx": 1e999}, "must be fx,fy,cx,cy"),
        (KEYS | {"width": 640}, "no 'height'"),
        # Of the picture at twice and at half its size.
        ([1600, 1580, 660, 470], "centre at 660, 470, far from the middle"),
        ([400, 395, 150, 110], "centre at 150, 110"),
        (KEYS | {"width": 1280, "height": 960}, "of 1280 x 960 pixels"),
        (KEYS | {"fx": 0}, "focal length of 0, 790 pixels"),
        (KEYS | {"fy": -790}, "focal length of 800, -790"),
        ([80, 79, 330, 235], "focal length of 80, 79"),  # 152 degrees.
        (KEYS | {"fy": 300}, "not square, fx 800 and fy 300"),
        ("fisheye", "must be fx,fy,cx,cy"),
    ],
)
def test_what_does_not_fit_is_one_sentence(tmp_path, content, message):
    path = written(tmp_path, content)
    with pytest.raises(ValueError, match=message) as error:
        camera_file.read_intrinsics(path, SIZES)
    assert "camera.json" in str(error.value)


def test_neither_numbers_nor_a_file(tmp_path):
    with pytest.raises(OSError, match="none.json"):
        camera_file.read_intrinsics(str(tmp_path / "none.json"), SIZES)
    (tmp_path / "bad.json").write_text('{"fx": 800')
    with pytest.raises(ValueError, match="bad.json is not valid JSON"):
        camera_file.read_intrinsics(str(tmp_path / "bad.json"), SIZES)


def photo(path, tags, size=(640, 480), orientation=None):
    exif = Image.Exif()
    exif.get_ifd(0x8769).update(tags)
    if orientation:
        exif[0x0112] = orientation
    Image.new("RGB", size).save(path, exif=exif)
    return path


def test_exif_equivalent_focal_length(tmp_path):
    """43.27 mm, the diagonal of the film, is the diagonal of the picture."""
    path = photo(tmp_path / "a.jpg", {0xA405: 28})
    focal = 28 / np.hypot(36, 24) * 800  # The diagonal of 640 x 480.
    expected = [focal, focal, 319.5, 239.5]
    np.testing.assert_allclose(camera_file.intrinsics_from_exif(path), expected)
    turned = photo(tmp_path / "b.jpg", {0xA405: 28}, orientation=6)
    np.testing.assert_allclose(
        camera_file.intrinsics_from_exif(turned), [focal, focal, 239.5, 319.5]
    )


@pytest.mark.parametrize(("unit", "density"), [(2, 25.4), (3, 10.0)])
def test_exif_focal_length_of_a_sensor(tmp_path, unit, density):
    """50 mm on a sensor of 170 pixels a mm, shrunk from 3840 to 640."""
    tags = {0x920A: 50.0, 0xA20E: 170 * density, 0xA210: unit, 0xA002: 3840}
    camera = camera_file.intrinsics_from_exif(photo(tmp_path / "a.jpg", tags))
    assert camera[0] == pytest.approx(50 * 170 / 6, rel=1e-4)


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {0xA405: 0},
        {0x920A: 4.2},  # Millimetres alone say nothing about pixels.
        {0x920A: 50.0, 0xA20E: 0.0, 0xA002: 3840},
        {0xA405: 60_000},
    ],
)
def test_no_focal_length_in_exif(tmp_path, tags):
    path = photo(tmp_path / "a.jpg", tags)
    assert camera_file.intrinsics_from_exif(path) is None


def test_damaged_exif(tmp_path):
    path = photo(tmp_path / "a.jpg", {0xA405: 28})
    data = path.read_bytes()
    at = data.index(b"Exif\0\0")
    path.write_bytes(data[: at + 14] + bytes(30) + data[at + 44 :])
    assert camera_file.intrinsics_from_exif(path) is None
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    assert camera_file.intrinsics_from_exif(tmp_path / "a.png") is None
    (tmp_path / "b.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"Not a picture.*b\.png"):
        camera_file.intrinsics_from_exif(tmp_path / "b.png")
