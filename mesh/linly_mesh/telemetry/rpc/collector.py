"""Counts as Prometheus reads them."""

from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate

from prometheus_client.core import Exemplar, Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample
from prometheus_client.utils import floatToGoString

from linly_mesh.telemetry.catalogue import Family
from linly_mesh.telemetry.rpc.counts import CODES, Distribution, MethodCounts, MethodTable
from linly_mesh.telemetry.rpc.families import RpcFamilies


class RpcCollector(Collector):
    """Folds the counts of one side in when it is asked."""

    def __init__(
        self,
        table: MethodTable,
        families: RpcFamilies,
        received: Callable[[MethodCounts], int],
        sent: Callable[[MethodCounts], int],
    ) -> None:
        """What is received and what is sent depends on the side."""
        self._families = families
        self._received = received
        self._sent = sent
        self._rows = [_Row(counts) for counts in table]

    def describe(self) -> Iterable[Metric]:
        """The families, so that a registry notices a second collector of the same."""
        return [_empty(family) for family in self._families.all()]

    def collect(self) -> Iterator[Metric]:
        """All series, those at 0 too."""
        families = self._families
        # What has ended is read before what has started: should a call start or end in between,
        # no more have ended than started.
        handled = [list(row.counts.handled) for row in self._rows]
        started = [row.counts.started for row in self._rows]
        yield self._values(families.started, started)
        yield self._handled(families.handled, handled)
        yield self._values(families.msg_received, [self._received(r.counts) for r in self._rows])
        yield self._values(families.msg_sent, [self._sent(r.counts) for r in self._rows])
        yield self._histogram(families.handling, lambda counts: counts.handling)
        running = [s - sum(h) for s, h in zip(started, handled, strict=True)]
        yield self._values(families.in_flight, running)
        yield self._histogram(families.first_response, lambda counts: counts.first_response)
        yield self._histogram(families.message_gap, lambda counts: counts.message_gap)

    def _values(self, family: Family, values: Iterable[int]) -> Metric:
        metric = _empty(family)
        metric.samples = [
            Sample(family.name, row.labels, value)
            for row, value in zip(self._rows, values, strict=True)
        ]
        return metric

    def _handled(self, family: Family, values: Iterable[list[int]]) -> Metric:
        metric = _empty(family)
        metric.samples = [
            Sample(family.name, labels, value)
            for row, codes in zip(self._rows, values, strict=True)
            for labels, value in zip(row.by_code, codes, strict=True)
        ]
        return metric

    def _histogram(self, family: Family, of: Callable[[MethodCounts], Distribution]) -> Metric:
        metric = _empty(family)
        for row in self._rows:
            found = of(row.counts)
            cumulative = list(accumulate(found.counts))
            buckets = zip(row.buckets(found.bounds), cumulative, strict=True)
            for place, (labels, value) in enumerate(buckets):
                exemplar = _exemplar(found, place)
                metric.samples.append(
                    Sample(f"{family.name}_bucket", labels, value, None, exemplar)
                )
            metric.samples.append(Sample(f"{family.name}_count", row.labels, cumulative[-1]))
            metric.samples.append(Sample(f"{family.name}_sum", row.labels, found.total))
        return metric


class _Row:
    """A method with its labels made once."""

    def __init__(self, counts: MethodCounts) -> None:
        self.counts = counts
        method = counts.method
        self.labels = {
            "grpc_type": method.grpc_type,
            "grpc_service": method.grpc_service,
            "grpc_method": method.grpc_method,
        }
        self.by_code = [{**self.labels, "grpc_code": code} for code in CODES]
        self._buckets: dict[tuple[float, ...], list[dict[str, str]]] = {}

    def buckets(self, bounds: tuple[float, ...]) -> list[dict[str, str]]:
        """The labels of a histogram's buckets, +Inf as the last."""
        if bounds not in self._buckets:
            names = [
                floatToGoString(bound)  # type: ignore[no-untyped-call]
                for bound in (*bounds, float("inf"))
            ]
            self._buckets[bounds] = [{**self.labels, "le": name} for name in names]
        return self._buckets[bounds]


def _empty(family: Family) -> Metric:
    # Prometheus' text format puts _total on samples alone.
    name = family.name.removesuffix("_total")
    return Metric(name, family.help, family.kind.value)


def _exemplar(found: Distribution, place: int) -> Exemplar | None:
    example = found.exemplars.get(place)
    if example is None:
        return None
    return Exemplar({"trace_id": example.trace_id}, example.value, example.timestamp)
