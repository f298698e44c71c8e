"""A scheduler object for each job: schedulers keep the state of a denoising run in themselves."""

import inspect
from typing import Any

import torch

Scheduler = Any
"""One of diffusers' schedulers; they share no typed base class."""


def own_scheduler(template: Scheduler, num_inference_steps: int, device: torch.device) -> Scheduler:
    """A new scheduler configured as ``template``, set to its first step."""
    scheduler = type(template).from_config(template.config)
    scheduler.set_timesteps(num_inference_steps, device=device)
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(0)  # else each looks its step up by value, which waits for the device
    return scheduler


def step_arguments(scheduler: Scheduler, generator: torch.Generator) -> dict[str, Any]:
    """What ``scheduler.step`` takes beside the prediction, as the pipeline passes it: not all take the same."""
    parameters = inspect.signature(scheduler.step).parameters
    known = {"eta": 0.0, "generator": generator}
    return {name: value for name, value in known.items() if name in parameters}
