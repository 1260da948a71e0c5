"""What every stage counts of its work, whatever its model is."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from linly_mesh.telemetry import buckets
from linly_mesh.telemetry.catalogue import Audience, Family, Kind
from linly_mesh.telemetry.tracing import current_trace_id
from linly_mesh.timing import Timing
from linly_mesh.workload import Workload

REQUESTS = Family(
    "linly_talker_requests_total",
    Kind.COUNTER,
    Audience.BUSINESS,
    "Requests that have ended, by status: success, error or cancelled. A request is a turn of a "
    "talk, an utterance (asr), a prompt (llm), a clause (tts) or a speech (animator).",
    ("model", "status", "region"),
)
REQUEST_LATENCY = Family(
    "linly_talker_request_latency_seconds",
    Kind.HISTOGRAM,
    Audience.PERFORMANCE,
    "Seconds from a request's complete input to its first output; of those that gave output.",
    ("model",),
    buckets.LATENCY,
)
QUEUE_WAIT = Family(
    "linly_talker_queue_wait_seconds",
    Kind.HISTOGRAM,
    Audience.PERFORMANCE,
    "Seconds from a request's complete input until the model took it up.",
    ("model",),
    buckets.STAGE,
)
QUEUE_DEPTH = Family(
    "linly_talker_queue_depth",
    Kind.GAUGE,
    Audience.PERFORMANCE,
    "Requests that wait for the model.",
    ("model",),
)
BATCH_SIZE = Family(
    "linly_talker_batch_size",
    Kind.GAUGE,
    Audience.PERFORMANCE,
    "Requests that the model works on at the same time.",
    ("model",),
)
CANCELLED = Family(
    "linly_talker_cancelled_total",
    Kind.COUNTER,
    Audience.PERFORMANCE,
    "Requests that were cancelled in this stage: an interruption, or a caller that left.",
    ("stage",),
)
REJECTED = Family(
    "linly_talker_rejected_total",
    Kind.COUNTER,
    Audience.PERFORMANCE,
    "Calls that were turned away with RESOURCE_EXHAUSTED, by the reason that the caller was told.",
    ("model", "reason"),
)
FAMILIES = (
    REQUESTS,
    REQUEST_LATENCY,
    QUEUE_WAIT,
    QUEUE_DEPTH,
    BATCH_SIZE,
    CANCELLED,
    REJECTED,
)


class StageMetrics:
    """Counts one stage's work.

    ``model`` and ``stage`` are the stage's own name in the pipeline: what runs in a deployment
    decides how many series there are, and never what a caller sends.
    """

    def __init__(
        self,
        stage: str,
        region: str,
        workload: Workload,
        durations: Iterable[Family] = (),
    ) -> None:
        """Makes every series of the stage exist, in a registry of its own.

        Args:
            stage: ``asr``, ``llm``, ``tts``, ``animator`` or ``talk``.
            region: the deployment's.
            workload: counts the requests; read when it is scraped.
            durations: histograms of the stage's own that take each first output's time as well.
        """
        self.registry = registry = CollectorRegistry()
        """All that this process shows."""
        self._latency = [
            family.histogram(registry).labels(model=stage)
            for family in (REQUEST_LATENCY, *durations)
        ]
        self._queue_wait = QUEUE_WAIT.histogram(registry).labels(model=stage)
        self._rejected = REJECTED.counter(registry)
        self._stage = stage
        registry.register(_WorkloadCollector(workload, stage, region))

    def gave(self, timing: Timing | None) -> None:
        """A request has given its first output; later outputs bring None."""
        if timing is None:
            return
        trace_id = current_trace_id()
        exemplar = None if trace_id is None else {"trace_id": trace_id}
        if timing.first_output is not None:
            for histogram in self._latency:
                histogram.observe(timing.first_output, exemplar)
        if timing.queue_wait is not None:
            self._queue_wait.observe(timing.queue_wait)

    def rejected(self, reason: str) -> None:
        """A call was turned away; ``reason`` is one of the few that the code knows."""
        self._rejected.labels(model=self._stage, reason=reason).inc()


class _WorkloadCollector(Collector):
    """The counts that the engine keeps anyway."""

    def __init__(self, workload: Workload, stage: str, region: str) -> None:
        self._workload = workload
        self._stage = stage
        self._region = region

    def collect(self) -> Iterable[Metric]:
        now = self._workload.snapshot()
        requests = _counter(REQUESTS)
        ended = {
            "success": now.finished_total,
            "error": now.failed_total,
            "cancelled": now.cancelled_total,
        }
        for status, count in ended.items():
            requests.add_metric((self._stage, status, self._region), count)
        cancelled = _counter(CANCELLED)
        cancelled.add_metric((self._stage,), now.cancelled_total)
        waiting, active = _gauge(QUEUE_DEPTH), _gauge(BATCH_SIZE)
        waiting.add_metric((self._stage,), now.queued)
        active.add_metric((self._stage,), now.active)
        return (requests, cancelled, waiting, active)


def _counter(family: Family) -> CounterMetricFamily:
    return CounterMetricFamily(family.name, family.help, labels=family.labels)


def _gauge(family: Family) -> GaugeMetricFamily:
    return GaugeMetricFamily(family.name, family.help, labels=family.labels)
