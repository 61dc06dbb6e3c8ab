r"""What each ingredient of the synthetic people is worth on real photographs.

Trains the same network for the same steps on synthetic people, each time
without one ingredient, and scores it on synthetic people that it has not seen
and on real photographs. Everything is kept below --workdir; the same command
continues where it stopped.

    python -m tools.dev.ablation_people --lsp=DATA/lspet_ordinal \
        --workdir=runs/ablation
"""

import json
import os
import pathlib

from absl import flags
from ml_collections import config_flags

from ordinal_tf import skeleton
from ordinal_tf.data.pipeline import streams
from ordinal_tf.data.prepared import cards, writing
from ordinal_tf.data.readers import lsp
from ordinal_tf.evaluation import scoring
from ordinal_tf.synthetic import people
from ordinal_tf.training import image

from . import _common

_CONFIG = config_flags.DEFINE_config_file(
    "config", _common.config_path("lite"), "Network and training."
)
_LSP = flags.DEFINE_string(
    "lsp", None, "Real photographs in the ordinal layout.", required=True
)
_WORKDIR = flags.DEFINE_string(
    "workdir", None, "Folder of all runs, made where missing.", required=True
)
_COUNT = flags.DEFINE_integer("count", 20_000, "People to train on.", 1)
_HELD_OUT = flags.DEFINE_integer("held_out", 1_000, "People to test on.", 1)
_SIZE = flags.DEFINE_integer("size", 160, "Side of the pictures.", 32)
_VARIANTS = flags.DEFINE_list("variants", None, "Some of them; all if absent.")
_PROCESSES = flags.DEFINE_integer("processes", os.cpu_count(), "To render.", 1)

_OFF = (0.0, 0.0)
# What is taken away, by options of `people.SyntheticPeople`.
VARIANTS = {
    "everything": {},
    "plain backgrounds": {
        "background": {"kinds": (("plain", 1.0),), "clutter": (0, 0)}
    },
    "no clothes": {"look": {"clothes": False}},
    "nothing hidden or cut off": {
        "occluders": {"chance": 0.0},
        "camera": {"cut": _OFF},
    },
    "recorded poses only": {"pose": {"sampled": 0.0}},
    "no camera effects": {
        "effects": {
            "exposure": (1.0, 1.0),
            "contrast": (1.0, 1.0),
            "white_balance": 0.0,
            "saturation": (1.0, 1.0),
            "grey": 0.0,
            "vignette": _OFF,
            "defocus": _OFF,
            "motion": _OFF,
            "shrink": (0.0, 1.0),
            "sharpen": _OFF,
            "noise": _OFF,
            "quality": (95, 95),
        }
    },
}
# For comparison: the real photographs that the config trains on, and half of
# these with half of synthetic people.
REAL = "real photographs"
BOTH = "real and synthetic"


def prepared_people(out, options, *, seed, count, processes):
    """Renders people into a prepared folder, unless they are there."""
    made = {"seed": seed, "size": _SIZE.value, "joints": "lsp14"}
    endless = people.SyntheticPeople(**made, options=options)
    writing.prepare(
        streams.RenderedPeople(
            endless,
            "synthetic",
            {**made, "options": json.dumps(options, sort_keys=True)},
            0,
            count,
        ),
        out,
        about=cards.About("synthetic people", "free", skeleton.H36M17),
        processes=processes,
        progress=_common.progress_line(count, f"render {out.name}"),
    )


def run_variant(name, out, held_out, photos):
    """Trains and scores one row of the table; dict of figures."""
    config = _CONFIG.value.copy_and_resolve_references()
    slug = name.replace(" ", "_")
    config.data.lsp = _LSP.value if name in (REAL, BOTH) else ""
    if name != REAL:
        ingredients = "everything" if name == BOTH else name
        folder = out / "data" / ingredients.replace(" ", "_")
        prepared_people(
            folder,
            VARIANTS[ingredients],
            seed=config.seed,
            count=_COUNT.value,
            processes=_PROCESSES.value,
        )
        config.data.train = ((str(folder), 1.0),)
    config.data.held_out_set = str(held_out)
    config.train.eval_every = config.train.steps
    summary = image.train(
        config,
        out / "runs" / slug,
        progress=_common.progress_line(config.train.steps, f"train {name}"),
    )
    predict, config = image.load_predict(out / "runs" / slug)
    size = config.model.input_size
    real = scoring.evaluate(predict, photos, input_size=size)
    keys = ("pck", "ordinal_accuracy")
    return {
        "synthetic": {key: summary[key] for key in keys},
        "real": {key: real[key] for key in keys},
    }


def main():
    every = [REAL, BOTH, *VARIANTS]
    names = _VARIANTS.value or every
    unknown = sorted(set(names) - set(every))
    if unknown:
        raise ValueError(
            f"Variants are {', '.join(every)}. Received: {', '.join(unknown)}."
        )
    out = pathlib.Path(_WORKDIR.value)
    first, last = _CONFIG.value.data.held_out
    photos = lsp.read_lsp(_LSP.value, first=first, last=last)
    held_out = out / "data" / "held_out"
    prepared_people(
        held_out,
        {},
        seed=_CONFIG.value.seed + 1,
        count=_HELD_OUT.value,
        processes=_PROCESSES.value,
    )
    rows = {}
    for name in names:
        rows[name] = run_variant(name, out, held_out, photos)
    print(f"{'trained on':28}{'synthetic':>20}{'real photographs':>22}")
    print(f"{'':28}{'PCK':>10}{'ordinal':>10}{'PCK':>12}{'ordinal':>10}")
    for name, row in rows.items():
        fake, real = row["synthetic"], row["real"]
        print(
            f"{name:28}{fake['pck']:>10.1f}{fake['ordinal_accuracy']:>10.1f}"
            f"{real['pck']:>12.1f}{real['ordinal_accuracy']:>10.1f}"
        )
    print(json.dumps(rows))


if __name__ == "__main__":
    _common.run(main)
