"""For who owns a model: where does the time of a turn go, and what waits?"""

from collections.abc import Sequence

from monitoring.grafana.declarations import (
    Dashboard,
    Limits,
    Panel,
    Query,
    Row,
    Shape,
    Stack,
    Variable,
    quantile,
    quantiles,
)

from linly_client.report.objectives import ALERT, FIRST_AUDIO, STAGES

_TITLES = {stage.name: stage.title for stage in STAGES}
_FAMILIES = {stage.name: stage.family for stage in STAGES}
_DURATION = "linly_talker_(asr|llm|tts|animator)_duration_seconds"
_WAITED = ("asr", "llm", "tts")
"""Stages between the end of the input and the first audio; frames follow the audio."""
_SECONDS = Limits(STAGES[0].p95, ALERT)
_MODEL = 'model=~"$model"'
_LINE = "first audio"
_ABOUT_WATERFALL = (
    "Each part of a turn from the end of the person's input to the first audio, in the order in "
    "which a turn goes through them. Quantiles of parts need not add up to that of the whole, "
    "which is drawn as a line."
)


def _per_stage(level: float) -> Query:
    buckets = f'{{__name__=~"{_DURATION}_bucket",{_MODEL}}}[$__rate_interval]'
    by_model = f"sum by (le, model) (rate({buckets}))"
    return Query(f"histogram_quantile({level}, {by_model})", "{{model}}")


def _waterfall(level: float) -> Panel:
    parts = [
        ("endpointing", "linly_talker_endpointing_seconds"),
        *((stage, _FAMILIES[stage]) for stage in _WAITED),
        ("overhead", "linly_talker_overhead_seconds"),
        (_LINE, FIRST_AUDIO.family),
    ]
    return Panel(
        f"A turn as a waterfall, P{level * 100:.0f}",
        "s",
        [Query(quantile(level, family), legend) for legend, family in parts],
        _ABOUT_WATERFALL,
        stack=Stack.SUM,
        line=_LINE,
        limits=Limits(FIRST_AUDIO.targets[level], 2 * FIRST_AUDIO.targets[level]),
        height=9,
    )


def _mean(family: str) -> str:
    return (
        f"sum(rate({family}_sum[$__rate_interval])) / sum(rate({family}_count[$__rate_interval]))"
    )


_TURN = Row(
    "A turn",
    [
        *(_waterfall(level) for level in (0.5, 0.95, 0.99)),
        Panel(
            "Mean time of each stage",
            "s",
            [Query(_mean(family), stage) for stage, family in _FAMILIES.items()],
            "From a request's complete input to its first output.",
            stack=Stack.SUM,
        ),
        Panel(
            "Share of each stage",
            "percentunit",
            [Query(f"talker:stage_duration:share_5m{{{_MODEL}}}", "{{model}}")],
            "Of the time that all stages together took in the last 5 minutes.",
            stack=Stack.SUM,
            maximum=1.0,
        ),
        Panel(
            "P95 of each stage in the chosen time",
            "s",
            [
                Query(
                    "histogram_quantile(0.95, sum by (le, model) "
                    f'(increase({{__name__=~"{_DURATION}_bucket",{_MODEL}}}[$__range])))',
                    "{{model}}",
                )
            ],
            "The longest bar is the stage to look at.",
            Shape.BARS,
            limits=_SECONDS,
        ),
        Panel(
            "Latency of requests, P95",
            "s",
            [
                Query(
                    quantile(
                        0.95, "linly_talker_request_latency_seconds", by="model", where=_MODEL
                    ),
                    "{{model}}",
                )
            ],
            "From a request's complete input to its first output; of talk: to the first audio.",
            limits=Limits(ALERT, 2 * ALERT),
            width=12,
        ),
        Panel(
            "Overhead",
            "s",
            quantiles("linly_talker_overhead_seconds"),
            "What remains of the time to first audio without endpointing and the stages' own "
            "times: the mesh and the orchestrator.",
            width=12,
        ),
    ],
)
_STAGES = Row(
    "Stages",
    [
        *(
            Panel(
                f"Duration, P{level * 100:.0f}",
                "s",
                [_per_stage(level)],
                "From a request's complete input to its first output, inside the service. Yellow "
                f"from the target of {_SECONDS.warning:g} s for P95, red where an alert is given.",
                limits=_SECONDS,
            )
            for level in (0.5, 0.95, 0.99)
        ),
        Panel(
            "Requests",
            "reqps",
            [
                Query(
                    f"sum by (model) (rate(linly_talker_requests_total{{{_MODEL}}}"
                    "[$__rate_interval]))",
                    "{{model}}",
                )
            ],
            "Utterances, prompts, clauses, speeches and turns that ended.",
        ),
        Panel(
            "Errors",
            "reqps",
            [
                Query(
                    f'sum by (model) (rate(linly_talker_requests_total{{{_MODEL},status="error"}}'
                    "[$__rate_interval]))",
                    "{{model}}",
                )
            ],
        ),
        Panel(
            "Cancelled",
            "reqps",
            [
                Query(
                    'sum by (stage) (rate(linly_talker_cancelled_total{stage=~"$model"}'
                    "[$__rate_interval]))",
                    "{{stage}}",
                )
            ],
            "Interruptions, and callers that left.",
        ),
    ],
)
_QUEUES = Row(
    "Queues and batches",
    [
        Panel(
            "Requests that wait",
            "short",
            [Query(f"sum by (model) (linly_talker_queue_depth{{{_MODEL}}})", "{{model}}")],
        ),
        Panel(
            "Wait, P95",
            "s",
            [
                Query(
                    quantile(0.95, "linly_talker_queue_wait_seconds", by="model", where=_MODEL),
                    "{{model}}",
                )
            ],
            "From a request's complete input until the model took it up.",
        ),
        Panel(
            "Batch size",
            "short",
            [Query(f"avg by (model) (linly_talker_batch_size{{{_MODEL}}})", "{{model}}")],
            "Requests that a replica works on at the same time.",
        ),
        Panel(
            "Work in hand",
            "short",
            [
                Query(f"talker:work_in_progress:sum{{{_MODEL}}}", "{{model}}"),
                Query(f"talker:work_in_progress:avg5m{{{_MODEL}}}", "{{model}}, mean of 5 min"),
            ],
            "Requests that wait or are worked on, of all replicas: what autoscaling reads.",
        ),
        Panel(
            "Replicas wanted",
            "short",
            [Query(f"talker:replicas:wanted{{{_MODEL}}}", "{{model}}")],
            "What the scaler is told: for the work in hand, and for that of the next half hour as "
            "it was yesterday and a week ago.",
        ),
        Panel(
            "Turned away",
            "reqps",
            [
                Query(
                    f"sum by (model, reason) (rate(linly_talker_rejected_total{{{_MODEL}}}"
                    "[$__rate_interval]))",
                    "{{model}} {{reason}}",
                )
            ],
            "Calls that were refused with RESOURCE_EXHAUSTED.",
        ),
    ],
)
_OUTPUT = Row(
    "What the models give",
    [
        Panel(
            "Tokens",
            "suffix: /s",
            [
                Query(
                    "sum by (kind) (rate(linly_talker_llm_tokens_total[$__rate_interval]))",
                    "{{kind}}",
                )
            ],
        ),
        Panel(
            "Time to first token",
            "s",
            quantiles("linly_talker_llm_time_to_first_token_seconds"),
        ),
        Panel(
            "Time to first byte of speech",
            "s",
            quantiles("linly_talker_tts_time_to_first_byte_seconds"),
        ),
        Panel(
            "Frames",
            "suffix: /s",
            [
                Query(
                    "sum(rate(linly_talker_face_animator_frames_total[$__rate_interval]))",
                    "rendered",
                ),
                Query("sum(rate(linly_talker_frames_dropped_total[$__rate_interval]))", "left out"),
            ],
            "Left out are frames that would have been late; they are not encoded.",
        ),
        Panel(
            "Frame after its audio",
            "s",
            quantiles("linly_talker_av_offset_seconds"),
            "The latest that a frame of a turn went out after its audio was to be played.",
        ),
        Panel(
            "Landmarks per frame",
            "short",
            [Query("max(linly_talker_face_animator_keypoints_per_frame)", "landmarks")],
        ),
    ],
)


