"""The most memory that this process has had since a moment."""

import resource
import sys

import torch

from illustration_worker.engine.device import free_device_memory

_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


def forget_peaks(device: torch.device) -> None:
    """From now on. What is kept for reuse is given back first: it would count."""
    free_device_memory()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def peaks_in_gb(device: torch.device) -> dict[str, list[float]]:
    """Gigabytes (10^9 bytes). On a CPU of the whole process and since it began: there is no other figure."""
    if device.type == "cuda":
        return {
            "in use": [torch.cuda.max_memory_allocated(device) / 1e9],
            "taken from the device": [torch.cuda.max_memory_reserved(device) / 1e9],
        }
    return {"taken from the machine": [resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _RSS_UNIT / 1e9]}
