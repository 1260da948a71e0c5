"""Alerts in DingTalk, which Alertmanager does not know."""
