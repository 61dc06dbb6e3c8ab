"""What every program shares: its start, errors in one line, progress."""

import contextlib
import inspect
import itertools
import json
import pathlib
import sys
import time

from absl import app, logging

_CONFIGS = pathlib.Path(__file__).resolve().parent.parent / "configs"
# By program, flags whose names meant something else in other programs; the
# old ones go after version 0.1.
OLD_FLAGS = {
    "ablation_people": {"out": "workdir"},
    "benchmark_inference": {"photo": "images"},
    "benchmark_pipeline": {"images": "count"},
    "benchmark_serving": {"photo": "images"},
    "build_poses": {"source": "poses"},
    "draw_people": {
        "first": "start",
        "labels": "draw_labels",
        "pictures": "backgrounds",
    },
    "prepare": {"pictures": "backgrounds"},
}


def run(main):
    """Runs `main` as a program and exits.

    Bad input, which the library reports as `ValueError` or `OSError`, ends in
    one line on standard error and exit code 1; `--verbosity=1` shows the
    traceback instead. Ctrl-C ends in exit code 130. `--config=NAME` finds the
    packaged `configs/NAME.py`.

    Args:
        main: function of nothing; or, of a program that takes arguments
            which are not flags, of the list of these.
    """
    name = pathlib.Path(sys.argv[0]).stem

    def start(argv):
        if inspect.signature(main).parameters:
            main(argv[1:])
        elif argv[1:]:
            raise app.UsageError(f"Unexpected arguments: {argv[1:]}")
        else:
            main()

    try:
        # ml_collections looks at `sys.argv` too, so both must agree.
        sys.argv = expand_config(renamed(sys.argv, OLD_FLAGS.get(name, {})))
        app.run(start, flags_parser=_parse)
    except (ValueError, OSError) as error:
        if logging.level_debug():
            raise
        print(f"{name}: {sentence(error)}", file=sys.stderr)
        sys.exit(1)
    except SystemExit as end:
        asked = {"--help", "--helpshort", "--helpfull"} & set(sys.argv)
        # absl ends with 1 here, which would stop a script that only asks.
        sys.exit(0 if asked and end.code == 1 else end.code)
    except KeyboardInterrupt:
        print(f"{name}: interrupted", file=sys.stderr)
        sys.exit(130)


def _parse(arguments):
    """Parses flags; an unknown config field is bad input like any other."""
    try:
        return app.parse_flags_with_usage(arguments)
    except (AttributeError, KeyError, TypeError) as error:
        # The message comes quoted, twice for a field of a field.
        message = str(error).replace("\\n", ": ")
        message = message.translate(str.maketrans("", "", "\\'"))
        raise ValueError(f"Bad `--config` field: {message}") from error


def sentence(error):
    """An exception's message on one line, its type where it has none."""
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split()) or type(error).__name__


def renamed(arguments, old):
    """Replaces flags' old names, with a sentence on standard error each.

    Args:
        arguments: list of str, as `sys.argv`. Not modified.
        old: dict of old to new name, without dashes.

    Returns:
        list of str.
    """
    new = list(arguments)
    for i, argument in enumerate(arguments):
        if argument == "--":
            break
        flag, equals, value = argument.partition("=")
        name = old.get(flag.lstrip("-")) if flag.startswith("-") else None
        if name:
            new[i] = f"--{name}{equals}{value}"
            print(
                f"{flag} is called --{name} now; the old name goes after this "
                "release.",
                file=sys.stderr,
            )
    return new


def expand_config(arguments):
    """Turns `--config=NAME` into the path of the packaged `configs/NAME.py`.

    Args:
        arguments: list of str, as `sys.argv`. Not modified.

    Returns:
        list of str; what looks like a path (a slash or `.py`) stays as it is.

    Raises:
        ValueError: no such config; names the packaged ones.
    """
    expanded = list(arguments)
    for i, argument in enumerate(arguments):
        flag, equals, value = argument.partition("=")
        if flag not in ("--config", "-config"):
            continue
        if equals:
            expanded[i] = f"{flag}={config_path(value)}"
        elif i + 1 < len(arguments):
            expanded[i + 1] = config_path(arguments[i + 1])
    return expanded


