"""From declarations to the JSON model that Grafana 10 to 12 reads."""

from collections.abc import Iterator
from typing import Any

from monitoring.grafana.declarations import Dashboard, Limits, Panel, Query, Shape, Variable

Json = dict[str, Any]
_SOURCE = {"type": "prometheus", "uid": "prometheus"}
_COLUMNS = 24
_SCHEMA = 39
"""Of Grafana 10.4; later ones migrate it when they load it."""
_REDUCED = {"calcs": ["lastNotNull"], "fields": "", "values": False}


def dashboard_model(dashboard: Dashboard) -> Json:
    """The whole dashboard."""
    return {
        "id": None,
        "uid": dashboard.uid,
        "title": dashboard.title,
        "description": dashboard.about,
        "tags": ["linly-talker"],
        "schemaVersion": _SCHEMA,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "browser",
        "timepicker": {},
        "annotations": {"list": []},
        "links": [_links()],
        "templating": {"list": [_variable(each) for each in dashboard.variables]},
        "panels": list(_placed(dashboard)),
    }


def _links() -> Json:
    return {
        "type": "dashboards",
        "title": "Linly-Talker",
        "tags": ["linly-talker"],
        "asDropdown": False,
        "includeVars": False,
        "keepTime": True,
        "targetBlank": False,
        "icon": "external link",
        "tooltip": "",
        "url": "",
    }


def _variable(variable: Variable) -> Json:
    query = f"label_values({variable.series}, {variable.label})"
    return {
        "name": variable.name,
        "label": variable.name,
        "type": "query",
        "datasource": _SOURCE,
        "definition": query,
        "query": {"query": query, "refId": variable.name},
        "refresh": 2,
        "sort": 1,
        "hide": 0,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        "options": [],
        "regex": "",
        "skipUrlSync": False,
    }


def _placed(dashboard: Dashboard) -> Iterator[Json]:
    """Panels from left to right and from top to bottom."""
    number = top = 0
    for row in dashboard.rows:
        number += 1
        yield {
            "id": number,
            "type": "row",
            "title": row.title,
            "collapsed": False,
            "gridPos": {"x": 0, "y": top, "w": _COLUMNS, "h": 1},
            "panels": [],
        }
        top, left, lowest = top + 1, 0, 0
        for panel in row.panels:
            if left + panel.width > _COLUMNS:
                top, left, lowest = top + lowest, 0, 0
            number += 1
            place = {"x": left, "y": top, "w": panel.width, "h": panel.height}
            yield {"id": number, "gridPos": place, **_panel(panel)}
            left, lowest = left + panel.width, max(lowest, panel.height)
        top += lowest


def _panel(panel: Panel) -> Json:
    return {
        "type": str(panel.shape),
        "title": panel.title,
        "description": panel.about,
        "datasource": _SOURCE,
        "targets": [
            _target(chr(ord("A") + index), query, panel.shape)
            for index, query in enumerate(panel.queries)
        ],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": _overrides(panel)},
        "options": _options(panel),
    }


def _target(reference: str, query: Query, shape: Shape) -> Json:
    once = shape in (Shape.NUMBER, Shape.BARS)
    return {
        "refId": reference,
        "datasource": _SOURCE,
        "editorMode": "code",
        "expr": query.expression,
        "legendFormat": query.legend or "__auto",
        "format": "heatmap" if shape is Shape.HEATMAP else "time_series",
        "instant": once,
        "range": not once,
    }


def _defaults(panel: Panel) -> Json:
    limited = panel.limits is not None
    defaults: Json = {
        "unit": panel.unit,
        "color": {"mode": "palette-classic"},
        "thresholds": {"mode": "absolute", "steps": _steps(panel.limits)},
        "mappings": [],
    }
    if panel.shape is not Shape.SERIES:
        if panel.shape is not Shape.HEATMAP:
            defaults["color"] = {"mode": "thresholds"}
        if panel.shape is Shape.STATES:
            defaults["custom"] = {"fillOpacity": 70, "lineWidth": 0}
        return defaults
    if panel.maximum is not None:
        defaults["max"] = panel.maximum
    elif panel.unit != "percentunit":
        defaults["min"] = 0
    defaults["custom"] = {
        "drawStyle": "line",
        "lineInterpolation": "linear",
        "lineWidth": 1,
        "fillOpacity": 25 if panel.stack != "none" else 5,
        "showPoints": "auto",
        "spanNulls": False,
        "stacking": {"mode": str(panel.stack), "group": "A"},
        "thresholdsStyle": {"mode": "dashed" if limited else "off"},
    }
    return defaults


def _steps(limits: Limits | None) -> list[Json]:
    if limits is None:
        return [{"color": "green", "value": None}]
    if limits.higher_is_better:
        return [
            {"color": "red", "value": None},
            {"color": "yellow", "value": limits.bad},
            {"color": "green", "value": limits.warning},
        ]
    return [
        {"color": "green", "value": None},
        {"color": "yellow", "value": limits.warning},
        {"color": "red", "value": limits.bad},
    ]


def _overrides(panel: Panel) -> list[Json]:
    if not panel.line:
        return []
    return [
        {
            "matcher": {"id": "byName", "options": panel.line},
            "properties": [
                {"id": "custom.stacking", "value": {"mode": "none", "group": "B"}},
                {"id": "custom.fillOpacity", "value": 0},
                {"id": "custom.lineWidth", "value": 2},
                {"id": "color", "value": {"mode": "fixed", "fixedColor": "text"}},
            ],
        }
    ]


def _options(panel: Panel) -> Json:
    tooltip = {"mode": "multi", "sort": "desc"}
    legend = {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []}
    match panel.shape:
        case Shape.NUMBER:
            return {
                "reduceOptions": _REDUCED,
                "colorMode": "value",
                "graphMode": "none",
                "justifyMode": "auto",
                "orientation": "auto",
                "textMode": "auto",
            }
        case Shape.BARS:
            return {
                "reduceOptions": _REDUCED,
                "displayMode": "basic",
                "orientation": "horizontal",
                "showUnfilled": True,
                "valueMode": "color",
            }
        case Shape.HEATMAP:
            return {
                "calculate": False,
                "cellGap": 1,
                "color": {"mode": "scheme", "scheme": "Oranges", "steps": 64, "reverse": False},
                "filterValues": {"le": 1e-9},
                "legend": {"show": True},
                "tooltip": {"mode": "single", "yHistogram": False},
                "yAxis": {"axisPlacement": "left", "unit": panel.unit},
            }
        case Shape.STATES:
            return {
                "alignValue": "left",
                "legend": legend | {"showLegend": False},
                "mergeValues": True,
                "rowHeight": 0.8,
                "showValue": "never",
                "tooltip": tooltip,
            }
        case _:
            return {"legend": legend, "tooltip": tooltip}
