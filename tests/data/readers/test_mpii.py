"""MPII's own release, written as its MATLAB struct."""

import re

import numpy as np
import pytest
import scipy.io

from ordinal_tf import skeleton
from ordinal_tf.data.readers import mpii
from tests import lsp_files

H36M, MPII = skeleton.H36M17, skeleton.MPII16
NAME = "mpii_human_pose_v1_u12_1.mat"


def quiet(text):
    del text


def structs(rows):
    """A 1 x N struct array; rows are dicts with the same keys."""
    array = np.empty((1, len(rows)), [(key, object) for key in rows[0]])
    for k, row in enumerate(rows):
        array[0, k] = tuple(row.values())
    return array


def points():
    """`(16, 2)` pixels counted from 1, as the file has them."""
    return lsp_files.standing(MPII.joints) * 100 + 11


def rect(*, joints=range(16), **changes):
    """A person as in the release: `is_visible` is text, or empty."""
    rows = [
        {
            "x": points()[j, 0],
            "y": points()[j, 1],
            "id": float(j),
            "is_visible": "1" if j % 2 else np.zeros((0, 0)),
        }
        for j in joints
    ]
    person = {
        "x1": 1.0,
        "y1": 2.0,
        "x2": 3.0,
        "y2": 4.0,
        "annopoints": structs([{"point": structs(rows)}]),
        "scale": 0.5,
        "objpos": structs([{"x": 61.0, "y": 71.0}]),
    }
    return person | changes


def release(*rects_of_images, train=None, single=None):
    """`RELEASE` with one picture for each list of people."""
    annotations = [
        {
            "image": structs([{"name": f"{k:09}.jpg"}]),
            "annorect": structs(rects) if rects else np.zeros((0, 0)),
            "frame_sec": np.zeros((0, 0)),
            "vididx": np.zeros((0, 0)),
        }
        for k, rects in enumerate(rects_of_images)
    ]
    count = len(annotations)
    cells = np.empty((count, 1), object)
    for k, rects in enumerate(rects_of_images):
        rows = np.arange(1, len(rects) + 1) if single is None else single[k]
        cells[k, 0] = np.array(rows, np.uint8).reshape(-1, 1)
    train = np.ones((1, count)) if train is None else np.array([train])
    return {
        "annolist": structs(annotations),
        "img_train": train.astype(np.uint8),
        "version": "12",
        "single_person": cells,
    }


def write(folder, content, *, pictures=3):
    images = folder / "images"
    images.mkdir(parents=True)
    for k in range(pictures):
        picture = lsp_files.draw(points() - 1, (120, 140))
        lsp_files.write_picture(images / f"{k:09}.jpg", picture)
    (folder / "annot").mkdir()
    scipy.io.savemat(folder / "annot" / NAME, {"RELEASE": content})
    return folder


def read(folder, **options):
    return mpii.read_mpii(folder, report=quiet, **options)


def test_joints_and_box(tmp_path):
    some = [j for j in range(16) if MPII.joints[j] != "left_elbow"]
    content = release([rect()], [rect(joints=some), rect()], [])
    photos = read(write(tmp_path, content))
    assert photos.name == "mpii"
    assert [path[-13:] for path in photos.paths] == [
        "000000000.jpg",
        "000000001.jpg",
        "000000001.jpg",
    ]
    for ours, theirs in {
        "left_wrist": "left_wrist",
        "right_ankle": "right_ankle",
        "nose": "upper_neck",
        "thorax": "thorax",
    }.items():
        np.testing.assert_allclose(
            photos.keypoints[0, H36M.index(ours)],
            points()[MPII.index(theirs)] - 1,
            rtol=1e-6,
        )
    lacking = [H36M.joints[k] for k in np.flatnonzero(~photos.keypoint_mask[1])]
    assert lacking == ["left_elbow"]
    assert photos.keypoint_mask[[0, 2]].all()
    # By hand: centre 60, 70 from 0, 15 * 0.5 lower; 0.5 * 200 * 1.25.
    np.testing.assert_allclose(photos.boxes[0], [60, 77.5, 125])
    assert not photos.depth_mask.any() and not photos.relation_mask.any()


def test_sizes_of_heads(tmp_path):
    """0.6 of the diagonal of the box, of a 30 x 40 box 30 pixels."""
    large = rect(x1=11.0, y1=20.0, x2=41.0, y2=60.0)
    flat = rect(x2=1.0, y2=2.0)
    nothing = rect(x1=np.zeros((0, 0)))
    folder = write(tmp_path, release([rect(), large], [flat, nothing]))
    photos, heads = mpii.read_with_heads(folder, report=quiet)
    assert len(photos) == 4
    expected = [0.6 * np.hypot(2, 2), 30, np.nan, np.nan]
    np.testing.assert_allclose(heads, expected)


# "Annotation description", human-pose.mpi-inf.mpg.de/#download.
DESCRIPTION = (
    "0 - r ankle, 1 - r knee, 2 - r hip, 3 - l hip, 4 - l knee, 5 - l ankle, "
    "6 - pelvis, 7 - thorax, 8 - upper neck, 9 - head top, 10 - r wrist, 11 - "
    "r elbow, 12 - r shoulder, 13 - l shoulder, 14 - l elbow, 15 - l wrist"
)


