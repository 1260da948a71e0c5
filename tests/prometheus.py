"""A real Prometheus with the shipped configuration, for as long as a test needs it."""

import asyncio
import json
import shutil
import socket
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

from conformance.missing import missing

SHIPPED = Path(__file__).parents[1] / "mesh" / "monitoring" / "prometheus"
NETWORK = "127.0.1."
"""What addresses of workloads begin with in the shipped files."""
_PAUSE = 0.1


class Prometheus:
    """One that runs."""

    def __init__(self, address: str) -> None:
        self.address = address

    async def query(self, expression: str) -> list[dict]:
        """The result of an instant query: ``metric`` and ``value`` of each series."""
        answer = await self._get("query", query=expression)
        return answer["data"]["result"]

    async def value(self, expression: str) -> float | None:
        """Of a query with one series; None if it has none."""
        found = await self.query(expression)
        assert len(found) < 2, f"{expression}: {found}"
        return float(found[0]["value"][1]) if found else None

    async def targets(self) -> dict[str, dict]:
        """What is scraped, by job."""
        answer = await self._get("targets", state="active")
        return {each["labels"]["job"]: each for each in answer["data"]["activeTargets"]}

    async def alerts(self) -> list[dict]:
        """Those that are pending or firing."""
        return (await self._get("alerts"))["data"]["alerts"]

    async def range(self, expression: str, start: int, end: int, step: int) -> list[float]:
        """The values of a query with one series; times in seconds since 1970."""
        bounds = {"start": str(start), "end": str(end), "step": str(step)}
        answer = await self._get("query_range", query=expression, **bounds)
        [found] = answer["data"]["result"]
        return [float(value) for _, value in found["values"]]

    async def until(self, expression: str, limit: float = 30.0) -> list[dict]:
        """Waits for a query to have a result, and returns it."""
        async with asyncio.timeout(limit):
            while not (found := await self.query(expression)):
                await asyncio.sleep(_PAUSE)
        return found

    async def _get(self, what: str, **parameters: str) -> dict:
        url = f"http://{self.address}/api/v1/{what}?{urllib.parse.urlencode(parameters)}"

        def read() -> dict:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return json.load(answer)

        return await asyncio.to_thread(read)

    async def is_ready(self) -> bool:
        try:
            await self._get("query", query="1")
        except OSError:
            return False
        return True


def configuration(folder: Path, svid: Path, network: str) -> Path:
    """The shipped files with an SVID beside them, for workloads in another network."""
    shutil.copytree(SHIPPED, folder, dirs_exist_ok=True)
    (folder / "svid").symlink_to(svid)
    for path in (folder / "targets").iterdir():
        path.write_text(path.read_text().replace(NETWORK, f"{network}."))
    return folder / "prometheus.yml"


def hurry(configured: Path) -> None:
    """Has it scrape and evaluate every second, for tests that can't wait."""
    text = configured.read_text()
    for each in ("scrape_interval", "evaluation_interval"):
        text = text.replace(f"{each}: 5s", f"{each}: 1s")
    configured.write_text(text.replace("scrape_timeout: 4s", "scrape_timeout: 1s"))


@asynccontextmanager
async def running(configured: Path, *options: str) -> AsyncIterator[Prometheus]:
    """Runs Prometheus with a configuration; its data are beside it."""
    program = shutil.which("prometheus") or missing("prometheus", "apt install prometheus")
    address = f"127.0.0.1:{_free_port()}"
    log = configured.with_name("prometheus.log")
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            program,
            f"--config.file={configured}",
            f"--web.listen-address={address}",
            f"--storage.tsdb.path={configured.with_name('data')}",
            *options,
            stdout=output,
            stderr=output,
        )
    found = Prometheus(address)
    try:
        async with asyncio.timeout(20):
            while not await found.is_ready():
                assert process.returncode is None, log.read_text()
                await asyncio.sleep(_PAUSE)
        yield found
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
