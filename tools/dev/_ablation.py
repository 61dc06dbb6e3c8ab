"""The tables of the paper and our own: many small trainings, and their scores.

A table is a dict of rows, a row the fields of a config that it changes. Each
row is trained once a seed in a folder of its own and scored on synthetic
people that no training has seen, and on photographs where there are some.
"""

import dataclasses
import pathlib

import ml_collections
import numpy as np

from ordinal_tf import files, volumes
from ordinal_tf.data.pipeline import sources
from ordinal_tf.evaluation import lifted, scoring
from ordinal_tf.training import image, reconstruction, runs

FIGURES = "figures.json"


@dataclasses.dataclass(frozen=True)
class Data:
    """What an ablation is run on: paths, "" where there is none.

    Attributes:
        people, people_test: prepared folders of people whose poses are known.
        photos, photos_test: prepared folders of photographs with relations.
        reconstruction: folder of a run of `tools.train_reconstruction`.
    """

    people: str
    people_test: str
    photos: str = ""
    photos_test: str = ""
    reconstruction: str = ""


# What makes the paper's networks of the config's own.
_HEADS = {
    "depth": {"model.name": "depth"},
    "coordinates": {
        "model.name": "coordinates",
        # A crop's side is about two units of depth: one error in all axes.
        "loss.heatmap_weight": 40.0,
    },
    "volume, 1 hourglass": {"model.z_resolutions": (16,)},
    "volume, 2 hourglasses": {"model.z_resolutions": (1, 16)},
}
# The heads' depth is a squared error, small beside a cross-entropy.
_HEAD_DEPTH = {"loss.depth_weight": 10.0}


def supervision(data):
    """Table 1 of the paper: each head with known depths, and with order."""
    rows = {}
    for head, changes in _HEADS.items():
        if "model.name" in changes:
            changes = changes | _HEAD_DEPTH
        rows[f"{head}: full"] = {
            **changes,
            "data.train": ((data.people, 1.0, "full"),),
            "loss.rank_weight": 0.0,
        }
        rows[f"{head}: weak"] = {
            **changes,
            "data.train": ((data.people, 1.0, "ordinal"),),
            "loss.depth_weight": 0.0,
        }
    return rows


def mixtures(data):
    """Table 2 of the paper: what photographs bring to people with poses.

    Each row is scored with and without the reconstruction network, so its two
    last rows are columns here.
    """
    if not data.photos:
        raise ValueError(
            "The table mixtures asks for prepared photographs with relations: "
            "--photos and --photos_test."
        )
    base = (data.people, 1.0, "full")
    return {
        "base": {"data.train": (base,)},
        "+ 2D of photographs": {"data.train": (base, (data.photos, 1.0, "2d"))},
        "+ ordinal of photographs": {
            "data.train": (base, (data.photos, 1.0, "ordinal"))
        },
    }


def relations(data):
    """How many relations of each person are needed."""
    parts = {
        "100 %": "ordinal",
        "50 %": "ordinal:0.5",
        "20 %": "ordinal:0.2",
        "10 %": "ordinal:0.1",
        "17 questions": "ordinal:questions",
        "none": "2d",
    }
    return {
        name: {
            "data.train": ((data.people, 1.0, seen),),
            **({"loss.rank_weight": 0.0} if seen == "2d" else {}),
        }
        for name, seen in parts.items()
    }


def mistakes(data):
    """What relations of the wrong sign cost."""
    train = ((data.people, 1.0, "ordinal"),)
    return {
        f"{percent} % flipped": {
            "data.train": train,
            "data.flipped": percent / 100,
        }
        for percent in (0, 5, 10, 20)
    }


TABLES = {
    "supervision": supervision,
    "mixtures": mixtures,
    "relations": relations,
    "mistakes": mistakes,
}


