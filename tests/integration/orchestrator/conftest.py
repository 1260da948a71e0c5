"""A real orchestrator over real gRPC, before stages that do as they are told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import grpc
import pytest
from fake_stages import FakeAnimator, FakeAsr, FakeLlm, FakeTts

from linly.common.v1 import common_pb2
from linly.talk.v1 import talk_pb2, talk_pb2_grpc
from linly_mesh.rpc.channel import open_channel
from linly_mesh.rpc.draining import Draining
from linly_mesh.rpc.duplex import open_duplex
from linly_mesh.rpc.gate import CallGate
from linly_mesh.rpc.server import Registration, create_server
from linly_mesh.rpc.target import Target
from linly_mesh.telemetry.rpc import ClientMetrics, RpcListener, ServerMetrics
from linly_mesh.workload import Workload
from linly_orchestrator.config import Settings
from linly_orchestrator.metrics import TalkMetrics
from linly_orchestrator.servicer import TalkServicer
from linly_orchestrator.stages.channels import Stages

Request = talk_pb2.ConverseRequest
SENT = talk_pb2.PLAYBACK_MODE_SENT


class House:
    """The stages, their servers and the orchestrator."""

    def __init__(self, folder) -> None:
        self.folder = folder
        self.asr, self.llm = FakeAsr(), FakeLlm()
        self.tts, self.animator = FakeTts(), FakeAnimator()
        self.workload = Workload()
        self.draining = Draining()
        self.servers: dict[str, grpc.aio.Server] = {}
        self.gates: dict[str, CallGate] = {}
        self.client_listeners: list[RpcListener] = []
        self.server_listeners: list[RpcListener] = []

    @property
    def stages(self) -> dict:
        return {"asr": self.asr, "llm": self.llm, "tts": self.tts, "animator": self.animator}

    def listens(self, name: str) -> str:
        """Where a stage, or the orchestrator, serves."""
        return f"unix:{self.folder}/{name}"

    def called_at(self, name: str) -> str:
        """Where the orchestrator calls a stage."""
        return self.listens(name)

    def entrance(self) -> str | Target:
        """Where a client calls the orchestrator."""
        return self.listens("orchestrator")

    def create_server(self, stage: str, registration: Registration, **options) -> grpc.aio.Server:
        """A server of a stage, or of the orchestrator, not yet bound."""
        return create_server(stage, [registration], **options)

    async def start(self, name: str) -> None:
        stage = self.stages[name]
        gate = self.gates[name] = CallGate([stage.registration.service])
        server = self.create_server(name, stage.registration, workload=stage.workload, gate=gate)
        server.add_insecure_port(self.listens(name))
        await server.start()
        self.servers[name] = server

    async def stop(self, name: str) -> None:
        await self.servers.pop(name).stop(0)

    async def restart(self, name: str) -> None:
        """Starts a stage that was stopped; returns once the orchestrator has noticed."""
        await self.start(name)
        await getattr(self.channels, name).channel_ready()

    async def open(self, **settings) -> None:
        for name in self.stages:
            await self.start(name)
        targets = {f"{name}_target": self.called_at(name) for name in self.stages}
        self.settings = Settings(**targets, **settings)
        self.metrics = TalkMetrics(self.settings.region, self.workload)
        registry = self.metrics.registry
        self.channels = Stages.open(
            self.settings, ClientMetrics(registry, Stages.services(), self.client_listeners)
        )
        servicer = TalkServicer(
            self.settings, self.channels, self.workload, self.draining, self.metrics
        )
        service = talk_pb2.DESCRIPTOR.services_by_name["TalkService"]
        add = talk_pb2_grpc.add_TalkServiceServicer_to_server
        self.server = self.create_server(
            "talk",
            Registration(service, servicer, add),
            workload=self.workload,
            max_message_bytes=self.settings.max_message_bytes,
            metrics=ServerMetrics(registry, [service], self.server_listeners),
            rejected=self.metrics.rejected,
        )
        self.server.add_insecure_port(self.listens("orchestrator"))
        await self.server.start()
        self.channel = open_channel(self.entrance(), max_message_bytes=32 << 20)
        self.stub = talk_pb2_grpc.TalkServiceStub(self.channel)

    async def close(self) -> None:
        await self.channel.close()
        await self.server.stop(0)
        await self.channels.close()
        for name in list(self.servers):
            await self.stop(name)

    @asynccontextmanager
    async def talk(self, timeout: float | None = None, **config) -> AsyncIterator["TalkCall"]:
        async with open_duplex(self.stub.Converse, timeout=timeout) as call:
            await call.write(Request(config=talk_config(**config)))
            yield TalkCall(call)

    def idle(self) -> bool:
        return all(stage.workload.snapshot().idle for stage in self.stages.values())


def talk_config(
    *, audio=True, video=False, idle=False, listen=False, mode=SENT, lead=None, **fields
) -> talk_pb2.TalkConfig:
    config = talk_pb2.TalkConfig(playback_mode=mode, **fields)
    if audio:
        config.output.audio.SetInParent()
    if video:
        config.output.video.idle_frames = idle
        config.output.video.SetInParent()
    if listen:
        config.audio_input.encoding = common_pb2.AUDIO_ENCODING_LINEAR16
        config.audio_input.sample_rate_hertz = 16_000
    if lead is not None:
        config.max_lead.FromMilliseconds(round(lead * 1000))
    return config


@dataclass
class TalkCall:
    """The client's side of a talk, in the words of a test."""

    call: object

    async def send(self, **request) -> None:
        await self.call.write(Request(**request))

    async def text(self, text: str) -> None:
        await self.send(text=talk_pb2.UserText(text=text))

    async def say(self, text: str) -> None:
        await self.send(say=talk_pb2.Say(text=text))

    async def speech(self, seconds: float) -> None:
        await self._sound(b"\x01\x10", seconds)

    async def silence(self, seconds: float) -> None:
        await self._sound(b"\x00\x00", seconds)

    async def _sound(self, sample: bytes, seconds: float) -> None:
        for _ in range(round(seconds / 0.02)):
            await self.send(audio=sample * 320)

    async def end_of_audio(self) -> None:
        await self.send(end_of_audio=talk_pb2.EndOfAudio())

    async def end(self) -> None:
        await self.send(end=talk_pb2.End())
        await self.call.done_writing()

    async def next(self):
        return await self.call.read()

    async def until(self, kind: str) -> list:
        """The events up to and with the next one of ``kind``."""
        events = []
        while (event := await self.call.read()) is not None:
            events.append(event)
            if event.WhichOneof("event") == kind:
                return events
        raise AssertionError(f"the talk ended before {kind}: {kinds(events)}")

    async def rest(self) -> list:
        return [event async for event in self.call]


async def eventually(holds, limit: float = 5.0) -> float:
    """Waits until ``holds()`` is true; returns the seconds that it took."""
    loop = asyncio.get_running_loop()
    begin = loop.time()
    while not holds():
        assert loop.time() - begin < limit, "did not happen in time"
        await asyncio.sleep(0.002)
    return loop.time() - begin


def kinds(events) -> list[str]:
    return [event.WhichOneof("event") for event in events]


def only(events, kind: str) -> list:
    return [getattr(event, kind) for event in events if event.WhichOneof("event") == kind]


@pytest.fixture
async def build(tmp_path):
    async with AsyncExitStack() as stack:

        async def opened(listeners=((), ()), **settings) -> House:
            house = House(tmp_path)
            house.server_listeners, house.client_listeners = map(list, listeners)
            await house.open(**settings)
            stack.push_async_callback(house.close)
            return house

        yield opened


@pytest.fixture
async def house(build):
    return await build()
