"""docs/architecture.md names what exists."""

import ast
import re

import pytest

PAGE = "docs/architecture.md"
FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef


@pytest.fixture(scope="module")
def page(checkout):
    return (checkout / PAGE).read_text(encoding="utf-8")


def defined(path):
    """Names of a module's functions, classes and their methods."""
    names = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, FUNCTIONS | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            parts = [part for part in node.body if isinstance(part, FUNCTIONS)]
            names |= {f"{node.name}.{part.name}" for part in parts}
    return names


def test_every_function_exists(checkout, page):
    named = re.findall(r"`([a-z_0-9/]+)\.([A-Za-z_.0-9]+)`", page)
    named = [(module, name) for module, name in named if name != "py"]
    assert len(named) > 40  # The page was understood.
    for module, name in named:
        path = checkout / "ordinal_tf" / f"{module}.py"
        assert path.is_file(), f"{PAGE}: no module {module}"
        assert name in defined(path), f"{PAGE}: no {module}.{name}"


def test_every_path_exists(checkout, page):
    named = re.findall(r"`([a-z_0-9/]+(?:/|\.py))`", page)
    assert len(named) > 15
    for name in named:
        places = (checkout / "ordinal_tf" / name, checkout / name)
        assert any(place.exists() for place in places), f"{PAGE}: no {name}"


def test_every_room_is_on_the_page(checkout, page):
    table = page.split("## The rooms")[1].split("\n## ")[0]
    named = set(re.findall(r"`([a-z]+)", table))
    rooms = {
        path.stem
        for path in (checkout / "ordinal_tf").iterdir()
        if not path.stem.startswith("_") and (path / "__init__.py").is_file()
    }
    assert rooms and rooms <= named, rooms - named


def test_one_page(page):
    assert len(page.splitlines()) < 150