def run(table, base, data, workdir, *, seeds, only=(), progress=None):
    """Trains and scores the rows of a table, or continues where it stopped.

    All rows of a seed come before the next seed, so that what is there is a
    table whenever it is asked for.

    Args:
        table: str, a key of `TABLES`.
        base: `ConfigDict` that the rows change.
        data: `Data`.
        workdir: folder of all runs, `SEED/ROW` below it.
        seeds: int, how many.
        only: names of rows, where not all are wanted.
        progress: function of a row's name that returns a function
            `(step, text)`, or None.

    Yields:
        dict of row to a list of its figures (see `score`), one a seed, after
        each training.

    Raises:
        ValueError: see `image.train`; a table without its data.
    """
    rows = TABLES[table](data)
    unknown = sorted(set(only) - set(rows))
    if unknown:
        raise ValueError(
            f"The rows of {table} are {'; '.join(rows)}. Received: "
            f"{'; '.join(unknown)}."
        )
    rows = {name: rows[name] for name in only or rows}
    found = {name: [] for name in rows}
    for seed in range(seeds):
        for name, changes in rows.items():
            folder = pathlib.Path(workdir) / f"seed{seed}" / _slug(name)
            config = row_config(base, changes, data, seed)
            shown = progress and progress(f"{name}, seed {seed}")
            if not image.train(config, folder, report=_report, progress=shown):
                return
            if not (folder / FIGURES).is_file():
                files.write_json(folder / FIGURES, score(folder, data))
            found[name].append(runs.read_json(folder / FIGURES))
            yield found


def row_config(base, changes, data, seed):
    """The config of a row and a seed.

    Args:
        base: `ConfigDict`. Not modified.
        changes: dict of dotted fields.
        data: `Data`.
        seed: int.

    Returns:
        `ConfigDict`.
    """
    config = ml_collections.ConfigDict(base.to_dict())
    config.seed = seed
    config.data.held_out_set = data.people_test
    config.train.eval_every = config.train.steps
    with config.ignore_type():
        config.update_from_flattened_dict(changes)
    return config


def score(folder, data):
    """Figures of a finished run.

    Args:
        folder: of the run.
        data: `Data`.

    Returns:
        dict: `depth_mm` and `order` (see `lifted.depth_figures`), of networks
        with keypoints `pa_mpjpe` of the pose read out of them, with a
        reconstruction network `lifted_pa_mpjpe` (both mm), and on photographs
        `pck` and `ordinal_accuracy` (%).
    """
    predict, config = image.load_predict(folder)
    size = config.model.input_size
    people = lifted.found_people(predict, data.people_test, input_size=size)
    figures = lifted.depth_figures(people)
    if config.model.name == "depth":
        return figures
    depth_mm = volumes.DEPTH_UNIT_MM * people["ordinal_depth"]
    pose = lifted.read_out(people["keypoints"], depth_mm)
    figures["pa_mpjpe"] = lifted.figures(people, pose)["pa_mpjpe"]
    if data.reconstruction:
        pose = reconstruction.lift_found(data.reconstruction, people)
        figures["lifted_pa_mpjpe"] = lifted.figures(people, pose)["pa_mpjpe"]
    if data.photos_test:
        photos = sources.prepared_source(data.photos_test)
        real = scoring.evaluate(predict, photos, input_size=size)
        figures |= {k: real[k] for k in ("pck", "ordinal_accuracy")}
    return figures


def summary(found):
    """Means and spreads over the seeds.

    Args:
        found: dict of row to a list of dicts of figures.

    Returns:
        dict of row to a dict of figure to `{"mean", "spread", "seeds"}`; the
        spread is the standard deviation, None of one seed.
    """
    return {
        name: {
            key: _spread([figures[key] for figures in each]) for key in each[0]
        }
        for name, each in found.items()
        if each
    }


def ratios(found):
    """Of the table supervision: errors of depth, weak over full of each head.

    Args:
        found: see `summary`.

    Returns:
        dict of head to `{"mean", "spread", "seeds"}`.
    """
    heads = [
        name[: -len(": full")] for name in found if name.endswith(": full")
    ]
    heads = [head for head in heads if f"{head}: weak" in found]
    pairs = {
        # Of a seed that has begun, only the first of them may be there.
        head: list(
            zip(found[f"{head}: weak"], found[f"{head}: full"], strict=False)
        )
        for head in heads
    }
    return {
        head: _spread(
            [weak["depth_mm"] / full["depth_mm"] for weak, full in both]
        )
        for head, both in pairs.items()
        if both
    }


def _spread(values):
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return {
        "mean": float(np.mean(values)),
        "spread": spread,
        "seeds": len(values),
    }


def _slug(name):
    kept = (c if c.isalnum() else "_" for c in name.replace("+", "and"))
    return "".join(kept)


def _report(line):
    """Prints what a run says, but where its examples come from."""
    if "% of the examples" not in line:
        print(line)
