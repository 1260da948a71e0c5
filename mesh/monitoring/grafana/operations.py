"""For who runs it: what is up, what does it cost, and is the mesh at fault?"""

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
)

_JOB = 'job=~"$workload"'
_PROXY = 'job=~"$workload-proxy"'
_HOUR = 3600.0


def _gauge(family: str, by: str, legend: str, where: str = _JOB) -> Query:
    return Query(f"sum by ({by}) ({family}{{{where}}})", legend)


def _by_workload(family: str) -> list[Query]:
    return [_gauge(family, "job", "{{job}}")]


def _proxies(family: str) -> list[Query]:
    expression = f"sum by (job) (rate({family}{{{_PROXY}}}[$__rate_interval]))"
    return [Query(expression, "{{job}}")]


_FAILED_HANDSHAKES = " + ".join(
    f"rate(envoy_listener_ssl_{cause}{{{_PROXY}}}[$__rate_interval])"
    for cause in (
        "connection_error",
        "fail_verify_error",
        "fail_verify_no_cert",
        "fail_verify_san",
    )
)
_WORKLOADS = Row(
    "Workloads",
    [
        Panel(
            "Ready",
            "short",
            [Query(f"min by (job) (linly_talker_ready{{{_JOB}}})", "{{job}}")],
            "1 while the service takes calls with its model loaded.",
            Shape.STATES,
            limits=Limits(1.0, 0.5),
        ),
        Panel(
            "Scraped",
            "short",
            [Query(f"min by (job) (up{{{_JOB}}})", "{{job}}")],
            "1 while Prometheus can read the page through the mesh.",
            Shape.STATES,
            limits=Limits(1.0, 0.5),
        ),
        Panel(
            "Running for",
            "s",
            [
                Query(
                    f"time() - max by (job) (process_start_time_seconds{{{_JOB}}})",
                    "{{job}}",
                )
            ],
            "A line that falls to 0 is a restart.",
        ),
    ],
)
_PROCESSES = Row(
    "Processes, their workers included",
    [
        Panel(
            "CPU",
            "percent",
            [_gauge("linly_talker_cpu_usage_percent", "model", "{{model}}")],
            "Percent of one core.",
            stack=Stack.SUM,
        ),
        Panel(
            "Memory",
            "bytes",
            [_gauge("linly_talker_memory_allocated_bytes", "model", "{{model}}")],
            "Resident. A line that climbs and never falls is a leak.",
        ),
        Panel(
            "Memory an hour from now",
            "bytes",
            [
                Query(
                    f"predict_linear(process_resident_memory_bytes{{{_JOB}}}[15m], 3600)",
                    "{{job}}",
                )
            ],
            "If the last 15 minutes go on as they went.",
        ),
        Panel(
            "Event loop, P99 of its lag",
            "s",
            [
                Query(
                    quantile(0.99, "linly_talker_event_loop_lag_seconds", by="job", where=_JOB),
                    "{{job}}",
                )
            ],
            "What blocks the loop holds up every call of the process.",
            limits=Limits(0.05, 0.25),
        ),
        Panel("Open files", "short", _by_workload("process_open_fds"), width=4),
        Panel("Threads", "short", _by_workload("process_threads"), width=4),
        Panel("Worker processes", "short", _by_workload("linly_talker_worker_processes"), width=4),
        Panel(
            "Garbage collections",
            "suffix: /s",
            [
                Query(
                    f"sum by (job, generation) (rate(python_gc_collections_total{{{_JOB}}}"
                    "[$__rate_interval]))",
                    "{{job}} {{generation}}",
                )
            ],
            width=4,
        ),
    ],
)
_GPUS = Row(
    "GPUs",
    [
        Panel(
            "Utilisation",
            "percentunit",
            [Query("max by (gpu) (linly_talker_gpu_utilization_ratio)", "{{gpu}}")],
            "Whoever let the card compute.",
            maximum=1.0,
        ),
        Panel(
            "Memory by model",
            "bytes",
            [
                Query("sum by (model, gpu) (linly_talker_gpu_memory_bytes)", "{{model}} in use"),
                Query(
                    "sum by (model, gpu) (linly_talker_gpu_memory_reserved_bytes)",
                    "{{model}} reserved",
                ),
                Query("max by (gpu) (linly_talker_gpu_memory_total_bytes)", "{{gpu}} total"),
            ],
        ),
        Panel(
            "Power",
            "watt",
            [Query("max by (gpu) (linly_talker_gpu_power_watts)", "{{gpu}}")],
            width=4,
        ),
        Panel(
            "Temperature",
            "celsius",
            [Query("max by (gpu) (linly_talker_gpu_temperature_celsius)", "{{gpu}}")],
            limits=Limits(80.0, 90.0),
            width=4,
        ),
    ],
)
_MESH = Row(
    "The mesh",
    [
        Panel(
            "Certificates expire in",
            "s",
            [
                Query(
                    "min by (job) (envoy_listener_ssl_certificate_expiration_unix_time_seconds"
                    f"{{{_PROXY}}}) - time()",
                    "{{job}}",
                )
            ],
            "They are renewed long before; a bar that shrinks to nothing is a rotation that "
            "stands still.",
            Shape.BARS,
            limits=Limits(10 * _HOUR, 8 * _HOUR),
        ),
        Panel(
            "Calls denied by policy",
            "reqps",
            _proxies("envoy_http_rbac_denied"),
            "A caller that the policy does not let do what it tried.",
        ),
        Panel("Calls allowed by policy", "reqps", _proxies("envoy_http_rbac_allowed")),
        Panel(
            "Handshakes that failed",
            "suffix: /s",
            [Query(f"sum by (job) ({_FAILED_HANDSHAKES})", "{{job}}")],
            "Strangers, and certificates that nobody trusts.",
        ),
        Panel(
            "Connections from callers",
            "short",
            [_gauge("envoy_http_downstream_cx_active", "job", "{{job}}", _PROXY)],
        ),
        Panel(
            "Calls in flight",
            "short",
            [_gauge("envoy_http_downstream_rq_active", "job", "{{job}}", _PROXY)],
        ),
        Panel(
            "Connections that failed",
            "suffix: /s",
            _proxies("envoy_cluster_upstream_cx_connect_fail"),
            "From a proxy to its application or to another proxy.",
        ),
        Panel(
            "Calls turned away by a proxy",
            "suffix: /s",
            _proxies("envoy_cluster_upstream_rq_pending_overflow"),
            "More calls than the circuit breaker lets through at once.",
        ),
        Panel(
            "Replicas that are left out",
            "short",
            [_gauge("envoy_cluster_outlier_detection_ejections_active", "job", "{{job}}", _PROXY)],
            "By outlier detection of their callers: they failed several times in a row.",
        ),
        Panel(
            "Certificates refused, rotations failed",
            "short",
            [
                Query(
                    f"sum by (job) (envoy_sds_update_rejected{{{_PROXY}}}"
                    f" + envoy_sds_key_rotation_failed{{{_PROXY}}})",
                    "{{job}}",
                )
            ],
            "Since the proxy has started.",
        ),
        Panel(
            "Memory of the proxies",
            "bytes",
            [_gauge("envoy_server_memory_allocated", "job", "{{job}}", _PROXY)],
            stack=Stack.SUM,
        ),
    ],
)
OPERATIONS = Dashboard(
    "talker-operations",
    "Talker: operations",
    "What is up, what does it cost, and is the mesh at fault?",
    [Variable("workload", "linly_talker_ready", "job")],
    [_WORKLOADS, _PROCESSES, _GPUS, _MESH],
)
