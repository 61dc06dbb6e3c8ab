"""Exported signatures against the live networks, in a plain graph session."""

import io
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps
from tensorflow.core.protobuf import config_pb2, saved_model_pb2

from ordinal_tf import geometry, paths
from ordinal_tf.data.pipeline import crops, pictures
from ordinal_tf.export import parity, saved_model, session, warmup
from ordinal_tf.inference import finding, predictor
from ordinal_tf.models import decoding, hourglass, lifting
from tests import finders

SIZE = 32
BINS = 4


@pytest.fixture(scope="module")
def networks():
    keras.utils.set_random_seed(3)
    network = hourglass.build_volume_network(
        input_size=SIZE,
        z_resolutions=(1, BINS),
        stem_features=4,
        front_features=4,
        features=4,
        out_features=8,
        order=1,
        modules=1,
    )
    return network, lifting.build_reconstruction(width=16)


@pytest.fixture(scope="module")
def module(networks):
    return saved_model.PoseModule(
        *networks,
        kind="volume",
        input_size=SIZE,
        depth_bins=BINS,
        depth_scale=0.7,
    )


@pytest.fixture(scope="module")
def exported(module, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "tiny"
    return saved_model.export(module, folder, {"joints": ["a", "b"]})


@pytest.fixture(scope="module")
def model(exported):
    return predictor.load(exported)


@pytest.fixture(scope="module")
def photo():
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (9, 12, 3), np.uint8)
    image = tf.image.resize(coarse, (90, 120), "bicubic")
    return tf.cast(tf.clip_by_value(image, 0, 255), tf.uint8).numpy()


@pytest.fixture(scope="module")
def run(exported):
    """Runs a signature by tensor name in a graph session."""
    with session.loaded(exported, threads=1) as run:
        yield run


@pytest.mark.parametrize("count", [0, 1, 3])
def test_crops_in_a_session(networks, run, count):
    image = np.random.default_rng(count).integers(
        0, 256, (count, SIZE, SIZE, 3), np.uint8
    )
    found = run("serving_default", {"image": image})
    shapes = {name: value.shape for name, value in found.items()}
    assert shapes == {
        "keypoints": (count, 17, 2),
        "ordinal_depth": (count, 17),
        "pose": (count, 17, 3),
        "score": (count, 17),
    }
    if not count:
        return
    # The live chain, put together by hand; the export keeps half its bits.
    network, reconstruction = networks
    live = decoding.predict_crops(
        network, tf.constant(image), name="volume", depth_bins=BINS
    )
    vector = lifting.reconstruction_input(
        live["keypoints"], live["ordinal_depth"] * 0.7
    )
    pose = lifting.reconstruction_output(reconstruction(vector))
    pose = pose - pose[:, :1]
    for name in ("keypoints", "ordinal_depth", "score"):
        np.testing.assert_allclose(found[name], live[name], atol=0.01)
    np.testing.assert_allclose(found["pose"], pose, atol=1.0)


def png(photo):
    return tf.io.encode_png(photo).numpy()


def test_photo_agrees_with_its_crops(run, photo):
    boxes = np.array([[60, 45, 80], [30.5, 20.25, 33]], np.float32)
    found = run("photo", {"photo": [png(photo)], "boxes": boxes})
    matrices = geometry.crop_matrix(boxes, SIZE)
    shown = crops.crop_boxes(
        pictures.open_pixels(tf.constant(photo)), tf.constant(boxes), SIZE
    )
    direct = run("serving_default", {"image": shown.numpy()})
    back = geometry.apply_affine(
        geometry.invert_affine(matrices), direct["keypoints"]
    )
    np.testing.assert_allclose(found["keypoints"], back, atol=1e-3)
    for name in ("ordinal_depth", "pose", "score"):
        np.testing.assert_allclose(found[name], direct[name], atol=1e-2)
    np.testing.assert_array_equal(found["box"], boxes)
    np.testing.assert_array_equal(found["person_score"], [1, 1])
    # Without a way through PNG.
    pixels = run("pixels", {"pixels": photo, "boxes": boxes})
    for name, value in found.items():
        np.testing.assert_allclose(pixels[name], value, atol=1e-2)


