"""The contract of training batches, their order, and resuming."""

import dataclasses
import pathlib
import shutil

import cv2
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from ordinal_tf import geometry, skeleton
from ordinal_tf.data.pipeline import batching, mixing, remote, sources
from ordinal_tf.data.readers import lsp
from tests import lsp_files, prepared_files

COUNT = 7
SIZE = 40
H36M = skeleton.H36M17


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pipeline") / "lsp"
    lsp_files.write_lsp(folder, count=COUNT)
    return lsp.read_lsp(folder)


def training(photos, **options):
    settings = {
        "input_size": SIZE,
        "batch_size": 3,
        "seed": 5,
        "last_step": 8,
        **options,
    }
    mix = mixing.mix_sources([sources.photos_source(photos)], [1.0])
    dataset = batching.training_dataset(mix, **settings)
    return list(dataset.as_numpy_iterator())


def plain(photos, **options):
    """Batches without augmentation."""
    return training(
        photos,
        rotation_deg=0.0,
        scale=(1.0, 1.0),
        mirror=False,
        colour=0.0,
        brightness=0.0,
        **options,
    )


def evaluation(photos, batch_size=3):
    dataset = batching.evaluation_dataset(
        photos, input_size=SIZE, batch_size=batch_size
    )
    return list(dataset.as_numpy_iterator())


def assert_same(batches, others):
    assert len(batches) == len(others)
    for one, other in zip(batches, others, strict=True):
        assert set(one) == set(other)
        for key, value in one.items():
            np.testing.assert_array_equal(value, other[key])


CONTRACT = {
    "image": ("uint8", (SIZE, SIZE, 3)),
    "keypoints": ("float32", (17, 2)),
    "keypoint_mask": ("bool", (17,)),
    "depth": ("float32", (17,)),
    "depth_mask": ("bool", (17,)),
    "relation": ("int8", (17, 17)),
    "relation_mask": ("bool", (17, 17)),
}


@pytest.mark.parametrize("make", [training, evaluation])
def test_contract(photos, make):
    batch = make(photos)[0]
    found = {k: (v.dtype.name, v.shape[1:]) for k, v in batch.items()}
    assert found == CONTRACT
    assert {len(value) for value in batch.values()} == {3}
    relation = batch["relation"]
    np.testing.assert_array_equal(relation, -np.swapaxes(relation, 1, 2))
    lower = np.tril(np.ones((17, 17), bool))
    assert not batch["relation_mask"][:, lower].any()
    assert batch["relation_mask"].any()


