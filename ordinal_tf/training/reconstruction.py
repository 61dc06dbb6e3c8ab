"""Training, scoring and loading the reconstruction network."""

import dataclasses
import fnmatch
import json
import pathlib
import time
import zlib

import keras
import numpy as np
from keras import ops

from ordinal_tf import losses, metrics
from ordinal_tf.data.mocap import clips as mocap
from ordinal_tf.data.mocap import views as mocap_views
from ordinal_tf.data.readers import h36m
from ordinal_tf.models import lifting
from ordinal_tf.training import runs

# Where data lies and how often the log is written may change when a run
# resumes; everything else makes it another run.
_FREE = ("data.mocap", "data.skip_limit", "train.log_every")

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


def test_views(test_poses, config):
    """Views to score on: recorded limb lengths, one fixed camera per pose."""
    rng = np.random.default_rng((config.seed, _SCORING))
    camera = mocap_views.Camera(**config.camera)
    return mocap_views.sample_views(test_poses, rng, camera=camera)


def score(model, views, *, use_depth, sigma_mm, log_scale, seed=0):
    """Error of a model on views with noise added to their depths.

    Args:
        model: reconstruction network.
        views: dict of `views.sample_views`.
        use_depth: bool; False zeroes the depth input.
        sigma_mm, log_scale: see `views.noisy_depth`.
        seed: int, of the noise.

    Returns:
        dict of floats: `mpjpe` and `pa_mpjpe` in mm, `relations` preserved
        by the noise (share), and the int `poses`.
    """
    rng = np.random.default_rng((seed, _SCORING + 1))
    noisy = mocap_views.noisy_depth(
        views["depth"], rng, sigma_mm=sigma_mm, log_scale=log_scale
    )
    vectors = _vectors(views["keypoints_2d"], noisy, use_depth)
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
    noisy = mocap_views.noisy_depth(
        views["depth"],
        rng,
        sigma_mm=config.noise.depth_sigma_mm,
        spread=config.noise.sigma_spread,
        log_scale=config.noise.depth_scale,
    )
    vectors = _vectors(views["keypoints_2d"], noisy, config.use_depth)
    return vectors, views["pose_3d"]


def _loss(pose_true, vector):
    # In metres, like the network's output.
    pose_pred = lifting.reconstruction_output(vector) / 1000.0
    return losses.reconstruction_loss(pose_true / 1000.0, pose_pred)


def build(config):
    """The network that a config describes."""
    return lifting.build_reconstruction(**config.model)


def _compile(model, train):
    """Compiles with the config's optimiser; `ValueError` on unknown ones."""
    rate = train.learning_rate
    if train.decay:
        rate = keras.optimizers.schedules.CosineDecay(rate, train.steps)
    if train.optimizer == "adam":
        optimizer = keras.optimizers.Adam(rate)
    elif train.optimizer == "rmsprop":
        # Torch's constants, which the paper's recipe had.
        optimizer = keras.optimizers.RMSprop(rate, rho=0.99, epsilon=1e-8)
    else:
        raise ValueError(
            "`train.optimizer` must be adam or rmsprop. Received: "
            f"{train.optimizer!r}."
        )
    model.compile(optimizer, loss=_loss, jit_compile=False)
    optimizer.build(model.trainable_variables)


