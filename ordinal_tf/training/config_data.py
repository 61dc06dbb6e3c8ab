"""The data section of a config: what to train on, and what to hold out."""

import dataclasses

from ordinal_tf import ordinal
from ordinal_tf.data.pipeline import (
    batching,
    mixing,
    remote,
    sources,
    streams,
    supervision,
)
from ordinal_tf.data.readers import lsp
from ordinal_tf.training import runs


def read(data, report):
    """Opens what a config names.

    Args:
        data: the section `data` of a config, see `configs/lite.py`.
        report: function of one line of text.

    Returns:
        `mixing.Mix` to train on, and `sources.Source` to score on.

    Raises:
        ValueError: unusable data, weights that sum to zero, or the same
            picture in two of them.
    """
    if data.service:
        remote.check_address(data.service)
    mix = mixing.mix_sources(*_training(data, report))
    held_out = _held_out(data, report)
    mixing.check_apart([*mix.sources, held_out])
    for source, turns in zip(mix.sources, mix.counts, strict=True):
        share = 100 * turns / mix.counts.sum()
        people = "endless" if source.count is None else f"{source.count} people"
        seen = "" if source.seen.kind == "all" else f", {source.seen.kind}"
        report(
            f"{share:.1f} % of the examples from {source.name}: {people}{seen}."
        )
    report(f"Held out: {held_out.count} people of {held_out.name}.")
    return mix, held_out


def example(workdir, i, *, input_size=None):
    """Example i of a training run, see `batching.example`.

    Args:
        workdir: folder of the run.
        i: int.
        input_size: int, side of the crop; the model's by default.
    """
    config = runs.read_config(workdir)
    if "synthetic" not in config.data:
        raise ValueError(
            f"{workdir} is no run of tools.train, or one of an older version."
        )
    mix = mixing.mix_sources(*_training(config.data, lambda line: None))
    return batching.example(
        mix,
        i,
        input_size=input_size or config.model.input_size,
        seed=config.seed,
        tolerance_mm=config.data.get("tolerance_mm", ordinal.TOLERANCE_MM),
        flipped=config.data.get("flipped", 0.0),
        **config.augmentation,
    )


def check(data):
    """Raises `ValueError` where a config's data section cannot work."""
    if not (data.lsp or data.train or data.synthetic.weight):
        raise ValueError(
            "No photographs: name them with --config.data.lsp=DIR, or "
            "prepared folders with --config.data.train=\"(('DIR', 1.0),)\"."
        )
    if not data.lsp and not data.held_out_set:
        raise ValueError(
            "No held-out photographs: name a prepared folder with "
            "--config.data.held_out_set=DIR."
        )
    for one in data.train:
        if len(one) not in (2, 3) or not isinstance(one[0], str):
            raise ValueError(
                "`data.train` must hold pairs of a prepared folder and its "
                "weight, such as (('DIR', 1.0),), and maybe what is seen of "
                f"its labels: ('DIR', 1.0, '2d'). Received: {one!r}."
            )
    for seen in _supervisions(data):
        if supervision.parse(seen).questions and data.service:
            raise ValueError(
                "`data.service` cannot ask questions; take a share of the "
                "relations, such as ordinal:0.2, or no service."
            )
    if not data.tolerance_mm > 0 or not 0 <= data.flipped <= 1:
        raise ValueError(
            "`data.tolerance_mm` must be positive and `data.flipped` a share. "
            f"Received: {data.tolerance_mm} and {data.flipped}."
        )
    if data.service and not data.on_device:
        raise ValueError(
            "`data.service` asks for --config.data.on_device=True: OpenCV, "
            "which makes the crops otherwise, cannot be sent to its workers."
        )
    if data.service and data.synthetic.weight:
        raise ValueError(
            "`data.service` cannot render people; prepare them "
            "(tools.prepare synthetic) and name the folder in `data.train`."
        )
    for name in ("train_range", "held_out"):
        if len(data[name]) != 2:
            raise ValueError(
                f"`data.{name}` must be the first and the last image, such as "
                f"(1, 5400). Received: {tuple(data[name])}."
            )
    (a, b), (c, d) = data.train_range, data.held_out
    if data.lsp and not data.held_out_set and a <= d and c <= b:
        raise ValueError(
            f"`data.train_range` {(a, b)} and `data.held_out` {(c, d)} "
            "overlap; the held-out photographs must be new to the network."
        )


def _training(data, report):
    """Sources, with what is seen of them, and their weights."""
    found = [sources.prepared_source(folder) for folder, *_ in data.train]
    weights = [weight for _, weight, *_ in data.train]
    if data.lsp:
        found.append(_photos(data, data.train_range, report))
        weights.append(data.lsp_weight)
    if data.synthetic.weight:
        found.append(_synthetic(data.synthetic))
        weights.append(data.synthetic.weight)
    chosen = [supervision.parse(text) for text in _supervisions(data)]
    for source, seen in zip(found, chosen, strict=True):
        supervision.check_knows(source.name, seen, source.knows)
    seen = zip(found, chosen, strict=True)
    return [dataclasses.replace(one, seen=what) for one, what in seen], weights


def _supervisions(data):
    """What is seen of each source, as the config calls it."""
    found = [one[2] if len(one) > 2 else "all" for one in data.train]
    # Runs of older versions have no such field.
    if data.lsp:
        found.append(data.get("lsp_supervision", "all"))
    if data.synthetic.weight:
        found.append(data.synthetic.get("supervision", "all"))
    return found


def _held_out(data, report):
    if data.held_out_set:
        return sources.prepared_source(data.held_out_set)
    return _photos(data, data.held_out, report)


def _photos(data, rows, report):
    first, last = rows
    photos = lsp.read_lsp(
        data.lsp,
        first=first,
        last=last,
        skip_limit=data.skip_limit,
        report=report,
    )
    return sources.photos_source(photos)


def _synthetic(options):
    """People rendered on the fly."""
    # Here, because its body takes a while to load, and few ask for it.
    from ordinal_tf.synthetic import people

    made = people.SyntheticPeople(
        options.seed,
        size=options.size,
        preset=options.preset,
        joints=options.joints,
    )
    return streams.stream_source(made, processes=options.processes)
