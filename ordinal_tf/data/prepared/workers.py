"""How processes that make examples start."""

import multiprocessing
import os
import signal
import threading
from multiprocessing import connection

import cv2
import threadpoolctl


def start():
    """First thing that a spawned worker process does."""
    # Ctrl-C is the parent's business, which then ends its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # The processes are the parallelism: threads of BLAS on top of them, all
    # on the same cores, halve the speed.
    cv2.setNumThreads(1)
    threadpoolctl.threadpool_limits(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent():
    """A parent that was killed cannot end its workers; they would go on."""
    connection.wait([multiprocessing.parent_process().sentinel])
    os._exit(1)
