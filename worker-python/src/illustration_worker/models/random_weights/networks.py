"""The random model's networks: SDXL's topology at about three million parameters, weights drawn at random.

What the topology keeps of SDXL: block names and their numbers of attention layers (InstantStyle, LoRA), two text
encoders of different widths side by side, pooled text and size embeddings, a VAE of factor 8 that asks for float32.
"""

import torch
from diffusers import AutoencoderKL, EulerDiscreteScheduler, StableDiffusionXLPipeline, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from illustration_worker.models.random_weights.tokenizer import END, MAX_TOKENS, START, build_tokenizer

IMAGE_SIZE = 128
"""Pixels of a side that the model draws by default; a step takes about 25 ms on one CPU thread."""
CROSS_ATTENTION_WIDTH = 64
_TEXT_WIDTHS = (24, 40)
_POOLED_WIDTH = 32
_TIME_ID_WIDTH = 8
_TIME_IDS = 6

# Plain initialisation makes a network that hardly listens: every prompt gives nearly the same texture. These factors
# were found by looking: prompt and reference move a picture by 10 to 15 of 255 levels, the seed by 40, and a scale of
# .34 in place of .33 by 0.4. Much more, and the drawing is chaotic: rounding alone would change it.
_TEXT_GAIN = 3.0
_POOLED_TEXT_GAIN = 6.0
_ATTENTION_GAIN = 1.3
_NOISE_PREDICTION_GAIN = 2.0
_PICTURE_CONTRAST = 0.8


def build_pipeline() -> StableDiffusionXLPipeline:
    """The pipeline, float32, from torch's current random state."""
    tokenizer, tokenizer_2 = build_tokenizer(pad_token=END), build_tokenizer(pad_token="!")
    first, second = (_text_config(width, tokenizer.get_vocab()) for width in _TEXT_WIDTHS)
    return StableDiffusionXLPipeline(
        vae=_vae(),
        text_encoder=CLIPTextModel(first),
        text_encoder_2=CLIPTextModelWithProjection(second),
        tokenizer=tokenizer,
        tokenizer_2=tokenizer_2,
        unet=_unet(),
        scheduler=_scheduler(),
        add_watermarker=False,
    )


def _text_config(width: int, vocabulary: dict[str, int]) -> CLIPTextConfig:
    return CLIPTextConfig(
        vocab_size=len(vocabulary),
        hidden_size=width,
        intermediate_size=4 * width,
        num_hidden_layers=3,
        num_attention_heads=4,
        max_position_embeddings=MAX_TOKENS,
        projection_dim=_POOLED_WIDTH,
        bos_token_id=vocabulary[START],
        eos_token_id=vocabulary[END],
        pad_token_id=vocabulary[END],
        initializer_factor=_TEXT_GAIN,
    )


def _unet() -> UNet2DConditionModel:
    unet = UNet2DConditionModel(
        sample_size=IMAGE_SIZE // 8,
        block_out_channels=(32, 64, 64),
        layers_per_block=2,
        transformer_layers_per_block=[1, 1, 2],
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=[2, 4, 4],
        use_linear_projection=True,
        cross_attention_dim=CROSS_ATTENTION_WIDTH,
        addition_embed_type="text_time",
        addition_time_embed_dim=_TIME_ID_WIDTH,
        projection_class_embeddings_input_dim=_POOLED_WIDTH + _TIME_IDS * _TIME_ID_WIDTH,
    )
    with torch.no_grad():
        unet.add_embedding.linear_1.weight[:, :_POOLED_WIDTH] *= _POOLED_TEXT_GAIN
        unet.conv_out.weight *= _NOISE_PREDICTION_GAIN
        for name, weight in unet.named_parameters():
            if ".attn2." in name and name.endswith("weight"):
                weight *= _ATTENTION_GAIN
    return unet


def _vae() -> AutoencoderKL:
    vae = AutoencoderKL(
        block_out_channels=(16, 16, 32, 32),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        latent_channels=4,
        norm_num_groups=16,
        sample_size=IMAGE_SIZE,
        scaling_factor=0.13025,
        force_upcast=True,
    )
    with torch.no_grad():
        vae.decoder.conv_out.weight *= _PICTURE_CONTRAST
    return vae


def _scheduler() -> EulerDiscreteScheduler:
    """As published with SDXL base 1.0."""
    return EulerDiscreteScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        steps_offset=1,
        timestep_spacing="leading",
    )
