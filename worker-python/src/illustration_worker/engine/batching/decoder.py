"""The VAE beside the step loop: one picture at a time, on a thread and a CUDA stream of its own."""

import contextlib
import copy
from typing import Any

import torch

from illustration_worker.engine.decoding import NotFiniteError, decode_latents, require_finite
from illustration_worker.engine.device import free_device_memory
from illustration_worker.images import Pixels
from illustration_worker.models.loader import LoadedModel
from illustration_worker.signals import out_of_memory


class Decoder:
    """Owns the VAE; for one thread. The UNet's steps go on meanwhile: they share no module and no stream."""

    def __init__(self, model: LoadedModel, dtype: torch.dtype) -> None:
        # The loaded VAE is wide. A narrow one is a copy: cast back, it would not have its weights again.
        self._wide_vae = model.pipeline.vae
        is_wide = dtype == torch.float32
        self._vae: Any = self._wide_vae if is_wide else copy.deepcopy(self._wide_vae).to(dtype)
        self._image_processor = model.pipeline.image_processor
        self._stream = torch.cuda.Stream(model.device) if model.device.type == "cuda" else None  # type: ignore[no-untyped-call]

    @torch.no_grad()
    def decode(self, latents: torch.Tensor) -> Pixels:
        """The picture of ``latents``, whose computation must be over. A shortage of memory is tried again once.

        Raises:
            NotFiniteError: even in float32 the numbers overflow.
            torch.OutOfMemoryError: twice.
        """
        try:
            return self._decode(latents)
        except torch.OutOfMemoryError:
            out_of_memory.send("decode")  # freed below: here the traceback still pins the tensors
        free_device_memory()
        return self._decode(latents)

    def _decode(self, latents: torch.Tensor) -> Pixels:
        with torch.cuda.stream(self._stream) if self._stream is not None else contextlib.nullcontext():
            require_finite(latents)
            try:
                return decode_latents(self._vae, self._image_processor, latents)
            except NotFiniteError:
                if self._vae is self._wide_vae:
                    raise
            return decode_latents(self._wide_vae, self._image_processor, latents)
