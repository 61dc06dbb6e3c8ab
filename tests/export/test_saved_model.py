"""Exported signatures against the live networks, in a plain graph session."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from ordinal_tf import geometry
from ordinal_tf.data import transforms
from ordinal_tf.export import predictor, saved_model
from ordinal_tf.models import hourglass, inference, lifting

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
        order=2,
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
    return saved_model.export(module, folder, {"joints": ["a"]})


@pytest.fixture(scope="module")
def photo():
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (9, 12, 3), np.uint8)
    image = tf.image.resize(coarse, (90, 120), "bicubic")
    return tf.cast(tf.clip_by_value(image, 0, 255), tf.uint8).numpy()


def _in_session(folder, signature, feeds):
    """Runs a signature as TF-Serving does: by tensor name, in a session."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        meta = tf.compat.v1.saved_model.load(session, ["serve"], str(folder))
        spec = meta.signature_def[signature]
        outputs = {k: v.name for k, v in spec.outputs.items()}
        inputs = {spec.inputs[k].name: v for k, v in feeds.items()}
        return session.run(outputs, inputs)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_crops_in_a_session(networks, exported, count):
    image = np.random.default_rng(count).integers(
        0, 256, (count, SIZE, SIZE, 3), np.uint8
    )
    found = _in_session(exported, "serving_default", {"image": image})
    shapes = {name: value.shape for name, value in found.items()}
    assert shapes == {
        "keypoints": (count, 17, 2),
        "ordinal_depth": (count, 17),
        "pose": (count, 17, 3),
        "score": (count, 17),
    }
    if not count:
        return
    # The live chain, put together by hand.
    network, reconstruction = networks
    live = inference.predict_crops(
        network, tf.constant(image), name="volume", depth_bins=BINS
    )
    vector = lifting.reconstruction_input(
        live["keypoints"], live["ordinal_depth"] * 0.7
    )
    pose = lifting.reconstruction_output(reconstruction(vector))
    pose = pose - pose[:, :1]
    for name in ("keypoints", "ordinal_depth", "score"):
        np.testing.assert_allclose(found[name], live[name], atol=1e-4)
    np.testing.assert_allclose(found["pose"], pose, atol=0.01)


def test_photo_agrees_with_its_crops(exported, photo):
    boxes = np.array([[60, 45, 80], [30.5, 20.25, 33]], np.float32)
    data = tf.io.encode_png(photo).numpy()
    found = _in_session(exported, "photo", {"photo": [data], "boxes": boxes})
    matrices = geometry.crop_matrix(boxes, SIZE)
    crops = [
        tf.cast(tf.round(transforms.sample_affine(photo, m, SIZE)), tf.uint8)
        for m in matrices
    ]
    direct = _in_session(
        exported, "serving_default", {"image": np.stack(crops)}
    )
    back = geometry.apply_affine(
        geometry.invert_affine(matrices), direct["keypoints"]
    )
    np.testing.assert_allclose(found["keypoints"], back, atol=1e-3)
    for name in ("ordinal_depth", "pose", "score"):
        np.testing.assert_allclose(found[name], direct[name], atol=1e-2)


def test_photo_finds_a_person_without_boxes(exported, photo):
    data = tf.io.encode_png(photo).numpy()
    none = np.zeros((0, 3), np.float32)
    found = _in_session(exported, "photo", {"photo": [data], "boxes": none})
    assert found["keypoints"].shape == (1, 17, 2)
    # The Python face takes the same passes.
    python = predictor.load(exported).predict(photo)
    np.testing.assert_allclose(
        python["keypoints"], found["keypoints"], atol=1e-2
    )


@pytest.mark.parametrize(
    "data, boxes, message",
    [
        (b"GIF89a", [[5, 5, 5]], "must be JPEG or PNG"),
        (None, [[np.nan, 5, 5]], "must be finite"),
        (None, [[5, 5, 0]], "must be finite"),
        # A PNG header that promises 100,000 x 100,000 pixels.
        ("huge", [[5, 5, 5]], "more than"),
    ],
)
def test_bad_requests(exported, photo, data, boxes, message):
    png = tf.io.encode_png(photo).numpy()
    if data is None:
        data = png
    elif data == "huge":
        side = (100_000).to_bytes(4, "big")
        data = png[:16] + side + side + png[24:]
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        _in_session(
            exported,
            "photo",
            {"photo": [data], "boxes": np.array(boxes, np.float32)},
        )


def test_versions_count_up(module, exported):
    again = saved_model.export(module, exported.parent, {})
    assert (exported.name, again.name) == ("1", "2")
    card = json.loads((exported / saved_model.CARD).read_text())
    assert card == {"joints": ["a"]}
    assert predictor.load(exported.parent).card == {}


def test_failed_parity_leaves_nothing(module, tmp_path, monkeypatch):
    # The live model gives other answers than the one that was written.
    live = module.serve_crops
    monkeypatch.setattr(
        module,
        "serve_crops",
        WithNoise(live),
    )
    with pytest.raises(ValueError, match="differs from the live"):
        saved_model._compare(module, _written(module, live, tmp_path))


class WithNoise:
    def __init__(self, function):
        self.function = function

    def __call__(self, image):
        return {k: v + 1.0 for k, v in self.function(image).items()}


def _written(module, function, folder):
    tf.saved_model.save(
        module, str(folder / "m"), signatures={"serving_default": function}
    )
    return folder / "m"


@pytest.mark.parametrize(
    "boxes, message",
    [
        ([[1, 2]], "centre x, centre y, side"),
        ([[1, 2, np.inf]], "finite"),
        ([[5, 5, -1]], "above 0"),
        ([[500, 5, 10]], "outside the picture"),
    ],
)
def test_bad_boxes(boxes, message):
    with pytest.raises(ValueError, match=message):
        predictor.check_boxes(boxes, 100, 50)


def test_not_a_model(tmp_path):
    with pytest.raises(ValueError, match="holds no SavedModel"):
        predictor.load(tmp_path)
