"""What Alertmanager tells, in the words of a DingTalk robot."""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

_LONGEST = 18_000
"""Bytes of text; DingTalk takes 20,000 for the whole message."""
_MARKS = {"page": "🔴", "ticket": "🟡"}


def to_markdown(webhook: Mapping[str, Any]) -> dict[str, Any]:
    """The robot's message for one of Alertmanager's webhooks (version 4).

    Raises:
        KeyError, TypeError: it is none.
    """
    labels = webhook["commonLabels"]
    status = str(webhook["status"])
    stage = f" ({labels['stage']})" if "stage" in labels else ""
    title = f"[{status.upper()}] {labels.get('alertname', 'alerts')}{stage}"
    text = "\n\n".join([f"### {title}", *_alerts(webhook["alerts"])])
    return {"msgtype": "markdown", "markdown": {"title": title, "text": _shortened(text)}}


def signed(url: str, access_token: str, secret: str | None, milliseconds: int) -> str:
    """The address to post to, signed as DingTalk asks for.

    Source: https://open.dingtalk.com/document/robots/customize-robot-security-settings
    """
    query = {"access_token": access_token}
    if secret is not None:
        words = f"{milliseconds}\n{secret}".encode()
        digest = hmac.new(secret.encode(), words, hashlib.sha256).digest()
        query |= {"timestamp": str(milliseconds), "sign": base64.b64encode(digest).decode()}
    return f"{url}?{urlencode(query)}"


def _alerts(alerts: Sequence[Mapping[str, Any]]) -> list[str]:
    return [
        f"{_MARKS.get(alert['labels'].get('severity', ''), '')} "
        f"**{alert['annotations'].get('summary', '')}**  \n"
        f"{alert['annotations'].get('description', '')}  \n"
        f"since {alert['startsAt']}; {alert['annotations'].get('runbook', '')}".strip()
        for alert in alerts
    ]


def _shortened(text: str) -> str:
    data = text.encode()
    if len(data) <= _LONGEST:
        return text
    return data[:_LONGEST].decode(errors="ignore") + "\n\n…"
