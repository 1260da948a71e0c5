"""Whether a process serves, as a metric."""

from prometheus_client import CollectorRegistry

from linly_mesh.telemetry.catalogue import Audience, Family, Kind

READY = Family(
    "linly_talker_ready",
    Kind.GAUGE,
    Audience.BUSINESS,
    "1 while the service takes calls with its model loaded; 0 while it loads or drains.",
)
FAMILIES = (READY,)


class Readiness:
    """Follows the health service."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Starts at 0."""
        self._gauge = READY.gauge(registry)

    def serving(self, serves: bool) -> None:
        """Health has changed."""
        self._gauge.set(serves)