def _method(expression: str) -> Query:
    return Query(expression, "{{grpc_service}} {{grpc_method}}")


def _rate(family: str, by: str = "grpc_service, grpc_method", where: str = "") -> str:
    return f"sum by ({by}) (rate({family}{{{where}}}[$__rate_interval]))"


_CALLED = 'grpc_service!~"grpc.+"'
"""Without health checks and reflection."""
_BY = "grpc_service, grpc_method"


def _seen_by(side: str) -> Sequence[Panel]:
    """What client and server both measure; the difference is the way between them."""
    family = f"linly_talker_rpc_{side}"
    return [
        Panel(
            "In flight",
            "short",
            [_method(f"sum by ({_BY}) ({family}_in_flight{{{_CALLED}}})")],
        ),
        Panel(
            "First response, P95",
            "s",
            [_method(quantile(0.95, f"{family}_first_response_seconds", by=_BY, where=_CALLED))],
            "From the call to the first response; a stream's input is counted in.",
        ),
        Panel(
            "Gap between messages, P95",
            "s",
            [_method(quantile(0.95, f"{family}_message_gap_seconds", by=_BY, where=_CALLED))],
            "Of streams that ended with OK, counted when they end.",
        ),
    ]


_SERVED = Row(
    "RPCs, as their servers see them",
    [
        Panel(
            "Started",
            "reqps",
            [_method(_rate("grpc_server_started_total", where=_CALLED))],
            "Without health checks and reflection.",
        ),
        Panel(
            "Not ended with OK",
            "reqps",
            [
                Query(
                    _rate("grpc_server_handled_total", "grpc_code", 'grpc_code!="OK"'),
                    "{{grpc_code}}",
                )
            ],
            "CANCELLED is what interruptions and callers that leave look like.",
        ),
        Panel(
            "Messages sent",
            "suffix: /s",
            [_method(_rate("grpc_server_msg_sent_total", where=_CALLED))],
            "The message is the cost, not the byte.",
        ),
        *_seen_by("server"),
    ],
)
_CALLS = Row(
    "RPCs, as the orchestrator sees them: the difference is the mesh", [*_seen_by("client")]
)
MODELS = Dashboard(
    "talker-models",
    "Talker: models",
    "Where does the time of a turn go, and what waits?",
    [Variable("model", "linly_talker_requests_total", "model")],
    [_TURN, _STAGES, _QUEUES, _OUTPUT, _SERVED, _CALLS],
)