def test_photo_finds_a_person_without_boxes(run, exported, photo):
    none = np.zeros((0, 3), np.float32)
    found = run("photo", {"photo": [png(photo)], "boxes": none})
    assert found["keypoints"].shape == (1, 17, 2)
    # It says where it looked: given that box, it answers the same.
    box = found["box"]
    assert box.shape == (1, 3) and (0 <= box[0, :2]).all()
    assert (box[0, :2] < [120, 90]).all() and box[0, 2] > 0
    again = run("photo", {"photo": [png(photo)], "boxes": box})
    for name, value in found.items():
        if name != "person_score":
            np.testing.assert_allclose(again[name], value, atol=1e-2)
    assert found["person_score"].shape == (1,)
    assert finding.LEAST_SCORE <= found["person_score"][0] <= 1
    assert again["person_score"] == 1


def test_how_sure_is_asked(run, model, photo):
    none = np.zeros((0, 3), np.float32)
    usual = run("photo", {"photo": [png(photo)], "boxes": none})
    found = run("find", {"pixels": photo, "least_score": np.float32(0.01)})
    for name, value in found.items():
        np.testing.assert_allclose(value, usual[name], atol=1e-2)
    found = model.predict(photo, least_score=0.01)
    np.testing.assert_allclose(found["box"], usual["box"], atol=1e-2)
    data = io.BytesIO(png(photo))
    sure = model.predict(data, least_score=1.0)
    assert {k: v.shape for k, v in sure.items()} == {
        k: (0, *v.shape[1:]) for k, v in found.items()
    }


