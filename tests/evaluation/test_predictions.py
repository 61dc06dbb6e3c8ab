"""Files of predictions: every format, what is refused, who belongs to whom."""

import dataclasses
import json

import numpy as np
import pytest

from ordinal_tf import geometry, skeleton
from ordinal_tf.evaluation import answers, people, predictions
from ordinal_tf.writers import formats
from tests import prepared_files
from tests.evaluation import labelled

H36M = skeleton.H36M17


def table(count=3, joints=H36M.joints):
    """What each format is written from: one lost joint."""
    rng = np.random.default_rng(0)
    points = rng.uniform(0, 200, (count, len(joints), 2)).round(3)
    points[1, 2] = np.nan
    return {
        "image": [f"{k}.jpg" for k in range(count)],
        "box": rng.uniform(50, 90, (count, 3)).round(3),
        "keypoints": points,
        "ordinal_depth": rng.uniform(-1, 1, (count, len(joints))).round(3),
        "pose": rng.normal(0, 400, (count, len(joints), 3)).round(3),
        "score": rng.random((count, len(joints))).round(3),
        "person_score": rng.random(count).round(3),
    }


def write_npz(path, content):
    np.savez(path, **{k: np.array(v) for k, v in content.items()})
    return path


def write_json(path, content):
    listed = {
        key: np.array(value).tolist()
        for key, value in content.items()
        if key not in ("joints", "unit")
    }
    count = len(next(iter(listed.values())))
    rows = [{k: v[n] for k, v in listed.items()} for n in range(count)]
    for row in rows:
        if "keypoints" in row:
            row["keypoints"] = [
                None if np.isnan(point[0]) else point
                for point in row["keypoints"]
            ]
    more = {k: content[k] for k in ("joints", "unit") if k in content}
    path.write_text(json.dumps({"people": rows, **more}))
    return path


def write_csv(path, content, joints=H36M.joints, unit="mm"):
    poses = ",".join(f"pose_{axis}_{unit}" for axis in "xyz")
    lines = [f"image,joint,x_px,y_px,ordinal_depth,{poses},score"]
    for n, image in enumerate(content["image"]):
        for k, joint in enumerate(joints):
            numbers = [
                *content["keypoints"][n, k],
                content["ordinal_depth"][n, k],
                *content["pose"][n, k],
                content["score"][n, k],
            ]
            shown = ["" if np.isnan(x) else repr(float(x)) for x in numbers]
            lines.append(",".join([image, joint, *shown]))
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("kind", ["json", "csv"])
def test_what_this_package_writes(tmp_path, kind):
    """Two people in one picture; one's pose is not known."""
    content = {k: np.array(v) for k, v in table().items()}
    content["image"][:] = "a.jpg"
    content["pose"][1] = np.nan
    content["keypoints"][1, 2] = 5.0
    formats.write(tmp_path, content, [kind], {})
    found = predictions.read(tmp_path / f"predictions.{kind}")
    assert found.image == ["a.jpg"] * 3 and found.body.joints == H36M.joints
    np.testing.assert_allclose(found.box, content["box"])
    np.testing.assert_allclose(found.person_score, content["person_score"])
    for key in ("keypoints", "ordinal_depth", "pose", "score"):
        np.testing.assert_allclose(found.fields[key], content[key])


@pytest.mark.parametrize("suffix", [".npz", ".json", ".csv"])
def test_each_format_says_the_same(tmp_path, suffix):
    content = table()
    write = {".npz": write_npz, ".json": write_json, ".csv": write_csv}[suffix]
    found = predictions.read(write(tmp_path / f"theirs{suffix}", content))
    assert found.image == content["image"] and found.body is H36M
    for key in ("keypoints", "ordinal_depth", "pose", "score"):
        np.testing.assert_array_equal(found.fields[key], content[key])
    if suffix != ".csv":
        np.testing.assert_array_equal(found.box, content["box"])


