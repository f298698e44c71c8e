"""How every stage takes a step: AdamW, clipped gradients, a rate that rises, then falls along a cosine to zero."""

from collections.abc import Iterable
from typing import Any

import torch
from diffusers.optimization import get_scheduler
from torch import nn

from illustration_worker.models.sketch.training.processes import average_gradients

_WARM_UP = 100
_WEIGHT_DECAY = 1e-2
_LARGEST_NORM = 1.0


class Descent:
    """An optimizer with its schedule, for ``steps`` steps."""

    def __init__(self, steps: int, *groups: tuple[Iterable[nn.Parameter], float]) -> None:
        """``groups``: parameters and the highest rate at which they learn."""
        listed = [(list(parameters), rate) for parameters, rate in groups]
        self._parameters = [parameter for parameters, _ in listed for parameter in parameters]
        rated = [{"params": parameters, "lr": rate} for parameters, rate in listed]
        self._optimizer = torch.optim.AdamW(rated, weight_decay=_WEIGHT_DECAY, fused=True)
        self._schedule = get_scheduler(
            "cosine", self._optimizer, num_warmup_steps=min(_WARM_UP, steps // 10), num_training_steps=steps
        )

    def step(self, loss: torch.Tensor) -> float:
        """Take one step down ``loss``; returns it."""
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        average_gradients(self._parameters)
        nn.utils.clip_grad_norm_(self._parameters, _LARGEST_NORM)
        self._optimizer.step()
        self._schedule.step()
        return float(loss.detach())

    def state(self) -> dict[str, Any]:
        """Moments and rate."""
        return {"optimizer": self._optimizer.state_dict(), "schedule": self._schedule.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        """From ``state``."""
        self._optimizer.load_state_dict(state["optimizer"])
        self._schedule.load_state_dict(state["schedule"])
