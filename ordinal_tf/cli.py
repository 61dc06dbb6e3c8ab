"""The console script: `ordinal-tf NAME` runs the program `tools.NAME`.

Programs for those who work on the package are called `dev.NAME`.

It only finds and starts programs; what they are made of is not imported
here, so that the list of them comes at once.
"""

import ast
import pathlib
import runpy
import sys

_PACKAGE = pathlib.Path(__file__).resolve().parent


def tools_package():
    """Name of the package that holds the programs, and its folder.

    Returns:
        `("ordinal_tf.tools", pathlib.Path)` where the package is installed,
        `("tools", pathlib.Path)` in a checkout.
    """
    inside = _PACKAGE / "tools"
    if inside.is_dir():
        return "ordinal_tf.tools", inside
    return "tools", _PACKAGE.parent / "tools"


def programs():
    """Dict of program name to the first line of its docstring."""
    _, folder = tools_package()
    found = {}
    users = [*folder.glob("[!_]*.py"), *folder.glob("apart/[!_]*.py")]
    users = {path.stem: path for path in users}
    dev = {f"dev.{path.stem}": path for path in folder.glob("dev/[!_]*.py")}
    for name, path in [*sorted(users.items()), *sorted(dev.items())]:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        text = ast.get_docstring(tree) or ""
        found[name] = text.partition("\n")[0]
    return found


def usage():
    """Help text: every program with what it does."""
    lines = ["usage: ordinal-tf NAME [flags]", ""]
    known = programs()
    width = max(map(len, known), default=0)
    lines += [f"  {name:{width}}  {text}" for name, text in known.items()]
    lines += ["", "`ordinal-tf NAME --help` lists the flags of one program."]
    return "\n".join(lines)


def main(arguments=None):
    """Runs the program that the first argument names.

    Args:
        arguments: list of str; by default those of the command line.

    Returns:
        int, the exit code, where no program was run.
    """
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    if arguments and arguments[0] == "--version":
        import ordinal_tf

        print(ordinal_tf.__version__)
        return 0
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(usage(), file=sys.stdout if arguments else sys.stderr)
        return 0 if arguments else 2
    name, *rest = arguments
    if f"dev.{name}" in programs():  # As they were called once.
        name = f"dev.{name}"
    if name not in programs():
        print(
            f"ordinal-tf: no program is called {name!r}; there are: "
            f"{', '.join(programs()) or 'none'}.",
            file=sys.stderr,
        )
        return 2
    package, folder = tools_package()
    if package == "tools":
        sys.path.insert(0, str(folder.parent))
    sys.argv = [name, *rest]  # runpy makes the first the program's path.
    runpy.run_module(f"{package}.{name}", run_name="__main__", alter_sys=True)
    return 0
