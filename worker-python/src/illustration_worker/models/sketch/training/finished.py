"""A finished model as the start of further training."""

from pathlib import Path

from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import load_file
from transformers import CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer, CLIPVisionModelWithProjection

from illustration_worker.models.sketch.training.adapter import install
from illustration_worker.models.sketch.training.diffusion import Learnt
from illustration_worker.models.sketch.training.export import ADAPTER_SUBFOLDER, ADAPTER_WEIGHTS


def finished_model(folder: Path) -> Learnt:
    """What ``export_model`` wrote to ``folder``, in float32."""
    unet = UNet2DConditionModel.from_pretrained(folder / "unet").float()
    adapter = load_file(folder / ADAPTER_SUBFOLDER / ADAPTER_WEIGHTS)
    install(unet, {name: weight.float() for name, weight in adapter.items()})
    image_encoder = CLIPVisionModelWithProjection.from_pretrained(folder / ADAPTER_SUBFOLDER / "image_encoder")
    return Learnt(
        vae=AutoencoderKL.from_pretrained(folder / "vae").float(),
        tokenizers=(
            CLIPTokenizer.from_pretrained(folder / "tokenizer"),
            CLIPTokenizer.from_pretrained(folder / "tokenizer_2"),
        ),
        text_encoders=(
            CLIPTextModel.from_pretrained(folder / "text_encoder").float(),  # type: ignore[no-untyped-call]
            CLIPTextModelWithProjection.from_pretrained(folder / "text_encoder_2").float(),  # type: ignore[no-untyped-call]
        ),
        image_encoder=image_encoder.float(),  # type: ignore[no-untyped-call]
        unet=unet,
    )
