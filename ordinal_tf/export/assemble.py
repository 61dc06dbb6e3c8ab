"""From two training runs to an exported model with its card, and back."""

import json
import pathlib
import subprocess

import ml_collections

from ordinal_tf import paths, skeleton
from ordinal_tf._version import __version__
from ordinal_tf.export import saved_model, warmup
from ordinal_tf.models import build
from ordinal_tf.training import image, loop, reconstruction, runs


def export_runs(
    image_run,
    reconstruction_run,
    folder,
    *,
    weights="last",
    reconstruction_weights="last",
    mirror=True,
    precision="float32",
    version=None,
    warm_up=False,
):
    """Chains the networks of two finished runs and exports them.

    The depths are scaled as `depth_scale` says.

    Args:
        image_run: folder of `image.train`, finished.
        reconstruction_run: folder of `reconstruction.train`, finished.
        folder: where the next version goes.
        weights, reconstruction_weights: str, which of `runs.KINDS` to take.
        mirror: bool, average with the mirrored crop.
        precision: of the image network, see `fold.for_inference`.
        version, warm_up: see `saved_model.export`.

    Returns:
        `pathlib.Path` of the version folder.

    Raises:
        ValueError: a run is missing, unfinished or of the depth head; the
            version exists; the export is not what the runs were.
    """
    if warm_up:
        warmup.check_installed()
    _check_kind(image_run, "lsp", "tools.train")
    _check_kind(reconstruction_run, "mocap", "tools.train_reconstruction")
    if runs.read_config(image_run).model.name == "depth":
        raise ValueError(
            f"{image_run} is of the depth head, which finds no keypoints; "
            "export a volume or coordinates network."
        )
    network, config = image.load_run(image_run, weights)
    figures = _figures(image_run, weights)
    lifting_figures = _figures(reconstruction_run, reconstruction_weights)
    scale = depth_scale(
        runs.read_config(reconstruction_run), lifting_figures, figures
    )
    lifter = reconstruction.load_run(reconstruction_run, reconstruction_weights)
    card = {
        **_made(),
        "joints": list(skeleton.H36M17.joints),
        "parents": list(skeleton.H36M17.parents),
        "units": {
            "keypoints": "pixels, centre of the top-left pixel is (0, 0)",
            "ordinal_depth": "root-relative, grows away from the camera; "
            "no physical unit",
            "pose": "mm, root-relative; x right, y down, z away",
            "score": "0 to 1: probability within one heatmap cell",
        },
        "input": "crops of uint8 RGB; the graph divides by 255",
        "input_size": config.model.input_size,
        "mirror": mirror,
        "precision": precision,
        "depth_scale": scale,
        "image_config": _without_paths(config),
        "image_figures": figures,
        "reconstruction_config": _without_paths(
            runs.read_config(reconstruction_run)
        ),
        "reconstruction_figures": lifting_figures,
    }
    return _export(
        card, network, lifter, folder, version=version, warm_up=warm_up
    )


def depth_scale(reconstruction_config, lifting_figures, image_figures):
    """What the reconstruction network wants ordinal depths multiplied by.

    1 where its config says `errors.own_unit`: it was trained on the errors
    that were measured of such a network, in that network's unit. Else depth
    has no unit, for training on relations decides its order alone; its root
    mean square on the held-out photographs is then brought to that of the
    depths which the reconstruction network was trained on.

    Args:
        reconstruction_config: `ConfigDict` of the run.
        lifting_figures, image_figures: summaries of the two runs, with
            `depth_rms`.
    """
    if reconstruction_config.get("errors", {}).get("own_unit", False):
        return 1.0
    # A single bin knows no depth: all are 0, at any scale.
    depth_rms = image_figures["depth_rms"] or lifting_figures["depth_rms"]
    return lifting_figures["depth_rms"] / depth_rms


