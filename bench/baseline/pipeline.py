"""The guide's singleton pipeline, and its inference function."""

import contextlib
import threading
from typing import Any

import torch
from diffusers import StableDiffusionXLPipeline
from diffusers.utils import load_image
from PIL import Image

from bench.baseline.config import PrototypeSettings

IMAGE_ENCODER_FOLDER = "models/image_encoder"
STUB_SIDE = 64
"""Pixels: what the demo model and the gateway's fake draw too."""


class TextToImagePipeline:
    """One for the process, as in the guide."""

    _instance: "TextToImagePipeline | None" = None
    pipeline: Any = None

    def __new__(cls) -> "TextToImagePipeline":
        if cls._instance is None:
            cls._instance = super().__new__(cls)
        return cls._instance

    def start(self, settings: PrototypeSettings) -> None:
        """Load the model and its IP-Adapter. Seconds."""
        self.pipeline = load_pipeline(settings)


def load_pipeline(settings: PrototypeSettings) -> Any:
    """Diffusers' own SDXL pipeline with the adapter, on the CPU in float32."""
    pipeline = StableDiffusionXLPipeline.from_pretrained(settings.model_path, dtype=torch.float32)
    pipeline.load_ip_adapter(
        settings.ip_adapter,
        subfolder=settings.ip_adapter_subfolder,
        weight_name=settings.ip_adapter_weights,
        image_encoder_folder=IMAGE_ENCODER_FOLDER,
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline.to("cpu")


def picture_lock(is_locked: bool) -> contextlib.AbstractContextManager[Any]:
    """A lock for the pipeline's call, or nothing."""
    return threading.Lock() if is_locked else contextlib.nullcontext()


def memory_generation_inference(pipeline: Any, request: Any, avatar_path: str) -> Image.Image:
    """Draw a memory: the prompt, the style as second prompt, the avatar by IP-Adapter at the request's scale.

    The scale is set on the shared pipeline: without a lock, on everybody's picture.
    """
    pipeline.set_ip_adapter_scale(request.ip_adapter_scale)
    generator = None if request.seed is None else torch.Generator("cpu").manual_seed(request.seed)
    drawn: Image.Image = pipeline(
        prompt=request.prompt,
        prompt_2=request.style_prompt,
        negative_prompt=request.negative_prompt,
        num_inference_steps=request.num_inference_steps,
        ip_adapter_image=load_image(avatar_path),
        generator=generator,
    ).images[0]
    return drawn


def stub_inference() -> Image.Image:
    """A plain picture at once."""
    return Image.new("L", (STUB_SIDE, STUB_SIDE), 127)
