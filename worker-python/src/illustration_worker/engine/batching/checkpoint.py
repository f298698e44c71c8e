"""Writes down where a job is, and takes it up again: the picture then is the same, bit for bit."""

import json
import logging
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from illustration_worker.engine.batching.denoising import Denoising
from illustration_worker.engine.batching.schedulers import Scheduler, own_scheduler
from illustration_worker.engine.batching.state_tree import Tensors, UnsupportedStateError, is_same, pack, unpack

_LATENTS, _GENERATOR, _HEAD = "latents", "generator", "head"
_log = logging.getLogger(__name__)


def write_checkpoint(denoising: Denoising, fingerprint: str) -> bytes | None:
    """The job's state after ``steps_done`` steps, as a safetensors file; None for a scheduler that cannot be written.

    ``fingerprint`` names everything else the picture depends on: job, model, versions.
    """
    scheduler = denoising.scheduler
    fresh = own_scheduler(scheduler, denoising.job.num_inference_steps, denoising.latents.device).__dict__
    tensors: Tensors = {
        _LATENTS: denoising.latents.detach().to("cpu", copy=True).contiguous(),
        _GENERATOR: denoising.generator.get_state(),
    }
    try:
        changed = {
            name: pack(value, tensors)
            for name, value in scheduler.__dict__.items()
            if name not in fresh or not is_same(value, fresh[name])
        }
    except UnsupportedStateError as error:
        _log.debug("no checkpoint: %s keeps a %s", type(scheduler).__name__, error)
        return None
    head = {"fingerprint": fingerprint, "steps_done": denoising.steps_done, "scheduler": changed}
    # as a tensor and not as metadata, which the bytes form of safetensors does not read back
    tensors[_HEAD] = torch.frombuffer(bytearray(json.dumps(head).encode()), dtype=torch.uint8)
    return save(tensors)


def resume(denoising: Denoising, state: bytes, fingerprint: str) -> bool:
    """Put ``denoising``, at its first step, where ``state`` was written. False: it does not fit; nothing is done."""
    try:
        tensors = load(state)
        head = json.loads(tensors[_HEAD].numpy().tobytes())
        if head["fingerprint"] != fingerprint:
            _log.warning("the checkpoint is of another job, model or version: the job starts anew")
            return False
        _restore(denoising, head, tensors)
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError):
        _log.warning("the checkpoint is damaged: the job starts anew", exc_info=True)
        return False
    return True


def _restore(denoising: Denoising, head: dict[str, Any], tensors: Tensors) -> None:
    steps_done, latents = head["steps_done"], tensors[_LATENTS]
    if not isinstance(steps_done, int) or not 0 < steps_done < denoising.total_steps:
        raise ValueError("steps_done is out of range")
    if (latents.shape, latents.dtype) != (denoising.latents.shape, denoising.latents.dtype):
        raise ValueError("the latents are of another shape or type")
    device = denoising.latents.device
    changed = {name: unpack(packed, tensors, device) for name, packed in head["scheduler"].items()}
    _require_attributes(denoising.scheduler, changed)
    denoising.generator.set_state(tensors[_GENERATOR])
    denoising.scheduler.__dict__.update(changed)
    denoising.latents = latents.to(device)
    denoising.steps_done = steps_done


def _require_attributes(scheduler: Scheduler, changed: dict[str, Any]) -> None:
    if any(hasattr(type(scheduler), name) for name in changed):
        raise ValueError("the state would replace a method")
