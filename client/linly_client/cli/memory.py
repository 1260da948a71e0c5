"""``talker memory``: where a running service grows."""

import asyncio
from collections.abc import Iterable
from typing import Annotated, Any

import grpc
import typer
from rich import box
from rich.table import Table

from linly.admin.v1 import admin_pb2, admin_pb2_grpc
from linly_client.cli.console import CommandError, console
from linly_client.cli.reach import OPERATOR
from linly_client.cli.run import run
from linly_client.errors import connection_failure
from linly_mesh.proxy.local import LocalMesh
from linly_mesh.rpc.channel import open_channel
from linly_mesh.rpc.convert import to_duration
from linly_mesh.rpc.target import Target

_PATIENCE = 60.0
"""Seconds that a snapshot may take: it grows with the memory that is looked at."""


def memory(
    service: Annotated[str, typer.Argument(help="asr, llm, tts, animator or orchestrator.")],
    seconds: Annotated[
        float, typer.Option("--for", min=1, max=3000, help="Seconds to look at its growth.")
    ] = 30.0,
    top: Annotated[int, typer.Option(min=1, max=100, help="Rows of each table.")] = 10,
) -> None:
    """Trace a service's memory for a while and show what has grown: lines, tensors, workers."""
    run(_memory(LocalMesh.read().target(service, OPERATOR), seconds, top))


async def _memory(target: Target, seconds: float, top: int) -> None:
    async with open_channel(target) as channel:
        admin: Any = admin_pb2_grpc.AdminServiceStub(channel)
        try:
            show(await _growth(admin, seconds, top))
        except grpc.aio.AioRpcError as error:
            raise CommandError(connection_failure(error) or str(error.details())) from None


async def _growth(admin: Any, seconds: float, top: int) -> admin_pb2.GetMemoryGrowthResponse:
    begin = admin_pb2.StartMemoryTraceRequest(ttl=to_duration(seconds + _PATIENCE))
    await admin.StartMemoryTrace(begin, timeout=_PATIENCE)
    try:
        with console.status(f"looking for {seconds:g} s …"):
            await asyncio.sleep(seconds)
            request = admin_pb2.GetMemoryGrowthRequest(max_results=top)
            found: admin_pb2.GetMemoryGrowthResponse = await admin.GetMemoryGrowth(
                request, timeout=_PATIENCE
            )
    finally:
        await admin.StopMemoryTrace(admin_pb2.StopMemoryTraceRequest(), timeout=_PATIENCE)
    return found


def show(growth: admin_pb2.GetMemoryGrowthResponse) -> None:
    """Prints what has grown; a kind that has nothing to show is left out."""
    _print(
        ("line", "more", "blocks"),
        (
            (
                "\n".join(f"{each.file}:{each.line}" for each in place.frames),
                _bytes(place.size_diff),
                f"{place.count_diff:+}",
            )
            for place in growth.allocations
            if place.size_diff > 0
        ),
    )
    _print(
        ("tensors", "more", "number", "all"),
        (
            (
                f"{each.device} {each.dtype} {tuple(each.shape)}",
                _bytes(each.size_diff),
                f"{each.count_diff:+}",
                _bytes(each.size, signed=False),
            )
            for each in growth.tensors
            if each.size_diff > 0
        ),
    )
    _print(
        ("process", "more", "resident", "proportional"),
        (
            (
                each.name + (" (new)" if each.started else ""),
                _bytes(each.rss_diff),
                _bytes(each.rss, signed=False),
                _bytes(each.pss, signed=False) if each.HasField("pss") else "–",
            )
            for each in growth.processes
        ),
    )


def _print(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    first, *others = columns
    table.add_column(first, overflow="fold")
    for column in others:
        table.add_column(column, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    if table.row_count:
        console.print(table)


def _bytes(count: int, *, signed: bool = True) -> str:
    """A size for people: ``+1.2 MiB``."""
    sign = "+" if signed else ""
    for unit, size in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if abs(count) >= size:
            return f"{count / size:{sign}.1f} {unit}"
    return f"{count:{sign}} B"
