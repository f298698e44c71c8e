"""The loaded model with a LoRA in it, beside the model without: modules of its own, the weights shared.

Not one pipeline whose adapters are switched: there a layer that has met a LoRA stays wrapped for all other jobs, a
compiled UNet is compiled anew after each LoRA, and what a broken file leaves behind has to be found and taken out. Here
the model without LoRA is only ever read, and letting go of a LoRA is letting go of its copy of the modules.
"""

import copy
import logging
from dataclasses import replace
from typing import Any

import torch
from peft.tuners.lora import LoraLayer

from illustration_worker.engine.device import free_device_memory
from illustration_worker.errors import DeviceLostError, LoraInvalidError, OutOfMemoryError, WeightsRefusedError
from illustration_worker.models.loader import LoadedModel
from illustration_worker.models.lora_file import COMPONENTS, LoraWeights, read_lora
from illustration_worker.models.lora_weights import add_adapter

_ADAPTER = "lora"
"""The name of the only adapter in a copy."""
_log = logging.getLogger(__name__)


class AdaptedModel:
    """Belongs to the device thread once it is made."""

    def __init__(self, model: LoadedModel, kind: str) -> None:
        self.model = model
        """As the loaded model, but for the UNet and the text encoders."""
        self.kind = kind
        """What the file was found to be, in words."""
        self._layers = [
            module
            for component in COMPONENTS
            for module in getattr(model.pipeline, component).modules()
            if isinstance(module, LoraLayer)
        ]
        self._scale = 1.0

    def apply(self, scale: float) -> LoadedModel:
        """The model with the LoRA at ``scale``, 0 to 2. A number in each layer: nothing is computed.

        As ``pipeline.set_adapters`` does it, which looks through all modules for them each time: ten times slower.
        """
        if scale != self._scale:
            for layer in self._layers:
                layer.set_scale(_ADAPTER, scale)
            self._scale = scale
        return self.model


def adapt(model: LoadedModel, content: bytes) -> AdaptedModel:
    """``model`` with the LoRA file ``content``; ``model`` itself is only read. Any thread; takes seconds.

    Raises:
        LoraInvalidError: it is no LoRA for ``model``.
        OutOfMemoryError: the device has too little memory for it.
        DeviceLostError: the device failed for good.
    """
    is_short_of_memory = False
    try:
        return _adapt(model, content)
    except WeightsRefusedError as refusal:
        if refusal.__cause__ is not None:
            _log.warning("LoRA refused", exc_info=refusal)
        raise LoraInvalidError(f"The LoRA cannot be used: {refusal}.") from None
    except torch.OutOfMemoryError:
        is_short_of_memory = True  # told below: here the traceback still pins the tensors
    except torch.AcceleratorError as error:
        raise DeviceLostError("The worker's device failed; the illustration can be tried again.") from error
    if is_short_of_memory:
        free_device_memory()
    raise OutOfMemoryError("The device has too little memory for this LoRA.")


def _adapt(model: LoadedModel, content: bytes) -> AdaptedModel:
    weights = read_lora(model.pipeline, content)
    _require_finite(weights, model.dtype)
    twin = _twin_of(model)
    add_adapter(twin.pipeline, weights, _ADAPTER)
    return AdaptedModel(twin, str(weights.kind))


def _require_finite(weights: LoraWeights, dtype: torch.dtype) -> None:
    """A number may be finite in the file and too large for the model's precision."""
    for tensors in weights.components.values():
        if not all(torch.isfinite(tensor.to(dtype)).all() for tensor in tensors.values()):
            raise WeightsRefusedError("it holds numbers that are too large for this model's precision")


def _twin_of(model: LoadedModel) -> LoadedModel:
    pipeline = model.pipeline
    modules = {name: _copy_sharing_weights(getattr(pipeline, name)) for name in COMPONENTS}
    twin = type(pipeline)(
        **{**pipeline.components, **modules},
        force_zeros_for_empty_prompt=pipeline.config.force_zeros_for_empty_prompt,
        add_watermarker=False,
    )
    twin.set_progress_bar_config(disable=True)
    return replace(model, pipeline=twin)


def _copy_sharing_weights(module: torch.nn.Module) -> Any:
    # parameters of its own on the same memory: peft turns off their gradients, which compiled code would notice
    shared: dict[int, Any] = {
        id(parameter): torch.nn.Parameter(parameter.data, requires_grad=False) for parameter in module.parameters()
    }
    shared |= {id(buffer): buffer for buffer in module.buffers()}
    return copy.deepcopy(module, shared)
