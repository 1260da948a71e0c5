"""``python -m linly_mesh.alerting``: takes Alertmanager's webhooks, tells DingTalk."""

import json
import logging
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from linly_mesh.alerting.message import signed, to_markdown
from linly_mesh.alerting.settings import DingTalkSettings
from linly_mesh.errors import ConfigurationError
from linly_mesh.settings import read_settings
from linly_mesh.telemetry.logs import configure_logging

_PAGE = "/alerts"
_LARGEST = 1 << 20
"""Bytes of a webhook; a hundred alerts are some 100 KiB."""
_PATIENCE = 10.0
"""Seconds that Alertmanager gets to send it."""

_log = logging.getLogger(__name__)


class DingTalkError(Exception):
    """DingTalk did not take a message; the text holds no token."""


class Robot:
    """Posts to one robot."""

    def __init__(self, settings: DingTalkSettings) -> None:
        """Reads the secrets.

        Raises:
            OSError: a file can't be read.
        """
        self._settings = settings
        self._token = settings.access_token_file.read_text().strip()
        secret = settings.secret_file
        self._secret = None if secret is None else secret.read_text().strip()

    def tell(self, message: dict[str, Any]) -> None:
        """Sends a message.

        Raises:
            DingTalkError: it was not taken.
        """
        now = time.time_ns() // 1_000_000
        url = signed(self._settings.url, self._token, self._secret, now)
        headers = {"content-type": "application/json"}
        request = Request(url, json.dumps(message).encode(), headers)
        try:
            with urlopen(request, timeout=self._settings.timeout) as answer:
                told = json.load(answer)
        except (URLError, OSError, ValueError) as error:
            raise DingTalkError(f"DingTalk could not be reached: {type(error).__name__}") from None
        if told.get("errcode") != 0:  # DingTalk answers 200 to what it refuses
            raise DingTalkError(f"DingTalk refused: {told.get('errcode')} {told.get('errmsg')}")


class _Handler(BaseHTTPRequestHandler):
    robot: Robot
    timeout = _PATIENCE

    def do_POST(self) -> None:
        size = int(self.headers.get("content-length") or 0)
        if self.path != _PAGE:
            self.send_error(HTTPStatus.NOT_FOUND)
        elif not 0 < size <= _LARGEST:
            self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        else:
            self._pass_on(self.rfile.read(size))

    def _pass_on(self, webhook: bytes) -> None:
        try:
            message = to_markdown(json.loads(webhook))
        except (ValueError, KeyError, TypeError, AttributeError):
            self.send_error(HTTPStatus.BAD_REQUEST, "no webhook of Alertmanager's")
            return
        try:
            self.robot.tell(message)
        except DingTalkError as error:
            _log.warning("%s", error)
            self.send_error(HTTPStatus.BAD_GATEWAY)  # which Alertmanager tries again
            return
        self.send_response(HTTPStatus.NO_CONTENT)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Who calls is Alertmanager; what goes wrong is logged where it does."""


def main() -> None:
    """Serves until it is stopped."""
    configure_logging("dingtalk")
    try:
        settings = read_settings(DingTalkSettings)  # type: ignore[arg-type]  # read from the environment
        host, _, port = settings.listen.rpartition(":")
        handler = type("Handler", (_Handler,), {"robot": Robot(settings)})
        server = ThreadingHTTPServer((host, int(port)), handler)
    except (ConfigurationError, OSError, ValueError) as error:
        raise SystemExit(f"error: {error}") from None
    server.serve_forever()


if __name__ == "__main__":
    main()