def config_path(name):
    """Path of a config given as a path or as the name of a packaged one."""
    if "/" in name or "\\" in name or name.endswith(".py"):
        if not pathlib.Path(name).is_file():
            raise ValueError(
                f"`--config` names a file that does not exist: {name}. The "
                f"packaged ones go by name alone: {_config_names()}."
            )
        return name
    path = _CONFIGS / f"{name}.py"
    if name.startswith("_") or not path.is_file():
        raise ValueError(
            f"No config named {name!r}. Packaged are: {_config_names()}; "
            f"another needs its path."
        )
    return str(path)


def _config_names():
    names = sorted(path.stem for path in _CONFIGS.glob("[!_]*.py"))
    return ", ".join(names) or "none"


def progress_line(total, label, *, stream=None, every_s=10.0):
    """Starts a progress display and returns the function that updates it.

    On a terminal one line is rewritten; elsewhere a plain line is written at
    most every `every_s` seconds, and at the end.

    Args:
        total: int, or None where the end is not known.
        label: str, what is being done, such as "predict".
        stream: where to write; standard error by default.
        every_s: seconds between plain lines.

    Returns:
        `update(done, text="")`: `done` ints of `total` are finished, `text`
        is shown behind them.
    """
    stream = stream or sys.stderr
    live = stream.isatty()
    start = time.monotonic()
    shown = None

    def update(done, text=""):
        nonlocal shown
        now, last = time.monotonic(), total is not None and done >= total
        if not last and shown and now - shown < (0.1 if live else every_s):
            return
        shown = now
        line = f"{label} {done}" + (f"/{total}" if total else "")
        seconds = now - start
        if total and 0 < done < total:
            line += f", {_clock(seconds / done * (total - done))} left"
        elif last:
            line += f", {_clock(seconds)}"
        line += f"  {text}" if text else ""
        if live:
            # Erases what a longer line left behind.
            stream.write(f"\r{line}\033[K" + ("\n" if last else ""))
        else:
            stream.write(line + "\n")
        stream.flush()

    return update


@contextlib.contextmanager
def needing(extra, what):
    """Around late imports: `ValueError` says how to get what is missing.

    Args:
        extra: str, that of the package which brings it.
        what: str, the beginning of the sentence, such as "serving needs".
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise ValueError(
            f"{error.name} is not installed; {what} "
            f"`pip install ordinal-tf[{extra}]`."
        ) from error


def numbers(flag, kind):
    """What a list flag holds, each `kind`; `ValueError` names the flag."""
    try:
        return [kind(value) for value in flag.value]
    except ValueError:
        raise ValueError(
            f"`--{flag.name}` must be numbers. Received: "
            f"{','.join(flag.value)}."
        ) from None


def parse_json(text, flag):
    """What a flag says in JSON; `ValueError` names the flag."""
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError(f"`{flag}` is not JSON: {error}.") from error


def progress(items, *, label):
    """Yields the items while showing how many are done.

    Args:
        items: iterable, with a length where that is known.
        label: str, what is being done.
    """
    total = len(items) if hasattr(items, "__len__") else None
    update = progress_line(total, label)
    for done, item in enumerate(items, start=1):
        yield item
        update(done)


def counted(count, one, many=None):
    """ "1 picture" or "2 pictures"; `many` where an s is not enough."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def columns(lines):
    """Rows of cells, str, as one text whose columns stand below each other."""
    every = itertools.zip_longest(*lines, fillvalue="")
    widths = [max(map(len, column)) for column in every]
    return "\n".join(
        "  ".join(map(str.ljust, line, widths)).rstrip() for line in lines
    )


def _clock(seconds):
    """Seconds as 4 s, 3:07 or 2:03:07."""
    seconds = round(seconds)
    minutes, rest = divmod(seconds, 60)
    if not minutes:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    return (
        f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
    )
