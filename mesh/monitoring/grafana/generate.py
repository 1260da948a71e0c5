"""Writes the dashboards: ``python -m monitoring.grafana.generate`` in the folder ``mesh``."""

import json
import sys
from pathlib import Path

from monitoring.grafana.models import MODELS
from monitoring.grafana.operations import OPERATIONS
from monitoring.grafana.product import PRODUCT
from monitoring.grafana.rendering import dashboard_model

DASHBOARDS = (PRODUCT, MODELS, OPERATIONS)
FOLDER = Path(__file__).parent / "dashboards"


def write(folder: Path) -> None:
    """Writes one file per dashboard, named by its uid."""
    folder.mkdir(parents=True, exist_ok=True)
    for dashboard in DASHBOARDS:
        text = json.dumps(dashboard_model(dashboard), indent=2, ensure_ascii=False)
        (folder / f"{dashboard.uid}.json").write_text(f"{text}\n")


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