def test_other_joints_by_name_and_units(tmp_path):
    joints = ["Neck", "RAnkle", "left knee", "big_toe"]
    content = table(joints=joints) | {"joints": joints, "unit": "m"}
    content["pose"] = content["pose"] / 1000
    for write in (write_npz, write_json):
        path = write(tmp_path / f"a.{write.__name__[6:]}", content)
        found = predictions.read(path)
        assert found.body.joints == ("neck", "right_ankle", "left_knee")
        expected = 1000 * content["pose"][:, :3]
        np.testing.assert_allclose(found.fields["pose"], expected)
    found = predictions.read(
        write_csv(tmp_path / "a.csv", content, joints, "m")
    )
    np.testing.assert_allclose(found.fields["pose"], expected)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"keypoints": np.zeros((3, 14, 2))}, "has 14 joints and no `joints`"),
        ({"pose": np.zeros((3, 17, 2))}, r"shape \(3, 17, 3\)"),
        ({"score": np.zeros((2, 17))}, r"`score`.*Found: \(2, 17\)"),
        ({"pose": table()["pose"] / 1000}, "is their unit another one"),
        ({"pose": table()["pose"] * 1000}, "is their unit another one"),
        ({"unit": "inch"}, "`unit` of poses is one of mm, cm, m"),
        ({"image": ["a.jpg"]}, "1 images for 3 people"),
        ({"joints": ["left_hipp"] * 17}, "Did you mean left_hip"),
    ],
)
def test_what_is_refused(tmp_path, change, says):
    path = write_npz(tmp_path / "theirs.npz", table() | change)
    with pytest.raises(ValueError, match=f"theirs.npz.*{says}"):
        predictions.read(path)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.txt", "", "ends in .npz, .json, .csv"),
        ("a.npz", "no zip", "no readable .npz"),
        ("a.json", "[]", "is a list, as COCO's results are"),
        ("a.json", '{"people": 3}', "must be an object"),
        ("a.json", '{"people": [{"score": []}]}', "none of keypoints"),
        ("a.json", '{"people": [{"pose": [1]}, {}]}', "person 1 has no `pose`"),
        ("a.csv", "x,y\n1,2\n", "must begin with the names of its columns"),
        ("a.csv", "image,joint,x_px,y_px\na,nose,1,b\n", "line 2: a number"),
        ("a.csv", "image,joint,x,y\na,nose,1,2\n", "has none of keypoints"),
    ],
)
def test_files_that_are_none(tmp_path, name, text, says):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(ValueError, match=says):
        predictions.read(path)


def read(tmp_path, **content):
    path = write_npz(tmp_path / "theirs.npz", content)
    return predictions.read(path)


def test_rows_belong_to_people_by_picture_and_box(tmp_path):
    # Two people in the first picture, one in each other.
    names = ["s/a.jpg", "s/a.jpg", "s/b.jpg", "t/b.jpg", "s/c.jpg"]
    someone = labelled.of(5, names=names)
    truth = someone.read(range(5))
    far = truth["box"].astype(float)
    far[1, :2] = far[0, :2] + 300  # Overlaps the first by a little.
    photos = labelled.photos(5, names=names, keypoints=truth["keypoints"])
    someone = people.of_photos(
        dataclasses.replace(photos, boxes=far.astype(np.float32)), where="made"
    )
    points = truth["keypoints"]
    # The second's own row is missing: its neighbour's must not be taken
    # where that neighbour answers for itself.
    order = [2, 0, 3]
    found = answers.of_file(
        read(
            tmp_path,
            image=[
                ["s/a.jpg", "s/a.jpg", "s/b.jpg", "t/b.jpg"][k] for k in order
            ],
            keypoints=points[order],
            box=far[order],
        ),
        someone,
    )
    part = found.part(0)["keypoints"]
    for row in (0, 2, 3):
        np.testing.assert_allclose(part[row], points[row], rtol=1e-5)
    assert np.isnan(part[[1, 4]]).all()
    assert found.gives == {"keypoints"} and found.lacks == ()


def test_boxes_around_keypoints_where_there_are_none(tmp_path):
    someone = labelled.of(2, names=["a.jpg", "a.jpg"])
    photos = labelled.photos(2, names=["a.jpg", "a.jpg"])
    away = photos.boxes + np.float32([[0, 0, 0], [900, 0, 0]])
    someone = people.of_photos(
        dataclasses.replace(photos, boxes=away), where="made"
    )
    keypoints = photos.keypoints[::-1] + [[[900, 0]], [[0, 0]]]
    found = answers.of_file(
        read(tmp_path, image=["a.jpg", "a.jpg"], keypoints=keypoints), someone
    )
    # Each by its own, though the file has them the other way round.
    np.testing.assert_allclose(
        found.part(0)["keypoints"], keypoints[::-1], rtol=1e-5
    )


