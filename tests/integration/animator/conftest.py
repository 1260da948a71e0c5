"""A real server with the real engine, on a Unix socket."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from linly.animator.v1 import animator_pb2, animator_pb2_grpc
from linly_animator.config import Settings
from linly_animator.engines.portrait import PortraitEngine
from linly_animator.metrics import AnimatorMetrics
from linly_animator.servicer import AnimatorServicer
from linly_animator.weights import FACE
from linly_mesh.rpc.channel import open_channel
from linly_mesh.rpc.draining import Draining
from linly_mesh.rpc.server import Registration, create_server
from linly_mesh.weights import fetch
from linly_mesh.workload import Workload


@dataclass(frozen=True)
class Service:
    """A running animator."""

    stub: animator_pb2_grpc.AnimatorServiceStub
    workload: Workload


@pytest.fixture(scope="session")
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    settings = Settings(models=fetch(FACE), threads=2, max_streams=4, max_uploads=2)
    workload = Workload()
    engine = PortraitEngine(settings, workload)
    await engine.start()
    registration = Registration(
        animator_pb2.DESCRIPTOR.services_by_name["AnimatorService"],
        AnimatorServicer(
            engine,
            "portrait",
            settings.max_uploads,
            Draining(),
            AnimatorMetrics("test", workload, engine.keypoints),
        ),
        animator_pb2_grpc.add_AnimatorServiceServicer_to_server,
    )
    server = create_server("animator", [registration], workload=workload)
    address = f"unix:{tmp_path_factory.mktemp('animator')}/animator.sock"
    server.add_insecure_port(address)
    await server.start()
    async with open_channel(address) as channel:
        yield Service(animator_pb2_grpc.AnimatorServiceStub(channel), workload)
    await server.stop(None)
    await engine.stop()


@pytest.fixture(scope="session")
def portrait() -> bytes:
    """The shipped portrait's file."""
    root = Path(__file__).parents[3]
    return (root / "services" / "animator" / "portraits" / "default.png").read_bytes()
