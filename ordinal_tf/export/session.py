"""Runs a SavedModel in a plain graph session, as TF-Serving does.

This file is also a program that needs TensorFlow and NumPy alone, so that a
model can be tried in a process that knows nothing of the one that wrote it:

    python session.py FOLDER REQUESTS.npz ANSWERS.npz
"""

import base64
import contextlib
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np


def load(folder, *, threads=0):
    """Loads a SavedModel; close the session when nothing runs any more.

    Args:
        folder: path of the SavedModel.
        threads: int, for the inside of an operation; 0 for one a core.

    Returns:
        `tf.compat.v1.Session`, and the dict of `SignatureDef` by name.
    """
    import tensorflow as tf  # Late: the caller of `run_apart` may not wait.

    config = tf.compat.v1.ConfigProto(
        intra_op_parallelism_threads=threads,
        inter_op_parallelism_threads=threads,
    )
    config.gpu_options.allow_growth = True
    # Not `with`: that would make it everybody's default meanwhile.
    session = tf.compat.v1.Session(graph=tf.Graph(), config=config)
    try:
        with session.graph.as_default():
            meta = tf.compat.v1.saved_model.load(
                session, ["serve"], str(folder)
            )
    except BaseException:
        session.close()
        raise
    return session, dict(meta.signature_def)


@contextlib.contextmanager
def loaded(folder, *, threads=0):
    """Loads a SavedModel; yields `run(signature, inputs)`.

    Args:
        folder, threads: as of `load`.

    Yields:
        Function of a signature's name and a dict of arrays, which returns
        the dict of the signature's outputs.
    """
    session, signatures = load(folder, threads=threads)
    with contextlib.closing(session):

        def run(signature, inputs):
            spec = signatures[signature]
            feeds = {spec.inputs[k].name: v for k, v in inputs.items()}
            return session.run(
                {k: v.name for k, v in spec.outputs.items()}, feeds
            )

        yield run


def run_apart(folder, requests):
    """Answers of a SavedModel, loaded in a process of its own.

    Args:
        folder: path of the SavedModel.
        requests: list of (signature's name, dict of its input arrays; byte
            strings as arrays of objects).

    Returns:
        List of the dicts of output arrays.

    Raises:
        ValueError: it cannot be loaded, or refuses a request.
    """
    with tempfile.TemporaryDirectory() as work:
        asked = pathlib.Path(work, "in.npz")
        told = pathlib.Path(work, "out.npz")
        _write(asked, requests)
        # -P: the neighbours of this file are not top-level modules.
        done = subprocess.run(
            [sys.executable, "-P", __file__, str(folder), asked, told],
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            said = " ".join(done.stderr.split()[-60:]) or "no message"
            raise ValueError(
                f"{folder} does not run in a process of its own: {said}"
            )
        return [outputs for _, outputs in _read(told)]


def _write(path, named):
    """Arrays as `number|name|key`; byte strings as base64."""
    flat = {}
    for number, (name, arrays) in enumerate(named):
        flat[f"{number}|{name}|"] = np.zeros(0)  # Keeps an empty dict.
        for key, array in arrays.items():
            array = np.asarray(array)
            if array.dtype == object:
                # NumPy's own strings lose the zeros at their ends.
                array = np.array([base64.b64encode(x) for x in array], "S")
            flat[f"{number}|{name}|{key}"] = array
    np.savez(path, **flat)


def _read(path):
    named = {}
    with np.load(path, allow_pickle=False) as flat:
        for label in flat:
            number, name, key = label.split("|")
            _, arrays = named.setdefault(int(number), (name, {}))
            array = flat[label]
            if array.dtype.kind == "S":
                array = np.array([base64.b64decode(x) for x in array], object)
            if key:
                arrays[key] = array
    return [named[number] for number in sorted(named)]


def _main(folder, asked, told):
    with loaded(folder) as run:
        answers = [(name, run(name, inputs)) for name, inputs in _read(asked)]
    _write(told, answers)


if __name__ == "__main__":
    _main(*sys.argv[1:])
