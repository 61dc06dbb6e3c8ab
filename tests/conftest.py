"""Fixtures that tests share, and quiet back ends."""

import os
import pathlib

import pytest

# Before anything imports TensorFlow: its start-up chatter hides the failures,
# and parallel test processes must not each claim the whole of a GPU.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

CHECKOUT = pathlib.Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def checkout():
    """`pathlib.Path` of the checkout's root."""
    return CHECKOUT


@pytest.fixture(scope="session")
def golden():
    """`pathlib.Path` of the golden vectors; their README says what they are."""
    return CHECKOUT / "tests" / "golden"


@pytest.fixture(scope="session")
def shared_data():
    """`pathlib.Path` of the real data; skips the test where there is none.

    The environment variable ORDINAL_TF_DATA names the folder; without it,
    `../shared/data` beside the checkout.
    """
    named = os.environ.get("ORDINAL_TF_DATA")
    path = pathlib.Path(named or CHECKOUT.parent / "shared" / "data")
    if not path.is_dir():
        pytest.skip(f"No real data at {path}: set ORDINAL_TF_DATA.")
    return path.resolve()
