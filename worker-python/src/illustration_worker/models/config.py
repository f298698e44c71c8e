"""What to load, as plain values: settings are turned into these, so that nothing below reads the environment."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from illustration_worker.job import ReferenceFit

DTypeName = Literal["auto", "float32", "float16", "bfloat16"]
DeviceName = Literal["auto", "cuda", "mps", "cpu"]


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """A base model and, unless switched off, one IP-Adapter. The defaults are those of the settings."""

    model: str
    """A local folder in diffusers' layout, or a hub repository (``owner/name``)."""
    dtype: DTypeName = "auto"
    """``auto``: float16 on a GPU, float32 on a CPU. The VAE is float32 always."""
    device: DeviceName = "auto"
    """``auto``: cuda, else mps, else cpu."""
    enable_ip_adapter: bool = True
    ip_adapter: str = "h94/IP-Adapter"
    """A local folder in the layout of ``h94/IP-Adapter``, or a hub repository."""
    ip_adapter_subfolder: str = "sdxl_models"
    ip_adapter_weights: str = "ip-adapter_sdxl_vit-h.safetensors"
    reference_fit: ReferenceFit = "crop"
    """How reference images become square."""
    model_s3_path: str | None = None
    """``s3://bucket/key`` of a LoRA or an SDXL checkpoint; comes before ``model_file``."""
    model_file: str | None = None
    """A LoRA, fused onto ``model``, or an SDXL checkpoint, the base in its place."""
    model_kind: Literal["auto", "lora", "checkpoint"] = "auto"
    vae: str | None = None
    """A VAE in place of the model's own: a file, a folder or a hub repository; None: the model's."""
    lora_weights: str | None = None
    """Folder or hub repository of a LoRA that is always on; None: none is."""
    lora_weights_name: str = "pytorch_lora_weights.safetensors"
    lora_scale: float = 1.0
    """Of every LoRA that is fused."""
    cache_folder: Path = Path("~/.cache/illustration-worker/models")
    cache_max_bytes: int = 50 * 1024**3
    s3_endpoint_url: str | None = None
    aws_region: str | None = None
    local_files_only: bool = False
    """True: nothing is fetched; hub repositories must be in the local cache."""
