"""A job's reference images as the cross-attentions take them; made once, when the job begins."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from diffusers.image_processor import IPAdapterMaskProcessor

from illustration_worker.engine.batching.embedding_cache import EmbeddingCache, Embeddings
from illustration_worker.engine.batching.layers import Layers, Projected
from illustration_worker.engine.batching.ticket import References
from illustration_worker.engine.drawing import no_reference
from illustration_worker.engine.people import are_masked, is_steered_by_people, masked_scales_of, masks_of
from illustration_worker.job import Job
from illustration_worker.models.instant_style import is_steered
from illustration_worker.models.loader import LoadedModel


@dataclass(frozen=True, slots=True)
class ImageConditioning:
    """Of one job."""

    projected: list[Projected]
    """Images of a row one after another."""
    tokens: int
    """Keys that the images give together."""
    scales: tuple[tuple[float, ...], ...]
    """With masks by image, else one entry for all images; each by block group. All 0 without reference."""
    masks: list[torch.Tensor] | None = None
    """By level of the UNet: (images, positions, 1); None: the images count everywhere."""

    @property
    def is_steering(self) -> bool:
        """Whether any image counts."""
        return any(any(by_group) for by_group in self.scales)

    @property
    def form(self) -> tuple[int, int]:
        """Rows of equal form can be joined: tokens, and masks (0: none)."""
        return self.tokens, 0 if self.masks is None else len(self.scales)


class ImageEncoder:
    """With what it encoded before at hand. For the device thread."""

    def __init__(self, model: LoadedModel, layers: Layers, cache: EmbeddingCache) -> None:
        self._model = model
        self._layers = layers
        self._cache = cache

    def encode(self, job: Job, references: References, rows: int) -> ImageConditioning | None:
        """None: no adapter is loaded."""
        if self._model.ip_adapter is None:
            return None
        if references.pixels is None or not is_steered_by_people(job):
            # zeros in the shape of one image and scale 0: adds exactly nothing, and shares rows with everybody
            return self._everywhere(self._tokens(no_reference(self._model, rows)), self._by_group(job, 0.0))
        key = ("reference", references.key)
        (embeddings,) = self._cache.get_or_encode(key, _image_encoding(self._model, references.pixels))
        tokens = self._tokens(embeddings[-rows:])
        if are_masked(job):
            return self._in_regions(tokens, job)
        return self._everywhere(tokens, self._by_group(job, job.people[0].ip_adapter_scale))

    def _tokens(self, embeddings: torch.Tensor) -> torch.Tensor:
        """(rows, images, tokens, 2048)."""
        tokens: torch.Tensor = self._model.pipeline.unet.encoder_hid_proj([embeddings])[0]
        return tokens

    def _everywhere(self, tokens: torch.Tensor, scales: tuple[float, ...]) -> ImageConditioning:
        return ImageConditioning(self._layers.project_images(tokens), tokens.shape[1] * tokens.shape[2], (scales,))

    def _in_regions(self, tokens: torch.Tensor, job: Job) -> ImageConditioning:
        # each image by itself, as stock does it: a product of other rows may be rounded otherwise
        by_image = [self._layers.project_images(tokens[:, image]) for image in range(tokens.shape[1])]
        return ImageConditioning(
            projected=[_one_after_another(same_shape) for same_shape in zip(*by_image, strict=True)],
            tokens=tokens.shape[1] * tokens.shape[2],
            scales=tuple(self._by_group(job, scale) for scale in masked_scales_of(job)),
            masks=self._masks(job, tokens),
        )

    def _by_group(self, job: Job, scale: float) -> tuple[float, ...]:
        return tuple(scale if is_steered(job.ip_adapter_mode, group) else 0.0 for group in self._layers.block_groups)

    def _masks(self, job: Job, tokens: torch.Tensor) -> list[torch.Tensor]:
        factor = self._model.pipeline.vae_scale_factor
        height, width = job.height // factor, job.width // factor
        by_level = []
        for _ in range(self._layers.levels):
            small = [IPAdapterMaskProcessor.downsample(mask[None], 1, height * width, 1) for mask in masks_of(job)]
            by_level.append(torch.cat(small).to(tokens.device, tokens.dtype))
            height, width = (height + 1) // 2, (width + 1) // 2  # as the UNet's convolutions of stride 2
        return by_level


def _one_after_another(images: tuple[Projected, ...]) -> Projected:
    return Projected(
        keys=torch.cat([image.keys for image in images], dim=2),
        values=torch.cat([image.values for image in images], dim=2),
    )


def _image_encoding(model: LoadedModel, pixels: torch.Tensor) -> Callable[[], Embeddings]:
    """Both rows, negative and positive, whether the job is guided or not: the cache is for either."""

    def encode() -> Embeddings:
        embeddings: torch.Tensor = model.pipeline.prepare_ip_adapter_image_embeds(
            [pixels], None, model.device, 1, True
        )[0]
        return (embeddings,)

    return encode
