"""What the text encoders read for a picture: the prompts as the service sends them."""

from dataclasses import dataclass
from random import Random

import torch
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from illustration_worker.models.sketch.training.recipe import Recipe
from illustration_worker.models.sketch.training.tokenizers import (
    DEFAULT_NEGATIVE_PROMPT,
    END,
    INSTANCE_TOKEN,
    MAX_TOKENS,
    START,
    Pair,
)
from illustration_worker.models.sketch.world.caption import caption
from illustration_worker.models.sketch.world.scene import Relation, Scene
from illustration_worker.models.sketch.world.style import style_prompt

Encoders = tuple[CLIPTextModel, CLIPTextModelWithProjection]
TEXT_LAYERS = 3
"""SDXL reads the last layer but one, so two of them count."""
_EMPTY_CHANCE = 0.06
_NEGATIVE_CHANCE = 0.04
_STYLE_ALONE_CHANCE = 0.6
"""Of a portrait: the service's subject endpoint sends the style prompt and nothing else."""
_SAME_TEXT_CHANCE = 0.2
"""Of a scene: no style prompt, so both encoders read the same."""


@dataclass(frozen=True, slots=True)
class Prompts:
    """For the first and the second text encoder."""

    first: str
    second: str


def training_prompts(scene: Scene, random: Random, *, with_looks: bool | None = None) -> Prompts:
    """Prompts for ``scene`` as a request would put them; now and then those of 'nothing in particular'."""
    chance = random.random()
    if chance < _EMPTY_CHANCE:
        return Prompts("", "")
    if chance < _EMPTY_CHANCE + _NEGATIVE_CHANCE:
        return Prompts(DEFAULT_NEGATIVE_PROMPT, DEFAULT_NEGATIVE_PROMPT)
    style = style_prompt(scene.style, random)
    if scene.relation is Relation.PORTRAIT and random.random() < _STYLE_ALONE_CHANCE:
        return Prompts(style, style)
    content = caption(scene, random, with_looks=with_looks)
    if random.random() < 0.05:
        content = f"{INSTANCE_TOKEN} {content}"
    if random.random() < _SAME_TEXT_CHANCE:
        both = f"{content}, {style}"
        return Prompts(both, both)
    return Prompts(content, style)


def new_text_encoders(recipe: Recipe, tokenizers: Pair) -> Encoders:
    """Two small CLIP text models with random weights."""
    vocabulary = tokenizers[0].get_vocab()
    config = CLIPTextConfig(
        vocab_size=len(vocabulary),
        hidden_size=recipe.text_width,
        intermediate_size=4 * recipe.text_width,
        num_hidden_layers=TEXT_LAYERS,
        num_attention_heads=4,
        max_position_embeddings=MAX_TOKENS,
        projection_dim=recipe.text_width,
        bos_token_id=vocabulary[START],
        eos_token_id=vocabulary[END],
        pad_token_id=vocabulary[END],
    )
    return CLIPTextModel(config), CLIPTextModelWithProjection(config)


def encode(prompts: list[Prompts], tokenizers: Pair, encoders: Encoders) -> tuple[torch.Tensor, torch.Tensor]:
    """As ``StableDiffusionXLPipeline.encode_prompt``: (count, tokens, 2 * width) and pooled (count, width)."""
    texts = ([prompt.first for prompt in prompts], [prompt.second for prompt in prompts])
    hidden: list[torch.Tensor] = []
    for tokenizer, encoder, batch in zip(tokenizers, encoders, texts, strict=True):
        ids = tokenizer(batch, padding="max_length", max_length=MAX_TOKENS, truncation=True, return_tensors="pt")
        output = encoder(ids.input_ids.to(encoder.device), output_hidden_states=True)
        hidden.append(output.hidden_states[-2])
    return torch.cat(hidden, dim=-1), output.text_embeds
