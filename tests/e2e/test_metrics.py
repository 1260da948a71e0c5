"""After a talk through the whole mesh every family of the catalogue has moved, and no other."""

import asyncio
import http.client
import socket
import ssl

import pytest
from prometheus_client.parser import text_string_to_metric_families

from linly_client import Audio, Interrupted, Microphone, TalkClient, TalkOptions
from linly_client.wav import read_wav
from linly_mesh.telemetry.catalogue import Kind, declared

from .conftest import QUESTIONS, STAGES

SERVICES = (*STAGES, "orchestrator")
NOT_HERE = {
    "linly_talker_rejected_total": "nobody is turned away",
    "linly_talker_frames_dropped_total": "no frame is late on a quiet machine",
}
"""Families that this talk does not move; those of GPUs need a GPU."""


def scrape(mesh, service: str) -> list:
    """The page of one service, as Prometheus reads it."""
    source = mesh.local.svid("prometheus")
    source.refresh()
    files = source.files()
    context = ssl.create_default_context(cafile=files.bundle)
    context.load_cert_chain(files.certificate, files.key)
    address = mesh.local.mesh.workloads[service].address
    with (
        socket.create_connection((address, 9090), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=service) as secure,
    ):
        secure.sendall(b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        answer = http.client.HTTPResponse(secure)
        answer.begin()
        assert answer.status == 200
        page = answer.read().decode()
    return list(text_string_to_metric_families(page))


def values(families: list) -> dict[str, float]:
    """Of each family, the sum of what moves: a histogram's count, else the value."""
    moved: dict[str, float] = {}
    for family in families:
        name = f"{family.name}_total" if family.type == "counter" else family.name
        for sample in family.samples:
            if sample.name in (name, f"{name}_count"):
                moved[name] = moved.get(name, 0.0) + sample.value
    return moved


async def talk(mesh) -> None:
    """A spoken turn with picture, and a turn that is interrupted."""
    question = read_wav(QUESTIONS / "what-is-the-capital-of-france.wav")
    options = TalkOptions(
        microphone=Microphone(sample_rate=question.sample_rate),
        barge_in=False,
    )
    async with TalkClient(mesh.target("orchestrator")).converse(options) as talk:
        async for chunk in question.as_spoken():
            await talk.send_audio(chunk)
        await talk.end()
        async for _ in talk:
            pass
    async with TalkClient(mesh.target("orchestrator")).converse(TalkOptions()) as talk:
        await talk.say("One two three four five six seven eight nine ten. " * 5)
        async for event in talk:
            if isinstance(event, Audio) and event.offset > 0.3:
                await talk.interrupt()
            if isinstance(event, Interrupted):
                await talk.end()


@pytest.fixture(scope="module")
async def pages(mesh):
    """What each service showed before the talk and after it."""
    before = {service: await asyncio.to_thread(scrape, mesh, service) for service in SERVICES}
    await talk(mesh)
    after = {service: await asyncio.to_thread(scrape, mesh, service) for service in SERVICES}
    return before, after


def test_nothing_is_exposed_that_is_not_in_the_catalogue(pages):
    known = {family.name for family in declared()}
    for service, families in pages[1].items():
        shown = {
            f"{family.name}_total" if family.type == "counter" else family.name
            for family in families
            if not family.name.endswith("_created")
        }
        assert shown <= known, service


def test_every_family_of_the_catalogue_moves_during_a_talk(pages):
    before, after = (
        {service: values(families) for service, families in page.items()} for page in pages
    )
    still = []
    for family in declared():
        if "_gpu_" in family.name or family.name in NOT_HERE:
            continue
        moved = any(
            after[service].get(family.name, 0.0) != before[service].get(family.name, 0.0)
            for service in SERVICES
        )
        shown = any(after[service].get(family.name) for service in SERVICES)
        if not (moved or (family.kind is Kind.GAUGE and shown)):
            still.append(family.name)
    # What waits or is worked on is back to 0 when a talk is over.
    assert set(still) <= {
        "linly_talker_queue_depth",
        "linly_talker_batch_size",
        "linly_talker_concurrent_sessions",
        *(name for name in still if name.endswith("_in_flight")),
    }


def test_each_stage_has_counted_its_own_part(pages):
    after = pages[1]
    for stage in (*STAGES, "orchestrator"):
        model = "talk" if stage == "orchestrator" else stage
        (requests,) = (f for f in after[stage] if f.name == "linly_talker_requests")
        counted = {s.labels["status"]: s.value for s in requests.samples}
        assert {s.labels["model"] for s in requests.samples} == {model}
        assert counted["success"] >= 1, stage
