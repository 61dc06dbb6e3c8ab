"""Human3.6M's own release: cameras, positions, clips that are missing."""

import pathlib
import sys

import numpy as np
import pytest

from ordinal_tf import skeleton
from ordinal_tf.data.files import video
from ordinal_tf.data.readers import h36m_cameras, h36m_release
from tests import h36m_files, video_files

pytest.importorskip("cdflib")
H36M = skeleton.H36M17
# The 17 of the 32 joints, as other projects select them.
SELECTED = [0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27]


def quiet(text):
    del text


def read(folder, **options):
    options = {"split": "test", "report": quiet} | options
    return h36m_release.read_h36m_release(folder, **options)


def test_cameras_by_hand(tmp_path):
    path = tmp_path / "metadata.xml"
    path.write_text(h36m_files.metadata())
    cameras = h36m_cameras.read_cameras(path)
    assert len(cameras) == 44
    camera = cameras["S11", "54138969"]
    # From (0, 5000, 1000), looking along -y: somebody 2 m in front, 100 mm to
    # the world's -x (our right) and 300 mm up.
    point = camera.from_world(np.array([-100.0, 3000, 1300]))
    np.testing.assert_allclose(point, [100, -300, 2000], atol=1e-9)
    # Radial distortion only: r^2 = 0.05^2 + 0.15^2 = 0.025, and tangential.
    x, y, square = 0.05, -0.15, 0.025
    radial = 1 - 0.2 * square + 0.25 * square**2 - 0.003 * square**3
    factor = radial - 0.001 * x - 0.0014 * y
    expected = [
        80 * (x * factor - 0.001 * square) + 32,
        70 * (y * factor - 0.0014 * square) + 24,
    ]
    np.testing.assert_allclose(camera.project(point), expected, rtol=1e-12)
    np.testing.assert_array_equal(
        camera.matrix, [[80, 0, 32], [0, 70, 24], [0, 0, 1]]
    )
    # The next one, from (5000, 0, 1000), looks along -x.
    other = cameras["S1", "55011271"].from_world(np.array([3000.0, 100, 1300]))
    np.testing.assert_allclose(other, [100, -300, 2000], atol=1e-9)


def test_each_camera_of_each_subject(tmp_path):
    """w0 as 3d-pose-baseline (cameras.py) reads it, from 0.

    Camera c and subject s have 6 numbers from 6 (11 c + s) on, camera c has 9
    more from 264 + 9 c on, whoever the subject is.
    """
    numbers = np.zeros(300)
    for c in range(4):
        for s in range(11):
            start = 6 * (11 * c + s)
            numbers[start : start + 6] = 0, 0, 0, 100 + c, 200 + s, 7
        start = 264 + 9 * c
        inside = [1100 + c, 1200 + c, 500 + c, 510 + c]
        bent = [0.1 + c, 0.2 + c, 0.3 + c, 0.5 + c, 0.4 + c]  # p2 before p1.
        numbers[start : start + 9] = inside + bent
    path = tmp_path / "metadata.xml"
    path.write_text(h36m_files.metadata(numbers=numbers))
    cameras = h36m_cameras.read_cameras(path)
    for c, name in enumerate(("54138969", "55011271", "58860488", "60457274")):
        for s in (1, 5, 9, 11):
            camera = cameras[f"S{s}", name]
            assert camera.place.tolist() == [100 + c, 200 + s - 1, 7]
            assert camera.focal.tolist() == [1100 + c, 1200 + c]
            assert camera.centre.tolist() == [500 + c, 510 + c]
            assert camera.radial.tolist() == [0.1 + c, 0.2 + c, 0.3 + c]
            assert camera.tangential.tolist() == [0.4 + c, 0.5 + c]


