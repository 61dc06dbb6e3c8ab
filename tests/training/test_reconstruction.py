"""Training, resuming and scoring the reconstruction network."""

import dataclasses
import json

import numpy as np
import pytest

from configs import reconstruction as default
from ordinal_tf import skeleton
from ordinal_tf.data.mocap import clips as mocap
from ordinal_tf.data.mocap import image_errors
from ordinal_tf.data.mocap import views as mocap_views
from ordinal_tf.training import reconstruction, runs


def fake_clips(count=8, frames=12):
    """Upright random bodies; the names put some on either side of a split."""
    rng = np.random.default_rng(0)
    heights = np.array(
        [900, 900, 480, 60, 900, 480, 60, 1150, 1400]
        + [1520, 1630, 1350, 1100, 880, 1350, 1100, 880]
    )
    clips = []
    for k in range(count):
        pose = rng.normal(scale=120, size=(frames, 17, 3))
        pose[..., 1] += heights
        name = f"{'one' if k % 2 else 'two'}/clip_{k}"
        clips.append(mocap.Clip(name, 10.0, pose.astype(np.float32)))
    return clips


def no_errors():
    return dataclasses.asdict(image_errors.ImageErrors())


@pytest.fixture
def small(monkeypatch):
    """A config of seconds on made-up clips."""
    monkeypatch.setattr(
        mocap, "read_folder", lambda *args, **kwargs: fake_clips()
    )
    config = default.get_config()
    config.data.mocap = "clips"
    config.data.held_out = 0.7
    config.data.synthetic = 0
    config.errors.update(no_errors())
    config.noise.update(depth_sigma_mm=40.0, sigma_spread=1.0)
    config.body.average = False
    config.camera.anyhow = 0.0
    config.model.update(width=16, dropout=0.2)
    config.train.update(steps=6, batch_size=8, log_every=2, eval_every=3)
    return config.lock()


def quiet(text):
    del text


def train(config, workdir):
    return reconstruction.train(config, workdir, report=quiet)


def test_split_is_by_name_and_leaves_nothing_out():
    clips = fake_clips()
    split = reconstruction.split_clips(clips, held_out=0.7)
    test = split.test["held_out"]
    assert len(split.train) + len(test) == 8 * 12
    assert set(split.test) == {"held_out", "one held out", "two held out"}
    # The same clips in another folder and order fall on the same sides.
    moved = [mocap.Clip(f"x/{c.name}", c.fps, c.poses) for c in clips[::-1]]
    again = reconstruction.split_clips(moved, held_out=0.7)
    np.testing.assert_array_equal(
        np.unique(again.train), np.unique(split.train)
    )


def test_split_across_folders():
    split = reconstruction.split_clips(
        fake_clips(), match="one/*", held_out=0.7
    )
    unseen = np.concatenate([c.poses for c in fake_clips()[::2]])
    assert set(split.test) == {"held_out", "one held out", "two unseen"}
    np.testing.assert_array_equal(split.test["two unseen"], unseen)
    assert not np.isin(split.train, unseen).any()


def test_synthetic_poses_join_both_parts(small):
    split = reconstruction.split_clips(fake_clips(), held_out=0.7)
    assert reconstruction.with_synthetic(split, small) is split
    with small.unlocked():
        small.data.synthetic = 25
    joined = reconstruction.with_synthetic(split, small)
    count = len(split.train)
    assert len(joined.train) == count + 25
    np.testing.assert_array_equal(joined.train[:count], split.train)
    # A tenth of them, rounded up, and others.
    assert joined.test["synthetic"].shape == (3, 17, 3)
    pairs = joined.test["synthetic"][:, None] == joined.train[None]
    assert not pairs.all((2, 3)).any()
    assert joined.test["held_out"] is split.test["held_out"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"match": "three/*"}, "0 of them to train on"),
        ({"held_out": 0.001}, "some to test on"),
        ({"held_out": 1.0}, "is a share"),
    ],
)
def test_split_needs_both_sides(settings, message):
    with pytest.raises(ValueError, match=message):
        reconstruction.split_clips(fake_clips(), **settings)


def test_a_share_of_names_is_held_out():
    names = [f"folder/clip_{k}" for k in range(5000)]
    held = [reconstruction.is_held_out(name, 0.15) for name in names]
    # Binomial: four standard deviations.
    assert np.mean(held) == pytest.approx(0.15, abs=0.02)


def test_examples_are_a_pure_function_of_the_step(small):
    train_poses = np.concatenate([clip.poses for clip in fake_clips()])
    one, pose = reconstruction.training_vectors(train_poses, small, 3)
    same, _ = reconstruction.training_vectors(train_poses, small, 3)
    other, _ = reconstruction.training_vectors(train_poses, small, 4)
    np.testing.assert_array_equal(one, same)
    assert one.shape == (8, 51) and pose.shape == (8, 17, 3)
    assert np.abs(one - other).max() > 0.1
    # The root at 0, the farthest joint at 1, the depth near the pose's own.
    assert (one[:, [0, 17, 34]] == 0).all()
    np.testing.assert_allclose(np.abs(one[:, :34]).max(axis=1), 1, rtol=1e-6)
    assert np.corrcoef(one[:, 34:].ravel(), pose[..., 2].ravel())[0, 1] > 0.8


