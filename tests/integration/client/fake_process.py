"""A process as the launcher knows them: a health service that ends as it is told to.

Usage: fake_process.py NAME ADDRESS JOURNAL [stubborn | crash | silent | orphan]
"""

import asyncio
import signal
import sys

import grpc
from grpc_health.v1 import health, health_pb2_grpc

NAME, ADDRESS, JOURNAL, *MODE = sys.argv[1:]


def note(what: str) -> None:
    with open(JOURNAL, "a") as journal:
        journal.write(f"{NAME} {what}\n")


async def main() -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    if "stubborn" in MODE:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        loop.add_signal_handler(signal.SIGTERM, stopping.set)
    note("started")
    if "crash" in MODE:
        print("loading the model")
        print("ValueError: the model is broken")
        sys.exit(3)
    if "orphan" in MODE:
        worker = await asyncio.create_subprocess_exec("sleep", "600")
        note(f"worker {worker.pid}")
    if "silent" not in MODE:
        server = grpc.aio.server()
        health_pb2_grpc.add_HealthServicer_to_server(health.aio.HealthServicer(), server)
        server.add_insecure_port(ADDRESS)
        await server.start()
        note("serves")
    await stopping.wait()
    await asyncio.sleep(0.2)  # a drain, so that an order of stopping shows
    note("stopped")


asyncio.run(main())
