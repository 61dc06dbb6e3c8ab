"""Imports go one way: row n of `ROWS` may import rows 0 to n."""

import ast
import textwrap

import pytest

ROWS = {
    "paths": 0,
    "skeleton": 0,
    "boxes": 0,
    "geometry": 0,
    "ordinal": 0,
    "volumes": 1,
    "losses": 1,
    "metrics": 1,
    "official": 1,  # The published arithmetic, for parity tests.
    "models": 2,
    "data": 3,
    "drawing": 3,
    "synthetic": 3,
    "training": 4,
    "export": 5,
    "serving": 5,
    "cli": 6,
    "": 6,  # ordinal_tf itself: `load` reaches down to export.
}
# The two meet in training/, as a dict of tensors.
STRANGERS = [("models", "data"), ("data", "models")]
OUTSIDE = ("tools", "configs", "tests")
TENSORFLOW_FROM_ROW = 3


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
    # The version is a constant that everybody may name.
    if first != "ordinal_tf" or rest == "__version__":
        return None
    head = rest.partition(".")[0]
    # `from ordinal_tf import load` is the package itself.
    return head if head in ROWS else ""


def violations(home, names):
    """Sentences on what a module in room `home` may not import."""
    wrong = []
    for name in names:
        other, top = room(name), name.partition(".")[0]
        if other is not None and ROWS[other] > ROWS[home]:
            wrong.append(f"{name}: row {ROWS[other]}, above row {ROWS[home]}")
        if (home, other) in STRANGERS:
            wrong.append(f"{name}: {home}/ and {other}/ never meet")
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
        yield path, "" if parts == ("__init__",) else parts[0]


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
        found += [f"{label} imports {w}" for w in violations(home, names)]
    assert seen > 50  # The walk found the package.
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("home", "line", "count"),
    [
        ("losses", "from ordinal_tf import geometry, metrics", 0),
        ("losses", "from ordinal_tf import geometry, models", 1),
        ("geometry", "import ordinal_tf.volumes", 1),
        ("models", "from ordinal_tf.data import pipeline", 2),
        ("data", "from ..models import build", 1),
        ("training", "from ..models import build", 0),
        ("models", "def f():\n    import tensorflow as tf", 1),
        ("data", "import tensorflow as tf", 0),
        ("export", "from absl import flags", 1),
        ("training", "from absl import logging", 0),
        ("training", "from ml_collections import config_flags", 1),
        ("training", "from tools import _common", 1),
        ("training", "from ordinal_tf.data.lsp import *", 1),
        ("export", "from ordinal_tf import load", 1),
        ("export", "from ordinal_tf import __version__", 0),
    ],
)
def test_the_check_itself(home, line, count):
    names = imports(textwrap.dedent(line), f"ordinal_tf.{home}")
    assert len(violations(home, names)) == count
