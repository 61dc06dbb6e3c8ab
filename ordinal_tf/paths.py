"""Where the files that ship with the package lie."""

import pathlib

_PACKAGE = pathlib.Path(__file__).resolve().parent


def shipped_folder(name):
    """`pathlib.Path` of a shipped folder such as "saved_models".

    In a checkout it lies beside the package, once installed inside it.
    """
    inside = _PACKAGE / name
    return inside if inside.is_dir() else _PACKAGE.parent / name


def shipped_models():
    """Sorted names of the models that ship with the package."""
    folder = shipped_folder("saved_models")
    return sorted(path.name for path in folder.glob("*") if path.is_dir())


def shipped_model(name):
    """`pathlib.Path` of a shipped model's folder.

    Args:
        name: str, such as "lite".

    Raises:
        ValueError: no such model; lists what is shipped.
    """
    if name not in shipped_models():
        raise ValueError(
            f"No shipped model is called {name!r}. Shipped are: "
            f"{', '.join(shipped_models()) or 'none'}."
        )
    return shipped_folder("saved_models") / name


def find_model(name_or_path):
    """`pathlib.Path` of a model given as a folder or as a shipped one's name.

    An existing folder wins over a shipped model of the same name.

    Raises:
        ValueError: neither; lists what is shipped.
    """
    path = pathlib.Path(name_or_path)
    if path.is_dir():
        return path
    if path.exists():
        raise ValueError(f"A model is a folder, this is a file: {path}")
    if len(path.parts) == 1:
        return shipped_model(path.name)
    raise ValueError(
        f"No model folder at {path}. Shipped models go by name alone: "
        f"{', '.join(shipped_models()) or 'none'}."
    )
