"""CLIP tokenizers learnt from the world's captions and style prompts."""

import json
from pathlib import Path
from random import Random

from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.trainers import BpeTrainer
from transformers import CLIPTokenizer

from illustration_worker.models.sketch.training.recipe import Recipe
from illustration_worker.models.sketch.world.caption import caption
from illustration_worker.models.sketch.world.invention import invent_training_scene
from illustration_worker.models.sketch.world.style import STYLES, style_prompt

MAX_TOKENS = 40
"""Start, up to 38 tokens of text, end; of 3,000 captions with a style prompt behind, the longest had 36 in all."""
START, END = "<|startoftext|>", "<|endoftext|>"
DEFAULT_NEGATIVE_PROMPT = "error, glitch, mistake"
"""The service's default; it reads as 'nothing in particular'."""
INSTANCE_TOKEN = "sks"
"""The service puts it in front of the prompt when a LoRA is asked for."""

Pair = tuple[CLIPTokenizer, CLIPTokenizer]


def training_tokenizers(recipe: Recipe, folder: Path) -> Pair:
    """The tokenizers kept in ``folder``, learnt when there are none.

    They are kept because learning them anew gives other numbers: the library breaks ties by a random hash. Networks
    trained with one pair would read nonsense with another.
    """
    kept = folder / "tokenizers"
    if not kept.is_dir():
        unfinished = folder / "tokenizers.unfinished"
        for number, tokenizer in enumerate(train_tokenizers(recipe)):
            tokenizer.save_pretrained(unfinished / str(number))
        unfinished.replace(kept)
    first, second = (CLIPTokenizer.from_pretrained(kept / str(number), local_files_only=True) for number in range(2))
    return first, second


def train_tokenizers(recipe: Recipe) -> Pair:
    """The two tokenizers: the same merges, padded as SDXL's are ("!" in the second)."""
    vocabulary, merges = _learn(_texts(recipe), recipe.vocabulary)
    return _clip_tokenizer(vocabulary, merges, END), _clip_tokenizer(vocabulary, merges, "!")


def _texts(recipe: Recipe) -> list[str]:
    random = Random(recipe.seed + 1)
    texts = [DEFAULT_NEGATIVE_PROMPT, f"{INSTANCE_TOKEN} {DEFAULT_NEGATIVE_PROMPT}"] * 50
    for number in range(recipe.caption_count):
        texts.append(caption(invent_training_scene(random), random))
        if number % 3 == 0:
            texts.append(style_prompt(random.choice(STYLES), random))
    return texts


def _learn(texts: list[str], vocabulary: int) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Vocabulary and merges, split into words exactly as CLIP's own tokenizer splits."""
    clip = _clip_tokenizer({START: 0, END: 1}, [], END)
    tokenizer = Tokenizer(BPE(end_of_word_suffix="</w>", unk_token=END))
    tokenizer.normalizer = clip.backend_tokenizer.normalizer
    tokenizer.pre_tokenizer = clip.backend_tokenizer.pre_tokenizer
    trainer = BpeTrainer(
        vocab_size=vocabulary,
        initial_alphabet=sorted(ByteLevel.alphabet()),
        end_of_word_suffix="</w>",
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    merges = [(left, right) for left, right in model["merges"]]
    return _complete(model["vocab"]), merges


def _complete(learnt: dict[str, int]) -> dict[str, int]:
    """With every byte at a word's end, so that no text is unknown, and the two marks."""
    tokens = sorted(learnt, key=lambda token: learnt[token])
    ends = [f"{character}</w>" for character in sorted(ByteLevel.alphabet())]
    tokens += [token for token in (*ends, START, END) if token not in learnt]
    return {token: number for number, token in enumerate(tokens)}


def _clip_tokenizer(vocabulary: dict[str, int], merges: list[tuple[str, str]], pad_token: str) -> CLIPTokenizer:
    return CLIPTokenizer(
        vocab=vocabulary,
        merges=merges,  # type: ignore[arg-type]  # pairs, as the library's own conversion gives
        unk_token=END,
        bos_token=START,
        eos_token=END,
        pad_token=pad_token,
        model_max_length=MAX_TOKENS,
    )
