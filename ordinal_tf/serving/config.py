"""Which models a server serves: one folder, or TF-Serving's own file."""

import dataclasses
import pathlib

from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2


@dataclasses.dataclass(frozen=True)
class Served:
    """One model and which of its versions are served.

    Attributes:
        name: str, that clients ask for.
        folder: `pathlib.Path` that holds the version folders.
        latest: int, serve this many of the highest versions; 0 for all.
        versions: tuple of int, serve these instead.
        labels: dict from a label such as "canary" to a version.
    """

    name: str
    folder: pathlib.Path
    latest: int = 1
    versions: tuple = ()
    labels: dict = dataclasses.field(default_factory=dict)

    def choose(self, found):
        """Those of the version numbers `found` that are to be served."""
        if self.versions:
            return sorted(set(found) & set(self.versions))
        return sorted(found)[-self.latest :]


def read(path):
    """Reads a TF-Serving `models.config`.

    Args:
        path: text file of a `ModelServerConfig`.

    Returns:
        list of `Served`.

    Raises:
        ValueError: not such a file, no model in it, or one given twice.
        OSError: the file cannot be read.
    """
    message = model_server_config_pb2.ModelServerConfig()
    try:
        text_format.Parse(
            pathlib.Path(path).read_text(encoding="utf-8"), message
        )
    except (text_format.ParseError, UnicodeDecodeError) as error:
        said = " ".join(str(error).split())
        raise ValueError(
            f"{path} is not a TF-Serving models.config: {said}"
        ) from error
    configs = message.model_config_list.config
    if not configs:
        raise ValueError(f"{path} lists no model in a model_config_list.")
    served = [_served(config, path) for config in configs]
    names = [model.name for model in served]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{path} has two models called {name!r}.")
    return served


def _served(config, path):
    if not config.name or not config.base_path:
        raise ValueError(f"{path}: every model needs a name and a base_path.")
    if config.model_platform not in ("", "tensorflow"):
        raise ValueError(
            f"{path}: the platform of {config.name!r} must be 'tensorflow'. "
            f"Received: {config.model_platform!r}."
        )
    policy = config.model_version_policy
    kind = policy.WhichOneof("policy_choice")
    return Served(
        name=config.name,
        folder=pathlib.Path(config.base_path),
        latest=0 if kind == "all" else max(policy.latest.num_versions, 1),
        versions=tuple(policy.specific.versions),
        labels=dict(config.version_labels),
    )
