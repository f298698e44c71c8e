"""A model of a given topology with random weights, made on the device: nothing is downloaded or read from disk.

Speed and memory do not depend on what the weights are. Pictures do: these show texture. The last layers of UNet and VAE
are scaled so that both give numbers of the size that trained ones give, or there would be nothing to compare.
"""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from diffusers import AutoencoderKL, EulerDiscreteScheduler, StableDiffusionXLPipeline, UNet2DConditionModel
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from transformers import (
    CLIPImageProcessorPil,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPVisionModelWithProjection,
)

from bench.gpu.topology import IMAGE_TOKENS, Topology
from illustration_worker.models.instant_style import supported_modes
from illustration_worker.models.loader import LoadedModel
from illustration_worker.models.quiet import quiet_libraries
from illustration_worker.models.random_weights.tokenizer import END, build_tokenizer

_SEED = 0
_NOISE_DEVIATION = 1.0
"""Of what a UNet predicts."""
_PICTURE_DEVIATION = 0.5
"""Of a picture whose shades go from -1 to 1."""
_ANY_TIMESTEP = 500


@dataclass(frozen=True)
class Cost:
    """Floating-point operations, a multiplication and an addition being two; counted by torch while they ran."""

    unet_row: int
    """One row of a UNet call, without adapter."""
    decoding: int
    """One picture's."""

    def of_image(self, steps: int) -> int:
        """With guidance: two rows a step."""
        return 2 * steps * self.unet_row + self.decoding


@dataclass(frozen=True)
class RandomModel:
    """All networks but the UNet are shared between engines: these draw in turn, and none changes them."""

    topology: Topology
    device: torch.device
    dtype: torch.dtype
    shared: dict[str, Any]
    unet: UNet2DConditionModel
    """On the CPU, to copy: an engine changes its UNet, and memory is measured with one engine present."""
    cost: Cost

    def for_one_engine(self) -> LoadedModel:
        """What the loader would have made of it."""
        unet = copy.deepcopy(self.unet).to(self.device)
        pipeline = StableDiffusionXLPipeline(**self.shared, unet=unet, scheduler=_scheduler(), add_watermarker=False)
        pipeline.set_progress_bar_config(disable=True)
        return LoadedModel(
            pipeline=pipeline,
            model=self.topology.name,
            notes=None,
            device=self.device,
            dtype=self.dtype,
            ip_adapter="random",
            default_image_size=self.topology.image_side,
            ip_adapter_modes=supported_modes(unet),
            reference_fit="crop",
            files=(),
        )


@torch.no_grad()
def build_random_model(topology: Topology, device: torch.device, dtype: torch.dtype) -> RandomModel:
    """The same weights every time on the same device and build. The VAE is float32, as in the worker."""
    quiet_libraries()
    torch.manual_seed(_SEED)
    with _made_on(device, torch.float32):
        vae = AutoencoderKL.from_config(topology.vae).eval()
    with _made_on(device, dtype):
        unet = UNet2DConditionModel.from_config(topology.unet).eval()
        encoders = {
            "text_encoder": CLIPTextModel(topology.text).eval(),
            "text_encoder_2": CLIPTextModelWithProjection(topology.text_2).eval(),
            "image_encoder": CLIPVisionModelWithProjection(topology.vision).eval(),
        }
        cost = Cost(unet_row=_scale_prediction(unet, topology), decoding=_scale_picture(vae, topology))
        adapter = _adapter_weights(unet, topology.vision.projection_dim)
    side = topology.vision.image_size
    shared = {
        **encoders,
        "vae": vae,
        "tokenizer": build_tokenizer(pad_token=END),
        "tokenizer_2": build_tokenizer(pad_token="!"),
        "feature_extractor": CLIPImageProcessorPil(
            size={"shortest_edge": side}, crop_size={"height": side, "width": side}
        ),
    }
    pipeline = StableDiffusionXLPipeline(**shared, unet=unet, scheduler=_scheduler(), add_watermarker=False)
    pipeline.load_ip_adapter(adapter, subfolder="", weight_name="")
    return RandomModel(topology, device, dtype, shared, unet.to("cpu"), cost)


@contextmanager
def _made_on(device: torch.device, dtype: torch.dtype) -> Iterator[None]:
    """Weights made in here are made there, in that format: a full-size model is never in float32 on the CPU."""
    usual = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with device:
            yield
    finally:
        torch.set_default_dtype(usual)


def _scheduler() -> EulerDiscreteScheduler:
    """As published with SDXL base 1.0."""
    return EulerDiscreteScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        steps_offset=1,
        timestep_spacing="leading",
    )


def _scale_prediction(unet: UNet2DConditionModel, topology: Topology) -> int:
    """Returns the operations of a row."""
    side, width = topology.unet["sample_size"], topology.unet["cross_attention_dim"]
    with FlopCounterMode(display=False) as counter:
        noise = unet(
            torch.randn(1, topology.unet["in_channels"], side, side),
            _ANY_TIMESTEP,
            encoder_hidden_states=torch.randn(1, topology.text.max_position_embeddings, width),
            added_cond_kwargs={
                "text_embeds": torch.randn(1, topology.text_2.projection_dim),
                "time_ids": torch.tensor([[8.0 * side, 8.0 * side, 0, 0, 8.0 * side, 8.0 * side]]),
            },
            return_dict=False,
        )[0]
    _scale(unet.conv_out, _NOISE_DEVIATION / noise.float().std())
    return counter.get_total_flops()


def _scale_picture(vae: AutoencoderKL, topology: Topology) -> int:
    """Returns the operations of decoding."""
    side = topology.unet["sample_size"]
    latents = torch.randn(1, topology.vae["latent_channels"], side, side, dtype=torch.float32)
    with FlopCounterMode(display=False) as counter:
        picture = vae.decode(latents / topology.vae["scaling_factor"], return_dict=False)[0]
    _scale(vae.decoder.conv_out, _PICTURE_DEVIATION / picture.std())
    return counter.get_total_flops()


def _scale(layer: nn.Conv2d, factor: torch.Tensor) -> None:
    for parameter in layer.parameters():
        parameter.mul_(factor)


def _adapter_weights(unet: UNet2DConditionModel, image_width: int) -> dict[str, dict[str, torch.Tensor]]:
    """Under the names of the published file: image projection, and a key and a value for each cross-attention."""
    text_width = unet.config.cross_attention_dim
    projection, norm = nn.Linear(image_width, IMAGE_TOKENS * text_width), nn.LayerNorm(text_width)
    attention: dict[str, torch.Tensor] = {}
    cross_attentions = [name for name in unet.attn_processors if name.endswith("attn2.processor")]
    for number, name in enumerate(cross_attentions):
        text_keys = unet.get_submodule(name.removesuffix(".processor")).to_k
        for part in ("to_k_ip", "to_v_ip"):
            layer = nn.Linear(text_keys.in_features, text_keys.out_features, bias=False)
            attention[f"{2 * number + 1}.{part}.weight"] = layer.weight
    parts = (("proj", projection), ("norm", norm))
    image = {f"{name}.{key}": value for name, part in parts for key, value in part.named_parameters()}
    return {"image_proj": image, "ip_adapter": attention}
