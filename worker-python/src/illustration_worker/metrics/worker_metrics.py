"""Every metric of the worker, each declared once, and what fills it.

``python -m illustration_worker.metrics`` prints them as JSON; the table of docs/08-metrics.md is made from that.
"""

import dataclasses
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from illustration_worker import signals
from illustration_worker.job import Finished
from illustration_worker.metrics.device import DeviceCollector
from illustration_worker.signals import CallEnded, StepMade

_CALL_SECONDS = (0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120, 300)
_STAGE_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120)
_STEP_SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 5, 10)
_ROWS = (1, 2, 4, 6, 8, 12, 16)


class WorkerMetrics:
    """Counts from ``watch`` on."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self._calls = Histogram(
            "illustration_worker_call_duration_seconds",
            "gRPC calls to the worker. `outcome`: `ok`, or a reason of errors.proto.",
            ("method", "outcome"),
            buckets=_CALL_SECONDS,
            registry=registry,
        )
        self._stages = Histogram(
            "illustration_worker_stage_seconds",
            "Where the time of a drawn picture went in the worker; the stages add up to the whole.",
            ("stage",),
            buckets=_STAGE_SECONDS,
            registry=registry,
        )
        self._pictures = Counter("illustration_worker_pictures", "Pictures drawn.", registry=registry)
        self._device_seconds = Counter(
            "illustration_worker_device_seconds",
            "Device time of drawn pictures; of steps shared by several, each one's share.",
            registry=registry,
        )
        self._steps = Histogram(
            "illustration_worker_step_duration_seconds",
            "Denoising steps, each of one or several pictures together.",
            buckets=_STEP_SECONDS,
            registry=registry,
        )
        self._rows = Histogram(
            "illustration_worker_batch_rows",
            "Rows of the UNet calls that belong to pictures: 2 for a guided one, else 1.",
            buckets=_ROWS,
            registry=registry,
        )
        self._jobs = Histogram(
            "illustration_worker_batch_jobs", "Pictures that share a step.", buckets=_ROWS, registry=registry
        )
        self._padding = Counter(
            "illustration_worker_padding_rows",
            "Rows computed beside those of the pictures and thrown away.",
            registry=registry,
        )
        self._lookups = Counter(
            "illustration_worker_embedding_lookups",
            "Prompts and reference images looked up in the embedding cache. `result`: `hit` or `miss`.",
            ("result",),
            registry=registry,
        )
        self._out_of_memory = Counter(
            "illustration_worker_out_of_memory",
            "Times the device ran out of memory, whether it could be helped or not.",
            ("during",),
            registry=registry,
        )
        self.load_seconds = Gauge(
            "illustration_worker_load_seconds", "What loading the model and warming up took.", registry=registry
        )
        self.jobs_outstanding = Gauge(
            "illustration_worker_jobs_outstanding", "Pictures that the worker has now.", registry=registry
        )
        self.serving = Gauge("illustration_worker_serving", "1: a drawing could start now.", registry=registry)
        self.build_info = Gauge(
            "illustration_worker_build_info",
            "Always 1; the version that runs, and what draws.",
            ("version", "engine", "device"),
            registry=registry,
        )
        DeviceCollector(registry)
        self._show_zeros()

    def watch(self) -> Callable[[], None]:
        """Count from now on, the process's own figures too; returns how to stop."""
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        stops = (
            signals.call_ended.watch(self._on_call_ended),
            signals.job_finished.watch(self._on_finished),
            signals.step_made.watch(self._on_step),
            signals.embedding_looked_up.watch(lambda is_hit: self._lookups.labels("hit" if is_hit else "miss").inc()),
            signals.out_of_memory.watch(lambda during: self._out_of_memory.labels(during).inc()),
        )

        def stop() -> None:
            for one in stops:
                one()

        return stop

    def _show_zeros(self) -> None:
        """A counter that appears with its first event has no increase by it: an alert would miss it."""
        for result in ("hit", "miss"):
            self._lookups.labels(result)
        for during in ("encode", "step", "decode", "lora"):
            self._out_of_memory.labels(during)

    def _on_call_ended(self, ended: CallEnded) -> None:
        self._calls.labels(ended.method, ended.outcome).observe(ended.seconds)

    def _on_finished(self, finished: Finished) -> None:
        self._pictures.inc()
        self._device_seconds.inc(finished.device_seconds)
        for stage, seconds in dataclasses.asdict(finished.timings).items():
            self._stages.labels(stage).observe(seconds)

    def _on_step(self, step: StepMade) -> None:
        self._steps.observe(step.seconds)
        self._rows.observe(step.rows)
        self._jobs.observe(step.jobs)
        self._padding.inc(step.padding_rows)
