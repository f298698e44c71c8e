"""Everything that steers a job's denoising and does not change from step to step; made once, when the job begins."""

import hashlib
import json
from dataclasses import dataclass

import torch

from illustration_worker.engine.batching.embedding_cache import EmbeddingCache, Embeddings
from illustration_worker.engine.batching.image_conditioning import ImageConditioning, ImageEncoder
from illustration_worker.engine.batching.layers import Layers, Projected
from illustration_worker.engine.batching.ticket import References
from illustration_worker.job import Job
from illustration_worker.models.loader import LoadedModel


@dataclass(frozen=True, slots=True)
class Conditioning:
    """Of one job. Rows: negative, positive; without guidance the positive one alone."""

    rows: int
    pooled: torch.Tensor
    """(rows, 1280)."""
    time_ids: torch.Tensor
    """(rows, 6): SDXL's sizes and crop."""
    guidance_embedding: torch.Tensor | None
    """(rows, width) for a UNet distilled for guidance, else None."""
    text: list[Projected]
    images: ImageConditioning | None
    """None: no adapter is loaded."""

    @property
    def is_steered_by_image(self) -> bool:
        """Whether any image counts."""
        return self.images is not None and self.images.is_steering

    @property
    def image_form(self) -> tuple[int, int]:
        """Rows of equal form share a group of image rows."""
        return (0, 0) if self.images is None else self.images.form


class Encoder:
    """Makes conditionings, with what it encoded before at hand. For the device thread."""

    def __init__(
        self, model: LoadedModel, layers: Layers, cache: EmbeddingCache, lora_sha256: str | None = None
    ) -> None:
        """``lora_sha256``: of the LoRA in ``model``; None: it has none. The cache may be shared."""
        self._lora_sha256 = lora_sha256
        self._model = model
        self._layers = layers
        self._cache = cache
        self._images = ImageEncoder(model, layers, cache)

    @torch.no_grad()
    def encode(self, job: Job, references: References) -> Conditioning:
        """What the stock pipeline computes before its loop and, unlike here, again in each step."""
        pipeline = self._model.pipeline
        is_distilled = pipeline.unet.config.time_cond_proj_dim is not None
        is_guided = job.guidance_scale > 1 and not is_distilled
        rows = 2 if is_guided else 1
        text, pooled = self._prompts(job, is_guided)
        return Conditioning(
            rows=rows,
            pooled=pooled,
            time_ids=self._time_ids(job, pooled).repeat(rows, 1),
            guidance_embedding=self._guidance_embedding(job, pooled.dtype) if is_distilled else None,
            text=self._layers.project_text(text),
            images=self._images.encode(job, references, rows),
        )

    def forget(self) -> None:
        """Empty the cache, to give its memory back."""
        self._cache.clear()

    def _prompts(self, job: Job, is_guided: bool) -> Embeddings:
        text, pooled = self._prompt(job, job.prompt, job.prompt_2)
        if not is_guided:
            return text, pooled
        if job.negative_prompt is None and self._model.pipeline.config.force_zeros_for_empty_prompt:
            negative, negative_pooled = torch.zeros_like(text), torch.zeros_like(pooled)
        else:
            negative, negative_pooled = self._prompt(job, job.negative_prompt or "", None)
        return torch.cat([negative, text]), torch.cat([negative_pooled, pooled])

    def _prompt(self, job: Job, prompt: str, prompt_2: str | None) -> Embeddings:
        def encode() -> Embeddings:
            text, _, pooled, _ = self._model.pipeline.encode_prompt(
                prompt=prompt, prompt_2=prompt_2, device=self._model.device, do_classifier_free_guidance=False
            )
            return text, pooled

        signature = None if job.lora is None else (self._lora_sha256, job.lora.scale)
        # the words themselves are not kept: only what they were encoded to, until that leaves the cache
        words = hashlib.sha256(json.dumps([prompt, prompt_2]).encode()).digest()
        return self._cache.get_or_encode(("prompt", signature, words), encode)

    def _time_ids(self, job: Job, pooled: torch.Tensor) -> torch.Tensor:
        pipeline, size = self._model.pipeline, (job.height, job.width)
        ids: torch.Tensor = pipeline._get_add_time_ids(
            size, (0, 0), size, pooled.dtype, pipeline.text_encoder_2.config.projection_dim
        )
        return ids.to(self._model.device)

    def _guidance_embedding(self, job: Job, dtype: torch.dtype) -> torch.Tensor:
        pipeline = self._model.pipeline
        embedding: torch.Tensor = pipeline.get_guidance_scale_embedding(
            torch.tensor([job.guidance_scale - 1]), embedding_dim=pipeline.unet.config.time_cond_proj_dim
        )
        return embedding.to(self._model.device, dtype)
