"""The prototype's inference function behind its lock, in this process: a baseline where CPU seconds are counted.

Neither HTTP nor S3, which would be charged to the prototype alone.
"""

import asyncio
import io
from pathlib import Path
from tempfile import NamedTemporaryFile

import torch

from bench.baseline.config import PrototypeSettings
from bench.baseline.pipeline import Inputs, inference, load_pipeline, picture_lock
from illustration_worker.job import Job


class LockedPrototype:
    """One pipeline, a thread of the default executor for each job, one of them drawing at a time."""

    def __init__(self, model_folder: Path) -> None:
        folder = str(model_folder)
        self._pipeline = load_pipeline(PrototypeSettings(model_path=folder, ip_adapter=folder))
        self._lock = picture_lock(is_locked=True)

    async def draw(self, job: Job) -> bytes:
        """The job's PNG, as Pillow makes it by default. The prototype knows no other size or guidance than its own."""
        return await asyncio.get_running_loop().run_in_executor(None, self._draw, job)

    def _draw(self, job: Job) -> bytes:
        with NamedTemporaryFile(suffix=".png") as photo:
            photo.write(job.all_reference_images[0])
            photo.flush()
            inputs = Inputs(
                prompt=job.prompt,
                prompt_2=job.prompt_2,
                num_inference_steps=job.num_inference_steps,
                ip_adapter_scale=job.people[0].ip_adapter_scale,
                negative_prompt=job.negative_prompt or "",
                image_path=photo.name,
            )
            with self._lock:
                image = inference(self._pipeline, inputs, torch.Generator("cpu").manual_seed(job.seed))
        png = io.BytesIO()
        image.save(png, format="PNG")
        return png.getvalue()
