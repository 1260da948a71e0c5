"""A real Prometheus reads every workload through its proxy, and nobody else can."""

import asyncio
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

import prometheus
import pytest
from integration.policy.proxies import own_world, proxied
from prometheus import Prometheus

JOBS = ("asr", "llm", "tts", "animator", "orchestrator")
IMPOSTOR = "tts"
"""Shows another workload's certificate."""


@pytest.fixture(scope="module")
async def scraped():
    """All workloads and the shipped configuration, with one workload that is not itself."""
    with tempfile.TemporaryDirectory(prefix="scrape-") as name:
        folder = Path(name)
        world = own_world(folder)
        async with AsyncExitStack() as stack:
            for job in JOBS:
                shown = "llm" if job == IMPOSTOR else job
                await stack.enter_async_context(proxied(world, job, shown))
            world.svid("prometheus")
            network = world.target("asr")[0].rpartition(".")[0]
            svid = world.source("prometheus").files().folder
            configured = prometheus.configuration(folder / "prometheus", svid, network)
            yield await stack.enter_async_context(prometheus.running(configured))


EXPECTED = {job for name in JOBS for job in (name, f"{name}-proxy")}


async def settled(found: Prometheus) -> dict[str, dict]:
    """The targets, once each has been scraped."""
    async with asyncio.timeout(20):
        while True:
            targets = await found.targets()
            seen = {job for job, each in targets.items() if each["health"] != "unknown"}
            if seen >= EXPECTED:
                return targets
            await asyncio.sleep(0.2)


async def test_every_page_of_every_workload_is_scraped_every_5_seconds(scraped):
    targets = await settled(scraped)
    for job in sorted(EXPECTED):
        target = targets[job]
        assert target["scrapeInterval"] == "5s"
        assert target["scrapeUrl"].startswith("https://")
        if not job.startswith(IMPOSTOR):
            assert target["health"] == "up", (job, target["lastError"])


async def test_a_workload_that_shows_another_name_is_not_believed(scraped):
    targets = await settled(scraped)
    for job in (IMPOSTOR, f"{IMPOSTOR}-proxy"):
        assert targets[job]["health"] == "down"
        assert "not tts.talker.svc.cluster.local" in targets[job]["lastError"]


async def test_what_proxies_count_is_kept_as_far_as_it_is_used(scraped):
    await settled(scraped)
    expiry = await scraped.until("envoy_listener_ssl_certificate_expiration_unix_time_seconds")
    assert {each["metric"]["job"] for each in expiry} <= {f"{name}-proxy" for name in JOBS}
    allowed = 'envoy_http_rbac_allowed{envoy_http_conn_manager_prefix="inbound-http-metrics"} > 0'
    assert await scraped.until(allowed)
    series = await scraped.value('count({__name__=~"envoy_.+", job="asr-proxy"})')
    assert 20 < series < 200
