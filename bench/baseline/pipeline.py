"""The guide's singleton pipeline, and its inference function. No FastAPI, no boto3: benchmarks call this directly."""

import contextlib
import threading
from dataclasses import dataclass
from typing import Any

import torch
from diffusers import StableDiffusionXLPipeline
from diffusers.utils import load_image
from PIL import Image

from bench.baseline.config import PrototypeSettings

IMAGE_ENCODER_FOLDER = "models/image_encoder"
STUB_SIDE = 64
"""Pixels: what the random model and the gateway's fake draw too."""


@dataclass(frozen=True)
class Inputs:
    """What the guide hands to its inference functions."""

    prompt: str
    prompt_2: str | None
    num_inference_steps: int
    ip_adapter_scale: float
    negative_prompt: str
    image_path: str
    """The avatar, or the subject photo."""


class TextToImagePipeline:
    """One for the process, as in the guide."""

    _instance: "TextToImagePipeline | None" = None
    pipeline: Any = None

    def __new__(cls) -> "TextToImagePipeline":
        """The one there is."""
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


def inference(pipeline: Any, inputs: Inputs, generator: torch.Generator | None = None) -> Image.Image:
    """Draw: the scale is set on the shared pipeline, without a lock on everybody's picture.

    ``generator`` is for benchmarks, whose arms must draw the same picture; the prototype draws without a seed.
    """
    pipeline.set_ip_adapter_scale(inputs.ip_adapter_scale)
    drawn: Image.Image = pipeline(
        prompt=inputs.prompt,
        prompt_2=inputs.prompt_2,
        negative_prompt=inputs.negative_prompt,
        num_inference_steps=inputs.num_inference_steps,
        ip_adapter_image=load_image(inputs.image_path),
        generator=generator,
    ).images[0]
    return drawn


def stub_inference() -> Image.Image:
    """A plain picture at once."""
    return Image.new("RGB", (STUB_SIDE, STUB_SIDE), (127, 127, 127))
