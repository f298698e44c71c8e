"""What to load, as plain values: settings are turned into these, so that nothing below reads the environment."""

from dataclasses import dataclass
from typing import Literal

from illustration_worker.images import ReferenceFit

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
    local_files_only: bool = False
    """True: nothing is fetched; hub repositories must be in the local cache."""