def test_each_clip_has_the_camera_of_its_subject(tmp_path):
    folder = h36m_files.write_release(tmp_path / "h36m", frames=1)
    numbers = h36m_files.w0()
    for c in range(4):
        numbers[264 + 9 * c] += c  # Focal lengths of 80 to 83 px.
        # S9 and S11, subjects 8 and 10 from 0, are seen from other heights.
        numbers[6 * (11 * c + 8) + 5] = 1100 + c
        numbers[6 * (11 * c + 10) + 5] = 1200 + c
    text = h36m_files.metadata(numbers=numbers)
    (folder / "metadata.xml").write_text(text)
    photos = read(folder)
    assert len(photos) == 2 * 2 * 4
    for path, matrix, pose, points in zip(
        *(photos.paths, photos.camera, photos.pose, photos.keypoints),
        strict=True,
    ):
        film = pathlib.Path(video.split_path(path)[0])
        subject, (_, name, _) = film.parts[-3], film.name.rsplit(".", 2)
        c = h36m_files.CAMERAS.index(name)
        assert matrix[0, 0] == 80 + c
        world = h36m_files.world(1, seed=int("1" in film.name[:12]))[0]
        # The cameras look along the ground: y is down from their height.
        height = {"S9": 1100, "S11": 1200}[subject] + c
        np.testing.assert_allclose(
            pose[:, 1], height - world[SELECTED, 2], atol=0.01
        )
        # Distortion moves a point by far less than the next focal length.
        straight = pose[:, 0] / pose[:, 2] * (80 + c) + 32
        assert np.abs(points[:, 0] - straight).max() < 0.3


def test_frames_joints_and_boxes(tmp_path):
    folder = h36m_files.write_release(tmp_path / "h36m", frames=12)
    photos = read(folder)
    assert photos.name == "h36m_test"
    # 2 subjects, 2 actions, 4 cameras; frames 0, 5, 10.
    assert len(photos) == 2 * 2 * 4 * 3
    film, frame = video.split_path(photos.paths[4])
    assert film.endswith("S9/Videos/Directions 1.55011271.mp4") and frame == 5
    image = video.Reader().read(film, frame)
    assert video_files.number(image, 5) == 5
    # Action by action, camera by camera: row 4 is camera 1, frame 5.
    cameras = h36m_cameras.read_cameras(folder / "metadata.xml")
    world = h36m_files.world(12, seed=1)[5, SELECTED]
    pose = cameras["S9", "55011271"].from_world(world)
    np.testing.assert_allclose(photos.pose[4], pose, rtol=1e-4, atol=1e-2)
    np.testing.assert_allclose(
        photos.depth[4], pose[:, 2] - pose[0, 2], atol=1e-2
    )
    points = cameras["S9", "55011271"].project(pose)
    np.testing.assert_allclose(photos.keypoints[4], points, atol=1e-3)
    low, high = points.min(0), points.max(0)
    expected = [*(low + high) / 2, (high - low).max() + 40]
    np.testing.assert_allclose(photos.boxes[4], expected, atol=1e-3)
    np.testing.assert_array_equal(photos.camera[4][0], [80, 0, 32])
    assert photos.pose_mask.all() and photos.keypoint_mask.all()


def test_fewer_subjects(tmp_path):
    folder = h36m_files.write_release(tmp_path, subjects=("S6",), frames=6)
    said = []
    photos = read(folder, split="train", report=said.append)
    assert len(photos) == 2 * 4 * 2
    missing = [line for line in said if line.startswith("skipped")]
    assert [line.split("/")[-3] for line in missing] == ["S1", "S5", "S7", "S8"]


def test_missing_and_damaged_clips_by_name(tmp_path):
    folder = h36m_files.write_release(tmp_path, subjects=("S11",), frames=70)
    films = folder / "S11" / "Videos"
    (films / "Directions.54138969.mp4").unlink()
    (films / "Directions.55011271.mp4").write_bytes(b"damaged")
    video_files.write_video(films / "Directions.58860488.mp4", 71, fps=25)
    video_files.write_video(films / "Directions.60457274.mp4", 9)
    positions = folder / "S11" / "MyPoseFeatures" / "D3_Positions"
    (positions / "Directions 2.cdf").write_bytes(b"damaged")
    (positions / "_ALL.cdf").write_bytes(b"not looked at")
    said = []
    photos = read(folder, report=said.append)
    assert {path.rpartition("/")[2][:13] for path in photos.paths} == {
        "Directions 1."
    }
    for text, message in zip(
        said,
        [
            "S9/MyPoseFeatures/D3_Positions holds no .cdf file",
            "S9: 0 videos, 0 frames",
            "Directions 2.cdf is no CDF file",
            "Directions.54138969.mp4 is missing",
            "Directions.55011271.mp4 is no video",
            "Directions.58860488.mp4 has 25 frames a second instead of 50",
            "Directions.60457274.mp4 has 9 frames, its positions 70",
            "S11: 4 videos, 56 frames",
        ],
        strict=True,
    ):
        assert message in text


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"numbers": [1.0] * 299}, r"Found: \(11, 4, 299\)"),
        ({"numbers": [float("nan")] * 300}, "300 finite numbers"),
        ({"subjects": 10}, r"Found: \(10, 4, 300\)"),
        ({"cameras": ("1", "2")}, r"Found: \(11, 2, 300\)"),
    ],
)
def test_bad_metadata(tmp_path, changes, message):
    path = tmp_path / "metadata.xml"
    path.write_text(h36m_files.metadata(**changes))
    with pytest.raises(ValueError, match=message) as error:
        h36m_cameras.read_cameras(path)
    assert "metadata.xml" in str(error.value)


