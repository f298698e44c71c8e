"""What the networks look like: SDXL base 1.0 with ``ip-adapter_sdxl_vit-h``, and the random model's small likeness."""

from dataclasses import dataclass
from typing import Any

from transformers import CLIPTextConfig, CLIPVisionConfig

from illustration_worker.models.random_weights.networks import build_pipeline
from illustration_worker.models.random_weights.tokenizer import END, MAX_TOKENS, START, build_tokenizer

IMAGE_TOKENS = 4
"""Of an IP-Adapter that is not a Plus one."""


@dataclass(frozen=True)
class Topology:
    """Configurations, as the libraries take them; no weights."""

    name: str
    unet: dict[str, Any]
    vae: dict[str, Any]
    text: CLIPTextConfig
    text_2: CLIPTextConfig
    vision: CLIPVisionConfig

    @property
    def image_side(self) -> int:
        """Pixels of a side that the model draws by default."""
        side: int = self.unet["sample_size"] * 8
        return side


def full_size() -> Topology:
    """As published, but for the tokens' ids: the random model's tokenizer is used, whose vocabulary is smaller."""
    return Topology(
        name="SDXL base 1.0 and IP-Adapter ViT-H, random weights",
        unet=_SDXL_UNET,
        vae=_SDXL_VAE,
        text=CLIPTextConfig(
            hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12,
            hidden_act="quick_gelu", projection_dim=768, **_text_input(),
        ),
        text_2=CLIPTextConfig(
            hidden_size=1280, intermediate_size=5120, num_hidden_layers=32, num_attention_heads=20,
            hidden_act="gelu", projection_dim=1280, **_text_input(),
        ),
        vision=CLIPVisionConfig(
            hidden_size=1280, intermediate_size=5120, num_hidden_layers=32, num_attention_heads=16,
            hidden_act="gelu", projection_dim=1024, image_size=224, patch_size=14,
        ),
    )  # fmt: skip


def tiny_size(image_side: int) -> Topology:
    """The random model's base, drawing ``image_side`` pixels, a multiple of 8, by default."""
    pipeline = build_pipeline()
    return Topology(
        name="tiny topology, random weights",
        unet={**pipeline.unet.config, "sample_size": image_side // 8},
        vae={**pipeline.vae.config, "sample_size": image_side},
        text=pipeline.text_encoder.config,
        text_2=pipeline.text_encoder_2.config,
        vision=CLIPVisionConfig(
            hidden_size=64, intermediate_size=128, num_hidden_layers=3, num_attention_heads=4,
            projection_dim=32, image_size=112, patch_size=14,
        ),
    )  # fmt: skip


def _text_input() -> dict[str, Any]:
    vocabulary = build_tokenizer(pad_token=END).get_vocab()
    return {
        "vocab_size": 49_408,
        "max_position_embeddings": MAX_TOKENS,
        "bos_token_id": vocabulary[START],
        "eos_token_id": vocabulary[END],
        "pad_token_id": vocabulary[END],
    }


_SDXL_UNET: dict[str, Any] = {
    "sample_size": 128,
    "in_channels": 4,
    "out_channels": 4,
    "block_out_channels": (320, 640, 1280),
    "layers_per_block": 2,
    "transformer_layers_per_block": [1, 2, 10],
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "attention_head_dim": [5, 10, 20],
    "use_linear_projection": True,
    "cross_attention_dim": 2048,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 2816,
}
_SDXL_VAE: dict[str, Any] = {
    "sample_size": 1024,
    "block_out_channels": (128, 256, 512, 512),
    "layers_per_block": 2,
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "latent_channels": 4,
    "norm_num_groups": 32,
    "scaling_factor": 0.13025,
    "force_upcast": True,
}
