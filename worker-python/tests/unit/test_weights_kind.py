"""What a weights file is, by its header; each refusal has its sentence."""

import io
import json
from pathlib import Path

import pytest

from illustration_worker.errors import ModelLoadError, WeightsRefusedError
from illustration_worker.models.safetensors_header import read_shapes, shapes_in
from illustration_worker.models.weights_kind import WeightsKind, kind_of

UNET = "model.diffusion_model.input_blocks.0.0.weight"
CHECKPOINT = {
    UNET: (320, 4, 3, 3),
    "conditioner.embedders.0.transformer.text_model.embeddings.position_embedding.weight": (77, 768),
    "conditioner.embedders.1.model.positional_embedding": (77, 1280),
    "first_stage_model.decoder.conv_in.weight": (512, 4, 3, 3),
}
ATTENTION = "down_blocks.1.attentions.0.transformer_blocks.0.attn2"
KOHYA_KEY = f"lora_unet_{ATTENTION.replace('.', '_')}_to_k"
IP_LAYERS = {"ip_adapter.1.to_k_ip.weight": (640, 2048), "ip_adapter.1.to_v_ip.weight": (640, 2048)}
VAE = {"encoder.conv_in.weight": (128, 3, 3, 3), "decoder.conv_in.weight": (512, 4, 3, 3)}


def kohya(width: int) -> dict[str, tuple[int, ...]]:
    return {
        f"{KOHYA_KEY}.lora_down.weight": (4, width),
        f"{KOHYA_KEY}.lora_up.weight": (640, 4),
        f"{KOHYA_KEY}.alpha": (),
    }


@pytest.mark.parametrize(
    ("shapes", "kind"),
    [
        (CHECKPOINT, WeightsKind.CHECKPOINT),
        (kohya(2048), WeightsKind.LORA_KOHYA),
        ({"lora_te1_text_model_encoder_layers_0_mlp_fc1.lora_down.weight": (4, 768)}, WeightsKind.LORA_KOHYA),
        ({f"unet.{ATTENTION}.to_k.lora_A.weight": (4, 2048)}, WeightsKind.LORA_PEFT),
        ({f"base_model.model.{ATTENTION}.to_k.lora_A.weight": (4, 2048)}, WeightsKind.LORA_PEFT),
        ({f"unet.{ATTENTION}.to_k.lora.down.weight": (4, 2048)}, WeightsKind.LORA_DIFFUSERS),
        ({f"unet.{ATTENTION}.processor.to_k_lora.down.weight": (4, 2048)}, WeightsKind.LORA_DIFFUSERS),
        ({"text_encoder_2.text_model.encoder.layers.0.mlp.fc1.lora_A.weight": (4, 1280)}, WeightsKind.LORA_PEFT),
        ({"image_proj.proj.weight": (8192, 1280), **IP_LAYERS}, WeightsKind.IP_ADAPTER),
        (
            {"image_proj.proj_in.weight": (1280, 1280), "image_proj.latents": (1, 16, 1280), **IP_LAYERS},
            WeightsKind.IP_ADAPTER_PLUS,
        ),
        (VAE, WeightsKind.VAE),
    ],
)
def test_what_can_be_used_is_known(shapes: dict[str, tuple[int, ...]], kind: WeightsKind) -> None:
    assert kind_of(shapes) == kind
    assert kind_of(shapes, 2048) == kind


def without(*starts: str) -> dict[str, tuple[int, ...]]:
    return {name: shape for name, shape in CHECKPOINT.items() if not name.startswith(starts)}


