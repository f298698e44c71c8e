"""What the model is made of, as files whose digests are to be told."""

from dataclasses import dataclass
from pathlib import Path

from illustration_worker.model_file import ModelFile
from illustration_worker.models.config import ModelConfig
from illustration_worker.models.digests import Digests
from illustration_worker.models.ip_adapter import AdapterFiles
from illustration_worker.models.model_source import WeightsFile
from illustration_worker.models.sources import HALF_VARIANT, half_variant, relative_files
from illustration_worker.models.weights_kind import WeightsKind

_WEIGHT_FOLDERS = ("text_encoder", "text_encoder_2", "unet", "vae")


@dataclass(frozen=True, slots=True)
class Part:
    """A ``ModelFile`` before its digest is known."""

    role: str
    source: str
    kind: str
    paths: list[Path]
    """In order of name."""
    scale: float = 1.0

    def described(self, digests: Digests) -> ModelFile:
        """With the digest. Waits for it."""
        size_bytes = sum(path.stat().st_size for path in self.paths)
        return ModelFile(self.role, self.source, self.kind, digests.of(self.paths), size_bytes, self.scale)


def base_files(model: str, folder: Path, checkpoint: WeightsFile | None, *, prefer_half: bool, has_vae: bool) -> Part:
    """The checkpoint, or those weights in ``folder`` that the loader reads: its VAE only if it ``has_vae`` to give."""
    if checkpoint is not None:
        return Part("base", checkpoint.source, checkpoint.kind, [checkpoint.path])
    files = relative_files(folder)
    wants_half = half_variant(files, prefer_half=prefer_half) is not None
    names = sorted(
        name
        for name in files
        if name.endswith(".safetensors")
        and name.split("/")[0] in _WEIGHT_FOLDERS
        and (has_vae or not name.startswith("vae/"))
        and (f".{HALF_VARIANT}." in name) == wants_half
    )
    return Part("base", model, "SDXL in diffusers' layout", [folder / name for name in names])


def lora_file(file: WeightsFile, scale: float) -> Part:
    """A LoRA that is fused."""
    return Part("lora", file.source, file.kind, [file.path], scale)


def vae_file(file: WeightsFile) -> Part:
    """A VAE in place of the base's own."""
    return Part("vae", file.source, file.kind, [file.path])


def adapter_files(config: ModelConfig, files: AdapterFiles) -> list[Part]:
    """The IP-Adapter and its image encoder."""
    kind = WeightsKind.IP_ADAPTER_PLUS if files.is_plus else WeightsKind.IP_ADAPTER
    weights = f"{config.ip_adapter}/{config.ip_adapter_subfolder}/{config.ip_adapter_weights}"
    encoder = sorted(files.encoder_folder.glob("*.safetensors"))
    return [
        Part("ip_adapter", weights, kind, [files.weights]),
        Part("image_encoder", config.ip_adapter, "CLIP image encoder", encoder),
    ]
