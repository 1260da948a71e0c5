"""The page of metrics, as Prometheus and others ask for it."""

import asyncio
import os
import socket

import pytest
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.core import Exemplar, Metric
from prometheus_client.exposition import choose_encoder

from linly_mesh.errors import ConfigurationError
from linly_mesh.telemetry.exposition import exposed

PROMETHEUS = "application/openmetrics-text;version=1.0.0;q=0.9,text/plain;version=0.0.4;q=0.4"


@pytest.fixture
def registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    Counter("talks", "Talks held.", registry=registry).inc(3)
    return registry


@pytest.fixture
async def address(registry, tmp_path):
    async with exposed(registry, f"unix:{tmp_path}/metrics.sock"):
        yield f"{tmp_path}/metrics.sock"


async def answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], str]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    status, *lines = head.strip().splitlines()
    headers = dict(line.split(": ", 1) for line in lines)
    body = await reader.readexactly(int(headers["content-length"]))
    return int(status.split()[1]), headers, body.decode()


async def ask(address: str, request: str) -> tuple[int, dict[str, str], str]:
    reader, writer = await asyncio.open_unix_connection(address)
    writer.write(request.encode())
    found = await answer(reader)
    writer.close()
    return found


async def test_the_page_is_text_by_default(address):
    status, headers, body = await ask(address, "GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n")
    assert status == 200
    assert headers["content-type"].startswith("text/plain; version=")
    assert "# HELP talks_total Talks held.\n# TYPE talks_total counter\ntalks_total 3.0\n" in body


async def test_openmetrics_is_given_to_who_asks_for_it(address):
    request = f"GET /metrics HTTP/1.1\r\nhost: x\r\nAccept: {PROMETHEUS}\r\n\r\n"
    _, headers, body = await ask(address, request)
    assert headers["content-type"].startswith("application/openmetrics-text")
    assert body.endswith("# EOF\n")


@pytest.mark.parametrize("accept", [PROMETHEUS, "text/plain"])
async def test_a_long_family_is_the_same_as_made_at_once(registry, address, accept):
    requests = Counter("requests", "With a time of birth each.", ["n"], registry=registry)
    for number in range(60):
        requests.labels(n=str(number)).inc(number)
    registry.register(Long())
    request = f"GET /metrics HTTP/1.1\r\nhost: x\r\nAccept: {accept}\r\n\r\n"
    _, _, body = await ask(address, request)
    encode, _ = choose_encoder(accept)
    assert body == encode(registry).decode()


class Long:
    """Families of hundreds of samples, one of them with exemplars."""

    def collect(self):
        plain = Metric("plain", "Many\nlines.", "gauge")
        explained = Metric("explained", "By traces.", "counter")
        for number in range(500):
            plain.add_sample("plain", {"n": str(number)}, number)
            exemplar = Exemplar({"trace_id": "1f"}, 0.5, 1_700_000_000.0)
            explained.add_sample("explained_total", {"n": str(number)}, number, exemplar=exemplar)
        yield plain
        yield explained
        yield Metric("empty", "Nothing yet.", "gauge")


async def test_a_connection_serves_one_scrape_after_the_other(address):
    reader, writer = await asyncio.open_unix_connection(address)
    for _ in range(3):
        writer.write(b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n")
        assert (await answer(reader))[0] == 200
    writer.close()


async def test_a_connection_that_is_to_be_closed_is_closed(address):
    reader, writer = await asyncio.open_unix_connection(address)
    writer.write(b"GET /metrics HTTP/1.1\r\nhost: x\r\nConnection: close\r\n\r\n")
    await answer(reader)
    assert await reader.read() == b""
    writer.close()


@pytest.mark.parametrize(
    ("request_line", "expected"),
    [
        ("GET / HTTP/1.1", 404),
        ("GET /metrics?name[]=up HTTP/1.1", 200),
        ("POST /metrics HTTP/1.1", 405),
        ("nonsense", 400),
        ("GET /" + "x" * 40_000 + " HTTP/1.1", 431),
    ],
)
async def test_there_is_one_page_and_one_method(address, request_line, expected):
    status, _, _ = await ask(address, f"{request_line}\r\nhost: x\r\n\r\n")
    assert status == expected


async def test_an_idle_reader_holds_nobody_up(address):
    idle = [await asyncio.open_unix_connection(address) for _ in range(20)]
    async with asyncio.timeout(2):
        assert (await ask(address, "GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n"))[0] == 200
    for _, writer in idle:
        writer.close()


async def test_the_end_does_not_wait_for_idle_readers(registry, tmp_path):
    path = f"{tmp_path}/m"
    async with asyncio.timeout(2):
        async with exposed(registry, f"unix:{path}"):
            reader, writer = await asyncio.open_unix_connection(path)
            writer.write(b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n")
            await answer(reader)
        assert await reader.read() == b""
        writer.close()


async def test_a_socket_that_was_left_behind_is_taken_over(registry, tmp_path):
    left = socket.socket(socket.AF_UNIX)
    left.bind(f"{tmp_path}/m")
    left.close()
    async with exposed(registry, f"unix:{tmp_path}/m"):
        assert (await ask(f"{tmp_path}/m", "GET /metrics HTTP/1.1\r\n\r\n"))[0] == 200


async def test_a_new_folder_is_private(registry, tmp_path):
    async with exposed(registry, f"unix:{tmp_path}/new/m"):
        assert os.stat(tmp_path / "new").st_mode & 0o777 == 0o700


@pytest.mark.parametrize("address", ["127.0.0.1:none", "203.0.113.1:9090"])
async def test_an_address_that_can_not_be_had_is_said(registry, address):
    with pytest.raises(ConfigurationError, match="cannot serve metrics on"):
        async with exposed(registry, address):
            pass