def test_evaluation_shows_every_photo_in_order(photos):
    batches = evaluation(photos)
    assert [len(batch["image"]) for batch in batches] == [3, 3, 1]
    for i in range(COUNT):
        example = {key: v[i % 3] for key, v in batches[i // 3].items()}
        matrix = geometry.crop_matrix(photos.boxes[i], SIZE)
        points = geometry.apply_affine(matrix, photos.keypoints[i])
        np.testing.assert_allclose(example["keypoints"], points, atol=1e-4)
        np.testing.assert_array_equal(example["relation"], photos.relation[i])
        # OpenCV's weights have 5 bits, and the box is larger than the crop.
        image = cv2.imread(photos.paths[i])[..., ::-1].astype(np.float32)
        assert 1.0 < photos.boxes[i, 2] / SIZE < 1.75
        warped = cv2.warpAffine(
            image, np.asarray(matrix, "float64"), (SIZE, SIZE)
        )
        assert np.abs(example["image"] - warped).mean() < 2.0


def test_every_joint_is_where_its_colour_is(photos):
    """Augmented pixels and points of the pipeline move together."""
    names = [joint for joint in skeleton.LSP14.joints if joint != "neck"]
    colours = np.random.default_rng(1).integers(90, 256, (14, 3))
    colours = colours[[skeleton.LSP14.index(name) for name in names]]
    order = [H36M.index(name) for name in names]
    near, seen = 0, 0
    for batch in training(photos, colour=0.0, brightness=0.0, last_step=20):
        for image, points in zip(
            batch["image"], batch["keypoints"], strict=True
        ):
            inside = ((points > 1) & (points < SIZE - 2)).all(-1)[order]
            x, y = np.round(points[order][inside]).astype(int).T
            there = image[y, x].astype(float)
            # Mirrored people wear the other side's colours.
            either = np.stack([colours, _traded(colours, names)])[:, inside]
            off = np.abs(there - either).max(-1).min(0)
            near, seen = near + (off < 60).sum(), seen + len(off)
    assert seen > 500 and near / seen > 0.85


def _traded(colours, names):
    swap = {"left": "right", "right": "left"}
    rows = []
    for name in names:
        side, _, rest = name.partition("_")
        other = f"{swap[side]}_{rest}" if side in swap else name
        rows.append(names.index(other))
    return colours[rows]


def test_same_seed_same_batches(photos):
    assert_same(training(photos), training(photos))
    one, other = training(photos), training(photos, seed=6)
    assert np.abs(one[0]["keypoints"] - other[0]["keypoints"]).max() > 1


def test_a_resumed_run_sees_what_it_would_have_seen(photos):
    # 8 steps of 3 out of 7 photographs: across the ends of two passes.
    whole = training(photos)
    assert_same(
        training(photos, last_step=4) + training(photos, first_step=4), whole
    )
    # Another batch size keeps the examples.
    pairs = training(photos, batch_size=2, last_step=12)
    np.testing.assert_array_equal(
        np.concatenate([batch["image"] for batch in pairs]),
        np.concatenate([batch["image"] for batch in whole]),
    )


def test_each_pass_is_a_permutation_of_its_own(photos):
    batches = plain(photos, batch_size=COUNT, last_step=6)
    points = np.concatenate(
        [batch["keypoints"] for batch in evaluation(photos)]
    )
    orders = []
    for batch in batches:
        distance = np.abs(batch["keypoints"][:, None] - points[None]).max(
            (-1, -2)
        )
        order = distance.argmin(1)
        assert distance.min(1).max() < 1e-4
        assert sorted(order) == list(range(COUNT))
        orders.append(tuple(order))
    assert len(set(orders)) == len(orders)


def test_without_augmentation_the_evaluation_crops(photos):
    batch = plain(photos, batch_size=COUNT, last_step=1)[0]
    rows = evaluation(photos, batch_size=COUNT)[0]
    order = (
        np.abs(batch["keypoints"][:, None] - rows["keypoints"][None])
        .max((-1, -2))
        .argmin(1)
    )
    for key, value in rows.items():
        # OpenCV rounds by itself, and before the colours are changed.
        np.testing.assert_allclose(
            batch[key].astype(float),
            value[order].astype(float),
            atol=1 if key == "image" else 1e-4,
        )


def test_examples_of_one_photo_differ(photos):
    batches = training(photos.take([2]), batch_size=1, last_step=4)
    images = {batch["image"].tobytes() for batch in batches}
    assert len(images) == 4


def test_colour_is_clipped(photos):
    still = {"rotation_deg": 0.0, "scale": (1.0, 1.0), "mirror": False}
    shifted = training(photos, **still, colour=0.0, brightness=0.9)
    shifts = []
    for batch, other in zip(shifted, plain(photos), strict=True):
        for image, before in zip(batch["image"], other["image"], strict=True):
            diff = image.astype(float) - before
            free = (image > 0) & (image < 255)
            if not free.any():
                continue
            shift = np.median(diff[free])
            np.testing.assert_allclose(diff[free], shift, atol=1)
            # A value that wrapped around would be far from here.
            expected = np.clip(before + shift, 0, 255)
            np.testing.assert_allclose(image, expected, atol=1)
            shifts.append(shift)
    assert min(shifts) < -50 and max(shifts) > 50


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Eight drawn people, prepared."""
    folder = tmp_path_factory.mktemp("pipeline") / "drawn"
    prepared_files.write_prepared(folder, count=8, shard_records=3)
    return folder


@pytest.fixture(scope="module")
def mix(photos, folder):
    both = [sources.photos_source(photos), sources.prepared_source(folder)]
    return mixing.mix_sources(both, [1.0, 2.0])


def mixed(mix, **options):
    settings = {
        "input_size": SIZE,
        "batch_size": 6,
        "seed": 5,
        "last_step": 4,
        **options,
    }
    dataset = batching.training_dataset(mix, **settings)
    return [{k: v.numpy() for k, v in batch.items()} for batch in dataset]


def test_records_give_the_labels_they_hold(folder):
    source = sources.prepared_source(folder)
    dataset = batching.evaluation_dataset(source, input_size=96, batch_size=8)
    (batch,) = dataset.as_numpy_iterator()
    for i in range(8):
        given = prepared_files.record(i)
        matrix = geometry.crop_matrix(given["box"], 96)
        points = geometry.apply_affine(matrix, given["keypoints"])
        np.testing.assert_allclose(batch["keypoints"][i], points, atol=1e-3)
        for key in ("keypoint_mask", "depth", "depth_mask", "relation"):
            np.testing.assert_array_equal(batch[key][i], given[key])
        upper = np.triu(given["relation_mask"], k=1)
        np.testing.assert_array_equal(batch["relation_mask"][i], upper)
        assert source.name_of(i) == f"{i:08}.jpg"


@pytest.fixture(scope="module")
def whole(mix):
    return mixed(mix)


def test_mixed_batches_keep_the_contract_and_the_proportions(whole):
    found = {k: (v.dtype.name, v.shape[1:]) for k, v in whole[0].items()}
    assert found == CONTRACT
    # Of a drawn person depth is known, of a photograph it is not.
    for batch in whole:
        assert batch["depth_mask"].all(1).sum() == 4
        assert batch["depth_mask"].any(1).sum() == 4


def test_mixed_runs_resume(mix, whole):
    assert_same(mixed(mix, last_step=1) + mixed(mix, first_step=1), whole)


def test_workers_share_the_batches(mix, whole):
    parts = [mixed(mix, worker=(number, 2)) for number in range(2)]
    for k, batch in enumerate(whole):
        for key, value in batch.items():
            found = np.concatenate([part[k][key] for part in parts])
            np.testing.assert_array_equal(found, value)
    for worker in ((2, 2), (-1, 3), (0, 4)):
        with pytest.raises(ValueError, match="`worker` must be"):
            mixed(mix, worker=worker)


def test_the_accelerator_may_make_the_crops(mix, whole):
    # One trace for windows of every size.
    finish = tf.function(batching.finish, reduce_retracing=True)
    for one, other in zip(whole, mixed(mix, on_device=True), strict=True):
        assert "image" not in other
        made = {k: v.numpy() for k, v in finish(other, SIZE).items()}
        off = np.abs(made["image"].astype(int) - one["image"])
        assert off.max() <= 1
        assert_same([{**made, "image": 0}], [{**one, "image": 0}])
    assert batching.finish(whole[0], SIZE) is whole[0]


def test_an_example_by_its_number(mix, whole, photos):
    # The first of a photograph, and of a drawn person.
    known = whole[0]["depth_mask"].all(1)
    for i in (int(np.argmin(known)), int(np.argmax(known))):
        found = batching.example(mix, i, input_size=SIZE, seed=5)
        for key, value in found["example"].items():
            np.testing.assert_array_equal(value, whole[0][key][i])
        row = found["row"]
        if known[i]:
            given = prepared_files.record(row)
            box, points = given["box"], given["keypoints"]
            assert found["source"].startswith("drawn in ")
            assert found["picture"] == f"{row:08}.jpg"
        else:
            box, points = photos.boxes[row], photos.keypoints[row]
            assert found["source"] == "lsp"
            assert found["picture"] == photos.paths[row]
        # The augmentation that it names makes the same points.
        points = (points - box[:2]) * found["scale"] * SIZE / box[2]
        turn = np.radians(found["rotation_deg"])
        turn = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
        points = points @ np.array(turn).T
        if found["mirrored"]:
            points = (points * [-1, 1])[list(H36M.mirror)]
        mask = found["example"]["keypoint_mask"]
        np.testing.assert_allclose(
            (points + (SIZE - 1) / 2)[mask],
            found["example"]["keypoints"][mask],
            atol=2e-3,
        )
        assert 0.75 <= found["scale"] <= 1.25 and len(found["colour"]) == 4


def test_people_cut_off(photos):
    """More of the person in the crop, less of the picture."""
    (whole,), (part,) = (
        plain(photos, batch_size=COUNT, last_step=1, cut_off=share)
        for share in (0.0, 1.0)
    )
    arms = [
        H36M.index(f"{side}_{j}")
        for side in ("left", "right")
        for j in ("shoulder", "elbow")
    ]
    spread = [
        np.ptp(
            np.where(
                b["keypoint_mask"][:, arms, None],
                b["keypoints"][:, arms],
                np.nan,
            ),
            axis=1,
        )
        for b in (whole, part)
    ]
    assert np.nanmean(spread[1]) > 1.1 * np.nanmean(spread[0])
    black = [(b["image"] == 0).all(-1).mean() for b in (whole, part)]
    assert black[1] > black[0] + 0.05


@pytest.mark.slow  # Servers start.
def test_a_data_service_changes_nothing(mix):
    service = tf.data.experimental.service
    dispatcher = service.DispatchServer()
    address = dispatcher.target.partition("://")[2]
    workers = [
        service.WorkerServer(service.WorkerConfig(dispatcher_address=address))
        for _ in range(2)
    ]
    options = {"on_device": True, "last_step": 9}
    served = mixed(mix, data_service=dispatcher.target, **options)
    assert_same(served, mixed(mix, **options))
    assert len(workers) == 2


def test_no_data_service(mix):
    with pytest.raises(ValueError, match="`data_service` asks for `on_device`"):
        mixed(mix, data_service="grpc://localhost:1")
    for address in ("grpc://localhost:1", "nonsense"):
        with pytest.raises(ValueError, match="does not answer"):
            mixed(mix, data_service=address, on_device=True)


def test_batches_of_a_service_come_in_order():
    shuffled = [(12, "c"), (10, "a"), (13, "d"), (11, "b")]
    assert list(remote.in_order(shuffled, 10, 14)) == ["a", "b", "c", "d"]
    with pytest.raises(ValueError, match="lost the batch of step 11"):
        list(remote.in_order(shuffled[:3], 10, 14))


def test_damaged_records_stop_the_run(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    path = copy / "data-00001-of-00003.tfrecord"
    data = bytearray(path.read_bytes())
    data[1000] ^= 255
    path.write_bytes(bytes(data))
    broken = mixing.mix_sources([sources.prepared_source(copy)], [1.0])
    with pytest.raises(tf.errors.DataLossError, match="corrupted record"):
        mixed(broken)


def test_pictures_that_exif_turns_are_upright(photos, tmp_path):
    """Straight from the folder as after `tools.prepare`."""
    stored = {}
    for path in sorted(set(photos.paths)):
        # As a camera stores what is to be turned clockwise by 90 degrees.
        exif = Image.Exif()
        exif[0x0112] = 6
        with Image.open(path) as image:
            turned = image.transpose(Image.Transpose.ROTATE_90)
        stored[path] = str(tmp_path / f"{pathlib.Path(path).stem}.png")
        turned.save(stored[path], exif=exif)
    # One stays as it was: both ways are gone in one data set.
    first = photos.paths[0]
    stored[first] = first
    paths = np.array([stored[path] for path in photos.paths])
    sideways = dataclasses.replace(photos, paths=paths)
    assert_same(plain(sideways), plain(photos))
    assert_same(evaluation(sideways), evaluation(photos))