def train(config, workdir, *, report=print, progress=None):
    """Trains a network, or continues where `workdir` stopped.

    Args:
        config: as `configs/reconstruction.py` returns.
        workdir: folder of the run. It gets `config.json`, `metrics.jsonl`,
            `state.npz` (weights, optimiser, step, best score),
            `model.weights.h5`, and at the end `summary.json`.
        report: function of one line of text.
        progress: function `(step, text)`, or None.

    Returns:
        dict, the summary: `steps`, `best`, `depth_rms` (root mean square of
        the normalised depth input over poses and all 17 joints, noise
        included), `relations` preserved by the noise, `train_poses`, and
        `test`, for every test set what `score` returns.

    Raises:
        ValueError: unusable data or config, or the run in `workdir` has
            another config.
    """
    workdir = pathlib.Path(workdir)
    _check(config)
    if (workdir / runs.CONFIG).is_file():
        runs.start(config, workdir, free=_FREE)
    done = workdir / runs.SUMMARY
    if done.is_file():
        report(f"{workdir} is finished; nothing to do.")
        return json.loads(done.read_text())
    clips = mocap.read_folder(
        config.data.mocap,
        fps=config.data.fps,
        skip_limit=config.data.skip_limit,
        report=report,
    )
    split = split_clips(
        clips, match=config.data.match, held_out=config.data.held_out
    )
    views = {n: test_views(p, config) for n, p in split.test.items()}
    keras.utils.set_random_seed(config.seed)
    model = build(config)
    _compile(model, config.train)
    # Only now, so that bad input leaves no folder behind.
    runs.start(config, workdir, free=_FREE)
    step, best = runs.restore(workdir, model, model.optimizer)
    if step:
        report(f"{workdir}: continuing after step {step}.")
    runs.drop_later_metrics(workdir, step)
    clock, since, total = time.monotonic(), step, []
    while step < config.train.steps:
        vectors, pose_3d = training_vectors(split.train, config, step)
        total.append(float(model.train_on_batch(vectors, pose_3d)))
        step += 1
        last = step == config.train.steps
        scored = {}
        if last or step % config.train.eval_every == 0:
            scored = score(model, views["held_out"], **_noise(config))
            scored = {k: scored[k] for k in ("mpjpe", "pa_mpjpe")}
            if best is None or scored["mpjpe"] < best["mpjpe"]:
                best = {"step": step, **scored}
        if scored or step % config.train.log_every == 0:
            seconds = time.monotonic() - clock
            line = {
                "step": step,
                "loss": float(np.mean(total)),
                "learning_rate": float(model.optimizer.learning_rate),
                "steps_per_s": (step - since) / max(seconds, 1e-9),
                **scored,
            }
            if not np.isfinite(line["loss"]):
                raise ValueError(
                    f"The loss is {line['loss']} at step {step}; lower "
                    f"`train.learning_rate` ({config.train.learning_rate})."
                )
            runs.append_metrics(workdir, line)
            clock, since, total = time.monotonic(), step, []
        if scored:
            runs.save(workdir, model, model.optimizer, step=step, best=best)
        if progress:
            shown = f"{best['mpjpe']:.1f} mm" if best else ""
            progress(step, shown)
    summary = {
        "steps": step,
        "best": best,
        **_depth_figures(split.train, config),
        "train_poses": len(split.train),
        "test": {
            n: score(model, v, **_noise(config)) for n, v in views.items()
        },
    }
    runs.write_json(done, summary)
    return summary


def load_run(workdir):
    """The network of a run, with the weights of its last checkpoint.

    Raises:
        ValueError: `workdir` holds no run, or weights of another config.
    """
    model = build(runs.read_config(workdir))
    runs.load_weights(model, pathlib.Path(workdir) / runs.WEIGHTS)
    return model


def evaluate_run(workdir, clips, *, annotations=None, sigma_mm=None):
    """Scores a run on every set of poses that it was not trained on.

    Args:
        workdir: folder of the run.
        clips: list of `clips.Clip`, read at the run's `data.fps`.
        annotations: path of a Human3.6M `valid.mat` to score on too, or None.
        sigma_mm: noise on the depths; the run's own where None.

    Returns:
        dict from the set's name to what `score` returns.
    """
    config = runs.read_config(workdir)
    model = load_run(workdir)
    split = split_clips(
        clips, match=config.data.match, held_out=config.data.held_out
    )
    views = {n: test_views(p, config) for n, p in split.test.items()}
    if annotations is not None:
        views["h36m sample"] = h36m.read_annotations(annotations).views
    noise = _noise(config)
    if sigma_mm is not None:
        noise["sigma_mm"] = sigma_mm
    return {name: score(model, view, **noise) for name, view in views.items()}


def _noise(config):
    return {
        "use_depth": config.use_depth,
        "sigma_mm": config.noise.depth_sigma_mm,
        "log_scale": config.noise.depth_scale,
        "seed": config.seed,
    }


def _check(config):
    if not config.data.mocap:
        raise ValueError(
            "No motion capture: name its folder with --config.data.mocap=DIR."
        )
    for name in ("steps", "batch_size", "log_every", "eval_every"):
        if config.train[name] < 1:
            raise ValueError(
                f"`train.{name}` must be positive. Received: "
                f"{config.train[name]}."
            )
    if min(config.noise.values()) < 0:
        raise ValueError(
            f"`noise` must not be negative. Received: {config.noise.to_dict()}."
        )


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
        noisy = mocap_views.noisy_depth(
            views["depth"],
            rng,
            sigma_mm=config.noise.depth_sigma_mm,
            spread=config.noise.sigma_spread,
            log_scale=config.noise.depth_scale,
        )
        square.append(np.mean(np.square(lifting.normalise_depth(noisy))))
        relations.append(mocap_views.relations_preserved(views["depth"], noisy))
    return {
        "depth_rms": float(np.sqrt(np.mean(square))),
        "relations": float(np.mean(relations)),
    }
