"""The folder of a training run: config, whole state, weights, log.

    config.json       resolved config
    state.npz         model and optimiser variables, and how far it is
    model.weights.h5  the last weights alone, for loading and warm starts
    best.weights.h5   those that scored best on what is held out
    ema.weights.h5    their moving averages, where `train.ema` keeps them
    metrics.jsonl     one JSON object per line
    report.html       the same as a page, see `page`
    summary.json      final figures, written when the run is complete

Every file is written whole (`files`), so that a run stopped at any moment can
go on.
"""

import contextlib
import dataclasses
import errno
import fcntl
import json
import os
import pathlib
import zipfile

import ml_collections
import numpy as np
from keras import ops

from ordinal_tf import files

CONFIG = "config.json"
STATE = "state.npz"
WEIGHTS = "model.weights.h5"
METRICS = "metrics.jsonl"
SUMMARY = "summary.json"

# What can be loaded and exported of a run.
KINDS = {
    "last": WEIGHTS,
    "best": "best.weights.h5",
    "ema": "ema.weights.h5",
}


@dataclasses.dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes:
        step: int, steps done.
        scored: int, the last step whose weights were scored; -1: none.
        figures: dict of the last score, by kind of weights.
        best: dict of the best score so far, with `step` and `weights` (which
            kind), or None.
    """

    step: int = 0
    scored: int = -1
    figures: dict | None = None
    best: dict | None = None


def read_json(path):
    """Content of a JSON file; `ValueError` names it where it is damaged."""
    try:
        return json.loads(pathlib.Path(path).read_text())
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}.") from error


def read_config(workdir):
    """The resolved config of a run, as a `ConfigDict`.

    Raises:
        ValueError: `workdir` holds no run, or its config is damaged.
    """
    path = pathlib.Path(workdir) / CONFIG
    if not path.is_file():
        raise ValueError(
            f"{workdir} has no {CONFIG}; it must be the `--workdir` of a "
            "training."
        )
    return ml_collections.ConfigDict(read_json(path))


def check_same(config, workdir, *, free):
    """Raises `ValueError` where `workdir` holds a run of another config.

    Args:
        config: `ConfigDict`.
        workdir: path.
        free: names of fields, such as "data.mocap", that may change when a
            run resumes.
    """
    if not (pathlib.Path(workdir) / CONFIG).is_file():
        return
    # Through JSON, which turns tuples into lists.
    new = flat(json.loads(json.dumps(config.to_dict())))
    old = flat(read_config(workdir).to_dict())
    changed = [
        f"{key} was {old.get(key)!r} and is {new.get(key)!r}"
        for key in sorted(set(old) | set(new))
        if old.get(key) != new.get(key) and key not in free
    ]
    if changed:
        raise ValueError(
            f"{workdir} holds a run of another config "
            f"({'; '.join(changed)}); use another --workdir, or the same "
            "config to continue."
        )


def start(config, workdir, *, free):
    """Makes the run's folder, or checks that it holds the same run.

    Args:
        config, workdir, free: see `check_same`.

    Raises:
        ValueError: `workdir` holds a run of another config; names the fields.
    """
    workdir = pathlib.Path(workdir)
    check_same(config, workdir, free=free)
    workdir.mkdir(parents=True, exist_ok=True)
    files.write_json(workdir / CONFIG, config.to_dict())


def flat(tree, prefix=""):
    """A nested dict as one of dotted names."""
    found = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            found.update(flat(value, f"{prefix}{key}."))
        else:
            found[prefix + key] = value
    return found


@contextlib.contextmanager
def locked(workdir):
    """Makes the folder and keeps other programs from training in it.

    The lock is on the folder itself and ends with the process, however that
    ends. A folder that was made here and is still empty goes again.

    Raises:
        ValueError: another program trains there.
    """
    workdir = pathlib.Path(workdir)
    made = [one for one in (workdir, *workdir.parents) if not one.exists()]
    workdir.mkdir(parents=True, exist_ok=True)
    handle = os.open(workdir, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ValueError(
                f"Another program trains in {workdir}; let it end, or use "
                "another --workdir."
            ) from None
        except OSError as error:
            # Some network file systems lock no folders; a training there is
            # worth more than its lock.
            if error.errno not in (errno.EBADF, errno.ENOLCK, errno.ENOTSUP):
                raise
        yield
    finally:
        os.close(handle)
        with contextlib.suppress(OSError):  # Not empty.
            for one in made:
                one.rmdir()


def save(workdir, network, optimizer, progress, more=()):
    """Writes the whole state and the weights.

    Args:
        workdir: path.
        network, optimizer: Keras objects, built.
        progress: `Progress`.
        more: further variables of the state.

    Raises:
        ValueError: a variable is not finite, or there is no room; the
            checkpoint before stays.
    """
    workdir = pathlib.Path(workdir)
    arrays = {
        f"variable_{i:03d}": ops.convert_to_numpy(variable)
        for i, variable in enumerate(_variables(network, optimizer, more))
    }
    # NumPy knows no `isfinite` of generators' states, nor need they it.
    if not all(
        np.isfinite(array).all()
        for array in arrays.values()
        if array.dtype.kind == "f"
    ):
        raise ValueError(
            f"The weights of step {progress.step} are not finite, so they are "
            f"not kept: {workdir} holds the checkpoint before. Lower "
            "`train.learning_rate`, or set `train.clip_norm`."
        )
    # Read back by `restore` without pickle.
    arrays["progress"] = np.array(json.dumps(dataclasses.asdict(progress)))
    # Before the state: whoever finds this state finds weights, at worst later
    # ones, which the next save overwrites.
    save_weights(network, workdir / WEIGHTS, progress.step)
    # An open file, because NumPy appends `.npz` to other names.
    with _whole(workdir / STATE, progress.step) as new:
        with open(new, "wb") as file:
            np.savez(file, **arrays)


def save_weights(network, path, step):
    """Writes `.weights.h5` in one rename; errors as `save`."""
    with _whole(path, step) as new:
        _check_room(new, network.weights)
        network.save_weights(new)


def _check_room(path, variables):
    """Raises `OSError` where a file of these variables would not fit.

    HDF5 does not raise on a full disk, it ends the process.
    """
    size = sum(ops.convert_to_numpy(one).nbytes for one in variables)
    with open(path, "wb") as file:
        # Names and tables take a few KB for each.
        if hasattr(os, "posix_fallocate"):  # Not on macOS.
            room = size + 2**20 + 2**13 * len(variables)
            os.posix_fallocate(file.fileno(), 0, room)


@contextlib.contextmanager
def _whole(path, step):
    """`files.whole`; what the disk refuses is one sentence."""
    try:
        with files.whole(path) as new:
            yield new
            # A rename must not reach the disk before what it names.
            with open(new, "rb") as file:
                os.fsync(file.fileno())
    except (OSError, RuntimeError) as error:  # h5py raises either.
        raise ValueError(
            f"The checkpoint of step {step} could not be written to "
            f"{path.parent} ({str(error).splitlines()[0]}); the one before "
            "is whole. Make room and run the same command again."
        ) from error


def restore(workdir, network, optimizer, more=()):
    """Loads the state, if there is one; arguments as of `save`.

    Returns:
        `Progress`, or None without a state.

    Raises:
        ValueError: the file cannot be read or is another network's.
    """
    path = pathlib.Path(workdir) / STATE
    if not path.is_file():
        return None
    try:
        # Opened here, because NumPy leaves a damaged file open.
        with open(path, "rb") as file:
            with np.load(file, allow_pickle=False) as state:
                arrays = dict(state)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"{path} cannot be read ({error}); remove it to start again."
        ) from error
    variables = _variables(network, optimizer, more)
    saved = [arrays.get(f"variable_{i:03d}") for i in range(len(variables))]
    if (
        "progress" not in arrays
        or len(arrays) != len(variables) + 1
        or any(
            array is None or array.shape != tuple(variable.shape)
            for array, variable in zip(saved, variables, strict=True)
        )
    ):
        raise ValueError(
            f"{path} holds the state of another network, or one of an older "
            "version; remove it to start again."
        )
    for array, variable in zip(saved, variables, strict=True):
        variable.assign(array)
    return Progress(**json.loads(str(arrays["progress"])))


def _variables(network, optimizer, more):
    # `variables`, not `weights`: dropout's generators belong to the state.
    return [*network.variables, *optimizer.variables, *more]


def load_weights(model, path):
    """Loads `.weights.h5`; `ValueError` where they are of another config."""
    path = pathlib.Path(path)
    if not path.is_file():
        raise ValueError(
            f"{path} is missing; the training must reach its first "
            "checkpoint, or name another run."
        )
    try:
        model.load_weights(path)
    except (ValueError, KeyError, OSError) as error:
        raise ValueError(
            f"{path} does not fit the network of the config "
            f"({str(error).splitlines()[0]}); both must come from the same "
            "run."
        ) from error


def weights_path(workdir, kind):
    """Where a run keeps a kind of weights.

    Args:
        workdir: path.
        kind: str, one of `KINDS`.

    Raises:
        ValueError: the run has none of that kind.
    """
    path = pathlib.Path(workdir) / KINDS[kind]
    if kind != "last" and not path.is_file():
        why = {
            "best": "it was not scored at its final crop size yet, or is of "
            "an older version",
            "ema": "it was trained with `train.ema` 0",
        }[kind]
        raise ValueError(
            f"{workdir} has no {KINDS[kind]}: {why}. Use --weights=last."
        )
    return path


def summary(workdir):
    """The final figures of a run; `ValueError` where it is not finished."""
    path = pathlib.Path(workdir) / SUMMARY
    if not path.is_file():
        raise ValueError(
            f"{workdir} is not finished: it has no {SUMMARY}. Let the "
            "training end, or give it fewer steps."
        )
    return read_json(path)


def append_metrics(workdir, line):
    """Adds one dict of numbers to the log."""
    with open(pathlib.Path(workdir) / METRICS, "a") as file:
        file.write(json.dumps(line) + "\n")


def read_metrics(workdir):
    """The log as a list of dicts; a line cut off by a stop ends it."""
    path = pathlib.Path(workdir) / METRICS
    lines = []
    if path.is_file():
        for line in path.read_text().splitlines():
            try:
                lines.append(json.loads(line))
            except ValueError:
                break
    return lines


def drop_later_metrics(workdir, progress):
    """Removes log lines of what a resumed run will do again.

    Args:
        workdir: path.
        progress: `Progress` that it resumes from; None: from the beginning.
    """
    if not (pathlib.Path(workdir) / METRICS).is_file():
        return

    def keep(line):
        # Lines of training have a loss, those of a score have not.
        done = progress.step if "loss" in line else progress.scored
        return line["step"] <= done

    kept = [line for line in read_metrics(workdir) if progress and keep(line)]
    text = "".join(json.dumps(line) + "\n" for line in kept)
    files.write_text(pathlib.Path(workdir) / METRICS, text)
