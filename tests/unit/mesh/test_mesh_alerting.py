"""Alertmanager's words as a DingTalk robot's."""

import base64
import hashlib
import hmac
from urllib.parse import parse_qs, urlsplit

import pytest

from linly_mesh.alerting.message import signed, to_markdown

ALERT = {
    "labels": {"alertname": "StageSlow", "severity": "page", "stage": "llm"},
    "annotations": {
        "summary": "llm is slow",
        "description": "95 % take 2 s.",
        "runbook": "docs/monitoring.md#stageslow",
    },
    "startsAt": "2026-11-25T18:00:00Z",
}
WEBHOOK = {
    "version": "4",
    "status": "firing",
    "commonLabels": {"alertname": "StageSlow", "stage": "llm"},
    "alerts": [ALERT],
}


def test_a_message_names_alert_stage_and_what_to_do():
    message = to_markdown(WEBHOOK)
    assert message["msgtype"] == "markdown"
    assert message["markdown"]["title"] == "[FIRING] StageSlow (llm)"
    for words in ("llm is slow", "95 % take 2 s.", "docs/monitoring.md#stageslow", "🔴"):
        assert words in message["markdown"]["text"]


def test_an_end_is_told_as_one():
    assert to_markdown(WEBHOOK | {"status": "resolved"})["markdown"]["title"].startswith(
        "[RESOLVED]"
    )


def test_a_hundred_alerts_fit_into_what_dingtalk_takes():
    text = to_markdown(WEBHOOK | {"alerts": [ALERT] * 500})["markdown"]["text"]
    assert 17_000 < len(text.encode()) < 20_000
    assert text.endswith("…")


def test_a_request_is_signed_as_dingtalk_documents_it():
    url = signed("https://x/robot/send", "token", "SEC123", 1_700_000_000_000)
    query = parse_qs(urlsplit(url).query)
    words = b"1700000000000\nSEC123"
    expected = base64.b64encode(hmac.new(b"SEC123", words, hashlib.sha256).digest()).decode()
    assert query == {"access_token": ["token"], "timestamp": ["1700000000000"], "sign": [expected]}


def test_a_robot_without_a_secret_gets_an_unsigned_request():
    assert signed("https://x/send", "token", None, 1) == "https://x/send?access_token=token"


@pytest.mark.parametrize("webhook", [{}, {"commonLabels": {}}, {"status": "firing", "alerts": []}])
def test_what_is_no_webhook_is_refused(webhook):
    with pytest.raises(KeyError):
        to_markdown(webhook)