@pytest.mark.parametrize("orientation", [1, 6])
def test_the_python_face_is_one_call(run, model, photo, orientation):
    """Of any kind of photograph the answer is the graph's own."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = io.BytesIO()
    Image.fromarray(photo).save(data, "JPEG", exif=exif, quality=95)
    none = np.zeros((0, 3), np.float32)
    want = run("photo", {"photo": [data.getvalue()], "boxes": none})
    with Image.open(data) as opened:
        upright = np.asarray(ImageOps.exif_transpose(opened))
        of_image = model.predict(opened)
    data.seek(0)
    for found in (
        model.predict(data.getvalue()),
        model.predict(data),
        *model.predict([data.getvalue()]),
    ):
        assert set(found) == set(want)
        for name, value in want.items():
            np.testing.assert_array_equal(found[name], value)
    # Decoded by Pillow instead, and turned before it is cropped.
    of_array = model.predict(upright)
    for name, value in of_array.items():
        np.testing.assert_array_equal(of_image[name], value)
    assert (of_array["box"][0, :2] < upright.shape[1::-1]).all()


def test_the_python_face_with_boxes(model, photo, tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(png(photo))
    boxes = [[60, 45, 80], [30.5, 20.25, 33]]
    two = model.predict(path, boxes)
    assert two["box"].dtype == np.float32
    np.testing.assert_array_equal(two["box"], boxes)
    several = model.predict([path, photo, path], [boxes, boxes[1:], []])
    assert [len(one["box"]) for one in several] == [2, 1, 0]
    for name, value in two.items():
        np.testing.assert_array_equal(several[0][name], value)
        np.testing.assert_allclose(several[1][name], value[1:], atol=1e-3)
        assert several[2][name].shape == (0, *value.shape[1:])
        assert several[2][name].dtype == value.dtype
    with pytest.raises(ValueError, match="one entry each. Received: 1 for 2"):
        model.predict([path, photo], [boxes])
    with pytest.raises(
        ValueError, match=r"\[900, 3, 5\] lies outside.*120 x 90"
    ):
        model.predict(path, [[900, 3, 5]])


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.zeros((4, 4, 3), np.float32), "uint8 RGB .*float32 .4, 4, 3."),
        (np.zeros((4, 4), np.uint8), "uint8 RGB"),
        (np.zeros((4, 4, 4), np.uint8), "uint8 RGB"),
        (np.zeros((0, 4, 3), np.uint8), "not empty"),
        (3, "must be a path, bytes, .*Received: int"),
        (io.StringIO("text"), "must be a path, bytes"),
        (b"GIF89a", "Not a picture|truncated or damaged"),
        (b"", "empty file: the bytes given"),
        (b"\xff\xd8\xff\xe0 no picture", "truncated or damaged"),
    ],
)
def test_what_is_no_photograph(model, bad, message):
    with pytest.raises(ValueError, match=message):
        model.predict(bad)


def test_a_cut_photograph(model, photo, tmp_path):
    data = io.BytesIO()
    Image.fromarray(photo).save(data, "JPEG", quality=95)
    path = tmp_path / "cut.jpg"
    path.write_bytes(data.getvalue()[: len(data.getvalue()) // 2])
    with pytest.raises(
        ValueError, match=r"truncated or damaged: .*cut\.jpg: "
    ) as raised:
        model.predict(path)
    # A sentence, and nothing of TensorFlow's graph.
    assert "\n" not in str(raised.value) and "node" not in str(raised.value)


def test_photos_agree_with_photo(run, photo):
    """Photographs of unlike sizes and counts, padding full of nonsense."""
    pictures = [photo, photo[:61, :, ::-1], photo[::2, ::2]]
    boxes = np.full((3, 2, 3), np.nan, np.float32)
    boxes[0] = [[60, 45, 80], [30.5, 20.25, 33]]
    boxes[2, :1] = [[30, 20, 50]]
    counts = np.array([2, 0, 1], np.int32)
    data = [png(picture) for picture in pictures]
    found = run("photos", {"photos": data, "boxes": boxes, "counts": counts})
    assert found["keypoints"].shape == (3, 2, 17, 2)
    assert found["score"].shape == (3, 2, 17)
    for i in (0, 2):
        one = run(
            "photo", {"photo": data[i:][:1], "boxes": boxes[i, : counts[i]]}
        )
        for name, value in one.items():
            np.testing.assert_allclose(
                found[name][i, : counts[i]], value, atol=1e-2
            )
    for value in found.values():
        assert not value[1].any() and not value[2, 1:].any()
    np.testing.assert_array_equal(found["box"][0], boxes[0])


@pytest.mark.parametrize("shape", [(1, 2), (1, 0)])
def test_photos_of_nobody(run, photo, shape):
    found = run(
        "photos",
        {
            "photos": np.array([png(photo)] * shape[0], object),
            "boxes": np.zeros((*shape, 3), np.float32),
            "counts": np.zeros(shape[0], np.int32),
        },
    )
    assert found["pose"].shape == (*shape, 17, 3)
    assert not found["score"].any()


def test_turned_photo(run, photo):
    """Boxes and keypoints are of the picture as people see it."""
    upright = Image.fromarray(photo).resize((240, 180))
    data = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    # What a camera stores that is to be turned clockwise.
    stored = upright.transpose(Image.Transpose.ROTATE_90)
    stored.save(data, "JPEG", exif=exif, quality=100, subsampling=0)
    box = np.array([[150, 90, 50]], np.float32)
    turned = run("photo", {"photo": [data.getvalue()], "boxes": box})
    plain = run("photo", {"photo": [png(np.asarray(upright))], "boxes": box})
    np.testing.assert_allclose(
        turned["ordinal_depth"], plain["ordinal_depth"], atol=0.05
    )
    np.testing.assert_allclose(turned["score"], plain["score"], atol=0.05)


def photos_request(data, **changes):
    return {
        "photos": [data, data],
        "boxes": np.array([[[5, 5, 5]], [[5, 5, 5]]], np.float32),
        "counts": np.array([1, 1], np.int32),
        **changes,
    }


@pytest.mark.parametrize(
    "data, boxes, message",
    [
        (b"GIF89a", [[5, 5, 5]], "must be JPEG or PNG"),
        (b"", [[5, 5, 5]], "must be JPEG or PNG"),
        (None, [[np.nan, 5, 5]], "must be finite"),
        (None, [[5, 5, 0]], "must be finite"),
        (None, [[5, 5, 1e30]], "must be finite"),
        # A PNG header that promises 100,000 x 100,000 pixels.
        ("huge", [[5, 5, 5]], "more than may be decoded"),
    ],
)
def test_bad_requests(run, photo, data, boxes, message):
    if data is None:
        data = png(photo)
    elif data == "huge":
        side = (100_000).to_bytes(4, "big")
        data = png(photo)[:16] + side + side + png(photo)[24:]
    boxes = np.array(boxes, np.float32)
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        run("photo", {"photo": [data], "boxes": boxes})
    bad = photos_request(png(photo), boxes=np.stack([boxes, boxes]))
    bad["photos"][1] = data
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        run("photos", bad)


@pytest.mark.parametrize(
    "changes",
    [
        {"counts": [1, 2]},
        {"counts": [1, -1]},
        {"counts": [1]},
        {"boxes": np.ones((3, 1, 3))},
        {"photos": [b""]},
        {"photos": [], "counts": [], "boxes": np.zeros((0, 1, 3))},
    ],
)
def test_photos_that_do_not_agree(run, photo, changes):
    with pytest.raises(tf.errors.InvalidArgumentError, match="must agree"):
        run("photos", photos_request(png(photo), **changes))


def test_merged_photo_requests_fail_and_do_not_mix(exported, photo):
    """TF-Serving's batching does not look at static shapes; nor does this."""
    other = np.ascontiguousarray(photo[:, ::-1])
    data = np.array([png(photo), png(other)], object)
    boxes = np.full((2, 3), 30, np.float32)
    with tf.compat.v1.Session(graph=tf.Graph()) as plain:
        loaded = tf.compat.v1.saved_model.load(plain, ["serve"], str(exported))
        signature = loaded.signature_def["photo"]
        options = config_pb2.CallableOptions()
        options.feed.extend(
            signature.inputs[key].name for key in ("photo", "boxes")
        )
        options.fetch.append(signature.outputs["keypoints"].name)
        # Unlike Session.run, which checks static shapes in Python.
        call = plain._make_callable_from_options(options)
        (found,) = call(data[:1], boxes)
        assert found.shape == (2, 17, 2)
        with pytest.raises(tf.errors.InvalidArgumentError, match="2 values"):
            call(data, boxes)


