"""How to batch, as plain values: settings are turned into these."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from illustration_worker.engine.batching.selection import Size

Switch = Literal["auto", "on", "off"]
AttentionBackend = Literal["auto", "flash", "efficient", "cudnn", "math"]


@dataclass(frozen=True, slots=True)
class BatchingOptions:
    """The defaults are those of the settings."""

    max_batch_rows: int = 0
    """Most rows in a UNet call, one of ``ROW_BUCKETS``; 0: as calibrated, or a default where that is off."""
    reproducible: Switch = "auto"
    """``auto``: on where no GPU gains from wide calls, that is on a CPU."""
    calibration: Switch = "auto"
    """``auto``: on a GPU only."""
    calibration_sizes: tuple[Size, ...] = ()
    """Measured and compiled for beside the model's own."""
    calibration_folder: Path | None = None
    """Where calibrations are kept; None: nowhere."""
    compile_cache_folder: Path | None = None
    """Where compiled code is kept; None: where torch puts it, which is a folder for temporary files."""
    embedding_cache_bytes: int = 256 * 1024**2
    checkpoint_every: int = 10
    """Steps from one checkpoint to the next, for jobs that want them; 0: none."""
    torch_compile: Switch = "auto"
    """``auto``: on CUDA only."""
    channels_last: Switch = "auto"
    """``auto``: on CUDA only."""
    attention_backend: AttentionBackend = "auto"
    """``auto``: torch's own choice."""
    vae_dtype: Literal["float32", "float16", "bfloat16"] = "float32"
    """Narrow only for a VAE made for it: SDXL's own overflows in float16."""
