"""A flag means the same in every program."""

import ast
import collections

from tools import _common


def defined(checkout):
    """Dict of flag to dict of program to (kind, help)."""
    found = collections.defaultdict(dict)
    for path in (checkout / "tools").rglob("[!_]*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = getattr(getattr(node, "func", None), "attr", "")
            if name.startswith("DEFINE_"):
                flag = node.args[0].value
                words = [
                    part.value
                    for arg in node.args[2:]
                    for part in ast.walk(arg)
                    if isinstance(part, ast.Constant)
                    and isinstance(part.value, str)
                ]
                # One or many of the same are the same kind of thing.
                kind = name.removeprefix("DEFINE_").removeprefix("multi_")
                found[flag][path.stem] = (kind, " ".join(words))
    assert len(found) > 50
    return found


def test_shared_flags_are_of_one_kind(checkout):
    for flag, programs in defined(checkout).items():
        kinds = {kind for kind, _ in programs.values()}
        assert len(kinds - {"enum"}) <= 1, f"--{flag}: {programs}"


def test_flags_that_meant_several_things(checkout):
    flags = defined(checkout)
    # A switch, since the folder of backgrounds has its own name.
    assert set(flags["pictures"]) == {"predict"}
    # One of a data set's own, from 1, and both ends count.
    for program, (_, text) in flags["first"].items():
        assert "from 1" in text, program
        assert "included" in flags["last"][program][1]
    # What is read of a run, and goes on.
    for program, (_, text) in flags["workdir"].items():
        assert text.endswith("made where missing."), program
        assert program not in flags["out"]
    # A data set as it was published, a folder in LSP's layout, and one that
    # tools.prepare wrote.
    for program, (_, text) in flags["source"].items():
        assert "published" in text, program
    for program, (_, text) in flags["lsp"].items():
        assert "layout" in text, program
    assert "photo" not in flags


def test_old_names_are_gone_and_new_ones_exist(checkout):
    flags = defined(checkout)
    assert _common.OLD_FLAGS["prepare"] == {"pictures": "backgrounds"}
    for program, names in _common.OLD_FLAGS.items():
        for old, new in names.items():
            assert program not in flags.get(old, {}), f"{program} --{old}"
            assert program in flags[new], f"{program} --{new}"


def test_an_old_name_still_works(run_tool):
    code, _, err = run_tool("dev.build_poses", "--source=no", "--out=no.npz")
    assert code == 1
    first, *_, second = err.splitlines()  # Between them, TensorFlow on GPUs.
    assert first.startswith("--source is called --poses now")
    assert "no is missing" in second
