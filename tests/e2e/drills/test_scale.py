"""What the shrunk rules are."""

import re

import prometheus
import pytest
import yaml

from .scale import shrunk

RULES = sorted((prometheus.SHIPPED / "rules").glob("*.yml"))


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("expr: rate(x[5m]) > 1", "expr: rate(x[10000ms]) > 1"),
        ("expr: deriv(x[30m] offset 30m) > 0", "expr: deriv(x[60000ms] offset 60000ms) > 0"),
        (
            "expr: max_over_time(x[30m] offset 23h30m)",
            "expr: max_over_time(x[60000ms] offset 2820000ms)",
        ),
        ("for: 2m", "for: 4000ms"),
        ("expr: predict_linear(x[1h], 4 * 3600)", "expr: predict_linear(x[120000ms], 480.0)"),
        ("record: talker:talks:rate5m", "record: talker:talks:rate5m"),
        ("expr: x - time() < 8 * 3600", "expr: x - time() < 8 * 3600"),
        ("expr: histogram_quantile(0.95, x) > 0.5", "expr: histogram_quantile(0.95, x) > 0.5"),
    ],
)
def test_times_shrink_and_nothing_else(rule, expected):
    assert shrunk(rule, 30) == expected


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.name)
def test_no_time_of_the_shipped_rules_is_forgotten(path):
    """Nothing that looks like a duration in an expression stays as it was."""
    for group in yaml.safe_load(shrunk(path.read_text(), 30))["groups"]:
        for rule in group["rules"]:
            for duration in re.findall(r"\b\d+[smhd]\b", rule["expr"] + rule.get("for", "")):
                pytest.fail(f"{duration} in {rule}")
