"""Training, scoring and loading the reconstruction network."""

import dataclasses
import fnmatch
import pathlib
import zlib

import numpy as np
from keras import ops

from ordinal_tf import losses, metrics, paths
from ordinal_tf.data.mocap import clips as mocap
from ordinal_tf.data.mocap import image_errors
from ordinal_tf.data.mocap import views as mocap_views
from ordinal_tf.data.readers import h36m
from ordinal_tf.models import lifting
from ordinal_tf.synthetic import people
from ordinal_tf.training import checks, dry_run, loop, runs

# Where data lies may change when a run resumes; everything else makes it
# another run.
_FREE = ("data.mocap", "data.skip_limit")

# The second seed of everything that is drawn for scoring; a step's is the
# step, so this one must lie beyond any number of steps.
_SCORING = 2**40


@dataclasses.dataclass(frozen=True)
class Split:
    """Poses `(M, 17, 3)` by what they are for.

    Attributes:
        train: poses to train on.
        test: dict from the name of a set to its poses, none of them of a
            clip in `train`.
    """

    train: np.ndarray
    test: dict[str, np.ndarray]


def is_held_out(name, share):
    """Whether a clip is kept for testing; decided by its file name alone."""
    return zlib.crc32(pathlib.PurePosixPath(name).name.encode()) % 1000 < (
        1000 * share
    )


def split_clips(clips, *, match="*", held_out=0.15):
    """Splits clips by name.

    Args:
        clips: list of `clips.Clip`.
        match: shell pattern, or several with commas between, of the clips to
            train on.
        held_out: float, share of these to keep for testing.

    Returns:
        `Split`. Its test sets are `held_out` (of the matched clips), and the
        top folder of every clip that is not trained on: `FOLDER held out`,
        or `FOLDER unseen` where no clip of that folder is trained on.

    Raises:
        ValueError: nothing is left to train on, or to test on.
    """
    if not 0 < held_out < 1:
        raise ValueError(
            f"`held_out` is a share, between 0 and 1. Received: {held_out}."
        )
    patterns = match.split(",")
    train, test, folders = [], [], set()
    for clip in clips:
        matched = any(fnmatch.fnmatch(clip.name, one) for one in patterns)
        folder = clip.name.split("/")[0] if "/" in clip.name else "clips"
        if matched and not is_held_out(clip.name, held_out):
            train.append(clip.poses)
            folders.add(folder)
        else:
            test.append((matched, folder, clip.poses))
    if not train or not any(matched for matched, _, _ in test):
        raise ValueError(
            f"{len(clips)} clips, {len(train)} of them to train on: the "
            f"pattern {match!r} and the held-out share {held_out} must leave "
            "some to train on and some to test on."
        )
    groups = {"held_out": [p for matched, _, p in test if matched]}
    for matched, folder, clip_poses in test:
        kind = "held out" if matched or folder in folders else "unseen"
        groups.setdefault(f"{folder} {kind}", []).append(clip_poses)
    joined = {name: np.concatenate(group) for name, group in groups.items()}
    return Split(np.concatenate(train), joined)