def test_seeds_have_examples_and_views_of_their_own(small):
    train_poses = np.concatenate([clip.poses for clip in fake_clips()])
    views = reconstruction.test_views(train_poses, small)["keypoints_2d"]
    one, _ = reconstruction.training_vectors(train_poses, small, 3)
    with small.unlocked():
        small.seed = 1
    other, _ = reconstruction.training_vectors(train_poses, small, 3)
    assert np.abs(one - other).max() > 0.1
    again = reconstruction.test_views(train_poses, small)["keypoints_2d"]
    assert np.abs(views - again).max() > 1


def test_noise_on_the_depth_input(small):
    """A factor for each pose, within the range, and spread on top."""
    train_poses = np.concatenate([clip.poses for clip in fake_clips()])
    with small.unlocked():
        small.train.batch_size = 500
        small.noise.update(
            depth_sigma_mm=0.0, sigma_spread=0.0, depth_scale=0.5
        )
    vectors, pose = reconstruction.training_vectors(train_poses, small, 0)
    # One unit is 993.02 mm; joint 0 is the root.
    factors = vectors[:, 35:] * 993.02 / pose[:, 1:, 2]
    np.testing.assert_allclose(factors, factors[:, :1] + 0 * factors, rtol=1e-2)
    logs = np.log(factors[:, 0])
    assert -0.5 <= logs.min() < -0.45 and 0.45 < logs.max() <= 0.5
    assert abs(logs.mean()) < 0.06  # Four deviations of a uniform one.
    with small.unlocked():
        small.noise.update(depth_sigma_mm=40.0, depth_scale=0.0)
    vectors, pose = reconstruction.training_vectors(train_poses, small, 0)
    noise = vectors[:, 35:] * 993.02 - pose[:, 1:, 2]
    # Of the joint and of the root.
    assert noise.std() == pytest.approx(40 * np.sqrt(2), rel=0.05)


def test_the_loss_is_in_square_metres(small):
    """Equation 6: the sum over joints of the squared distance."""
    task = reconstruction.task(small, quiet)
    pose = np.zeros((2, 17, 3), "float32")
    pose[0, 3] = 300, 0, 400  # Half a metre away, and a quarter.
    pose[1, 5, 1] = 250
    parts = task.loss(np.zeros((2, 51), "float32"), {"pose": pose}, 1.0)
    assert set(parts) == {"loss"}
    assert float(parts["loss"]) == pytest.approx((0.25 + 0.0625) / 2)
    # Outputs are 17 x, 17 y, 17 z in metres.
    found = np.zeros((2, 51), "float32")
    found[0, 3], found[0, 34 + 3], found[1, 17 + 5] = 0.3, 0.4, 0.25
    assert float(task.loss(found, {"pose": pose}, 1.0)["loss"]) < 1e-12


def test_the_lower_error_is_better(small):
    better = reconstruction.task(small, quiet).better
    assert better({"mpjpe": 50.0}, None)
    assert better({"mpjpe": 50.0}, {"mpjpe": 51.0})
    assert not better({"mpjpe": 50.0}, {"mpjpe": 49.0})
    assert not better({"mpjpe": 50.0}, {"mpjpe": 50.0})


def test_running_statistics_move_by_a_tenth(small):
    """Torch's momentum 0.1."""
    network = reconstruction.build(small)
    vectors = np.random.default_rng(0).normal(2, 1, (64, 51)).astype("float32")
    network(vectors, training=True)
    dense, norm = network.get_layer("fc_in"), network.get_layer("bn_in")
    mean = np.asarray(dense(vectors)).mean(0)
    np.testing.assert_allclose(norm.moving_mean, 0.1 * mean, atol=1e-5)


def test_2d_only_sees_no_depth(small):
    with small.unlocked():
        small.use_depth = False
    train_poses = np.concatenate([clip.poses for clip in fake_clips()])
    vectors, _ = reconstruction.training_vectors(train_poses, small, 0)
    assert (vectors[:, 34:] == 0).all() and np.abs(vectors[:, :34]).max() > 0


def test_errors_of_the_config_reach_the_training(small):
    train_poses = np.concatenate([clip.poses for clip in fake_clips()])
    with small.unlocked():
        small.errors.update(gain=(0.0,) * 3, depth_mm=(0.0,) * 3)
        small.errors.update(jitter=(0.5,) * 3)
        small.noise.depth_sigma_mm = 0.0
    spoiled, pose = reconstruction.training_vectors(train_poses, small, 3)
    np.testing.assert_array_equal(spoiled[:, 34:51], 0)
    with small.unlocked():
        small.errors.jitter = (0.0,) * 3
    exact, same = reconstruction.training_vectors(train_poses, small, 3)
    assert np.abs(spoiled - exact)[:, :34].max() > 0.3
    # What is wrong is the input, not the pose to be found.
    np.testing.assert_array_equal(pose, same)


