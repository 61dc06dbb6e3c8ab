"""A program in a process of its own, which does not outlive its test."""

import contextlib
import os
import subprocess
import sys
import threading

_SECONDS = 300.0  # So long it may run.


@contextlib.contextmanager
def started(checkout, name, *flags, path=None):
    """Yields the `subprocess.Popen` of `tools.NAME`, all its output piped."""
    process = subprocess.Popen(
        [sys.executable, "-m", f"tools.{name}", *flags],
        cwd=checkout,
        env={
            **os.environ,
            "CUDA_VISIBLE_DEVICES": "",
            "PATH": path or os.environ["PATH"],
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    timer = threading.Timer(_SECONDS, process.kill)
    timer.start()
    with process:
        try:
            yield process
        finally:
            timer.cancel()
            process.kill()
