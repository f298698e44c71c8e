"""What the worker counts, and that it says so by one scheme."""

import re
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from illustration_worker import signals
from illustration_worker.metrics.__main__ import described
from illustration_worker.metrics.device import DeviceCollector
from illustration_worker.metrics.worker_metrics import WorkerMetrics
from illustration_worker.signals import Signal, StepMade


def value(metrics: WorkerMetrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"illustration_worker_{name}", labels)


def test_what_happens_between_start_and_end_of_a_watch_is_counted() -> None:
    metrics = WorkerMetrics()
    signals.embedding_looked_up.send(True)
    stop = metrics.watch()
    signals.embedding_looked_up.send(True)
    signals.embedding_looked_up.send(False)
    signals.step_made.send(StepMade(0.1, jobs=2, rows=3, padding_rows=1))
    signals.out_of_memory.send("decode")
    stop()
    signals.embedding_looked_up.send(True)
    assert value(metrics, "embedding_lookups_total", result="hit") == 1
    assert value(metrics, "embedding_lookups_total", result="miss") == 1
    assert value(metrics, "batch_rows_sum") == 3
    assert value(metrics, "batch_jobs_sum") == 2
    assert value(metrics, "padding_rows_total") == 1
    assert value(metrics, "out_of_memory_total", during="decode") == 1
    assert value(metrics, "out_of_memory_total", during="step") == 0


def test_a_watcher_that_stopped_is_told_nothing() -> None:
    signal: Signal[int] = Signal()
    told: list[int] = []
    stop = signal.watch(told.append)
    other = signal.watch(lambda _: None)
    signal.send(1)
    stop()
    signal.send(2)
    other()
    assert told == [1]


def test_every_metric_is_described_and_named_by_the_scheme() -> None:
    rows = described()
    counts = "batch_rows|batch_jobs|jobs_outstanding|serving|build_info"
    scheme = re.compile(rf"illustration_worker_(([a-z]+_)*(seconds|bytes|total|ratio|celsius|watts)|{counts})")
    assert [row["name"] for row in rows if not scheme.fullmatch(str(row["name"]))] == []
    assert len({row["name"] for row in rows}) == len(rows) > 15
    assert all(row["help"] for row in rows)


class FakeNvml:
    """Two GPUs, of which the second tells no power. Stands in for a driver that this machine does not have."""

    NVML_TEMPERATURE_GPU = 0

    def nvmlInit(self) -> None:  # noqa: N802  # NVML's name
        pass

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return 2

    def nvmlDeviceGetHandleByIndex(self, gpu: int) -> int:  # noqa: N802
        return gpu

    def nvmlDeviceGetMemoryInfo(self, gpu: int) -> Any:  # noqa: N802
        return SimpleNamespace(used=1000 + gpu, total=24_000)

    def nvmlDeviceGetUtilizationRates(self, gpu: int) -> Any:  # noqa: N802
        return SimpleNamespace(gpu=50)

    def nvmlDeviceGetTemperature(self, gpu: int, kind: int) -> int:  # noqa: N802
        return 60

    def nvmlDeviceGetPowerUsage(self, gpu: int) -> int:  # noqa: N802
        if gpu == 1:
            raise RuntimeError("not supported")
        return 150_000


def test_nvml_is_told_gpu_by_gpu_and_what_it_does_not_tell_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", FakeNvml())
    registry = CollectorRegistry()
    DeviceCollector(registry)

    def gpu(name: str, number: str) -> float | None:
        return registry.get_sample_value(f"illustration_worker_gpu_{name}", {"gpu": number})

    assert [gpu("memory_used_bytes", number) for number in "01"] == [1000, 1001]
    assert [gpu("utilization_ratio", number) for number in "01"] == [0.5, 0.5]
    assert [gpu("power_watts", number) for number in "01"] == [150, None]


def test_without_a_driver_there_are_no_gpu_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    registry = CollectorRegistry()
    DeviceCollector(registry)
    assert registry.get_sample_value("illustration_worker_gpu_memory_used_bytes", {"gpu": "0"}) is None
