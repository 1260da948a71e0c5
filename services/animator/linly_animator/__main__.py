"""Starts the animator."""

from typing import NoReturn

from linly.animator.v1 import animator_pb2
from linly.animator.v1.animator_pb2_grpc import add_AnimatorServiceServicer_to_server
from linly_animator.config import Settings
from linly_animator.engine import AnimatorEngine
from linly_animator.metrics import STAGE, AnimatorMetrics
from linly_animator.servicer import AnimatorServicer
from linly_mesh.plugins import load_engine
from linly_mesh.rpc.draining import Draining
from linly_mesh.rpc.server import Registration, run, serve
from linly_mesh.workload import Workload


async def _serve(settings: Settings) -> None:
    workload = Workload()
    draining = Draining()
    engine: AnimatorEngine = load_engine("linly.animator.engines", settings.engine)(
        settings, workload
    )

    metrics = AnimatorMetrics(settings.region, workload, engine.keypoints)

    async def start() -> Registration:
        await engine.start()
        return Registration(
            animator_pb2.DESCRIPTOR.services_by_name["AnimatorService"],
            AnimatorServicer(engine, settings.engine, settings.max_uploads, draining, metrics),
            add_AnimatorServiceServicer_to_server,
        )

    await serve(STAGE, settings, start, engine.stop, workload, draining, metrics)


def main() -> NoReturn:
    """The console script."""
    run(Settings, _serve)


if __name__ == "__main__":
    main()
