"""Runs the TTS service."""

from linly.tts.v1 import tts_pb2, tts_pb2_grpc
from linly_mesh.plugins import load_engine
from linly_mesh.rpc.server import Registration, run, serve
from linly_mesh.workload import Workload
from linly_tts.config import Settings
from linly_tts.metrics import STAGE, metrics
from linly_tts.servicer import TtsServicer
from linly_tts.voices import VoiceBook


def main() -> None:
    """The command ``linly-tts``."""
    run(Settings, _serve)


async def _serve(settings: Settings) -> None:
    engine = load_engine("linly.tts.engines", settings.engine)(settings)
    workload = Workload()
    own = metrics(settings.region, workload)

    async def start() -> Registration:
        await engine.start()
        voices = VoiceBook(engine.voices, settings.default_voice)
        return Registration(
            tts_pb2.DESCRIPTOR.services_by_name["TtsService"],
            TtsServicer(
                engine, settings.engine, voices, workload, own, max_streams=settings.max_streams
            ),
            tts_pb2_grpc.add_TtsServiceServicer_to_server,
        )

    await serve(STAGE, settings, start, engine.stop, workload, metrics=own)


if __name__ == "__main__":
    main()
