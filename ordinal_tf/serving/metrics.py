"""What the server counts, for Prometheus."""

import prometheus_client

_SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_CROPS = (1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """The figures of one server, in a registry of its own."""

    def __init__(self):
        self.registry = prometheus_client.CollectorRegistry()
        name, registry = "ordinal_tf_serve", self.registry
        self._requests = prometheus_client.Counter(
            f"{name}_requests",
            "Requests answered, by canonical code.",
            ["protocol", "method", "model", "code"],
            registry=registry,
        )
        self._seconds = prometheus_client.Histogram(
            f"{name}_request_seconds",
            "From the first byte of a request to its answer.",
            ["protocol", "method"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.waited = prometheus_client.Histogram(
            f"{name}_queue_seconds",
            "From a request's arrival in the queue to its run.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.batch = prometheus_client.Histogram(
            f"{name}_batch_crops",
            "Crops in one run.",
            buckets=_CROPS,
            registry=registry,
        )
        self._pending = prometheus_client.Gauge(
            f"{name}_pending_requests",
            "Requests in the house, waiting or running.",
            registry=registry,
        )
        self._versions = prometheus_client.Gauge(
            f"{name}_version_available",
            "1 for every version that answers requests.",
            ["model", "version"],
            registry=registry,
        )

    def answered(self, protocol, method, model, code, seconds):
        """Counts one answer.

        Args:
            protocol: str, "grpc" or "rest".
            method: str, such as "predict".
            model: str, a name that is served: one that a client made up
                would add a series for every request.
            code: `grpc.StatusCode`.
            seconds: float, how long it took.
        """
        self._requests.labels(protocol, method, model, code.name).inc()
        self._seconds.labels(protocol, method).observe(seconds)

    def page(self, *, pending, available):
        """The page that Prometheus reads.

        Args:
            pending: int, requests in the house.
            available: iterable of (model name, version number).

        Returns:
            bytes, and the content type.
        """
        self._pending.set(pending)
        self._versions.clear()
        for model, version in available:
            self._versions.labels(model, version).set(1)
        page = prometheus_client.generate_latest(self.registry)
        return page, prometheus_client.CONTENT_TYPE_PLAIN_0_0_4