def test_a_pose_has_an_order_and_joints_are_mapped(tmp_path):
    someone = labelled.of(4)
    pose = table(4)["pose"]
    found = answers.of_file(read(tmp_path, pose=pose), someone)
    np.testing.assert_allclose(
        found.part(0)["ordinal_depth"], pose[..., 2], rtol=1e-6
    )
    lsp = skeleton.LSP14.joints
    points = table(4, joints=lsp)["keypoints"]
    found = answers.of_file(
        read(tmp_path, keypoints=points, joints=list(lsp)), someone
    )
    part = found.of([3, 0])["keypoints"]
    neck = lsp.index("neck")
    np.testing.assert_allclose(
        part[:, H36M.index("thorax")], points[[3, 0], neck], rtol=1e-6
    )
    coco = list(skeleton.COCO17.joints)
    points = table(4, joints=coco)["keypoints"]
    found = answers.of_file(
        read(tmp_path, keypoints=points, joints=coco), someone
    )
    assert found.lacks == ("head_top",)


def test_files_of_other_people(tmp_path):
    someone = labelled.of(4)
    with pytest.raises(ValueError, match="3 rows and no `image`, for the 4"):
        answers.of_file(read(tmp_path, pose=table(3)["pose"]), someone)
    with pytest.raises(ValueError, match="names none.*0.jpg.*images/000000"):
        answers.of_file(read(tmp_path, **table(4)), someone)


@pytest.fixture
def drawn(tmp_path):
    prepared_files.write_prepared(tmp_path / "drawn", count=6)
    return people.of_prepared(tmp_path / "drawn")


class Network:
    """Finds the coloured discs' centre of light: a place of the crop."""

    def __init__(self):
        self.crops = 0

    def __call__(self, image):
        image = np.asarray(image)
        self.crops += len(image)
        size = image.shape[1]
        # A place in the crop that follows from its pixels.
        light = image.mean((1, 2, 3))[:, None, None] / 255
        return {
            "keypoints": np.ones((len(image), 17, 2)) * light * size,
            "ordinal_depth": np.tile(light[..., 0], (1, 17)),
        }


def of_network(network, someone, **options):
    return answers.of_network(
        network, someone, name="net", input_size=32, batch_size=4, **options
    )


def test_a_network_answers_in_pixels_of_the_picture(drawn):
    found = of_network(Network(), drawn, fingerprint="a")
    assert found.gives == {"keypoints", "ordinal_depth"}
    truth, part = drawn.read(range(6)), found.part(0)
    matrix = np.asarray(geometry.crop_matrix(truth["box"], 32))
    back = np.asarray(
        geometry.apply_affine(matrix.astype("f"), part["keypoints"])
    )
    light = part["ordinal_depth"][:, :1, None] * np.ones((6, 17, 2)) * 32
    # Windows of drawn people are the pictures themselves.
    np.testing.assert_allclose(back, light, atol=1e-3)
    assert np.isnan(part["pose"]).all()


def test_what_was_answered_is_kept(drawn, tmp_path, monkeypatch):
    monkeypatch.setattr(answers, "PART", 4)
    network = Network()
    first = of_network(network, drawn, fingerprint="a", folder=tmp_path / "k")
    parts = [first.part(k) for k in (0, 1)]
    assert network.crops == 6
    (kept,) = (tmp_path / "k").iterdir()
    (kept / "part-00001.npz").write_bytes(b"half")
    again = Network()
    second = of_network(again, drawn, fingerprint="a", folder=tmp_path / "k")
    for k, part in enumerate(parts):
        found = second.part(k)
        assert again.crops == 2 * k  # A damaged part is made again.
        for key, value in found.items():
            np.testing.assert_array_equal(value, part[key])
    some = second.of([5, 0])["keypoints"]
    np.testing.assert_array_equal(some[0], parts[1]["keypoints"][1])
    np.testing.assert_array_equal(some[1], parts[0]["keypoints"][0])
    # Another network has a folder of its own.
    of_network(again, drawn, fingerprint="b", folder=tmp_path / "k")
    assert again.crops >= 6 and len(list((tmp_path / "k").iterdir())) == 2


def test_some_of_the_people(drawn):
    some = drawn.take([4, 1])
    assert some.count == 2 and some.fingerprint != drawn.fingerprint
    whole = drawn.read(range(6))
    assert some.read([0, 1])["name"] == [whole["name"][4], whole["name"][1]]
    np.testing.assert_array_equal(some.picture(1), drawn.picture(1))
    part = of_network(Network(), some, fingerprint="a").part(0)
    light = [drawn.picture(row).mean() / 255 for row in (4, 1)]
    # Crops show more than the picture, and all of what is bright in it.
    found = part["ordinal_depth"][:, 0]
    assert (found[0] < found[1]) == (light[0] < light[1])
    assert drawn.take(range(6)) is drawn