@pytest.mark.parametrize("text", ["", "<a></a>", "<metadata><w0>", "no XML"])
def test_no_metadata(tmp_path, text):
    path = tmp_path / "metadata.xml"
    path.write_text(text)
    with pytest.raises(ValueError, match="metadata.xml"):
        h36m_cameras.read_cameras(path)
    path.unlink()
    with pytest.raises(ValueError, match="metadata.xml is missing"):
        h36m_cameras.read_cameras(path)
    with pytest.raises(ValueError, match="holds no metadata.xml; it comes"):
        read(tmp_path)


def test_another_release(tmp_path):
    """Cameras that look away say that something is wrong."""
    folder = h36m_files.write_release(tmp_path, subjects=("S9",), frames=2)
    pose = h36m_files.world(2) + [0, 9000, 0]
    for path in folder.rglob("*.cdf"):
        h36m_files.write_cdf(path, pose)
    said = []
    photos = read(folder, report=said.append)
    assert "behind the camera; is metadata.xml the one" in said[0]
    assert 0 < len(photos) < 8


@pytest.mark.parametrize(
    ("pose", "name", "message"),
    [
        (np.zeros((3, 31, 3)), "Pose", r"shape \(1, T, 96\).*\(1, 3, 93\)"),
        (np.zeros((3, 32, 3)), "Angles", "no CDF file with a variable Pose"),
        (np.full((3, 32, 3), np.nan), "Pose", "no places in mm"),
        (np.full((3, 32, 3), 1e9), "Pose", "no places in mm"),
    ],
)
def test_bad_positions(tmp_path, pose, name, message):
    path = h36m_files.write_cdf(tmp_path / "Eating.cdf", pose, name=name)
    with pytest.raises(ValueError, match=message) as error:
        h36m_release.read_positions(path)
    assert "Eating.cdf" in str(error.value)


def test_bad_requests(tmp_path):
    with pytest.raises(ValueError, match="'train' or 'test'"):
        read(tmp_path, split="valid")
    (tmp_path / "metadata.xml").write_text(h36m_files.metadata())
    with pytest.raises(ValueError, match="holds no usable clip of .*S9"):
        read(tmp_path)


def test_without_cdflib(tmp_path, monkeypatch):
    path = h36m_files.write_cdf(tmp_path / "a.cdf", h36m_files.world(2))
    monkeypatch.setitem(sys.modules, "cdflib", None)
    with pytest.raises(ValueError, match=r"pip install 'ordinal-tf\[datasets"):
        h36m_release.read_positions(path)


def test_distortion_of_the_published_joints(shared_data):
    path = shared_data / "h36m_sample" / "mmpose_body3d.npz"
    if not path.is_file():
        pytest.skip("No Human3.6M sample.")
    # Camera 54138969, as the sample's README has it.
    camera = h36m_cameras.Camera(
        rotation=np.eye(3),
        place=np.zeros(3),
        focal=np.array([1145.0494, 1143.7811]),
        centre=np.array([512.5415, 515.4515]),
        radial=np.array([-0.20709891, 0.24777518, -0.00307515]),
        tangential=np.array([-0.0009757, -0.00142447]),
    )
    with np.load(path, allow_pickle=False) as sample:
        for row in (0, 1):
            found = camera.project(1000 * sample["S"][row, :, :3])
            np.testing.assert_allclose(
                found, sample["part"][row, :, :2], atol=1e-3
            )
