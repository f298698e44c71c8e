"""Which device, and which number format on it."""

import torch

from illustration_worker.errors import ModelLoadError
from illustration_worker.models.config import DeviceName, DTypeName


def resolve_device(name: DeviceName) -> torch.device:
    """The device named, or the best one present for ``auto``.

    Raises:
        ModelLoadError: this machine, or this build of torch, has no such device.
    """
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(device for device, is_present in present.items() if is_present))
    if not present[name]:
        raise ModelLoadError(f"The device '{name}' is not available here; torch {torch.__version__} sees none.")
    return torch.device(name)


def resolve_dtype(name: DTypeName, device: torch.device) -> torch.dtype:
    """The number format named; for ``auto`` float16 on a GPU (as SDXL is published) and float32 on a CPU."""
    if name == "auto":
        return torch.float32 if device.type == "cpu" else torch.float16
    return {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}[name]
