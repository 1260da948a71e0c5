"""For who answers for the product: are people served, and how long do they wait?"""

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

from linly_client.report.objectives import AVAILABILITY, FIRST_AUDIO

_TURNS = 'linly_talker_requests_total{model="talk",region=~"$region"'
_WAIT = FIRST_AUDIO.family
_SHARE = Limits(AVAILABILITY, 2 * AVAILABILITY - 1)
"""Doubtful below the target; bad when the errors are twice what it allows."""
_SECONDS = Limits(FIRST_AUDIO.p95, FIRST_AUDIO.p99)
_ABOUT_SUCCESS = (
    "Turns that succeeded, of those that ended by themselves; one that was cancelled "
    "(an interruption, or a caller that left) is neither."
)


def _success(window: str) -> str:
    return (
        f'sum(increase({_TURNS},status="success"}}[{window}])) / '
        f'sum(increase({_TURNS},status!="cancelled"}}[{window}]))'
    )


def _within(window: str) -> str:
    return (
        f'sum(increase({_WAIT}_bucket{{le="{FIRST_AUDIO.p95}"}}[{window}])) / '
        f"sum(increase({_WAIT}_count[{window}]))"
    )


_SUMMARY = Row(
    "In the chosen time",
    [
        Panel(
            "Open talks",
            "short",
            [Query('sum(linly_talker_concurrent_sessions{region=~"$region"})')],
            "Talks that are open now.",
            Shape.NUMBER,
            width=4,
            height=5,
        ),
        Panel(
            "Turns",
            "short",
            [Query(f"sum(increase({_TURNS}}}[$__range]))")],
            "Turns that ended, whatever their status.",
            Shape.NUMBER,
            width=4,
            height=5,
        ),
        Panel(
            "Success rate",
            "percentunit",
            [Query(_success("$__range"))],
            _ABOUT_SUCCESS,
            Shape.NUMBER,
            limits=_SHARE,
            width=4,
            height=5,
        ),
        Panel(
            "Error budget left",
            "percentunit",
            [Query(f"1 - (1 - ({_success('$__range')})) / {1 - AVAILABILITY:g}")],
            f"What is left of the failures that a target of {AVAILABILITY:.1%} allows.",
            Shape.NUMBER,
            limits=Limits(0.25, 0.0),
            width=4,
            height=5,
        ),
        Panel(
            "First audio, P95",
            "s",
            [
                Query(
                    f"histogram_quantile(0.95, sum by (le) (increase({_WAIT}_bucket[$__range])))",
                )
            ],
            "From the end of the person's input to the first audio out.",
            Shape.NUMBER,
            limits=_SECONDS,
            width=4,
            height=5,
        ),
        Panel(
            f"First audio within {FIRST_AUDIO.p95:g} s",
            "percentunit",
            [Query(_within("$__range"))],
            "Share of the turns that gave audio.",
            Shape.NUMBER,
            limits=Limits(0.95, 0.9),
            width=4,
            height=5,
        ),
    ],
)
_TALKS = Row(
    "Talks",
    [
        Panel(
            "Turns by status",
            "suffix: /min",
            [Query(f"sum by (status) (rate({_TURNS}}}[$__rate_interval])) * 60", "{{status}}")],
            stack=Stack.SUM,
        ),
        Panel(
            "Success rate",
            "percentunit",
            [Query(_success("$__rate_interval"), "success rate")],
            _ABOUT_SUCCESS + " A gap is a time without turns.",
            limits=_SHARE,
            maximum=1.0,
        ),
        Panel(
            "Open talks",
            "short",
            [
                Query(
                    'sum by (region) (linly_talker_concurrent_sessions{region=~"$region"})',
                    "{{region}}",
                )
            ],
            stack=Stack.SUM,
        ),
    ],
)
_WAITING = Row(
    "How long people wait",
    [
        Panel(
            "First audio",
            "s",
            quantiles(_WAIT),
            "From the end of the person's input to the first audio out, the silence that was "
            "waited for included.",
            limits=_SECONDS,
        ),
        Panel(
            "First audio, distribution",
            "s",
            [Query(f"sum by (le) (increase({_WAIT}_bucket[$__rate_interval]))", "{{le}}")],
            "Turns by how long the first audio took.",
            Shape.HEATMAP,
        ),
        Panel(
            "First frame",
            "s",
            quantiles("linly_talker_first_frame_seconds"),
            "From the end of the person's input to the first frame out.",
            limits=_SECONDS,
        ),
        Panel(
            f"First audio within {FIRST_AUDIO.p95:g} s",
            "percentunit",
            [Query(_within("$__rate_interval"), "within target")],
            limits=Limits(0.95, 0.9),
            maximum=1.0,
        ),
        Panel(
            "Silence waited for",
            "s",
            quantiles("linly_talker_endpointing_seconds"),
            "To be sure that the person had finished; part of the time to first audio.",
        ),
        Panel(
            "Interruption until it is heard of",
            "s",
            [Query(quantile(0.95, "linly_talker_interrupt_seconds"), "P95")],
            "From an interruption to the event that silences the client.",
        ),
    ],
)
PRODUCT = Dashboard(
    "talker-product",
    "Talker: product",
    "Are people served, and how long do they wait?",
    [Variable("region", "linly_talker_requests_total", "region")],
    [_SUMMARY, _TALKS, _WAITING],
)
