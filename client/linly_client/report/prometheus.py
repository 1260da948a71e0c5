"""Asks Prometheus over its HTTP API."""

import asyncio
import json
import math
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DEFAULT_URL = "http://127.0.0.1:9090"
"""Where Prometheus listens unless told otherwise."""
_TIMEOUT = 30.0


class PrometheusError(Exception):
    """Prometheus can't be asked, or can't answer; the message is one line."""


@dataclass(frozen=True, slots=True)
class Series:
    """One series of an answer."""

    labels: Mapping[str, str]
    """Without the metric's name where the expression drops it."""
    points: Mapping[float, float]
    """Seconds since 1970 → value; what is not a number is left out."""


@dataclass(frozen=True, slots=True)
class Prometheus:
    """One server."""

    url: str = DEFAULT_URL
    """Its address, with a path where it has one."""

    async def at(self, expression: str, time: float) -> list[Series]:
        """An instant query; series without a number have no points.

        Raises:
            PrometheusError: it can't be asked, or refuses.
        """
        found = await self._get("query", query=expression, time=f"{time:.3f}")
        return [Series(each["metric"], _points([each["value"]])) for each in found]

    async def number(self, expression: str, time: float) -> float | None:
        """Of an instant query with at most one series; None where there is no data.

        Raises:
            PrometheusError: it can't be asked, or refuses.
        """
        for series in await self.at(expression, time):
            for value in series.points.values():
                return value
        return None

    async def over(self, expression: str, start: float, end: float, step: float) -> list[Series]:
        """A range query: a value per ``step`` seconds from ``start`` to ``end``.

        Raises:
            PrometheusError: it can't be asked, or refuses.
        """
        found = await self._get(
            "query_range",
            query=expression,
            start=f"{start:.3f}",
            end=f"{end:.3f}",
            step=f"{step:.3f}",
        )
        return [Series(each["metric"], _points(each["values"])) for each in found]

    async def _get(self, what: str, **parameters: str) -> list[dict[str, Any]]:
        base = self.url.rstrip("/")
        if not base.startswith(("http://", "https://")):
            raise PrometheusError(f"{self.url}: not an http:// or https:// address")
        url = f"{base}/api/v1/{what}?{urllib.parse.urlencode(parameters)}"
        return await asyncio.to_thread(self._read, url)

    def _read(self, url: str) -> list[dict[str, Any]]:
        try:
            with urllib.request.urlopen(url, timeout=_TIMEOUT) as answer:
                result = json.load(answer)["data"]["result"]
        except urllib.error.HTTPError as error:
            raise PrometheusError(f"Prometheus at {self.url}: {_refusal(error)}") from error
        except urllib.error.URLError as error:
            raise PrometheusError(f"no Prometheus at {self.url}: {error.reason}") from error
        except (OSError, ValueError, LookupError, TypeError) as error:
            message = f"what answers at {self.url} is no Prometheus: {error}"
            raise PrometheusError(message) from error
        assert isinstance(result, list)
        return result


def _points(values: list[tuple[float, str]]) -> dict[float, float]:
    numbers = {float(time): float(value) for time, value in values}
    return {time: value for time, value in numbers.items() if math.isfinite(value)}


def _refusal(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(error)["error"])
    except (ValueError, LookupError, TypeError):
        return f"HTTP {error.code}"
