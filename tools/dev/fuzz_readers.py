r"""Feeds damaged files to every dataset reader and counts what happens.

Example:
    python -m tools.dev.fuzz_readers --cases=2000 --seed=0

Small files of each format are made (as the tests make them), damaged by
flipped bytes, cuts, swapped blocks, impossible lengths and odd words, and
read in another process with a limit on memory and time. A reader may read
what is left, or refuse it with a `ValueError` or `OSError` that names the
place; anything else counts as a crash, a process that dies too.

The last line of standard output is JSON: reader to counts of `read`,
`refused`, `nameless` (refused without naming a file), `crash` and `hang`.
It needs a checkout, whose tests make the files.
"""

import json
import multiprocessing
import pathlib
import shutil
import tempfile
import time
import traceback

import numpy as np
from absl import flags

from . import _common, _fuzz

_CASES = flags.DEFINE_integer(
    "cases", 2000, "Damaged files per reader.", lower_bound=1
)
_SEED = flags.DEFINE_integer("seed", 0, "Of the damage.")
_READERS = flags.DEFINE_list("readers", None, "Names; all where not given.")
_SECONDS = flags.DEFINE_float("seconds", 20.0, "More than this is a hang.")
_GIGABYTES = flags.DEFINE_float(
    "gigabytes", 3.0, "Memory that one reader may take."
)
_KEEP = flags.DEFINE_string(
    "keep", None, "Folder for files that made a reader crash or hang."
)
OUTCOMES = ("read", "refused", "nameless", "crash", "hang")


def main():
    names = _READERS.value or list(_fuzz.READERS)
    unknown = set(names) - set(_fuzz.READERS)
    if unknown:
        raise ValueError(
            f"No reader is called {', '.join(sorted(unknown))}; there are: "
            f"{', '.join(_fuzz.READERS)}."
        )
    _fuzz.READERS["lsp"].load()  # Or it is said here that this is no checkout.
    counts = fuzz(
        names,
        cases=_CASES.value,
        seed=_SEED.value,
        seconds=_SECONDS.value,
        gigabytes=_GIGABYTES.value,
        keep=_KEEP.value and pathlib.Path(_KEEP.value),
    )
    print(json.dumps(counts))


def fuzz(names, *, cases, seed, seconds=20.0, gigabytes=3.0, keep=None):
    """Reads damaged data sets and prints a line for each reader.

    Args:
        names: list of str, keys of `_fuzz.READERS`.
        cases: int, damaged data sets a reader.
        seed: int; case k is the same whatever the other cases did.
        seconds: float, a read that takes longer is stopped.
        gigabytes: float, memory for one reader above what it starts with.
        keep: `pathlib.Path` of a folder for what went wrong, or None.

    Returns:
        dict of reader to dict of outcome to count.
    """
    print(f"{'reader':16}" + "".join(f"{o:>10}" for o in OUTCOMES))
    counts = {name: dict.fromkeys(OUTCOMES, 0) for name in names}
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        worker = _Worker(scratch, seed, gigabytes)
        try:
            for name in names:
                update = _common.progress_line(cases, name)
                for case in range(cases):
                    outcome, text = worker.run(name, case, seconds)
                    counts[name][outcome] += 1
                    if outcome not in ("read", "refused"):
                        print(f"{name}, case {case}: {outcome}: {text}")
                        if keep is not None:
                            shutil.copytree(
                                scratch / name,
                                keep / f"{name}_{case}",
                                dirs_exist_ok=True,
                                symlinks=True,
                            )
                    update(case + 1)
                row = "".join(f"{counts[name][o]:10}" for o in OUTCOMES)
                print(f"{name:16}{row}", flush=True)
        finally:
            worker.stop()
    return counts


class _Worker:
    """A process that reads one case after the other, and is made anew."""

    def __init__(self, *arguments):
        self.arguments = arguments
        self.process = None

    def run(self, name, case, seconds):
        """`(outcome, text)` of one case."""
        if self.process is None:
            self._start()
        self.pipe.send((name, case))
        if not self.pipe.poll(seconds):
            self.stop()
            return "hang", f"no answer after {seconds:g} s"
        try:
            return self.pipe.recv()
        except EOFError:
            self.process.join()
            code = self.process.exitcode
            self.process = None
            return "crash", f"the process died with {code}"

    def _start(self):
        # Spawned, not forked: threads of TensorFlow do not survive a fork.
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(
            target=_serve, args=(theirs, *self.arguments), daemon=True
        )
        self.process.start()
        theirs.close()
        try:
            self.pipe.recv()
        except EOFError:
            raise OSError(
                "The process that reads damaged files did not start; what "
                "it said is above."
            ) from None

    def stop(self):
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.process = None


def _serve(pipe, scratch, seed, gigabytes):
    """What the process does: makes data sets, and reads them damaged."""
    for reader in _fuzz.READERS.values():
        reader.load()  # Before memory is limited.
    _fuzz.limit_memory(gigabytes)
    pipe.send("ready")
    made = {}
    while True:
        name, case = pipe.recv()
        if name not in made:
            made[name] = _make(name, scratch / name)
        read, targets, originals = made[name]
        rng = np.random.default_rng((seed, case))
        path = targets[rng.integers(len(targets))]
        path.write_bytes(_fuzz.damage(originals[path], path, rng))
        answer = _read(read, scratch / name)
        path.write_bytes(originals[path])
        pipe.send(answer)


def _make(name, folder):
    """What reads a data set, its files that are damaged, and their bytes."""
    make, read = _fuzz.READERS[name].load()
    shutil.rmtree(folder, ignore_errors=True)
    make(folder)
    patterns = _fuzz.READERS[name].targets
    targets = sorted(p for t in patterns for p in folder.rglob(t))
    read(folder)  # What is not damaged must be readable.
    return read, targets, {path: path.read_bytes() for path in targets}


def _read(read, folder):
    start = time.monotonic()
    try:
        fault = _fuzz.fault(read(folder))
    except (ValueError, OSError) as error:
        text = str(error)
        if str(folder) in text or isinstance(error, OSError):
            return "refused", text
        return "nameless", f"{type(error).__name__}: {text}"
    except BaseException:
        seconds = time.monotonic() - start
        return "crash", f"{traceback.format_exc()} after {seconds:.1f} s"
    return ("crash", f"wrong labels: {fault}") if fault else ("read", "")


if __name__ == "__main__":
    _common.run(main)
