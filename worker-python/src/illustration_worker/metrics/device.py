"""The device's figures, read when somebody looks: torch's own account of its memory, and NVML's where there is one.

NVML's figures are the whole GPU's, whichever process uses it. Without a GPU, a driver or the package there are none.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

_MEMORY = "illustration_worker_device_memory_bytes"
_GPU_FIGURES = {
    "illustration_worker_gpu_memory_used_bytes": "Memory of the GPU in use, by whatever process.",
    "illustration_worker_gpu_memory_total_bytes": "Memory of the GPU.",
    "illustration_worker_gpu_utilization_ratio": "Share of the last moment in which the GPU computed; 0 to 1.",
    "illustration_worker_gpu_temperature_celsius": "Temperature of the GPU.",
    "illustration_worker_gpu_power_watts": "Power that the GPU draws.",
}


class DeviceCollector(Collector):
    """Registers itself."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._nvml = _open_nvml()
        registry.register(self)

    def describe(self) -> Iterator[Metric]:
        """The names, without a value."""
        yield _memory_family()
        for name, what in _GPU_FIGURES.items():
            yield GaugeMetricFamily(name, what, labels=("gpu",))

    def collect(self) -> Iterator[Metric]:
        """The figures of this moment."""
        memory = _memory_family()
        for kind, value in _torch_memory().items():
            memory.add_metric((kind,), value)
        yield memory
        yield from self._gpus()

    def _gpus(self) -> Iterator[Metric]:
        families = {name: GaugeMetricFamily(name, what, labels=("gpu",)) for name, what in _GPU_FIGURES.items()}
        for gpu in range(self._nvml.nvmlDeviceGetCount() if self._nvml is not None else 0):
            for name, read in _readers(self._nvml, gpu).items():
                with suppress(Exception):  # not every GPU tells everything
                    families[name].add_metric((str(gpu),), read())
        yield from families.values()


def _memory_family() -> GaugeMetricFamily:
    what = (
        "torch's memory on the device. `kind`: `allocated`, `peak` of it since the start, `reserved` from the driver."
    )
    return GaugeMetricFamily(_MEMORY, what, labels=("kind",))


def _torch_memory() -> dict[str, float]:
    """Empty unless somebody else has loaded torch and used a CUDA device."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available() or not torch.cuda.is_initialized():
        return {}
    return {
        "allocated": torch.cuda.memory_allocated(),
        "peak": torch.cuda.max_memory_allocated(),
        "reserved": torch.cuda.memory_reserved(),
    }


def _open_nvml() -> Any:
    """The package with its library open; None where there is no GPU, no driver or no package."""
    try:
        import pynvml

        pynvml.nvmlInit()
    except Exception:
        return None
    return pynvml


def _readers(nvml: Any, gpu: int) -> dict[str, Callable[[], float]]:
    handle = nvml.nvmlDeviceGetHandleByIndex(gpu)
    used, total, utilization, temperature, power = _GPU_FIGURES
    return {
        used: lambda: nvml.nvmlDeviceGetMemoryInfo(handle).used,
        total: lambda: nvml.nvmlDeviceGetMemoryInfo(handle).total,
        utilization: lambda: nvml.nvmlDeviceGetUtilizationRates(handle).gpu / 100,
        temperature: lambda: nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU),
        power: lambda: nvml.nvmlDeviceGetPowerUsage(handle) / 1000,
    }
