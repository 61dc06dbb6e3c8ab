"""What both protocols do with a request, once it is apart from its wire."""

import asyncio
import contextlib
import logging
import os
import pathlib
import time

from ordinal_tf.serving import (
    config,
    errors,
    limits,
    merging,
    metrics,
    scheduler,
    tensors,
    versions,
)

_LOG = logging.getLogger(__name__)
_DEFAULT = "serving_default"


class Core:
    """The models, the queue and the figures of one server.

    Args:
        served: list of `config.Served`.
        config_file: path of the `models.config` that they came from, which is
            read again when it changes; None for none.
        policy: `scheduler.Policy`.
        limit: `limits.Limits`.
        threads: int, as `model.load` takes it.

    Attributes:
        models: dict of `versions.Versions` by name.
        draining: bool, the server is on its way out.
    """

    def __init__(self, served, *, config_file, policy, limit, threads):
        self.models = {
            model.name: versions.Versions(model, threads=threads)
            for model in served
        }
        self.limit = limit
        self.draining = False
        self.metrics = metrics.Metrics()
        self.scheduler = scheduler.Scheduler(policy, self.metrics)
        self._threads = threads
        self._config_file = config_file and pathlib.Path(config_file)
        self._config_changed = self._changed()
        self._leaving = set()

    @property
    def ready(self):
        """Whether every model has a version that answers."""
        return not self.draining and all(
            model.available for model in self.models.values()
        )

    @property
    def available(self):
        """list of (model name, version number) that answer."""
        return [
            (name, number)
            for name, model in self.models.items()
            for number in model.available
        ]

    def versions_of(self, name):
        """`versions.Versions` of a model.

        Raises:
            errors.ServingError: NOT_FOUND.
        """
        if name not in self.models:
            raise errors.not_found(
                f"Could not find any versions of model {tensors.short(name)}"
            )
        return self.models[name]

    def use(self, name, number=None, label=""):
        """Context of a loaded `versions.Version`; see `versions.use`."""
        if name not in self.models:
            which = "Latest" if number is None else "Specific"
            number = "" if number is None else f", {number}"
            raise errors.not_found(
                f"Servable not found for request: {which}"
                f"({tensors.short(name)}{number})"
            )
        return self.models[name].use(number, label)

    async def predict(self, version, read):
        """Runs one request.

        Args:
            version: `versions.Version`, held by the caller.
            read: function of the `model.Model` that returns the signature's
                name and the dict of its inputs; runs in a thread.

        Returns:
            dict of arrays.

        Raises:
            errors.ServingError: a bad request, or the queue is full.
        """

        def prepare():
            name, inputs = read(version.model)
            limits.check(inputs, self.limit)
            return merging.plan(version.model.signatures, name, inputs)

        with self.scheduler.admit():
            # Parsing a large body must not hold up the event loop.
            work = await asyncio.to_thread(prepare)
            return await self.scheduler.run(version, work)

    @contextlib.contextmanager
    def answer(self, protocol, method, name):
        """Counts a request and turns whatever goes wrong into an error.

        Raises:
            errors.ServingError: as the body of the context, and INTERNAL for
                everything that is not one.
        """
        start, code = time.monotonic(), errors.CODES.OK
        try:
            yield
        except errors.ServingError as error:
            code = error.code
            raise
        except asyncio.CancelledError:
            code = errors.CODES.CANCELLED
            raise
        except TimeoutError:
            code = errors.CODES.DEADLINE_EXCEEDED
            raise errors.ServingError(
                code, "The request was not answered in time."
            ) from None
        except Exception as error:
            _LOG.exception("A request failed.")
            code = errors.CODES.INTERNAL
            raise errors.ServingError(
                code, "The server failed on this request; its log says why."
            ) from error
        finally:
            known = name if name in self.models else "unknown"
            seconds = time.monotonic() - start
            self.metrics.answered(protocol, method, known, code, seconds)

    async def poll(self):
        """Looks once for new versions and a new `models.config`."""
        changed = self._changed()
        if changed != self._config_changed:
            self._config_changed = changed
            self._reload()
        for model in list(self.models.values()):
            await model.poll()

    async def close(self):
        """Frees everything, after what is under way."""
        await self.scheduler.close()
        await asyncio.gather(
            *self._leaving, *(model.close() for model in self.models.values())
        )

    def _changed(self):
        if self._config_file is None:
            return None
        with contextlib.suppress(OSError):
            stat = os.stat(self._config_file)
            return stat.st_mtime_ns, stat.st_size, stat.st_ino
        return None

    def _reload(self):
        try:
            served = {m.name: m for m in config.read(self._config_file)}
        except (ValueError, OSError) as error:
            _LOG.error("The old models stay: %s", error)
            return
        for name in set(self.models) - set(served):
            self._leaving.add(
                asyncio.create_task(self.models.pop(name).close())
            )
        for name, model in served.items():
            known = self.models.get(name)
            if known is not None and known.served.folder == model.folder:
                known.served = model
            else:
                if known is not None:
                    self._leaving.add(asyncio.create_task(known.close()))
                self.models[name] = versions.Versions(
                    model, threads=self._threads
                )


def pick_signature(model, name, code):
    """`model.Signature` that a request asks for; the default one for "".

    Args:
        model: `model.Model`.
        name: str.
        code: `grpc.StatusCode` of an unknown one: the protocols differ.

    Raises:
        errors.ServingError: unknown; names those that there are.
    """
    signature = model.signatures.get(name or _DEFAULT)
    if signature is None:
        known = ", ".join(sorted(model.signatures))
        raise errors.ServingError(
            code,
            f'Serving signature "{tensors.short(name or _DEFAULT)}" not found; '
            f"there are: {known}.",
        )
    return signature
