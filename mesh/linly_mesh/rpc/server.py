"""The life of a server: bind, load, serve, drain, unload."""

import asyncio
import gc
import logging
import signal
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import grpc
import uvloop
from google.protobuf.descriptor import ServiceDescriptor
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2

from linly.admin.v1 import admin_pb2, admin_pb2_grpc
from linly_mesh.errors import ConfigurationError
from linly_mesh.rpc.admin import AdminServicer
from linly_mesh.rpc.draining import Draining
from linly_mesh.rpc.gate import CallGate
from linly_mesh.rpc.interceptor import RpcInterceptor
from linly_mesh.settings import ServerSettings, read_settings
from linly_mesh.telemetry.exposition import exposed
from linly_mesh.telemetry.gpu import CardCollector, TorchCollector
from linly_mesh.telemetry.logs import CallLog, configure_logging
from linly_mesh.telemetry.loop import watched_loop
from linly_mesh.telemetry.memory import MemoryTrace
from linly_mesh.telemetry.process import ProcessCollector
from linly_mesh.telemetry.readiness import Readiness
from linly_mesh.telemetry.rpc import ServerMetrics
from linly_mesh.telemetry.stage import StageMetrics
from linly_mesh.telemetry.tracing import ServerTracing, configure_tracing
from linly_mesh.workload import Workload

_log = logging.getLogger(__name__)
_Settings = TypeVar("_Settings", bound=ServerSettings)
_ADMIN = admin_pb2.DESCRIPTOR.services_by_name["AdminService"]
_HEALTH = health_pb2.DESCRIPTOR.services_by_name["Health"]
_REFLECTION = reflection_pb2.DESCRIPTOR.services_by_name["ServerReflection"]
_COMMON: tuple[Any, ...] = (_ADMIN, _HEALTH, _REFLECTION)
"""What every server answers beside its own service."""


@dataclass(frozen=True)
class Registration:
    """A servicer and the service that it implements."""

    service: ServiceDescriptor
    """Its descriptor, for health and reflection."""
    servicer: Any
    """The object that answers."""
    add: Callable[[Any, grpc.aio.Server], None]
    """The generated ``add_…_to_server``."""


def create_server(
    stage: str,
    registrations: Sequence[Registration],
    *,
    workload: Workload,
    max_message_bytes: int = 4 << 20,
    metrics: ServerMetrics | None = None,
    rejected: Callable[[str], None] = lambda reason: None,
    memory: MemoryTrace | None = None,
    gate: CallGate | None = None,
) -> grpc.aio.Server:
    """A server with the interceptor chain, reflection and admin, not yet bound."""
    interceptors: list[grpc.aio.ServerInterceptor] = [RpcInterceptor(stage, rejected, gate)]
    if metrics is not None:
        interceptors.insert(0, metrics)  # sees the statuses that errors have become
    server = grpc.aio.server(
        interceptors=interceptors,
        options=(
            ("grpc.http2.bdp_probe", 0),  # see rpc.channel
            ("grpc.so_reuseport", 0),  # a second process on the port is an error
            ("grpc.max_receive_message_length", max_message_bytes),
            ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
            ("grpc.keepalive_permit_without_calls", 1),
        ),
    )
    for registration in registrations:
        registration.add(registration.servicer, server)
    admin_pb2_grpc.add_AdminServiceServicer_to_server(AdminServicer(workload, memory), server)
    names = [r.service.full_name for r in registrations]
    names += [service.full_name for service in _COMMON]
    reflection.enable_server_reflection(names, server)
    return server


async def serve(
    stage: str,
    settings: ServerSettings,
    start: Callable[[], Awaitable[Registration]],
    stop: Callable[[], Awaitable[None]],
    workload: Workload,
    draining: Draining | None = None,
    metrics: StageMetrics | None = None,
) -> None:
    """Serves until SIGTERM or SIGINT.

    The model is loaded by ``start`` before the port opens, so that a client that reaches the
    server reaches the model. On a signal: health turns NOT_SERVING and new calls are refused,
    running ones finish within ``drain_grace``, then ``stop`` unloads the model. In that order.
    A servicer whose streams last as long as a talk is given ``draining`` and ends them at rest.
    Metrics are shown all the time: ``metrics`` are those of a service that has its own.
    """
    configure_logging(stage)
    end_tracing = configure_tracing(stage)
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)

    metrics = metrics or StageMetrics(stage, settings.region, workload)
    readiness = Readiness(metrics.registry)
    for collector in (ProcessCollector(stage), TorchCollector(stage), CardCollector()):
        metrics.registry.register(collector)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(asyncio.to_thread, end_tracing)
        await stack.enter_async_context(watched_loop(metrics.registry))
        if settings.metrics_listen:
            await stack.enter_async_context(exposed(metrics.registry, settings.metrics_listen))
        registration = await start()
        stack.push_async_callback(stop)
        gc.enable()
        gc.collect()  # before the first call, not in the midst of one
        memory = MemoryTrace()
        stack.callback(memory.stop)
        gate = CallGate([registration.service])
        health_servicer = health.aio.HealthServicer()
        server = create_server(
            stage,
            [registration],
            workload=workload,
            max_message_bytes=settings.max_message_bytes,
            metrics=ServerMetrics(
                metrics.registry,
                [registration.service, *_COMMON],
                [ServerTracing(), CallLog()],
            ),
            rejected=metrics.rejected,
            memory=memory,
            gate=gate,
        )
        health_pb2_grpc.add_HealthServicer_to_server(health_servicer, server)
        _bind(server, settings.listen)
        await server.start()
        for name in ("", registration.service.full_name):
            await health_servicer.set(name, health_pb2.HealthCheckResponse.SERVING)
        readiness.serving(True)
        _log.info("%s serves on %s", stage, settings.listen)
        await stopping.wait()
        _log.info("%s drains for at most %g s", stage, settings.drain_grace)
        end = loop.time() + settings.drain_grace
        await health_servicer.enter_graceful_shutdown()
        readiness.serving(False)
        if draining is not None:
            draining.begin()
        if settings.listen.startswith("unix:"):  # a proxy's; others learn at once to go elsewhere
            await gate.close(settings.drain_grace)
        await server.stop(max(0.0, end - loop.time()))
    _log.info("%s has stopped", stage)


def run(
    settings: Callable[[], _Settings], main: Callable[[_Settings], Coroutine[Any, Any, None]]
) -> NoReturn:
    """Reads the settings and runs a process on uvloop.

    A setting that is wrong, or a ConfigurationError, ends it with one line and status 1.
    """
    # What is imported and loaded stays: collections meanwhile find nothing, and take a tenth of
    # the time until the language model answers.
    gc.disable()
    try:
        uvloop.run(main(read_settings(settings)))
    except ConfigurationError as error:
        raise SystemExit(f"error: {error}") from None
    raise SystemExit(0)


def _bind(server: grpc.aio.Server, address: str) -> None:
    if address.startswith("unix:"):
        path = Path(address.removeprefix("unix:"))
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.unlink(missing_ok=True)  # left by a process that was killed
    try:
        bound = server.add_insecure_port(address)
    except RuntimeError as error:
        raise ConfigurationError(f"cannot listen on {address}: {error}") from error
    if not address.startswith("unix:") and bound == 0:
        raise ConfigurationError(f"cannot listen on {address}")
