"""Prints every metric of the worker as JSON, for the documentation."""

import json
from typing import Any, cast

from prometheus_client import Metric

from illustration_worker.metrics.worker_metrics import WorkerMetrics


def described() -> list[dict[str, object]]:
    """One row a metric: ``name``, ``type``, ``labels``, ``help``."""
    registry = WorkerMetrics().registry
    collectors = dict.fromkeys(registry._collector_to_names)
    rows: list[dict[str, object]] = []
    for collector in collectors:
        labels = list(getattr(collector, "_labelnames", ()))
        # the base class has no `describe`, every collector of this registry has
        families: list[Metric] = list(cast(Any, collector).describe())
        for family in families:
            # a family that is read from the device knows its labels by itself
            names = labels or list(getattr(family, "_labelnames", ()))
            name = f"{family.name}_total" if family.type == "counter" else family.name
            rows.append({"name": name, "type": family.type, "labels": names, "help": family.documentation})
    return rows


if __name__ == "__main__":
    print(json.dumps(described(), indent=2))
