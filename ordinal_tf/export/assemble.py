"""From two training runs to an exported model with its card."""

import pathlib

from ordinal_tf import __version__, paths, skeleton
from ordinal_tf.export import saved_model
from ordinal_tf.models import build
from ordinal_tf.training import reconstruction, runs, train


def export_runs(image_run, reconstruction_run, folder, *, mirror=True):
    """Chains the networks of two finished runs and exports them.

    Ordinal depth has no unit: training on relations decides its order alone.
    Its scale is therefore matched here, so that its root mean square on the
    held-out photographs is that of the depths which the reconstruction
    network was trained on.

    Args:
        image_run: folder of `train.train`, finished.
        reconstruction_run: folder of `reconstruction.train`, finished.
        folder: where the next version goes.
        mirror: bool, average with the mirrored crop.

    Returns:
        `pathlib.Path` of the version folder.

    Raises:
        ValueError: a run is missing, unfinished or of the depth head.
    """
    _check_kind(image_run, "lsp", "tools.train")
    _check_kind(reconstruction_run, "mocap", "tools.train_reconstruction")
    if runs.read_config(image_run).model.name == "depth":
        raise ValueError(
            f"{image_run} is of the depth head, which finds no keypoints; "
            "export a volume or coordinates network."
        )
    network, config = train.load_run(image_run)
    figures = _summary(image_run)
    lifting_figures = _summary(reconstruction_run)
    scale = lifting_figures["depth_rms"] / figures["depth_rms"]
    bins = build.z_resolutions(config.model)
    lifter = reconstruction.load_run(reconstruction_run)
    module = saved_model.PoseModule(
        network,
        lifter,
        kind=config.model.name,
        input_size=config.model.input_size,
        depth_bins=bins[-1] if bins else None,
        depth_scale=scale,
        mirror=mirror,
    )
    card = {
        "made_with": f"ordinal_tf {__version__}",
        "joints": list(skeleton.H36M17.joints),
        "parents": list(skeleton.H36M17.parents),
        "units": {
            "keypoints": "pixels, centre of the top-left pixel is (0, 0)",
            "ordinal_depth": "root-relative, grows away from the camera; "
            "no physical unit",
            "pose": "mm, root-relative; x right, y down, z away",
            "score": "0 to 1: probability within one heatmap cell",
        },
        "input_size": config.model.input_size,
        "mirror": mirror,
        "depth_scale": scale,
        "image_config": _without_paths(config),
        "image_figures": figures,
        "reconstruction_config": _without_paths(
            runs.read_config(reconstruction_run)
        ),
        "reconstruction_figures": lifting_figures,
    }
    networks = {
        paths.IMAGE_WEIGHTS: network,
        paths.RECONSTRUCTION_WEIGHTS: lifter,
    }
    return saved_model.export(module, folder, card, networks)


def _check_kind(workdir, data, program):
    if data not in runs.read_config(workdir).data:
        raise ValueError(
            f"{workdir} is not a run of {program}; check which run is which."
        )


def _without_paths(config):
    """A config as a dict, of its data folders the names alone."""
    plain = config.to_dict()
    data = plain["data"]
    for key in ("lsp", "mocap"):
        if key in data:
            data[key] = pathlib.Path(data[key]).name
    return plain


def _summary(workdir):
    path = pathlib.Path(workdir) / runs.SUMMARY
    if not path.is_file():
        raise ValueError(
            f"{workdir} is not finished: it has no {runs.SUMMARY}. Let the "
            "training end, or give it fewer steps."
        )
    return runs.read_json(path)
