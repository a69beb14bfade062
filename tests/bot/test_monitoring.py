"""The examples for Prometheus and Grafana ask for metrics and labels that exist."""

import json
import re
from pathlib import Path

import pytest
from prometheus_client.metrics import MetricWrapperBase

import bot.metrics

FOLDER = Path(bot.metrics.__file__).parent / "monitoring"
FILES = sorted(FOLDER.iterdir())
METRICS = {m._name: m for m in vars(bot.metrics).values() if isinstance(m, MetricWrapperBase)}
ASKED = re.compile(r"(watchkeeper_\w+?)(?:_total|_bucket)(?:\{([^}]*)\})?")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_what_is_asked_for_exists(path):
    """Each metric is one of ours, by the name that Prometheus gives it, and has the labels that select it."""
    asked = ASKED.findall(path.read_text().replace('\\"', '"'))
    assert asked
    for name, selected in asked:
        labels = set(re.findall(r"(\w+)\s*[!=]", selected))
        assert labels <= set(METRICS[name]._labelnames), name


def test_every_metric_of_ours_is_on_the_dashboard():
    """Whoever adds a metric shows it, or it is of no use."""
    text = (FOLDER / "dashboard.json").read_text()
    assert [name for name in METRICS if name not in text] == []


def test_the_dashboard_can_be_read():
    """It is JSON, and its panels do not lie over each other."""
    panels = json.loads((FOLDER / "dashboard.json").read_text())["panels"]
    assert len({(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}) == len(panels)
