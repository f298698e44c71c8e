"""A LoRA file -> tensors by component, in PEFT's names, checked against their pipeline. Nothing is loaded into it.

The scale a file was trained with (alpha / rank) is multiplied into its weights: diffusers maps kohya's alphas by names
that match no layer once they differ from layer to layer.
"""

import io
import json
import math
import re
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import StableDiffusionXLPipeline
from diffusers.utils import convert_unet_state_dict_to_peft
from peft.tuners.tuners_utils import BaseTunerLayer
from safetensors import SafetensorError
from safetensors.torch import load
from torch import nn

from illustration_worker.errors import ModelLoadError, WeightsRefusedError
from illustration_worker.models.safetensors_header import metadata_in, shapes_in
from illustration_worker.models.weights_kind import WeightsKind, kind_of

Tensors = dict[str, torch.Tensor]
COMPONENTS = ("unet", "text_encoder", "text_encoder_2")


@dataclass(frozen=True, slots=True)
class LoraWeights:
    """A LoRA that fits the pipeline it was read for."""

    kind: WeightsKind
    components: dict[str, Tensors]
    """By component: ``{layer}.lora_A.weight`` (rank, in, ...) and ``{layer}.lora_B.weight`` (out, rank, ...)."""

    @property
    def size_bytes(self) -> int:
        """Bytes of all tensors."""
        return sum(t.numel() * t.element_size() for tensors in self.components.values() for t in tensors.values())


def read_lora_file(pipeline: StableDiffusionXLPipeline, path: Path) -> LoraWeights:
    """``read_lora`` for the file at ``path``.

    Raises:
        ModelLoadError: the file cannot be read.
        WeightsRefusedError: it is no LoRA for ``pipeline``.
    """
    try:
        return read_lora(pipeline, path.read_bytes())
    except OSError as error:
        raise ModelLoadError(f"The LoRA '{path}' cannot be read: {error.strerror}.") from error


def read_lora(pipeline: StableDiffusionXLPipeline, content: bytes) -> LoraWeights:
    """What the .safetensors file ``content`` adds to ``pipeline``; the pipeline is only looked at.

    Raises:
        WeightsRefusedError: it is no LoRA for ``pipeline``.
    """
    kind = kind_of(shapes_in(io.BytesIO(content)), pipeline.unet.config.cross_attention_dim)
    if not kind.is_lora:
        raise WeightsRefusedError(f"it is no LoRA: it seems to be of the kind '{kind}'")
    try:
        tensors = load(content)
    except (SafetensorError, ValueError, KeyError) as error:
        raise WeightsRefusedError("it is damaged: its weights cannot be read") from error
    components = _by_component(pipeline, _with_alphas_applied(tensors))
    _apply_trained_scale(components, metadata_in(io.BytesIO(content)).get("lora_adapter_metadata"))
    for name, weights in components.items():
        _check_fits(getattr(pipeline, name), name, weights)
        # last, because a scale in the file can make infinities of weights that are none
        if not all(torch.isfinite(tensor).all() for tensor in weights.values()):
            raise WeightsRefusedError("it is damaged: it holds values that are no finite numbers")
    return LoraWeights(kind=kind, components=components)


def _with_alphas_applied(tensors: Tensors) -> Tensors:
    """Without the ``.alpha`` entries (kohya; some files in the other forms have them too)."""
    weights = {name: tensor for name, tensor in tensors.items() if not name.endswith(".alpha")}
    for name in tensors.keys() - weights.keys():
        layer = name.removesuffix(".alpha")
        ends = (".lora_up.weight", ".lora_B.weight", ".lora.up.weight")
        up = next((layer + end for end in ends if layer + end in weights), None)
        if up is None or tensors[name].numel() != 1 or weights[up].ndim < 2:
            raise WeightsRefusedError("it is damaged: it has an alpha without the weights it belongs to")
        weights[up] = weights[up].float() * (tensors[name].item() / weights[up].shape[1])
    return weights