def test_ids_as_the_data_set_describes_them(tmp_path):
    rows = [
        {"x": 20.0 + 3 * k, "y": 110.0 - 5 * k, "id": float(k)}
        for k in range(16)
    ]
    person = rect(annopoints=structs([{"point": structs(rows)}]))
    photos = read(write(tmp_path, release([person])))
    for entry in DESCRIPTION.split(", "):
        number, name = entry.split(" - ")
        # Our nose is the jaw, for which the upper neck stands.
        name = {"upper neck": "nose"}.get(name, name)
        name = re.sub("^l ", "left ", re.sub("^r ", "right ", name))
        name, k = name.replace(" ", "_"), int(number)
        np.testing.assert_allclose(
            photos.keypoints[0, H36M.index(name)], [19 + 3 * k, 109 - 5 * k]
        )


def test_a_scale_that_is_no_share_of_200_pixels(tmp_path):
    folder = write(tmp_path, release([rect()], [rect(scale=100.0)]))
    with pytest.raises(
        ValueError, match="box has a side of 2.5e.04 pixels, an"
    ):
        read(folder, skip_limit=0)
    folder = write(tmp_path / "b", release([rect()], [rect(scale=0.02)]))
    with pytest.raises(ValueError, match="its box has a side of 5 pixels, and"):
        read(folder, skip_limit=0)


def test_who_is_read(tmp_path):
    nobody = rect(annopoints=np.zeros((0, 0)))
    content = release(
        [rect(), rect()],
        [rect()],
        [nobody],
        train=[1, 0, 1],
        single=[[2], [1], [1]],
    )
    said = []
    folder = write(tmp_path, content)
    # The test picture is left out, and who is too near to another.
    photos = mpii.read_mpii(folder, report=said.append, skip_limit=0)
    assert len(photos) == 1
    assert said == [
        f"{folder / 'annot' / NAME}: left out 1 people too near to others, "
        "1 pictures of the test set, 1 people without joints."
    ]
    assert photos.left_out == {
        "people too near to others": 1,
        "pictures of the test set": 1,
        "people without joints": 1,
    }
    one = mpii.read_mpii(folder / "annot" / NAME, report=quiet)
    np.testing.assert_array_equal(one.boxes, photos.boxes)


def test_one_picture(tmp_path):
    photos = read(write(tmp_path, release([rect()])))
    assert len(photos) == 1 and photos.keypoint_mask.all()


BAD = {
    "two centres": ({"objpos": structs([{"x": 1.0, "y": 1.0}] * 2)}, "objpos"),
    "no centre": ({"objpos": np.zeros((0, 0))}, "has no `objpos`"),
    "no scale": ({"scale": np.zeros((0, 0))}, "`scale` must be one number"),
    "NaN": ({"scale": np.nan}, "`scale` is nan"),
    "scale 0": ({"scale": 0.0}, "no positive `scale`"),
    "joint twice": ({"joints": [3, 3]}, "0 to 15, each once. Found: 3"),
    "text": ({"objpos": structs([{"x": "1", "y": 1.0}])}, "`x` must be one"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_people(tmp_path, what):
    changes, message = BAD[what]
    folder = write(tmp_path, release([rect()], [rect(**changes)]))
    with pytest.raises(ValueError, match=message) as error:
        read(folder, skip_limit=0)
    assert "annolist(2)" in str(error.value) and NAME in str(error.value)
    assert len(read(folder, skip_limit=1)) == 1


def test_bad_pictures(tmp_path):
    content = release([rect()], [rect()], [rect()], single=[[1], [1], [4]])
    folder = write(tmp_path, content, pictures=1)
    said = []
    photos = mpii.read_mpii(folder, skip_limit=2, report=said.append)
    assert len(photos) == 1
    assert "no picture" in said[0] and "000000001.jpg" in said[0]
    assert "names person 4 of 1" in said[1]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (release([rect()]) | {"img_train": [1, 1]}, "one entry a picture"),
        ({"annolist": 3}, f"{NAME}.*annolist.*holds something else"),
        (np.ones(3), "must have annolist, img_train and single_person"),
        (release([rect(annopoints=np.zeros((0, 0)))]), "no usable record"),
    ],
)
def test_bad_files(tmp_path, content, message):
    folder = write(tmp_path, content)
    with pytest.raises(ValueError, match=message):
        read(folder)


def test_missing_parts(tmp_path):
    with pytest.raises(ValueError, match=f"holds no {NAME}"):
        read(tmp_path)
    with pytest.raises(ValueError, match="'train' only. Received: 'val'"):
        read(tmp_path, split="val")
    folder = write(tmp_path / "mpii", release([rect()]))
    (folder / "images").rename(folder / "pictures")
    with pytest.raises(ValueError, match="images is missing: MPII's pictures"):
        read(folder)
    scipy.io.savemat(folder / "annot" / NAME, {"other": 1})
    (folder / "pictures").rename(folder / "images")
    with pytest.raises(ValueError, match="no variable 'RELEASE'; it holds oth"):
        read(folder)
