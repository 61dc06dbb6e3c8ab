r"""A page to look with: drop a photograph, see joints, depth and the 3D pose.

Example:
    python -m tools.web --model=lite

    python -m tools.web --model=lite --model=runs/mine/export

Nothing that is dropped leaves this machine, and nothing is kept.
"""

import logging
import os

from absl import flags

import ordinal_tf
from ordinal_tf import paths

from . import _common

_MODEL = flags.DEFINE_multi_string(
    "model",
    ["lite"],
    "Model folder, or the name of a shipped model; with several, the page "
    "compares two.",
)
_HOST = flags.DEFINE_string(
    "host", "127.0.0.1", "Address to listen on. There is no authentication."
)
_PORT = flags.DEFINE_integer("port", 8600, "0 for a free one.", 0, 65535)
_BODY = flags.DEFINE_float(
    "max_body_megabytes", 16.0, "Of one picture.", 0.001, 1000.0
)
_PIXELS = flags.DEFINE_float(
    "max_megapixels", 40.0, "Of one picture, decoded.", 0.001, 80.0
)


def main():
    names = {}
    for model in _MODEL.value:
        name = os.path.basename(os.path.abspath(model))
        if name in names:
            raise ValueError(
                f"{model} and {names[name]} would both be called {name}."
            )
        paths.find_model(model)  # Before the first is loaded.
        names[name] = model
    with _common.needing("web", "the pages need"):
        from ordinal_tf.web import look, pages
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
    application = look.make_app(
        {name: ordinal_tf.load(model) for name, model in names.items()},
        host=_HOST.value,
        body_bytes=round(_BODY.value * 2**20),
        pixels=round(_PIXELS.value * 1e6),
    )
    pages.run(
        application,
        host=_HOST.value,
        port=_PORT.value,
        ready=lambda url: print(f"Open {url} (Ctrl-C ends).", flush=True),
    )


if __name__ == "__main__":
    _common.run(main)
