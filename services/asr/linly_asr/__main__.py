"""Starts the service."""

import asyncio

from linly.asr.v1 import asr_pb2, asr_pb2_grpc
from linly_asr.config import Settings
from linly_asr.engine import Engine
from linly_asr.metrics import STAGE, metrics
from linly_asr.servicer import AsrServicer
from linly_asr.vad import SileroVad
from linly_asr.weights import SILERO_VAD
from linly_mesh.plugins import load_engine
from linly_mesh.rpc.draining import Draining
from linly_mesh.rpc.server import Registration, run, serve
from linly_mesh.weights import weights_folder


def main() -> None:
    """Serves until told to stop."""
    run(Settings, _serve)


async def _serve(settings: Settings) -> None:
    engine: Engine = load_engine("linly.asr.engines", settings.engine)(settings)
    draining = Draining()
    own = metrics(settings.region, engine.workload)

    async def start() -> Registration:
        path = settings.vad_model or weights_folder(SILERO_VAD) / "silero_vad.onnx"
        vad = await asyncio.to_thread(SileroVad, path)
        await engine.start()
        return Registration(
            asr_pb2.DESCRIPTOR.services_by_name["AsrService"],
            AsrServicer(engine, vad, settings, draining, own),
            asr_pb2_grpc.add_AsrServiceServicer_to_server,
        )

    await serve(STAGE, settings, start, engine.stop, engine.workload, draining, own)


if __name__ == "__main__":
    main()