def test_the_networks_are_in_the_graph_once(networks, exported):
    """Further signatures would otherwise multiply the file."""
    proto = saved_model_pb2.SavedModel()
    proto.ParseFromString((exported / "saved_model.pb").read_bytes())
    library = proto.meta_graphs[0].graph_def.library
    found = [
        sum(node.op == "Conv2D" for node in function.node_def)
        for function in library.function
    ]
    # Both passes, the crop's and its mirror image's, are one batch; and the
    # finder is a network of its own.
    want = [
        sum(isinstance(layer, keras.layers.Conv2D) for layer in network.layers)
        for network in (networks[0], finders.middle())
    ]
    assert sorted(filter(None, found)) == sorted(want)


def test_files_beside_the_graph(exported):
    card = json.loads((exported / paths.CARD).read_text())
    assert card == {"joints": ["a", "b"]}
    assert (exported / paths.LABELS).read_text() == "a\nb\n"
    assert not (exported / warmup.FILE).exists()


@pytest.fixture
def unchecked(monkeypatch):
    """Leaves out the fresh process, which other tests see to."""
    monkeypatch.setattr(parity, "check", lambda module, folder: None)


def test_versions(module, exported, unchecked):
    again = saved_model.export(module, exported.parent, {})
    assert (exported.name, again.name) == ("1", "2")
    assert predictor.load(exported.parent).card == {}
    before = sorted(exported.rglob("*"))
    with pytest.raises(ValueError, match="a version never changes"):
        saved_model.export(module, exported.parent, {}, version=1)
    assert sorted(exported.rglob("*")) == before


def test_failed_parity_leaves_nothing(module, tmp_path, monkeypatch):
    def fail(module, folder):
        assert (folder / "saved_model.pb").is_file()
        raise ValueError("differs")

    monkeypatch.setattr(parity, "check", fail)
    with pytest.raises(ValueError, match="differs"):
        saved_model.export(module, tmp_path / "m", {})
    assert not list((tmp_path / "m").iterdir())


def test_not_a_model(tmp_path):
    with pytest.raises(ValueError, match="holds no SavedModel"):
        predictor.load(tmp_path)
