"""What this service measures beside what every stage does."""

from linly_llm.engine import Finished
from linly_mesh.telemetry import buckets
from linly_mesh.telemetry.catalogue import Audience, Family, Kind
from linly_mesh.telemetry.stage import StageMetrics
from linly_mesh.workload import Workload

STAGE = "llm"
DURATION = Family(
    "linly_talker_llm_duration_seconds",
    Kind.HISTOGRAM,
    Audience.PERFORMANCE,
    "Seconds from a prompt's arrival to the first text of its reply.",
    ("model",),
    buckets.STAGE,
)
TIME_TO_FIRST_TOKEN = Family(
    "linly_talker_llm_time_to_first_token_seconds",
    Kind.HISTOGRAM,
    Audience.PERFORMANCE,
    "The same under the name that language models are compared by.",
    ("model",),
    buckets.STAGE,
)
TOKENS = Family(
    "linly_talker_llm_tokens_total",
    Kind.COUNTER,
    Audience.PERFORMANCE,
    "Tokens of requests that have ended by themselves: kind is prompt or completion.",
    ("model", "kind"),
)
FAMILIES = (DURATION, TIME_TO_FIRST_TOKEN, TOKENS)


class LlmMetrics(StageMetrics):
    """Those of the language model."""

    def __init__(self, region: str, workload: Workload) -> None:
        """Makes every series exist."""
        super().__init__(STAGE, region, workload, [DURATION, TIME_TO_FIRST_TOKEN])
        tokens = TOKENS.counter(self.registry)
        self._prompt = tokens.labels(model=STAGE, kind="prompt")
        self._completion = tokens.labels(model=STAGE, kind="completion")

    def finished(self, end: Finished) -> None:
        """A reply has come to its end."""
        self._prompt.inc(end.prompt_tokens)
        self._completion.inc(end.completion_tokens)
