"""What a weights file is, by the names and shapes in its header. Whatever is not known is refused.

The rules are those of the files people meet: the original Stability layout, kohya's trainer, diffusers, PEFT,
h94/IP-Adapter, LyCORIS.
"""

import re
from enum import StrEnum
from pathlib import Path

from illustration_worker.errors import WeightsRefusedError
from illustration_worker.models.safetensors_header import Shapes, read_shapes

SDXL_CROSS_ATTENTION_WIDTH = 2048
"""In-features of ``attn2.to_k`` in SDXL."""
_BASE_BY_WIDTH = {768: "Stable Diffusion 1.x", 1024: "Stable Diffusion 2.x", SDXL_CROSS_ATTENTION_WIDTH: "SDXL"}
_LATENT_CHANNELS = 4


class WeightsKind(StrEnum):
    """What can be used here; the value is for people."""

    LORA_DIFFUSERS = "LoRA (diffusers)"
    LORA_PEFT = "LoRA (PEFT)"
    LORA_KOHYA = "LoRA (kohya)"
    CHECKPOINT = "SDXL checkpoint"
    IP_ADAPTER = "IP-Adapter"
    IP_ADAPTER_PLUS = "IP-Adapter Plus"
    VAE = "VAE"

    @property
    def is_lora(self) -> bool:
        """Whether it is a LoRA, in any of its forms."""
        return self in (WeightsKind.LORA_DIFFUSERS, WeightsKind.LORA_PEFT, WeightsKind.LORA_KOHYA)


def kind_of_file(path: Path, cross_attention_width: int | None = None) -> WeightsKind:
    """``kind_of`` for the file at ``path``.

    Raises:
        ModelLoadError: there is no such file, or it cannot be read.
        WeightsRefusedError: it is nothing that can be used here.
    """
    return kind_of(read_shapes(path), cross_attention_width)


def kind_of(shapes: Shapes, cross_attention_width: int | None = None) -> WeightsKind:
    """What a file with these tensors is.

    ``cross_attention_width`` is that of the loaded model (``unet.config.cross_attention_dim``): a LoRA or IP-Adapter
    made for another is refused. None: it is not known yet, and only those made for Stable Diffusion 1.x or 2.x are.

    Raises:
        WeightsRefusedError: it is nothing that can be used here.
    """
    if not shapes:
        raise WeightsRefusedError("it is empty: it holds no weights")
    for is_such, judge in _FAMILIES:
        if is_such(shapes):
            kind = judge(shapes)
            _check_width(shapes, kind, cross_attention_width)
            return kind
    raise WeightsRefusedError(_name_other(shapes))


def _has(shapes: Shapes, pattern: str) -> bool:
    return any(re.search(pattern, name) for name in shapes)


def _is_lora(shapes: Shapes) -> bool:
    return _has(shapes, r"lora|hada_|lokr_|dora_scale|\.oft_|^lycoris_") and not _is_ip_adapter(shapes)


def _judge_lora(shapes: Shapes) -> WeightsKind:
    for pattern, name in _OTHER_LORAS:
        if _has(shapes, pattern):
            raise _seems(f"{name}; only plain LoRA files for SDXL can be used")
    if all(re.match(r"lora_(unet|te1|te2)_", name) for name in shapes):
        return WeightsKind.LORA_KOHYA
    of_model = all(re.match(r"unet\.|text_encoder(_2)?\.|base_model\.model\.", name) for name in shapes)
    if of_model and _has(shapes, r"\.lora_[AB]\."):
        return WeightsKind.LORA_PEFT
    if of_model and _has(shapes, r"[._]lora\.(down|up)\.|\.lora_linear_layer\."):
        return WeightsKind.LORA_DIFFUSERS
    raise _seems("a LoRA in a form that is not known here; diffusers, PEFT and kohya can be read")


_OTHER_LORAS = (
    (r"dora_scale|lora_magnitude_vector", "a DoRA"),
    (r"hada_", "a LoHa (LyCORIS)"),
    (r"lokr_", "a LoKr (LyCORIS)"),
    (r"\.oft_|\.lora_mid\.|\.diff(_b)?$|^lycoris_", "a LyCORIS file"),
    (r"^(lora_)?(transformer|unet_double_blocks|unet_single_blocks|unet_joint_blocks)[._]", "a LoRA for FLUX or SD 3"),
    (r"^lora_unet_(double|single|joint)_blocks_", "a LoRA for FLUX or SD 3"),
    (r"^lora_te_", "a LoRA for Stable Diffusion 1.x or 2.x"),
)


def _is_checkpoint(shapes: Shapes) -> bool:
    return _has(shapes, r"^(model\.diffusion_model|cond_stage_model|conditioner\.embedders)\.")