@pytest.mark.parametrize(
    ("shapes", "sentence"),
    [
        ({}, "it is empty"),
        ({UNET: (320, 4, 3, 3), "cond_stage_model.transformer.x": (1,)}, "Stable Diffusion 1.x checkpoint"),
        ({UNET: (320, 4, 3, 3), "cond_stage_model.model.x": (1,)}, "Stable Diffusion 2.x checkpoint"),
        ({"model.diffusion_model.joint_blocks.0.x": (1,)}, "SD 3 or FLUX"),
        (without("conditioner.embedders.1"), "SDXL refiner"),
        (without("conditioner"), "part of a checkpoint"),
        (without("first_stage_model"), "part of a checkpoint"),
        ({**CHECKPOINT, UNET: (320, 9, 3, 3)}, "inpainting or editing .its UNet reads 9 channels"),
        (kohya(768), "for Stable Diffusion 1.x .cross-attention width 768"),
        (kohya(1024), "for Stable Diffusion 2.x"),
        ({f"unet.{ATTENTION}.to_k.lora_A.weight": (4, 768)}, "for Stable Diffusion 1.x"),
        ({f"unet.{ATTENTION}.processor.to_k_lora.down.weight": (4, 768)}, "for Stable Diffusion 1.x"),
        ({"lora_te_text_model_x.lora_down.weight": (4, 768)}, "LoRA for Stable Diffusion 1.x or 2.x"),
        ({"lora_unet_double_blocks_0_x.lora_down.weight": (4, 1)}, "LoRA for FLUX or SD 3"),
        ({"transformer.single_blocks.0.x.lora_A.weight": (4, 1)}, "LoRA for FLUX or SD 3"),
        ({**kohya(2048), f"{KOHYA_KEY}.dora_scale": (640, 1)}, "a DoRA"),
        ({"unet.a.to_k.lora_magnitude_vector": (640,)}, "a DoRA"),
        ({f"{KOHYA_KEY}.hada_w1_a": (640, 4)}, "LoHa"),
        ({f"{KOHYA_KEY}.lokr_w1": (4, 4)}, "LoKr"),
        ({**kohya(2048), f"{KOHYA_KEY}.lora_mid.weight": (4, 4, 3, 3)}, "LyCORIS"),
        ({"something.lora_up.weight": (4, 4)}, "a form that is not known"),
        ({"image_proj.proj.0.weight": (1024, 512), **IP_LAYERS}, "FaceID or full-face"),
        ({"image_proj.perceiver_resampler.proj_in.weight": (1024, 512), **IP_LAYERS}, "FaceID or full-face"),
        (IP_LAYERS, "a part of an IP-Adapter"),
        ({"image_proj.proj.weight": (3072, 1024), "ip_adapter.1.to_k_ip.weight": (320, 768)}, "IP-Adapter for Stable"),
        ({**VAE, "decoder.conv_in.weight": (512, 16, 3, 3)}, "VAE of another model: it has 16"),
        ({"down_blocks.0.resnets.0.conv1.weight": (320, 320, 3, 3)}, "UNet in diffusers' layout"),
        ({"text_model.encoder.layers.0.mlp.fc1.weight": (1, 1)}, "text encoder alone"),
        ({"vision_model.embeddings.class_embedding": (1,)}, "image encoder"),
        ({"controlnet_cond_embedding.conv_in.weight": (1,)}, "ControlNet"),
        ({"emb_params": (4, 768)}, "textual inversion"),
        ({"weight": (1,)}, "nothing that is known here"),
    ],
)
def test_what_cannot_be_used_is_named(shapes: dict[str, tuple[int, ...]], sentence: str) -> None:
    with pytest.raises(WeightsRefusedError, match=sentence):
        kind_of(shapes)


def test_a_lora_of_another_width_than_the_loaded_models_is_refused() -> None:
    assert kind_of(kohya(64), 64) is WeightsKind.LORA_KOHYA
    with pytest.raises(WeightsRefusedError, match=r"for SDXL \(cross-attention width 2048, needed: 64\)"):
        kind_of(kohya(2048), 64)


def safetensors(header: object, weights: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + weights


ONE = {"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}


def test_names_and_shapes_are_read_and_the_metadata_is_not() -> None:
    assert shapes_in(io.BytesIO(safetensors({"__metadata__": {"a": "b"}, **ONE}, bytes(4)))) == {"a": (1,)}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "it is empty"),
        (b"PK\x03\x04" + bytes(60), "pickle"),
        (b"\x80\x02}q\x00." + bytes(60), "pickle"),
        (b"\x80\x05" + bytes(60), "pickle"),
        (b"GGUF" + bytes(60), "GGUF"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (b"random", "does not begin with a header"),
        ((10**17).to_bytes(8, "little") + b"{" + bytes(60), "does not begin with a header"),
        ((500).to_bytes(8, "little") + b'{"a":', "ends within its header"),
        (safetensors(b"{not json"), "header cannot be read"),
        (safetensors(b'{"a": 1}'), "header cannot be read"),
        (safetensors(b'{"a": {"shape": 1}}'), "header cannot be read"),
        (safetensors(ONE, b"12"), "cut off: its header tells of 4 bytes of weights, it has 2"),
        (safetensors(ONE, b"123456"), "damaged: its header tells of 4 bytes"),
    ],
)
def test_what_is_no_complete_safetensors_file_is_named(content: bytes, sentence: str) -> None:
    with pytest.raises(WeightsRefusedError, match=sentence):
        shapes_in(io.BytesIO(content))


@pytest.mark.parametrize("name", ["a.ckpt", "a.PT", "a.pth", "a.bin", "a.pkl"])
def test_pickle_is_refused_by_name_and_not_even_opened(name: str) -> None:
    with pytest.raises(WeightsRefusedError, match="can run code"):
        read_shapes(Path("/nowhere") / name)


def test_another_ending_and_no_file_at_all(tmp_path: Path) -> None:
    with pytest.raises(WeightsRefusedError, match=r"does not end in \.safetensors"):
        read_shapes(tmp_path / "a.zip")
    with pytest.raises(ModelLoadError, match="No such file"):
        read_shapes(tmp_path / "a.safetensors")