def export_again(model, folder, *, version=None, warm_up=False):
    """Exports the networks of an exported model with this version's graph.

    Args:
        model: folder of `tools.export`, see `load_networks`.
        folder: where the next version goes.
        version, warm_up: see `saved_model.export`.

    Returns:
        `pathlib.Path` of the version folder.

    Raises:
        ValueError: see `load_networks` and `saved_model.export`.
    """
    if warm_up:
        warmup.check_installed()
    card, network, lifter, _ = load_networks(model)
    return _export(
        card | _made(),
        network,
        lifter,
        folder,
        version=version,
        warm_up=warm_up,
    )


def _export(card, network, lifter, folder, **options):
    """Exports what a card describes; `options` as of `saved_model.export`."""
    module = saved_model.PoseModule(
        network,
        lifter,
        input_size=card["input_size"],
        precision=card["precision"],
        mirror=card["mirror"],
        **_decoding(card),
    )
    networks = {
        paths.IMAGE_WEIGHTS: network,
        paths.RECONSTRUCTION_WEIGHTS: lifter,
    }
    return saved_model.export(module, folder, card, networks, **options)


def load_networks(folder):
    """The networks that a model was exported from.

    Args:
        folder: of `tools.export`: a version folder, or the one above, of
            which the highest version is taken.

    Returns:
        The card (dict), the image network, the reconstruction network, and
        the options with which `signatures.chain` joins them, but `mirror`.

    Raises:
        ValueError: no such model, or without its weights.
    """
    version = paths.latest_version(folder)
    card_path = version / paths.CARD
    if not card_path.is_file():
        raise ValueError(
            f"{folder} has no {paths.CARD}; it must be a folder that "
            "tools.export wrote."
        )
    card = json.loads(card_path.read_text())
    config = ml_collections.ConfigDict(card["reconstruction_config"])
    # The caller's own policy comes back.
    with loop.policy("float32"):
        network = build.build_image_network(card["image_config"]["model"])
        lifter = reconstruction.build(config)
    runs.load_weights(network, version / paths.IMAGE_WEIGHTS)
    runs.load_weights(lifter, version / paths.RECONSTRUCTION_WEIGHTS)
    return card, network, lifter, _decoding(card)


def _decoding(card):
    """Options of `signatures.chain` that follow from a card."""
    model = card["image_config"]["model"]
    bins = build.z_resolutions(model)
    return {
        "kind": model["name"],
        "depth_bins": bins[-1] if bins else None,
        "depth_scale": card["depth_scale"],
    }


def _made():
    """What a card says of the code that writes it."""
    return {"made_with": f"ordinal_tf {__version__}", "revision": _revision()}


def _revision():
    """Git commit of the checkout that this runs from; None elsewhere."""
    root = pathlib.Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    describe = "git describe --always --dirty --abbrev=40 --exclude=*"
    try:
        done = subprocess.run(
            describe.split(), cwd=root, capture_output=True, text=True
        )
    except OSError:  # No git.
        return None
    return done.stdout.strip() or None


def _check_kind(workdir, data, program):
    if data not in runs.read_config(workdir).data:
        raise ValueError(
            f"{workdir} is not a run of {program}; check which run is which."
        )


def _without_paths(config):
    """A config as a dict, of its data folders the names alone."""
    plain = config.to_dict()
    data = plain["data"]
    for key in ("lsp", "mocap", "held_out_set"):
        if key in data:
            data[key] = pathlib.Path(data[key]).name
    if "train" in data:
        data["train"] = [
            (pathlib.Path(folder).name, *rest)
            for folder, *rest in data["train"]
        ]
    data.pop("service", None)  # An address; it changes nothing.
    if plain.get("init_from"):
        origin = pathlib.Path(plain["init_from"])
        # A file is called as in any other run.
        one = origin.parent if origin.suffix == ".h5" else origin
        plain["init_from"] = one.name
    return plain


def _figures(workdir, weights):
    """The summary of a run, its figures those of a kind of weights."""
    summary = runs.summary(workdir)
    chosen = {} if weights == "last" else summary[weights]
    return {**summary, **chosen, "weights": weights}