def with_synthetic(split, config):
    """The split, with poses of the synthetic people in both parts.

    Args:
        split: `Split`.
        config: `data.synthetic` of them are trained on; a tenth as many
            others are the test set `synthetic`.
    """
    count = config.data.get("synthetic", 0)
    if not count:
        return split
    drawn = people.draw_poses(count + -(-count // 10), seed=config.seed)
    return Split(
        np.concatenate([split.train, drawn[:count]]),
        {**split.test, "synthetic": drawn[count:]},
    )


def _split(clips, config):
    """The `Split` of a config, and the views of each of its test sets."""
    data = config.data
    split = split_clips(clips, match=data.match, held_out=data.held_out)
    split = with_synthetic(split, config)
    return split, {n: test_views(p, config) for n, p in split.test.items()}


def test_views(test_poses, config):
    """Views to score on: recorded limb lengths, one fixed camera per pose."""
    rng = np.random.default_rng((config.seed, _SCORING))
    camera = mocap_views.Camera(**config.camera)
    return mocap_views.sample_views(test_poses, rng, camera=camera)


def score(model, views, *, use_depth, sigma_mm, log_scale, seed=0, errors=None):
    """Error of a model on views with noise added to their depths.

    Args:
        model: reconstruction network.
        views: dict of `views.sample_views`.
        use_depth: bool; False zeroes the depth input.
        sigma_mm, log_scale: see `views.noisy_depth`.
        seed: int, of the noise.
        errors: `image_errors.ImageErrors` to make first; none if None.

    Returns:
        dict of floats: `mpjpe` and `pa_mpjpe` in mm, `relations` preserved
        by the noise (share), and the int `poses`.
    """
    rng = np.random.default_rng((seed, _SCORING + 1))
    keypoints, depth = image_errors.spoil(
        views["keypoints_2d"],
        views["depth"],
        rng,
        errors or image_errors.ImageErrors(),
    )
    noisy = mocap_views.noisy_depth(
        depth, rng, sigma_mm=sigma_mm, log_scale=log_scale
    )
    vectors = _vectors(keypoints, noisy, use_depth)
    parts = [
        ops.convert_to_numpy(model(vectors[i : i + 4096], training=False))
        for i in range(0, len(vectors), 4096)
    ]
    pose_pred = lifting.reconstruction_output(np.concatenate(parts))
    pose_true = views["pose_3d"]
    error = ops.convert_to_numpy(metrics.mpjpe(pose_true, pose_pred))
    aligned = ops.convert_to_numpy(metrics.pa_mpjpe(pose_true, pose_pred))
    return {
        "mpjpe": float(error.mean()),
        "pa_mpjpe": float(aligned.mean()),
        "relations": mocap_views.relations_preserved(views["depth"], noisy),
        "poses": len(error),
    }


def _vectors(keypoints, depth, use_depth):
    depth = lifting.normalise_depth(depth if use_depth else 0.0 * depth)
    return ops.convert_to_numpy(lifting.reconstruction_input(keypoints, depth))


def training_vectors(train_poses, config, step):
    """Network input `(B, 51)` and pose `(B, 17, 3)` in mm of one step.

    A pure function of the poses, the config's seed and the step.
    """
    views, rng = mocap_views.training_batch(
        train_poses,
        config.seed,
        step,
        batch_size=config.train.batch_size,
        camera=mocap_views.Camera(**config.camera),
        body=mocap_views.Body(**config.body),
    )
    keypoints, noisy = _spoiled(views, rng, config)
    return _vectors(keypoints, noisy, config.use_depth), views["pose_3d"]


def _spoiled(views, rng, config):
    """Keypoints and depths of views, with a config's errors."""
    keypoints, depth = image_errors.spoil(
        views["keypoints_2d"], views["depth"], rng, errors_of(config)
    )
    noisy = mocap_views.noisy_depth(
        depth,
        rng,
        sigma_mm=config.noise.depth_sigma_mm,
        spread=config.noise.sigma_spread,
        log_scale=config.noise.depth_scale,
    )
    return keypoints, noisy


def errors_of(config):
    """The `ImageErrors` of a config."""
    # Runs from before there were `errors` had none.
    fields = dict(config.get("errors", {}))
    fields.pop("own_unit", None)
    return image_errors.ImageErrors(**fields)


def build(config):
    """The network that a config describes."""
    return lifting.build_reconstruction(**config.model)


def train(config, workdir, *, report=print, progress=None):
    """Trains a network, or continues where `workdir` stopped.

    Args:
        config: as `configs/reconstruction.py` returns.
        workdir, report, progress: see `loop.train`.

    Returns:
        dict, the summary: `steps`, `best`, the held-out `mpjpe` and
        `pa_mpjpe` of the last step, `depth_rms` (root mean square of the
        normalised depth input over poses and all 17 joints, noise included),
        `relations` preserved by the noise, `train_poses`, and `test`, for
        every test set what `score` returns; None where SIGTERM ended the run
        early.

    Raises:
        ValueError: see `loop.train`.
    """
    checks.check_reconstruction(config)
    return loop.train(
        config,
        workdir,
        lambda config: task(config, report),
        free=_FREE,
        start_from=paths.RECONSTRUCTION_WEIGHTS,
        report=report,
        progress=progress,
    )


def task(config, report):
    """The `loop.Task` of a config.

    Raises:
        ValueError: unusable data.
    """
    clips = mocap.read_folder(
        config.data.mocap,
        fps=config.data.fps,
        skip_limit=config.data.skip_limit,
        report=report,
    )
    split, views = _split(clips, config)
    network = build(config)

    def batches(first, last, worker=(0, 1)):
        number, count = worker
        share = config.train.batch_size // count
        part = slice(number * share, (number + 1) * share)
        for step in range(first, last):
            vectors, pose_3d = training_vectors(split.train, config, step)
            yield {"joints": vectors[part], "pose": pose_3d[part]}

    def score_held_out(step):
        del step
        found = score(network, views["held_out"], **_noise(config))
        return {key: found[key] for key in ("mpjpe", "pa_mpjpe")}

    def summary():
        return {
            **_depth_figures(split.train, config),
            "train_poses": len(split.train),
            "test": {
                name: score(network, view, **_noise(config))
                for name, view in views.items()
            },
        }

    return loop.Task(
        network=network,
        inputs=lambda batch: batch["joints"],
        loss=loss,
        batches=batches,
        score=score_held_out,
        better=lambda one, other: (
            other is None or one["mpjpe"] < other["mpjpe"]
        ),
        shown=lambda found: f"MPJPE {found['mpjpe']:.1f} mm",
        summary=summary,
        examples=len(split.train),
    )


def measure(config, *, report=print):
    """See `dry_run.dry_run`."""
    checks.check_reconstruction(config)
    return dry_run.dry_run(config, lambda config: task(config, report))


def loss(vectors, batch, ramp):
    """What `steps.training_step` makes small."""
    del ramp
    vectors = ops.cast(vectors, "float32")
    # In metres, like the network's output.
    pose_pred = lifting.reconstruction_output(vectors) / 1000.0
    error = losses.reconstruction_loss(batch["pose"] / 1000.0, pose_pred)
    return {"loss": ops.mean(error)}


def load_run(workdir, weights="last"):
    """The network of a run.

    Args:
        workdir: folder of the run.
        weights: str, which of `runs.KINDS`.

    Raises:
        ValueError: `workdir` holds no run, or weights of another config.
    """
    with loop.policy("float32"):
        model = build(runs.read_config(workdir))
    runs.load_weights(model, runs.weights_path(workdir, weights))
    return model


def evaluate_run(workdir, clips, *, annotations=None, sigma_mm=None):
    """Scores a run on every set of poses that it was not trained on.

    Args:
        workdir: folder of the run.
        clips: list of `clips.Clip`, read at the run's `data.fps`.
        annotations: path of a Human3.6M `valid.mat` to score on too, or None.
        sigma_mm: noise on the depths, without any other error; the run's own
            noise and errors where None.

    Returns:
        dict from the set's name to what `score` returns.
    """
    config = runs.read_config(workdir)
    model = load_run(workdir)
    _, views = _split(clips, config)
    if annotations is not None:
        views["h36m sample"] = h36m.read_annotations(annotations).views
    noise = _noise(config)
    if sigma_mm is not None:
        noise |= {"sigma_mm": sigma_mm, "errors": None}
    return {name: score(model, view, **noise) for name, view in views.items()}


def lift_found(workdir, found):
    """Poses of a run from what an image network found.

    Args:
        workdir: folder of the run.
        found: dict of `lifted.found_people`.

    Returns:
        `(N, 17, 3)` float32 mm, root-relative.

    Raises:
        ValueError: see `load_run`.
    """
    config = runs.read_config(workdir)
    # A network that has learnt from depths in mm gives this unit.
    depth = found["ordinal_depth"] * config.use_depth
    pose = lifting.lift(load_run(workdir), found["keypoints"], depth)
    return ops.convert_to_numpy(pose)


def _noise(config):
    return {
        "use_depth": config.use_depth,
        "sigma_mm": config.noise.depth_sigma_mm,
        "log_scale": config.noise.depth_scale,
        "seed": config.seed,
        "errors": errors_of(config),
    }


def _depth_figures(train_poses, config):
    """What the network's depth input looks like, over some training steps."""
    square, relations = [], []
    for i in range(8):
        rng = np.random.default_rng((config.seed, _SCORING + 2 + i))
        drawn = train_poses[rng.integers(0, len(train_poses), 512)]
        views = mocap_views.sample_views(
            drawn,
            rng,
            camera=mocap_views.Camera(**config.camera),
            body=mocap_views.Body(**config.body),
        )
        _, noisy = _spoiled(views, rng, config)
        square.append(np.mean(np.square(lifting.normalise_depth(noisy))))
        relations.append(mocap_views.relations_preserved(views["depth"], noisy))
    return {
        "depth_rms": float(np.sqrt(np.mean(square))),
        "relations": float(np.mean(relations)),
    }
