"""Certificates and configurations for proxies in other containers.

``python -m linly_mesh.proxy.provision asr llm …`` issues an SVID to each workload that is named,
writes what its proxy is started with, and renews the SVIDs until it is told to stop. What it
writes into are volumes, of which each other container has its own alone.
"""

import asyncio
import logging
import signal
import sys
from collections.abc import Sequence

from linly_mesh.errors import ConfigurationError
from linly_mesh.identity.rotation import Rotation
from linly_mesh.identity.settings import IdentitySettings
from linly_mesh.identity.source import svid_source
from linly_mesh.proxy.containers import ContainerSettings
from linly_mesh.proxy.envoy.bootstrap import configure
from linly_mesh.proxy.policy.mesh import Network
from linly_mesh.proxy.policy.shipped import read_source
from linly_mesh.proxy.settings import ProxySettings
from linly_mesh.settings import read_settings

_log = logging.getLogger(__name__)


async def provision(workloads: Sequence[str]) -> None:
    """Runs until SIGTERM or SIGINT.

    Raises:
        ConfigurationError: a workload is not known, or has no certificate and can't get one.
        OSError: a folder can't be written.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)

    places = read_settings(ContainerSettings)
    identity = read_settings(IdentitySettings)
    mesh = read_source(read_settings(ProxySettings).source, Network.CONTAINERS)
    places.complete.unlink(missing_ok=True)
    sources = {name: svid_source(name, identity) for name in workloads}
    files = {name: places.files(name, source.files()) for name, source in sources.items()}
    configurations = {name: configure(mesh, name, files[name]) for name in workloads}
    async with Rotation([*sources.values()]).running():
        for name, configuration in configurations.items():
            configuration.write(files[name])
        places.complete.touch()
        _log.info("%d workloads have certificates and configurations", len(sources))
        await stopping.wait()


def main() -> None:
    """An error ends it with one line and status 1."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname).1s %(name)s: %(message)s"
    )
    try:
        asyncio.run(provision(sys.argv[1:]))
    except (ConfigurationError, OSError) as error:
        raise SystemExit(f"error: {error}") from None


if __name__ == "__main__":
    main()
