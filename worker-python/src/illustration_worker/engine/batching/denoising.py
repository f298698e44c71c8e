"""One job between its first and its last step."""

import copy
import time
from dataclasses import dataclass, field
from typing import Any

import torch
from diffusers.utils.torch_utils import randn_tensor

from illustration_worker.engine.batching.conditioning import Conditioning
from illustration_worker.engine.batching.guidance import guide
from illustration_worker.engine.batching.schedulers import Scheduler, own_scheduler, step_arguments
from illustration_worker.engine.batching.selection import Candidate
from illustration_worker.engine.batching.ticket import BatchTicket
from illustration_worker.job import Job
from illustration_worker.models.loader import LoadedModel


@dataclass(slots=True)
class Spent:
    """Where a job's time went so far; ``perf_counter`` instants and seconds."""

    begun_at: float = field(default_factory=time.perf_counter)
    """The device thread took the job."""
    encoded_at: float = 0.0
    denoised_at: float = 0.0
    device_seconds: float = 0.0
    """The device's time: each step's shared out by rows, encoding and decoding whole."""


@dataclass(slots=True, eq=False)
class Denoising:
    """Everything of one job that changes from step to step. Nothing of it is shared with other jobs."""

    ticket: BatchTicket
    conditioning: Conditioning
    scheduler: Scheduler
    generator: torch.Generator
    latents: torch.Tensor
    """(1, 4, height / 8, width / 8)."""
    spent: Spent
    steps_done: int = 0
    skipped_ticks: int = 0
    preview_latents: torch.Tensor | None = None
    """The scheduler's idea of the finished picture after the latest step, where it has one."""
    step_arguments: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.step_arguments = step_arguments(self.scheduler, self.generator)

    @property
    def job(self) -> Job:
        """What was asked for."""
        return self.ticket.job

    @property
    def total_steps(self) -> int:
        """UNet calls in all; a scheduler of second order makes more than ``num_inference_steps``."""
        return len(self.scheduler.timesteps)

    @property
    def is_done(self) -> bool:
        """Whether the last step is made."""
        return self.steps_done == self.total_steps

    def as_candidate(self) -> Candidate:
        """What the selection needs to know."""
        return Candidate(
            size=(self.job.width, self.job.height),
            rows=self.conditioning.rows,
            steps_left=self.total_steps - self.steps_done,
            skipped_ticks=self.skipped_ticks,
            signature=None if self.ticket.lora is None else self.ticket.lora.signature,
        )

    def unet_input(self) -> tuple[torch.Tensor, torch.Tensor]:
        """This step's scaled latents, (rows, 4, h, w), and timesteps, (rows,) float32. May be asked for again."""
        timestep = self.scheduler.timesteps[self.steps_done]
        scaled = self.scheduler.scale_model_input(self.latents, timestep)
        rows = self.conditioning.rows
        # the UNet embeds every timestep as float32, so that schedulers with whole and with broken ones can mix
        return scaled.expand(rows, -1, -1, -1), timestep.to(torch.float32).expand(rows)

    def advance(self, noise: torch.Tensor) -> None:
        """Make the step with the UNet's prediction for this job's rows. Raising, it leaves the job as it was."""
        before, drawn = copy.copy(self.scheduler.__dict__), self.generator.get_state()
        lists = {name: list(value) for name, value in before.items() if type(value) is list}
        job = self.job
        try:
            guided = guide(noise, job.guidance_scale, job.guidance_rescale)
            timestep = self.scheduler.timesteps[self.steps_done]
            latents, *denoised = self.scheduler.step(
                guided, timestep, self.latents, **self.step_arguments, return_dict=False
            )
        except BaseException:
            self.scheduler.__dict__.clear()
            self.scheduler.__dict__.update(before | lists)
            self.generator.set_state(drawn)
            raise
        self.latents = latents
        self.preview_latents = denoised[0] if denoised else None
        self.steps_done += 1


def begin_denoising(
    model: LoadedModel, ticket: BatchTicket, conditioning: Conditioning, spent: Spent, template: Scheduler = None
) -> Denoising:
    """The job at its first step. ``template``: the scheduler to copy; None: the pipeline's."""
    job, pipeline = ticket.job, model.pipeline
    scheduler = own_scheduler(
        pipeline.scheduler if template is None else template, job.num_inference_steps, model.device
    )
    # always drawn on the CPU: a GPU's noise for the same seed is another
    generator = torch.Generator("cpu").manual_seed(job.seed)
    factor = pipeline.vae_scale_factor
    shape = (1, pipeline.unet.config.in_channels, job.height // factor, job.width // factor)
    noise = randn_tensor(shape, generator=generator, device=model.device, dtype=conditioning.pooled.dtype)
    return Denoising(
        ticket=ticket,
        conditioning=conditioning,
        scheduler=scheduler,
        generator=generator,
        latents=noise * scheduler.init_noise_sigma,
        spent=spent,
    )
