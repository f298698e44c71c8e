"""Puts LoRA weights into a pipeline and takes them out again: whole, or not at all."""

import torch
from diffusers import StableDiffusionXLPipeline
from peft.tuners.lora import LoraLayer
from torch import nn

from illustration_worker.errors import WeightsRefusedError
from illustration_worker.models.lora_file import COMPONENTS, LoraWeights


def add_adapter(pipeline: StableDiffusionXLPipeline, lora: LoraWeights, name: str) -> None:
    """Load ``lora`` under ``name``, active at scale 1 beside nothing else in the layers it touches.

    ``name`` becomes a key of torch's ``ModuleDict``: it must be none of its methods ('half', 'train'), hold no dot, and
    be in use nowhere.

    After a failure the pipeline has the layers it had before. Only from the thread that owns the pipeline.

    Raises:
        WeightsRefusedError: the weights cannot be loaded.
        torch.OutOfMemoryError: the device has too little memory for them.
    """
    failure: Exception | None = None
    try:
        _load(pipeline, lora, name)
    except (torch.OutOfMemoryError, WeightsRefusedError) as error:
        failure = error.with_traceback(None)
    except (ValueError, KeyError, TypeError, RuntimeError, AttributeError, IndexError) as error:
        failure = WeightsRefusedError("it is a LoRA that could not be loaded into the model")
        failure.__cause__ = error
    if failure is not None:
        remove_adapter(pipeline, name)
        raise failure


def remove_adapter(pipeline: StableDiffusionXLPipeline, name: str) -> None:
    """Take out the adapter ``name``, wherever it is; layers without any adapter become what they were. Idempotent."""
    for component in COMPONENTS:
        model = getattr(pipeline, component)
        for module in [module for module in model.modules() if isinstance(module, LoraLayer)]:
            module.delete_adapter(name)
        _unwrap_empty_layers(model)
        adapters = getattr(model, "peft_config", None)
        if adapters is not None:
            adapters.pop(name, None)
            if not adapters:
                del model.peft_config
                model._hf_peft_config_loaded = False


def fuse(pipeline: StableDiffusionXLPipeline, lora: LoraWeights, scale: float) -> None:
    """Add ``lora`` times ``scale`` to the pipeline's own weights, for good; no adapter remains.

    Raises:
        WeightsRefusedError: the weights cannot be loaded.
    """
    name = "always-on"
    add_adapter(pipeline, lora, name)
    pipeline.fuse_lora(components=list(lora.components), lora_scale=scale, safe_fusing=True, adapter_names=[name])
    for component in lora.components:
        model = getattr(pipeline, component)
        for module in [module for module in model.modules() if isinstance(module, LoraLayer)]:
            module.merged_adapters.clear()  # else taking it out would subtract it again
    remove_adapter(pipeline, name)


def _load(pipeline: StableDiffusionXLPipeline, lora: LoraWeights, name: str) -> None:
    for component, weights in lora.components.items():
        model = getattr(pipeline, component)
        named = {f"{component}.{key}": tensor for key, tensor in weights.items()}
        if component == "unet":
            pipeline.load_lora_into_unet(named, network_alphas=None, unet=model, adapter_name=name, _pipeline=pipeline)
        else:
            pipeline.load_lora_into_text_encoder(
                named, network_alphas=None, text_encoder=model, prefix=component, adapter_name=name, _pipeline=pipeline
            )
        _check_loaded(model, lora.components[component], name)


def _check_loaded(model: nn.Module, weights: dict[str, torch.Tensor], name: str) -> None:
    """peft leaves out what it cannot place, with no more than a warning."""
    loaded = {key for key, module in model.named_modules() if isinstance(module, LoraLayer) and name in module.lora_A}
    wanted = {key.removesuffix(".lora_A.weight") for key in weights if key.endswith(".lora_A.weight")}
    if loaded != wanted:
        raise WeightsRefusedError("it is a LoRA that could be loaded only in part")


def _unwrap_empty_layers(model: nn.Module) -> None:
    for parent in list(model.modules()):
        for child_name, child in list(parent.named_children()):
            if isinstance(child, LoraLayer) and not child.lora_A and not child.lora_embedding_A:
                setattr(parent, child_name, child.get_base_layer())
