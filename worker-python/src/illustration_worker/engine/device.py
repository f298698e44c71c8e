"""What every engine asks of its device, whichever it is."""

import gc

import torch


def wait_for_stream(device: torch.device) -> None:
    """Return when what this thread has launched is done. Not what other threads have: decoding goes on beside."""
    if device.type == "cuda":
        torch.cuda.current_stream(device).synchronize()
    elif device.type == "mps":
        torch.mps.synchronize()


def free_device_memory() -> None:
    """Give back what is kept for reuse. Outside any ``except`` block: a traceback pins the tensors of its frames."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    elif torch.backends.mps.is_available():
        torch.mps.empty_cache()
