"""Fixtures that tests share, and quiet back ends."""

import importlib
import os
import pathlib
import sys

import pytest

# Before anything imports TensorFlow: its start-up chatter hides the failures,
# and parallel test processes must not each claim the whole of a GPU.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

CHECKOUT = pathlib.Path(__file__).resolve().parent.parent
# What `make quick` leaves out, besides single tests marked slow: where tests
# train, export or serve networks, or start programs.
SLOW = (
    "data/pipeline/test_batching.py",
    "data/pipeline/test_supervision.py",
    "deploy",
    "evaluation",
    "examples",
    "export",
    "inference",
    "litert",
    "models/test_cost.py",
    "models/test_encoder.py",
    "serving",
    "tools",
    "training",
    "web",
)


def pytest_collection_modifyitems(items):
    """Marks them slow."""
    for item in items:
        path = item.path.relative_to(CHECKOUT / "tests")
        if any(path.is_relative_to(name) for name in SLOW):
            item.add_marker(pytest.mark.slow)


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


@pytest.fixture(autouse=True, scope="session")
def quick_finder(request):
    """Models that tests export find somebody in the middle of a picture.

    The finder that ships takes seconds to export. Yields that one; a test
    with the fixture `shipped_finder` exports it.
    """
    slow = any(
        item.get_closest_marker("slow") for item in request.session.items
    )
    if not slow:
        # Nothing is exported, and others do without TensorFlow.
        yield None
        return
    from ordinal_tf.models import finder
    from tests import finders

    shipped = finder.shipped
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(finder, "shipped", finders.middle)
        yield shipped


@pytest.fixture
def shipped_finder(quick_finder, monkeypatch):
    """Models that this test exports find people with what ships."""
    from ordinal_tf.models import finder

    monkeypatch.setattr(finder, "shipped", quick_finder)


@pytest.fixture
def import_tool():
    """`import_tool("predict")` imports a program for this test alone.

    Programs define flags when imported, and two of them may use one name: the
    next import, or the end of the test, takes the flags back.
    """

    def load(name):
        _forget_tools()
        return importlib.import_module(f"tools.{name}")

    yield load
    _forget_tools()


def _forget_tools():
    """Undoes the import of every program, and what its flags were set to."""
    from absl import flags

    flags.FLAGS.unparse_flags()
    for flag in list(flags.FLAGS):
        owner = flags.FLAGS.find_module_defining_flag(flag) or ""
        if owner.startswith("tools.") or flag.startswith("config."):
            delattr(flags.FLAGS, flag)
    for name in [name for name in sys.modules if name.startswith("tools.")]:
        package, _, program = name.rpartition(".")
        if name != "tools.dev" and not program.startswith("_"):
            del sys.modules[name]
            vars(sys.modules[package]).pop(program, None)


@pytest.fixture
def run_tool(import_tool, monkeypatch, capfd):
    """`run_tool("predict", "--model=lite", ...)`, as from the command line.

    In this process, because another would import TensorFlow again. Returns
    the exit code (0 for success), standard output and standard error.
    """

    def run(name, *arguments):
        # First, because a config flag reads the arguments when it is defined.
        file = name.rpartition(".")[2] + ".py"
        argv = [file, *map(str, arguments)]
        monkeypatch.setattr(sys, "argv", argv)
        program = import_tool(name)
        capfd.readouterr()
        with pytest.raises(SystemExit) as end:
            sys.modules["tools._common"].run(program.main)
        captured = capfd.readouterr()
        return end.value.code or 0, captured.out, captured.err

    return run