def _by_component(pipeline: StableDiffusionXLPipeline, tensors: Tensors) -> dict[str, Tensors]:
    named = {re.sub(r"^base_model\.model\.", "unet.", name): tensor for name, tensor in tensors.items()}
    try:
        state, _ = pipeline.lora_state_dict(named, unet_config=pipeline.unet.config)
    except (ValueError, KeyError, IndexError, RuntimeError) as error:
        raise WeightsRefusedError(
            "it is a LoRA with layers that SDXL does not have, or without some it needs"
        ) from error
    components = {}
    for component in COMPONENTS:
        prefix = f"{component}."
        own = {name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}
        if own:
            components[component] = _in_peft_names(getattr(pipeline, component), own, is_unet=component == "unet")
    if sum(len(weights) for weights in components.values()) != len(tensors):
        raise WeightsRefusedError("it holds weights that belong to neither the UNet nor a text encoder")
    return components


def _in_peft_names(model: nn.Module, tensors: Tensors, *, is_unet: bool) -> Tensors:
    if is_unet:
        is_converted = any(".lora_A." in name for name in tensors)
        return tensors if is_converted else convert_unet_state_dict_to_peft(tensors)
    converted = {_text_encoder_name(name): tensor for name, tensor in tensors.items()}
    if hasattr(model, "text_model"):
        return converted
    # transformers >= 5.6 took this level out of CLIPTextModel, and files still have it;
    # test_lora_shim_is_still_needed tells when diffusers renames by itself
    return {name.removeprefix("text_model."): tensor for name, tensor in converted.items()}


def _text_encoder_name(name: str) -> str:
    """diffusers' own conversion looks at one key for all, and kohya's files mix the forms."""
    name = re.sub(r"\.to_(q|k|v|out)_lora\.", r".\1_proj.lora.", name)
    for side, letter in (("down", "A"), ("up", "B")):
        name = re.sub(rf"\.(lora|lora_linear_layer)\.{side}\.", f".lora_{letter}.", name)
    return name


def _apply_trained_scale(components: dict[str, Tensors], metadata: str | None) -> None:
    """diffusers writes PEFT's settings into the file's metadata, alpha among them; without them alpha is the rank."""
    if metadata is None:
        return
    try:
        settings = json.loads(metadata)
        for component, weights in components.items():
            own = {key.removeprefix(f"{component}."): value for key, value in settings.items()}
            if own.get("use_dora"):
                raise WeightsRefusedError("it seems to be a DoRA; only plain LoRA files for SDXL can be used")
            for name in [name for name in weights if name.endswith(".lora_B.weight")]:
                layer, rank = name.removesuffix(".lora_B.weight"), weights[name].shape[1]
                patterns = _plain_names(own.get("alpha_pattern") or {})
                alpha = next((a for p, a in patterns.items() if f".{layer}".endswith(f".{p}")), own.get("lora_alpha"))
                if alpha is not None:
                    scale = float(alpha) / (math.sqrt(rank) if own.get("use_rslora") else rank)
                    weights[name] = weights[name].float() * scale
    except (ValueError, TypeError, AttributeError) as error:
        raise WeightsRefusedError("it is damaged: its adapter metadata cannot be read") from error


def _plain_names(patterns: dict[str, float]) -> dict[str, float]:
    """PEFT takes these for regular expressions. A stranger's expression can take for ever; writers put names there."""
    if not all(re.fullmatch(r"[\w.-]+", name) for name in patterns):
        raise WeightsRefusedError("its adapter metadata has an alpha_pattern that is no name of a layer")
    return patterns


def _check_fits(model: nn.Module, component: str, weights: Tensors) -> None:
    """Each layer is there, and both of its matrices fit."""
    modules = dict(model.named_modules())
    layers = {re.sub(r"\.lora_[AB]\.weight$", "", name) for name in weights}
    for layer in layers:
        down, up = weights.get(f"{layer}.lora_A.weight"), weights.get(f"{layer}.lora_B.weight")
        if down is None or up is None:
            raise WeightsRefusedError(f"it is incomplete: a layer of the {component} lacks one of its two matrices")
        module = modules.get(layer)
        base = module.get_base_layer() if isinstance(module, BaseTunerLayer) else module
        if not isinstance(base, nn.Linear | nn.Conv2d):
            raise WeightsRefusedError(f"it is made for another model: the {component} here lacks one of its layers")
        out_width, in_width, *_ = base.weight.shape
        kernel = base.weight.shape[2:]
        fits = down.shape[1:] == (in_width, *kernel) and up.shape[:2] == (out_width, down.shape[0])
        if not fits or up.shape[2:].numel() != 1:
            raise WeightsRefusedError(f"it is made for another model: a layer of the {component} has another shape")
