"""Worker processes end with the process that started them."""

import pathlib
import subprocess
import sys
import time

import pytest

_PARENT = """
import concurrent.futures, multiprocessing, os, time
from ordinal_tf.data.prepared import workers

if __name__ == "__main__":
    pool = concurrent.futures.ProcessPoolExecutor(
        1,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=workers.start,
    )
    print(pool.submit(os.getpid).result(), flush=True)
    pool.submit(time.sleep, 600)
    time.sleep(600)
"""


def _alive(number):
    """Whether a process runs; one that ended and nobody asked after, not."""
    try:
        with open(f"/proc/{number}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(
    not pathlib.Path("/proc/self/stat").is_file(), reason="needs Linux"
)
def test_workers_of_a_killed_parent_end(request, tmp_path):
    program = tmp_path / "parent.py"
    program.write_text(_PARENT)
    parent = subprocess.Popen(
        [sys.executable, program],
        env={"PYTHONPATH": str(request.config.rootpath)},
        stdout=subprocess.PIPE,
        text=True,
    )
    worker = int(parent.stdout.readline())
    assert _alive(worker)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    stop = time.monotonic() + 30
    while _alive(worker) and time.monotonic() < stop:
        time.sleep(0.05)
    assert not _alive(worker)
