"""Draws with the model under test as the service does: on the batching engine, all pictures asked for at once."""

import asyncio
import io
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from illustration_worker.engine.batching.engine import BatchingEngine
from illustration_worker.engine.batching.options import BatchingOptions
from illustration_worker.engine.port import LoraHeader
from illustration_worker.job import Finished, Job, Lora, Person
from illustration_worker.models.config import ModelConfig
from illustration_worker.models.sketch.training.export import ADAPTER_WEIGHTS
from illustration_worker.models.sketch.training.tokenizers import DEFAULT_NEGATIVE_PROMPT
from illustration_worker.models.sketch.world.pen import PICTURE_SIDE
from illustration_worker.models.sketch.world.style import DEFAULT_STYLE_PROMPTS

LORA_WEIGHTS = "pytorch_lora_weights.safetensors"
_STEPS = 12
"""As `npm start` gives a request that names none: `scripts/service/models.mjs`."""
_GUIDANCE = 5.0
"""SDXL's default, and the service's."""
_ROWS = 16
_MOST_JOBS = 1024
_LORA = Lora("marker", "1", 1.0)


@dataclass(frozen=True, slots=True)
class Wish:
    """One picture to draw."""

    prompt: str
    style_prompt: str = DEFAULT_STYLE_PROMPTS[0]
    negative_prompt: str = DEFAULT_NEGATIVE_PROMPT
    reference: Image.Image | None = None
    seed: int = 0


class Artist:
    """An engine that has started."""

    def __init__(self, engine: BatchingEngine) -> None:
        self._engine = engine

    def draw(self, wishes: list[Wish], scale: float = 0.0, *, with_lora: bool = False) -> torch.Tensor:
        """Pictures as the reader takes them, (count, 1, 128, 128), -1 to 1. ``scale``: of the references, 0 to 1."""
        jobs = [_job(wish, scale, _LORA if with_lora else None) for wish in wishes]
        return torch.stack(asyncio.run(self._draw_all(jobs)))

    def take_lora(self, content: bytes) -> None:
        """For ``with_lora``."""

        async def chunks() -> AsyncIterator[bytes]:
            yield content

        header = LoraHeader(_LORA.lora_id, _LORA.version, len(content))
        asyncio.run(self._engine.put_lora(header, chunks()))

    async def _draw_all(self, jobs: list[Job]) -> list[torch.Tensor]:
        return await asyncio.gather(*map(self._draw, jobs))

    async def _draw(self, job: Job) -> torch.Tensor:
        finished = [event async for event in self._engine.generate(job)][-1]
        if not isinstance(finished, Finished):
            raise TypeError(f"a picture ended with {finished}")
        greys = np.asarray(Image.open(io.BytesIO(finished.png)).convert("L"), np.float32)
        return torch.from_numpy(greys)[None] / 127.5 - 1


@contextmanager
def artist_at_work(model: Path, lora: Path | None = None) -> Iterator[Artist]:
    """The model in a folder with its adapter, on the CPU; ``lora``: a folder."""
    folder = str(model)
    config = ModelConfig(
        model=folder, ip_adapter=folder, ip_adapter_weights=ADAPTER_WEIGHTS, device="cpu", local_files_only=True
    )
    engine = BatchingEngine(config, BatchingOptions(max_batch_rows=_ROWS), _MOST_JOBS)
    asyncio.run(engine.start())
    try:
        artist = Artist(engine)
        if lora is not None:
            artist.take_lora((lora / LORA_WEIGHTS).read_bytes())
        yield artist
    finally:
        asyncio.run(engine.stop())


def _job(wish: Wish, scale: float, lora: Lora | None) -> Job:
    return Job(
        job_id="evaluation",
        request_id="evaluation",
        prompt=wish.prompt,
        prompt_2=wish.style_prompt,
        negative_prompt=wish.negative_prompt,
        num_inference_steps=_STEPS,
        guidance_scale=_GUIDANCE,
        seed=wish.seed,
        width=PICTURE_SIDE,
        height=PICTURE_SIDE,
        people=() if wish.reference is None else (Person((_png(wish.reference),), scale),),
        lora=lora,
    )


def _png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()
