"""Runs the service."""

from linly_llm.config import Settings
from linly_llm.engine import Engine
from linly_llm.metrics import STAGE, LlmMetrics
from linly_llm.servicer import registration
from linly_mesh.plugins import load_engine
from linly_mesh.rpc.server import Registration, run, serve


async def _serve(settings: Settings) -> None:
    engine: Engine = load_engine("linly.llm.engines", settings.engine)(settings)

    metrics = LlmMetrics(settings.region, engine.workload)

    async def start() -> Registration:
        await engine.start()
        return registration(engine, settings, metrics)

    await serve(STAGE, settings, start, engine.stop, engine.workload, metrics=metrics)


def main() -> None:
    """Serves until it is told to stop."""
    run(Settings, _serve)


if __name__ == "__main__":
    main()
