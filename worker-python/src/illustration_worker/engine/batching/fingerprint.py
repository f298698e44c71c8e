"""Names all that a picture depends on, so that a checkpoint is taken up by the same job on the same build only."""

import hashlib
import json
import platform
from dataclasses import asdict, dataclass

import diffusers
import torch
import transformers

from illustration_worker import __version__
from illustration_worker.engine.batching.ticket import key_of_references
from illustration_worker.job import Job, Person, ReferenceFit
from illustration_worker.models.loader import LoadedModel


@dataclass(frozen=True, slots=True)
class Build:
    """The model and what runs it."""

    model: str
    ip_adapter: str | None
    dtype: str
    device: str
    """Its product name on a GPU."""
    versions: tuple[str, ...]
    reference_fit: ReferenceFit
    scheduler: str
    unet: str

    def as_json(self) -> str:
        """All of it."""
        return json.dumps([getattr(self, name) for name in self.__slots__])


def build_of(model: LoadedModel) -> Build:
    """What is loaded here."""
    device = torch.cuda.get_device_name(model.device) if model.device.type == "cuda" else platform.machine()
    pipeline = model.pipeline
    return Build(
        model=model.model,
        ip_adapter=model.ip_adapter,
        dtype=str(model.dtype),
        device=f"{model.device.type} {device}",
        versions=(__version__, torch.__version__, diffusers.__version__, transformers.__version__),
        reference_fit=model.reference_fit,
        scheduler=pipeline.scheduler.to_json_string(),
        unet=pipeline.unet.to_json_string(),
    )


def fingerprint_of(build: Build, job: Job, lora_sha256: str | None = None) -> str:
    """SHA-256, hexadecimal. Ids, deadline and what is told on the way do not matter; of a LoRA its content does."""
    asked = [
        job.prompt,
        job.prompt_2,
        job.negative_prompt,
        job.num_inference_steps,
        job.seed,
        job.width,
        job.height,
        job.guidance_scale,
        job.guidance_rescale,
        [_naming(build, person) for person in job.people],
        job.ip_adapter_mode,
        None if job.lora is None else [lora_sha256, job.lora.scale],
    ]
    return hashlib.sha256(f"{build.as_json()}\n{json.dumps(asked)}".encode()).hexdigest()


def _naming(build: Build, person: Person) -> list[object]:
    region = None if person.region is None else asdict(person.region)
    return [key_of_references(person.reference_images, build.reference_fit), person.ip_adapter_scale, region]
