"""Runs the service."""

from linly_llm.config import Settings
from linly_llm.engine import Engine
from linly_llm.servicer import registration
from linly_mesh.plugins import load_engine
from linly_mesh.rpc.server import Registration, run, serve


async def _serve(settings: Settings) -> None:
    engine: Engine = load_engine("linly.llm.engines", settings.engine)(settings)

    async def start() -> Registration:
        await engine.start()
        return registration(engine, settings)

    await serve("llm", settings, start, engine.stop, engine.workload)


def main() -> None:
    """Serves until it is told to stop."""
    run(Settings, _serve)


if __name__ == "__main__":
    main()
