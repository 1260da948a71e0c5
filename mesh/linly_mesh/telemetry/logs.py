"""Logs: lines of JSON for machines, plain lines for a person at a terminal.

What is logged of a call is what it was and how it ended, never what was in it: no transcript, no
prompt, no audio, no metadata of the caller's.
"""

import json
import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TextIO

from linly_mesh.telemetry.rpc import Rpc

_PLAIN = "%(asctime)s %(levelname).1s %(name)s: %(message)s"
FIELDS = "fields"
"""The attribute of a record that holds its structured part: ``extra={FIELDS: {…}}``."""
_QUIET = frozenset({"OK", "CANCELLED"})
"""Codes of calls that ended as somebody wanted."""

_calls = logging.getLogger("linly_mesh.calls")


class JsonFormatter(logging.Formatter):
    """One object per line: time, level, logger, stage, message, and what the record brings."""

    def __init__(self, stage: str) -> None:
        """Every line names ``stage``."""
        super().__init__()
        self._stage = stage

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "stage": self._stage,
            "message": record.getMessage(),
            **getattr(record, FIELDS, {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class PlainFormatter(logging.Formatter):
    """As people read it; what the record brings stands behind the message."""

    def __init__(self) -> None:
        """Takes nothing."""
        super().__init__(_PLAIN)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # logging's name
        """The line without its traceback."""
        fields: Mapping[str, Any] = getattr(record, FIELDS, {})
        line = super().formatMessage(record)
        return " ".join([line, *(f"{name}={value}" for name, value in fields.items())])


def configure_logging(stage: str, stream: TextIO | None = None) -> None:
    """Sets this process's logging up: JSON unless ``stream``, standard error, is a terminal."""
    stream = stream or sys.stderr
    handler = logging.StreamHandler(stream)
    handler.setFormatter(PlainFormatter() if stream.isatty() else JsonFormatter(stage))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


class CallLog:
    """Writes a line for each call that a server has answered."""

    def started(self, rpc: Rpc) -> None:
        """Nothing is written of what has not ended."""

    def ended(self, rpc: Rpc, state: None) -> None:
        """The call has ended."""
        fields = {
            "service": rpc.method.grpc_service,
            "method": rpc.method.grpc_method,
            "code": rpc.code,
            "seconds": round(rpc.seconds, 4),
        }
        if rpc.trace_id is not None:
            fields["trace_id"] = rpc.trace_id
        level = logging.INFO if rpc.code in _QUIET else logging.WARNING
        _calls.log(level, "call ended", extra={FIELDS: fields})
