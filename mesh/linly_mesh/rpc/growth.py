"""What grows in a process, as its message."""

from linly.admin.v1 import admin_pb2
from linly_mesh.rpc.convert import to_duration
from linly_mesh.telemetry.memory import Growth
from linly_mesh.telemetry.memory_lines import AllocationGrowth
from linly_mesh.telemetry.memory_processes import ProcessGrowth
from linly_mesh.telemetry.memory_tensors import TensorGrowth


def to_response(growth: Growth) -> admin_pb2.GetMemoryGrowthResponse:
    """All of it."""
    return admin_pb2.GetMemoryGrowthResponse(
        elapsed=to_duration(growth.elapsed),
        traced_bytes=growth.traced,
        trace_overhead_bytes=growth.overhead,
        allocations=map(_allocation, growth.allocations),
        tensors=map(_tensor, growth.tensors),
        processes=map(_process, growth.processes),
    )


def _allocation(growth: AllocationGrowth) -> admin_pb2.AllocationGrowth:
    return admin_pb2.AllocationGrowth(
        frames=[admin_pb2.CodeLine(file=each.file, line=each.line) for each in growth.frames],
        size_diff=growth.size_diff,
        count_diff=growth.count_diff,
    )


def _tensor(growth: TensorGrowth) -> admin_pb2.TensorGrowth:
    return admin_pb2.TensorGrowth(
        device=growth.likeness.device,
        dtype=growth.likeness.dtype,
        shape=growth.likeness.shape,
        count=growth.now.count,
        size=growth.now.size,
        count_diff=growth.count_diff,
        size_diff=growth.size_diff,
    )


def _process(growth: ProcessGrowth) -> admin_pb2.ProcessGrowth:
    return admin_pb2.ProcessGrowth(
        name=growth.usage.name,
        main=growth.usage.main,
        started=growth.started,
        rss=growth.usage.rss,
        rss_diff=growth.rss_diff,
        pss=growth.usage.pss,
        pss_diff=growth.pss_diff,
    )
