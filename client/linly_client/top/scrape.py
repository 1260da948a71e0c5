"""Reads the services' pages as Prometheus does: through their proxies, by mutual TLS."""

import asyncio
import http.client
import socket
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass

from linly_client.top.pages import Page
from linly_mesh.proxy.local import LocalMesh

_SCRAPER = "prometheus"
"""The identity that alone may read the pages."""
_PORT = 9090
_TIMEOUT = 3.0


@dataclass(frozen=True, slots=True)
class Round:
    """All pages of about the same moment."""

    pages: dict[str, Page]
    """By service."""
    trouble: dict[str, str]
    """Every service, and why its page is missing; empty if it is there."""


async def read_all(local: LocalMesh, services: Sequence[str]) -> Round:
    """Reads all pages at the same time.

    Raises:
        ConfigurationError: there is no certificate to read them with.
    """
    context = await asyncio.to_thread(_context, local)
    answers = await asyncio.gather(
        *(asyncio.to_thread(_read, local, context, service) for service in services)
    )
    found = dict(zip(services, answers, strict=True))
    return Round(
        {name: answer for name, answer in found.items() if isinstance(answer, Page)},
        {name: answer if isinstance(answer, str) else "" for name, answer in found.items()},
    )


def _context(local: LocalMesh) -> ssl.SSLContext:
    """Made anew each time: the certificate is short-lived."""
    source = local.svid(_SCRAPER)
    source.refresh()
    files = source.files()
    context = ssl.create_default_context(cafile=files.bundle)
    context.load_cert_chain(files.certificate, files.key)
    return context


def _read(local: LocalMesh, context: ssl.SSLContext, service: str) -> Page | str:
    address = local.mesh.workloads[service].address
    try:
        with (
            socket.create_connection((address, _PORT), timeout=_TIMEOUT) as plain,
            context.wrap_socket(plain, server_hostname=service) as secure,
        ):
            request = f"GET /metrics HTTP/1.1\r\nhost: {service}\r\nconnection: close\r\n\r\n"
            secure.sendall(request.encode())
            answer = http.client.HTTPResponse(secure)
            answer.begin()
            body = answer.read()
            if answer.status != http.client.OK:
                return f"HTTP {answer.status}"
            return Page.parse(body.decode(), time.time())
    except ConnectionRefusedError:
        return "does not run"
    except (OSError, http.client.HTTPException, ValueError) as error:
        return str(error) or type(error).__name__
