"""Starts the orchestrator."""

from linly.talk.v1 import talk_pb2, talk_pb2_grpc
from linly_mesh.rpc.draining import Draining
from linly_mesh.rpc.server import Registration, run, serve
from linly_mesh.workload import Workload
from linly_orchestrator.config import Settings
from linly_orchestrator.servicer import TalkServicer
from linly_orchestrator.stages.channels import Stages


async def _serve(settings: Settings) -> None:
    workload = Workload()
    draining = Draining()
    stages = Stages.open(settings)

    async def start() -> Registration:
        service = talk_pb2.DESCRIPTOR.services_by_name["TalkService"]
        servicer = TalkServicer(settings, stages, workload, draining)
        return Registration(service, servicer, talk_pb2_grpc.add_TalkServiceServicer_to_server)

    await serve("talk", settings, start, stages.close, workload, draining)


def main() -> None:
    """Runs until told to stop."""
    run(Settings, _serve)


if __name__ == "__main__":
    main()