def _judge_checkpoint(shapes: Shapes) -> WeightsKind:
    for pattern, name in (
        (r"^control_model\.", "a ControlNet checkpoint"),
        (r"^cond_stage_model\.transformer\.", "a Stable Diffusion 1.x checkpoint"),
        (r"^cond_stage_model\.model\.", "a Stable Diffusion 2.x checkpoint"),
        (r"^model\.diffusion_model\.(joint|double)_blocks\.", "a checkpoint of SD 3 or FLUX"),
    ):
        if _has(shapes, pattern):
            raise _seems(f"{name}; SDXL is needed")
    parts = (r"^model\.diffusion_model\.", r"^conditioner\.embedders\.0\.", r"^conditioner\.embedders\.1\.")
    has_unet, has_first, has_second = (_has(shapes, part) for part in parts)
    if has_unet and has_first and not has_second:
        raise _seems("an SDXL refiner; the SDXL base model is needed")
    if not (has_unet and has_first and has_second and _has(shapes, r"^first_stage_model\.")):
        raise _seems("a part of a checkpoint: UNet, VAE and both text encoders must all be in it")
    channels = shapes.get("model.diffusion_model.input_blocks.0.0.weight", (0, _LATENT_CHANNELS))[1]
    if channels != _LATENT_CHANNELS:
        raise _seems(
            f"a checkpoint for inpainting or editing (its UNet reads {channels} channels); SDXL base is needed"
        )
    return WeightsKind.CHECKPOINT


def _is_ip_adapter(shapes: Shapes) -> bool:
    return _has(shapes, r"^image_proj\.") or _has(shapes, r"^ip_adapter\.")


def _judge_ip_adapter(shapes: Shapes) -> WeightsKind:
    if _has(shapes, r"_lora\.|^image_proj\.perceiver_resampler\.|^image_proj\.proj\.\d"):
        raise _seems("an IP-Adapter of the FaceID or full-face kind; it needs face models that are not used here")
    if not (_has(shapes, r"^image_proj\.") and _has(shapes, r"^ip_adapter\..*to_k_ip\.weight$")):
        raise _seems("a part of an IP-Adapter: 'image_proj' and 'ip_adapter' must both be in it")
    if "image_proj.proj_in.weight" in shapes and "image_proj.latents" in shapes:
        return WeightsKind.IP_ADAPTER_PLUS
    if "image_proj.proj.weight" in shapes:
        return WeightsKind.IP_ADAPTER
    raise _seems("an IP-Adapter of a kind that is not known here")


def _is_vae(shapes: Shapes) -> bool:
    return "decoder.conv_in.weight" in shapes and "encoder.conv_in.weight" in shapes


def _judge_vae(shapes: Shapes) -> WeightsKind:
    channels = shapes["decoder.conv_in.weight"][1]
    if channels != _LATENT_CHANNELS:
        raise _seems(f"the VAE of another model: it has {channels} latent channels, SDXL's has {_LATENT_CHANNELS}")
    return WeightsKind.VAE


_FAMILIES = (
    (_is_checkpoint, _judge_checkpoint),
    (_is_ip_adapter, _judge_ip_adapter),
    (_is_lora, _judge_lora),
    (_is_vae, _judge_vae),
)
"""In this order: a checkpoint may have names that look like the others'."""


def _check_width(shapes: Shapes, kind: WeightsKind, wanted: int | None) -> None:
    width = cross_attention_width_of(shapes)
    if width is None or kind in (WeightsKind.CHECKPOINT, WeightsKind.VAE):
        return
    is_other = width != wanted if wanted is not None else _BASE_BY_WIDTH.get(width, "SDXL") != "SDXL"
    if is_other:
        base = _BASE_BY_WIDTH.get(width, "another model")
        article = "an" if kind.startswith("IP") else "a"
        raise _seems(f"{article} {kind} for {base} (cross-attention width {width}, needed: {wanted or 'that of SDXL'})")


def cross_attention_width_of(shapes: Shapes) -> int | None:
    """Width of the text embeddings that a LoRA or IP-Adapter was made for; None when its tensors do not tell."""
    for name, shape in shapes.items():
        if re.search(
            r"attn2[._](processor[._])?to_k(_lora)?[._](lora[._])?(lora_A|down|lora_down|lora_linear_layer\.down)\b",
            name,
        ):
            return shape[1]
        if re.match(r"ip_adapter\..*to_k_ip\.weight$", name):
            return shape[1]
    return None


def _name_other(shapes: Shapes) -> str:
    for pattern, name in (
        (r"^controlnet_|^control_model\.|^input_hint_block\.", "a ControlNet"),
        (r"vision_model\.", "an image encoder"),
        (r"^(double_blocks|single_blocks|joint_blocks|transformer_blocks)\.", "a transformer of FLUX or SD 3"),
        (
            r"^(down_blocks|mid_block|up_blocks)\.",
            "a UNet in diffusers' layout; its whole model folder belongs in MODEL_PATH",
        ),
        (r"^(text_model|transformer\.text_model|transformer\.resblocks)\.", "a text encoder alone"),
        (r"^(emb_params|clip_[lg]|string_to_param)", "a textual inversion embedding"),
    ):
        if _has(shapes, pattern):
            return f"it seems to be {name}; it cannot be used here"
    return "it is nothing that is known here: no SDXL checkpoint, LoRA, IP-Adapter or VAE"


def _seems(what: str) -> WeightsRefusedError:
    return WeightsRefusedError(f"it seems to be {what}")