def test_a_stopped_run_continues_exactly(small, tmp_path, monkeypatch):
    whole = train(small, tmp_path / "whole")
    # Stopped at step 5, after the checkpoint of step 3 and a log line at 4.
    vectors = reconstruction.training_vectors

    def stop_at_5(train_poses, config, step):
        if step == 5:
            raise KeyboardInterrupt
        return vectors(train_poses, config, step)

    with monkeypatch.context() as patch:
        patch.setattr(reconstruction, "training_vectors", stop_at_5)
        with pytest.raises(KeyboardInterrupt):
            train(small, tmp_path / "parts")
    assert not (tmp_path / "parts" / "summary.json").exists()
    parts = train(small, tmp_path / "parts")
    assert parts == whole
    one, two = (
        dict(np.load(tmp_path / n / "state.npz")) for n in ("whole", "parts")
    )
    assert (
        set(one) == set(two) and json.loads(str(one["progress"]))["step"] == 6
    )
    for key in one:
        np.testing.assert_array_equal(one[key], two[key])
    logs = [
        runs.read_metrics(path)
        for path in (tmp_path / "whole", tmp_path / "parts")
    ]
    assert [line["step"] for line in logs[0]] == [2, 3, 3, 4, 6, 6]
    for one, two in zip(*logs, strict=True):
        for line in (one, two):
            line.pop("examples_per_s", None)
        assert one == two
    assert not list(tmp_path.glob("*/new_*"))


def best_step(workdir):
    scores = [line for line in runs.read_metrics(workdir) if "mpjpe" in line]
    return min(scores, key=lambda line: line["mpjpe"])["step"]


def test_summary_and_loaded_network(small, tmp_path):
    summary = train(small, tmp_path)
    assert json.loads((tmp_path / "summary.json").read_text()) == summary
    assert summary["steps"] == 6 and summary["best"]["step"] == best_step(
        tmp_path
    )
    assert 0.5 < summary["relations"] <= 1
    # The fake bodies' joints spread by 120 mm around their heights, seen
    # from cameras near the horizontal, and noise of 50 mm: near 0.2 m.
    assert 0.1 < summary["depth_rms"] < 0.3
    scored = reconstruction.evaluate_run(tmp_path, fake_clips())
    assert scored == summary["test"]
    # The untrained part of the error: predicting nothing is not better.
    model = reconstruction.load_run(tmp_path)
    assert model.output_shape == (None, 51)
    louder = reconstruction.evaluate_run(tmp_path, fake_clips(), sigma_mm=500)
    kept = [s["held_out"]["relations"] for s in (scored, louder)]
    assert kept[1] < kept[0] - 0.1


def test_training_learns(small, tmp_path):
    with small.unlocked():
        small.train.update(steps=300, batch_size=64, eval_every=300)
        small.model.update(width=64, dropout=0.0)
    summary = train(small, tmp_path)
    split = reconstruction.split_clips(fake_clips(), held_out=0.7)
    views = reconstruction.test_views(split.test["held_out"], small)
    nothing = np.linalg.norm(views["pose_3d"], axis=-1).mean()
    assert summary["test"]["held_out"]["mpjpe"] < 0.5 * nothing


@pytest.mark.parametrize(
    ("section", "values", "message"),
    [
        ("data", {"mocap": ""}, "--config.data.mocap=DIR"),
        ("train", {"steps": 0}, "train.steps"),
        ("train", {"optimizer": "sgd"}, "adam or rmsprop"),
        ("noise", {"depth_sigma_mm": -1.0}, "negative"),
        ("camera", {"distance_mm": (100.0, 200.0)}, "distance_mm"),
        ("errors", {"hardness": -1.0}, "errors.hardness"),
    ],
)
def test_bad_config(small, tmp_path, section, values, message):
    small[section].update(values)
    with pytest.raises(ValueError, match=message):
        train(small, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_score_of_a_perfect_network(small):
    del small
    pose = fake_clips(1)[0].poses
    views = mocap_views.sample_views(
        pose, np.random.default_rng(0), camera=mocap_views.Camera()
    )

    def perfect(vectors, *, training):
        assert vectors.shape == (12, 51) and not training
        swapped = np.swapaxes(views["pose_3d"], 1, 2) / 1000
        return swapped.reshape(12, 51)

    scored = reconstruction.score(
        perfect, views, use_depth=True, sigma_mm=0, log_scale=0
    )
    assert scored["mpjpe"] < 1e-3 and scored["relations"] == 1
    assert scored["poses"] == len(pose) == 12
    assert skeleton.H36M17.root == 0
