"""Starts the orchestrator."""

from linly.talk.v1 import talk_pb2, talk_pb2_grpc
from linly_mesh.rpc.draining import Draining
from linly_mesh.rpc.server import Registration, run, serve
from linly_mesh.telemetry.rpc import ClientMetrics
from linly_mesh.telemetry.tracing import ClientTracing
from linly_mesh.workload import Workload
from linly_orchestrator.config import Settings
from linly_orchestrator.metrics import STAGE, TalkMetrics
from linly_orchestrator.servicer import TalkServicer
from linly_orchestrator.stages.channels import Stages


async def _serve(settings: Settings) -> None:
    workload = Workload()
    draining = Draining()
    metrics = TalkMetrics(settings.region, workload)
    stages = Stages.open(
        settings, ClientMetrics(metrics.registry, Stages.services(), [ClientTracing()])
    )

    async def start() -> Registration:
        service = talk_pb2.DESCRIPTOR.services_by_name["TalkService"]
        servicer = TalkServicer(settings, stages, workload, draining, metrics)
        return Registration(service, servicer, talk_pb2_grpc.add_TalkServiceServicer_to_server)

    await serve(STAGE, settings, start, stages.close, workload, draining, metrics)


def main() -> None:
    """Runs until told to stop."""
    run(Settings, _serve)


if __name__ == "__main__":
    main()
