"""A model with a LoRA as the batching engine draws with it."""

import hashlib
from dataclasses import dataclass

from illustration_worker.engine.batching.acceleration import uncompiled
from illustration_worker.engine.batching.compiled_unet import Unet
from illustration_worker.engine.batching.conditioning import Encoder
from illustration_worker.engine.batching.embedding_cache import EmbeddingCache
from illustration_worker.engine.batching.layers import Layers, layers_of_copy
from illustration_worker.engine.batching.options import BatchingOptions
from illustration_worker.engine.loras.adapted_model import AdaptedModel, adapt
from illustration_worker.models.loader import LoadedModel


@dataclass(frozen=True, slots=True, eq=False)
class LoraModel:
    """Its methods are for the device thread."""

    adapted: AdaptedModel
    encoder: Encoder
    unet: Unet

    def encoder_at(self, scale: float) -> Encoder:
        """The encoder with the LoRA at ``scale``, until another is asked for."""
        self.adapted.apply(scale)
        return self.encoder

    def unet_at(self, scale: float) -> Unet:
        """The UNet with the LoRA at ``scale``, until another is asked for."""
        self.adapted.apply(scale)
        return self.unet


@dataclass(frozen=True, slots=True)
class LoraModels:
    """Makes them from the model without LoRA, which is only read. Any thread."""

    model: LoadedModel
    layers: Layers
    cache: EmbeddingCache
    options: BatchingOptions

    def make(self, content: bytes) -> tuple[str, LoraModel]:
        """What the LoRA file ``content`` is, in words, and the model with it.

        Raises:
            LoraInvalidError, OutOfMemoryError, DeviceLostError: see ``adapted_model.adapt``.
        """
        adapted = adapt(self.model, content)
        unet = adapted.model.pipeline.unet
        sha256 = hashlib.sha256(content).hexdigest()
        encoder = Encoder(adapted.model, layers_of_copy(self.layers, unet), self.cache, sha256)
        return adapted.kind, LoraModel(adapted, encoder, uncompiled(unet, self.options))
