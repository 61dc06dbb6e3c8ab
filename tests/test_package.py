"""What the outside sees: import, model lookup, console script, install."""

import ast
import importlib.util
import json
import pathlib
import re
import subprocess
import sys
import sysconfig

import pytest

import ordinal_tf
from ordinal_tf import cli, paths


def python(*arguments, cwd, path=None):
    """Runs this interpreter; returns the finished process with its text."""
    env = {"PATH": "", "PYTHONDONTWRITEBYTECODE": "1"}
    if path is not None:
        env["PYTHONPATH"] = str(path)
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )


def test_importing_the_package_imports_no_framework(checkout):
    code = (
        "import json, sys, ordinal_tf, ordinal_tf.paths, ordinal_tf.cli;"
        "print(json.dumps(sorted(sys.modules)))"
    )
    done = python("-c", code, cwd=checkout)
    assert done.returncode == 0, done.stderr
    modules = json.loads(done.stdout)
    assert "ordinal_tf" in modules
    heavy = {"tensorflow", "keras", "jax", "cv2", "PIL", "absl"}
    assert not heavy & set(modules)


def test_version_is_the_changelogs_newest(checkout):
    text = (checkout / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = next(li for li in text.splitlines() if li.startswith("## "))
    assert newest.split()[1] == ordinal_tf.__version__
    citation = (checkout / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {ordinal_tf.__version__}\n" in citation


def test_pins_satisfy_the_declared_requirements(checkout):
    """Every core dependency of setup.py is pinned, at a version it allows."""
    requirements = pytest.importorskip("packaging.requirements")
    utils = pytest.importorskip("packaging.utils")
    source = (checkout / "setup.py").read_text(encoding="utf-8")
    listed = source.split("install_requires=[")[1].split("]")[0]
    declared = [
        requirements.Requirement(line.strip().strip('",'))
        for line in listed.splitlines()
        if line.strip()
    ]
    assert len(declared) >= 5
    pins = {}
    for line in (checkout / "requirements/demo.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, version = line.split("==")
            pins[utils.canonicalize_name(name)] = version
    for requirement in declared:
        pin = pins[utils.canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(pin), requirement


@pytest.fixture
def models(tmp_path, monkeypatch):
    """An installed package's layout with two shipped models."""
    package = tmp_path / "site" / "ordinal_tf"
    for name in ("lite", "full"):
        (package / "saved_models" / name).mkdir(parents=True)
    (package / "saved_models" / "README.md").write_text("Not a model.")
    monkeypatch.setattr(paths, "_PACKAGE", package)
    return package / "saved_models"


def test_shipped_models_installed(models):
    assert paths.shipped_models() == ["full", "lite"]
    assert paths.shipped_model("lite") == models / "lite"
    assert paths.find_model("lite") == models / "lite"


def test_shipped_models_in_a_checkout(checkout):
    assert paths.shipped_folder("saved_models") == checkout / "saved_models"


@pytest.mark.parametrize("name", ["litte", "", "..", "README.md"])
def test_unknown_model_lists_the_shipped_ones(models, name):
    with pytest.raises(ValueError, match="full, lite"):
        paths.shipped_model(name)


def test_find_model_by_path(models, tmp_path, monkeypatch):
    mine = tmp_path / "mine"
    mine.mkdir()
    assert paths.find_model(mine) == mine
    assert paths.find_model(str(mine)) == mine
    with pytest.raises(ValueError, match="No model folder at .*full, lite"):
        paths.find_model(tmp_path / "absent" / "lite")
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="is a file"):
        paths.find_model(tmp_path / "file")
    # A folder of the working directory wins over a shipped name.
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lite").mkdir()
    assert paths.find_model("lite") == pathlib.Path("lite")


def test_load_names_the_shipped_models(models):
    with pytest.raises(ValueError, match="'nosuch'.*full, lite"):
        ordinal_tf.load("nosuch")


PROGRAM = '''"""Says {word}.

And more.
"""
import sys

from . import _common

if __name__ == "__main__":
    print(__package__, *sys.argv, _common.VALUE)
'''


@pytest.fixture
def installed(tmp_path, checkout):
    """An installed layout with two small programs and a shared part."""
    package = tmp_path / "site" / "ordinal_tf"
    (package / "tools").mkdir(parents=True)
    for name in ("__init__.py", "_version.py", "cli.py"):
        text = (checkout / "ordinal_tf" / name).read_text(encoding="utf-8")
        (package / name).write_text(text, encoding="utf-8")
    (package / "tools" / "_common.py").write_text('"""Shared."""\nVALUE = 7')
    dev, apart = package / "tools" / "dev", package / "tools" / "apart"
    dev.mkdir()
    (dev / "__init__.py").write_text("from .. import _common")
    apart.mkdir()
    text = (checkout / "tools" / "__init__.py").read_text(encoding="utf-8")
    (line,) = [li for li in text.splitlines() if li.startswith("__path__")]
    (package / "tools" / "__init__.py").write_text(f"import os\n{line}\n")
    for name in ("hello", "bye", "dev/test", "apart/inspect"):
        text = PROGRAM.format(word=name)
        (package / "tools" / f"{name}.py").write_text(text)
    return package.parent


def cli_run(installed, tmp_path, *arguments):
    code = "import sys; from ordinal_tf import cli; sys.exit(cli.main())"
    return python("-c", code, *arguments, cwd=tmp_path, path=installed)


def test_cli_runs_a_program(installed, tmp_path):
    done = cli_run(installed, tmp_path, "hello", "--a=1", "b")
    assert done.returncode == 0, done.stderr
    program = installed / "ordinal_tf" / "tools" / "hello.py"
    assert done.stdout == f"ordinal_tf.tools {program} --a=1 b 7\n"


@pytest.mark.parametrize(
    ("name", "runs", "within"),
    [
        ("inspect", "apart/inspect.py", "tools"),
        ("dev.test", "dev/test.py", "tools.dev"),
        # What lies in dev/ now was called without it.
        ("test", "dev/test.py", "tools.dev"),
    ],
)
def test_cli_runs_programs_of_folders(installed, tmp_path, name, runs, within):
    done = cli_run(installed, tmp_path, name, "--a=1")
    assert done.returncode == 0, done.stderr
    program = installed / "ordinal_tf" / "tools" / runs
    assert done.stdout == f"ordinal_tf.{within} {program} --a=1 7\n"


def test_cli_help_lists_programs_with_their_first_line(installed, tmp_path):
    done = cli_run(installed, tmp_path, "--help")
    assert done.returncode == 0
    lines = [line.split(maxsplit=1) for line in done.stdout.splitlines()]
    assert ["bye", "Says bye."] in lines
    assert ["hello", "Says hello."] in lines
    assert ["dev.test", "Says dev/test."] in lines
    assert "_common" not in done.stdout and "And more" not in done.stdout


def test_cli_without_a_program_is_wrong_use(installed, tmp_path):
    done = cli_run(installed, tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "hello" in done.stderr


@pytest.mark.parametrize("name", ["helo", "_common", "../hello", "--x"])
def test_cli_unknown_program_is_one_sentence(installed, tmp_path, name):
    done = cli_run(installed, tmp_path, name)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert repr(name) in done.stderr and "bye, hello, " in done.stderr


def test_cli_version(capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == ordinal_tf.__version__


def test_programs_of_the_checkout_say_what_they_do():
    programs = cli.programs()
    assert programs and all(programs.values()), programs


@pytest.mark.parametrize("name", cli.programs())
def test_programs_work_under_both_names(checkout, name):
    """A program is `tools.NAME` here and `ordinal_tf.tools.NAME` installed.

    So it imports its neighbours as `from . import _common`, and has no
    default path that only exists in a checkout.
    """
    found = importlib.util.find_spec(f"tools.{name}").origin
    assert pathlib.Path(found).is_relative_to(checkout / "tools")
    tree = ast.parse(pathlib.Path(found).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            modules = [node.module]
        else:
            continue
        tops = {module.partition(".")[0] for module in modules}
        assert not tops & {"tools", "configs"}, f"{name}.py:{node.lineno}"
    docstring = ast.get_docstring(tree, clean=False)
    strings = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    folders = ("configs/", "saved_models/", "demo/")
    for string in strings - {docstring}:
        assert not string.startswith(folders), string


DEV = [name for name in cli.programs() if name.startswith("dev.")]


@pytest.mark.parametrize("name", DEV)
def test_programs_of_developers_keep_their_old_names(name, import_tool):
    pytest.importorskip("tensorflow")
    program = import_tool(name)
    assert program.__package__ == "tools.dev"
    main, file = program.main.__code__, program.__file__
    old = import_tool(name.removeprefix("dev."))
    assert old.__package__ == "tools" and old.__file__ == file
    assert old.main.__code__ == main


def test_no_file_hides_a_standard_module(checkout):
    """A file run by its path finds its neighbours before the library."""
    names = {path.stem for path in (checkout / "tools").glob("*.py")}
    names |= {path.stem for path in (checkout / "tools/dev").glob("*.py")}
    assert not names & sys.stdlib_module_names


@pytest.mark.slow
def test_install_away_from_the_checkout(checkout, tmp_path):
    """`pip install .` puts one package where it installs, with its parts."""
    copy = tmp_path / "copy"
    copy.mkdir()
    # A copy, because building writes beside setup.py.
    for name in ("ordinal_tf", "tools", "configs", "saved_models"):
        for path in (checkout / name).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                target = copy / path.relative_to(checkout)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(path.read_bytes())
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        (copy / name).write_bytes((checkout / name).read_bytes())
    site = tmp_path / "site"
    pip = "pip install --quiet --no-deps --no-build-isolation --no-index"
    done = python("-m", *pip.split(), "--target", site, copy, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    top = {p.name for p in site.iterdir() if not p.name.endswith("-info")}
    assert top == {"ordinal_tf", "bin"}
    package = site / "ordinal_tf"
    for folder in ("tools", "configs", "saved_models"):
        wanted = {
            path.relative_to(copy / folder)
            for path in (copy / folder).rglob("*")
            if path.is_file()
        }
        found = {
            path.relative_to(package / folder)
            for path in (package / folder).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
        assert wanted == found
    done = cli_run(site, tmp_path, "--help")
    assert done.returncode == 0, done.stderr
    assert all(name in done.stdout for name in cli.programs())
    code = "import ordinal_tf.paths as p; print(p.shipped_folder('configs'))"
    # `purelib` too, for the dependencies, where that is another folder.
    path = f"{site}:{sysconfig.get_path('purelib')}"
    done = python("-c", code, cwd=tmp_path, path=path)
    assert done.stdout.strip() == str(package / "configs")


def test_nothing_depends_on_docstrings(checkout):
    """`python -OO` leaves them out; `tools.convert_tflite` once read one."""
    read = [
        str(path.relative_to(checkout))
        for folder in ("ordinal_tf", "tools", "configs")
        for path in (checkout / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and node.attr == "__doc__"
        or isinstance(node, ast.Name)
        and node.id == "__doc__"
    ]
    assert not read


def test_log_levels_are_set_before_tensorflow_is_imported(checkout):
    """Afterwards they do nothing; a program's code always runs afterwards."""
    found = {
        str(path.relative_to(checkout))
        for folder in ("ordinal_tf", "tools")
        for path in (checkout / folder).rglob("*.py")
        if re.search(
            r"environ(\.setdefault\(|\[)\s*.TF_CPP",
            path.read_text(encoding="utf-8"),
        )
    }
    assert found == {"tools/__init__.py"}
    code = (
        "import os, sys, tools; print(os.environ['TF_CPP_MIN_LOG_LEVEL']);"
        "import tensorflow as tf; tf.raw_ops.Identity(input=1)"
    )
    done = python("-c", code, cwd=checkout)
    assert (done.stdout, done.stderr) == ("3\n", "")
