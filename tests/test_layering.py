"""Imports go one way: row n of `ROWS` may import rows 0 to n."""

import ast
import textwrap

import pytest

ROWS = {
    "_version": 0,
    "paths": 0,
    "files": 0,
    "vectors": 0,
    "skeleton": 0,
    "boxes": 0,
    "geometry": 0,
    "ordinal": 0,
    "placing": 1,
    "volumes": 1,
    "losses": 1,
    "metrics": 1,
    "drawing": 2,
    "models": 2,
    "data": 3,
    "annotation": 4,
    "writers": 4,
    "synthetic": 4,
    "evaluation": 5,
    "training": 5,
    "inference": 6,
    "export": 7,
    "litert": 7,
    "serving": 8,
    "web": 8,
    "cli": 9,
    "__init__": 9,  # `load` reaches down to inference.
}
# The two meet in training/, as a dict of tensors.
STRANGERS = [("models", "data"), ("data", "models")]
OUTSIDE = ("tools", "configs", "tests")
# What a room shows to the others, where that is not all of it.
DOORS = {"synthetic": "ordinal_tf.synthetic.people"}
TENSORFLOW_FROM_ROW = 3
# One kernel of batch norm, and gradients of depthwise convolutions, are its.
KNOWS_TENSORFLOW = (
    "ordinal_tf/models/depthwise.py",
    "ordinal_tf/models/norm.py",
)


def imports(source, package):
    """Full dotted names that a module's text imports, late ones included.

    Args:
        source: str, Python text.
        package: dotted name of the package that holds the module.
    """
    names = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")
            parts = parts[: len(parts) - node.level + 1] if node.level else []
            head = ".".join([*parts, *([node.module] if node.module else [])])
            names += [f"{head}.{alias.name}" for alias in node.names]
    return names


def room(name):
    """First part below `ordinal_tf`; None for modules of others."""
    first, _, rest = name.partition(".")
    if first != "ordinal_tf":
        return None
    head = rest.partition(".")[0]
    # `from ordinal_tf import load` is the package itself.
    return head if head in ROWS else "__init__"


def enters(home, other, name):
    """Whether a name of another room is reached through its door, if any."""
    door = DOORS.get(other)
    return home == other or not door or f"{name}.".startswith(f"{door}.")


def violations(home, names):
    """Sentences on what a module in room `home` may not import."""
    wrong = []
    for name in names:
        other, top = room(name), name.partition(".")[0]
        if other is not None and ROWS[other] > ROWS[home]:
            wrong.append(f"{name}: row {ROWS[other]}, above row {ROWS[home]}")
        if (home, other) in STRANGERS:
            wrong.append(f"{name}: {home}/ and {other}/ never meet")
        if not enters(home, other, name):
            wrong.append(f"{name}: the door of {other}/ is {DOORS[other]}")
        if top in OUTSIDE:
            wrong.append(f"{name}: the package does not import {top}/")
        if top == "tensorflow" and ROWS[home] < TENSORFLOW_FROM_ROW:
            wrong.append(f"{name}: only from row {TENSORFLOW_FROM_ROW} on")
        if name.startswith(("absl.flags", "absl.app")):
            wrong.append(f"{name}: command lines are read in tools/ only")
        if name.startswith("ml_collections.config_flags"):
            wrong.append(f"{name}: flags are read in tools/ only")
        if name.endswith(".*"):
            wrong.append(f"{name}: star import")
    return wrong


def modules(checkout):
    """`(path, room)` of every module of the package."""
    package = checkout / "ordinal_tf"
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        yield path, parts[0]


def test_every_module_has_a_row(checkout):
    lacking = [str(p) for p, home in modules(checkout) if home not in ROWS]
    assert not lacking, f"Give these a row in {__file__}: {lacking}"


def test_imports_go_one_way(checkout):
    found, seen = [], 0
    for path, home in modules(checkout):
        if home not in ROWS:
            continue
        package = ".".join(path.parent.relative_to(checkout).parts)
        names = imports(path.read_text(encoding="utf-8"), package)
        seen += len(names)
        label = path.relative_to(checkout)
        if label.as_posix() in KNOWS_TENSORFLOW:
            names = [name for name in names if name != "tensorflow"]
        found += [f"{label} imports {w}" for w in violations(home, names)]
    assert seen > 50  # The walk found the package.
    assert not found, "\n".join(found)


def test_programs_use_the_doors(checkout):
    found, seen = [], 0
    tools = checkout / "tools"
    # Those of developers build and measure what is behind the doors.
    for path in [*tools.glob("*.py"), *tools.glob("apart/*.py")]:
        for name in imports(path.read_text(encoding="utf-8"), "tools"):
            seen += name.startswith("ordinal_tf.")
            if not enters("tools", room(name), name):
                found.append(f"{path.name} imports {name}")
    assert seen > 20
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("home", "line", "count"),
    [
        ("losses", "from ordinal_tf import geometry, metrics", 0),
        ("losses", "from ordinal_tf import geometry, models", 1),
        ("geometry", "import ordinal_tf.volumes", 1),
        ("models", "from ordinal_tf.data import readers", 2),
        ("data", "from ..models import build", 1),
        ("training", "from ..models import build", 0),
        ("models", "def f():\n    import tensorflow as tf", 1),
        ("data", "import tensorflow as tf", 0),
        ("export", "from absl import flags", 1),
        ("training", "from absl import logging", 0),
        ("training", "from ml_collections import config_flags", 1),
        ("training", "from tools import _common", 1),
        ("training", "from ordinal_tf.data.readers.lsp import *", 1),
        ("export", "from ordinal_tf import load", 1),
        ("export", "from ordinal_tf import __version__", 1),
        ("export", "from ordinal_tf._version import __version__", 0),
        ("training", "from ordinal_tf.synthetic import people", 0),
        ("training", "from ordinal_tf.synthetic.people import PRESETS", 0),
        ("training", "from ordinal_tf.synthetic import pose", 1),
        ("training", "from ordinal_tf.synthetic.body import model", 1),
        ("synthetic", "from ordinal_tf.synthetic.body import model", 0),
    ],
)
def test_the_check_itself(home, line, count):
    names = imports(textwrap.dedent(line), f"ordinal_tf.{home}")
    assert len(violations(home, names)) == count
