"""From Prometheus to the figures of a report."""

import math
from collections.abc import Sequence

from linly_client.report.figures import Course, Hour, Latency, Report, Turns
from linly_client.report.objectives import FIRST_AUDIO, LATENCIES, STAGES, LatencyObjective
from linly_client.report.prometheus import Prometheus, Series

_HOUR = 3600.0
_POINTS = 96
"""Of a plot: quarters of an hour in a day."""
_MINUTE = 60.0
_MOMENTS = 1440
"""At which it is asked whether anybody watched: minutes of a day."""
_SCRAPE = 5.0
"""Seconds between two scrapes."""
_WORST = 5
_SCRAPED = 'max(up{job="orchestrator"})'


async def gather(prometheus: Prometheus, since: float, end: float) -> Report:
    """Asks for everything.

    Args:
        prometheus: who is asked.
        since: length of the period in seconds.
        end: its end, in seconds since 1970.

    Raises:
        PrometheusError: it can't be asked, or refuses.
    """
    step = _MINUTE * math.ceil(since / _POINTS / _MINUTE)
    asked = _Asked(prometheus, since, end, step)
    volume = await asked.turns()
    return Report(
        start=end - since,
        end=end,
        observed=await _observed(prometheus, since, end),
        turns=await _turns(prometheus, since, end),
        latencies=[await _latency(prometheus, each, since, end) for each in LATENCIES],
        worst=await _worst(prometheus, since, end),
        step=step,
        volume=[
            Course("succeeded", [(time, each.succeeded) for time, each in volume]),
            Course("cancelled", [(time, each.cancelled) for time, each in volume]),
            Course("failed", [(time, each.failed) for time, each in volume]),
        ],
        availability=[Course("success rate", [(time, each.availability) for time, each in volume])],
        wait=[
            await asked.quantile(f"P{level * 100:.0f}", FIRST_AUDIO, level)
            for level in FIRST_AUDIO.targets
        ],
        stages=[await asked.quantile(each.title, each, 0.95) for each in STAGES],
    )


class _Asked:
    """Courses over the period: at each time, of the step before it."""

    def __init__(self, prometheus: Prometheus, since: float, end: float, step: float) -> None:
        """The steps end with the period; what is left over at its beginning is not shown."""
        self._prometheus = prometheus
        self._times = [end - step * index for index in range(int(since // step) - 1, -1, -1)]
        self._step = step

    async def _over(self, expression: str) -> list[Series]:
        return await self._prometheus.over(expression, self._times[0], self._times[-1], self._step)

    async def turns(self) -> list[tuple[float, Turns]]:
        found = await self._over(_turns_expression(self._step))
        return [(time, _turns_at(found, time)) for time in self._times]

    async def quantile(self, name: str, objective: LatencyObjective, level: float) -> Course:
        found = await self._over(_quantile_expression(objective, level, self._step))
        return Course(name, [(time, _at(found, time)) for time in self._times])


async def _observed(prometheus: Prometheus, since: float, end: float) -> float | None:
    moment = max(_SCRAPE, since // _MOMENTS)
    count = f"count_over_time(({_SCRAPED})[{since:.0f}s:{moment:.0f}s])"
    moments = await prometheus.number(count, end)
    return None if moments is None else min(1.0, moments * moment / since)


async def _turns(prometheus: Prometheus, since: float, end: float) -> Turns:
    found = await prometheus.at(_turns_expression(since), end)
    counts = {
        series.labels.get("status"): value for series in found for value in series.points.values()
    }
    return Turns(counts.get("success"), counts.get("error"), counts.get("cancelled"))


async def _latency(
    prometheus: Prometheus, objective: LatencyObjective, since: float, end: float
) -> Latency:
    count = f"sum(increase({objective.family}_count[{since:.0f}s]))"
    quantiles = {
        level: await prometheus.number(_quantile_expression(objective, level, since), end)
        for level in objective.targets
    }
    return Latency(objective, await prometheus.number(count, end), quantiles)


async def _worst(prometheus: Prometheus, since: float, end: float) -> list[Hour]:
    """Hours with failures first, then those in which people waited longest."""
    length = min(_HOUR, since)
    asked = _Asked(prometheus, since, end, length)
    turns = await asked.turns()
    wait = await asked.quantile("P95", FIRST_AUDIO, 0.95)
    hours = [
        Hour(time - length, each, p95)
        for (time, each), (_, p95) in zip(turns, wait.points, strict=True)
        if each.total and round(each.total)
    ]
    hours.sort(
        key=lambda hour: (
            1.0 if hour.turns.availability is None else hour.turns.availability,
            -(hour.first_audio_p95 or 0.0),
        )
    )
    return hours[:_WORST]


def _turns_expression(window: float) -> str:
    return f'sum by (status) (increase(linly_talker_requests_total{{model="talk"}}[{window:.0f}s]))'


def _quantile_expression(objective: LatencyObjective, level: float, window: float) -> str:
    buckets = f"sum by (le) (increase({objective.family}_bucket[{window:.0f}s]))"
    return f"histogram_quantile({level}, {buckets})"


def _turns_at(found: Sequence[Series], time: float) -> Turns:
    counts = {series.labels.get("status"): _value(series, time) for series in found}
    return Turns(counts.get("success"), counts.get("error"), counts.get("cancelled"))


def _at(found: Sequence[Series], time: float) -> float | None:
    return _value(found[0], time) if found else None


def _value(series: Series, time: float) -> float | None:
    """Prometheus answers with the times that it was asked for, to the millisecond."""
    return series.points.get(round(time, 3))
