"""The folder of a training run: config, whole state, weights, log.

    config.json       resolved config
    state.npz         model and optimiser variables, step, best score
    model.weights.h5  the weights alone, for loading and warm starts
    metrics.jsonl     one JSON object per line
    summary.json      final figures, written when the run is complete

Every file is written under another name and renamed, so that a run stopped
at any moment leaves whole files.
"""

import json
import os
import pathlib
import zipfile

import ml_collections
import numpy as np
from keras import ops

CONFIG = "config.json"
STATE = "state.npz"
WEIGHTS = "model.weights.h5"
METRICS = "metrics.jsonl"
SUMMARY = "summary.json"


def write_text(path, text):
    """Writes a text file in one rename."""
    new = path.with_name(f"new_{path.name}")
    new.write_text(text)
    os.replace(new, path)


def write_json(path, content):
    write_text(path, json.dumps(content, indent=2) + "\n")


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


def start(config, workdir, *, free):
    """Makes the run's folder, or checks that it holds the same run.

    Args:
        config: `ConfigDict`.
        workdir: path.
        free: names of fields, such as "data.mocap", that may change when a
            run resumes.

    Raises:
        ValueError: `workdir` holds a run of another config; names the fields.
    """
    workdir = pathlib.Path(workdir)
    workdir.mkdir(parents=True, exist_ok=True)
    # Through JSON, which turns tuples into lists.
    new = _flat(json.loads(json.dumps(config.to_dict())))
    if (workdir / CONFIG).is_file():
        old = _flat(read_json(workdir / CONFIG))
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
    write_json(workdir / CONFIG, config.to_dict())


def _flat(tree, prefix=""):
    flat = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            flat.update(_flat(value, f"{prefix}{key}."))
        else:
            flat[prefix + key] = value
    return flat


def _variables(model, optimizer):
    # `variables`, not `weights`: dropout's generators belong to the state.
    return [*model.variables, *optimizer.variables]


def save(workdir, model, optimizer, *, step, best):
    """Writes the whole state and the weights.

    Args:
        workdir: path.
        model, optimizer: Keras objects, built.
        step: int, steps done.
        best: JSON-able best score so far, or None.
    """
    arrays = {
        f"variable_{i:03d}": ops.convert_to_numpy(variable)
        for i, variable in enumerate(_variables(model, optimizer))
    }
    new = workdir / f"new_{STATE}"
    np.savez(new, step=step, best=np.array(json.dumps(best)), **arrays)
    new_weights = workdir / f"new_{WEIGHTS}"
    model.save_weights(new_weights, overwrite=True)
    os.replace(new_weights, workdir / WEIGHTS)
    os.replace(new, workdir / STATE)


def restore(workdir, model, optimizer):
    """Loads the state, if there is one.

    Returns:
        int steps done and the best score; 0 and None without a state.

    Raises:
        ValueError: the file cannot be read or is another network's.
    """
    path = pathlib.Path(workdir) / STATE
    if not path.is_file():
        return 0, None
    try:
        # Opened here, because NumPy leaves a damaged file open.
        with open(path, "rb") as file:
            with np.load(file, allow_pickle=False) as state:
                arrays = dict(state)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"{path} cannot be read ({error}); remove it to start again."
        ) from error
    variables = _variables(model, optimizer)
    saved = [arrays.get(f"variable_{i:03d}") for i in range(len(variables))]
    if len(arrays) != len(variables) + 2 or any(
        array is None or array.shape != tuple(variable.shape)
        for array, variable in zip(saved, variables, strict=True)
    ):
        raise ValueError(
            f"{path} holds the state of another network; remove it to start "
            "again."
        )
    for array, variable in zip(saved, variables, strict=True):
        variable.assign(array)
    return int(arrays["step"]), json.loads(str(arrays["best"]))


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


def drop_later_metrics(workdir, step):
    """Removes log lines of steps that a resumed run will do again."""
    kept = [line for line in read_metrics(workdir) if line["step"] <= step]
    text = "".join(json.dumps(line) + "\n" for line in kept)
    write_text(pathlib.Path(workdir) / METRICS, text)
