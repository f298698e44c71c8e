"""What a caller should know of a picture: that a prompt was cut or not understood, reference images not looked at."""

import re
from collections.abc import Iterator

from illustration_worker.job import Job
from illustration_worker.models.loader import LoadedModel

_WORD = re.compile(r"[\w']+")
_MOST_WORDS_SHOWN = 10


def warnings_of(model: LoadedModel, job: Job) -> tuple[str, ...]:
    """A sentence each, kept with the job as its prompts are: never log one, unknown words are quoted.

    For the thread that encodes prompts: tokenizers keep state.
    """
    return tuple(_warnings(model, job))


def _warnings(model: LoadedModel, job: Job) -> Iterator[str]:
    if job.people and model.ip_adapter is None:
        yield "The reference images were not used: the worker has no IP-Adapter loaded."
    first, second = model.pipeline.tokenizer, model.pipeline.tokenizer_2
    is_shared = job.prompt_2 is None
    known_words = None if model.notes is None else model.notes.known_words
    read_by = [
        ("prompt", job.prompt, (first, second) if is_shared else (first,)),
        ("prompt_2", job.prompt_2, (second,)),
        ("negative_prompt", job.negative_prompt if job.guidance_scale > 1 else None, (first, second)),
    ]
    for name, text, tokenizers in read_by:
        tokens, limit = max(
            (len(tokenizer(text or "").input_ids), tokenizer.model_max_length) for tokenizer in tokenizers
        )
        if tokens > limit:
            yield f"{name} is {tokens} tokens long; the text encoder read the first {limit} and not the rest."
        unknown = () if known_words is None else _unknown_words(text or "", known_words)
        if unknown:
            yield f"{name} holds words that this model never learnt and draws nothing sensible for: {_listed(unknown)}."


def _unknown_words(text: str, known_words: frozenset[str]) -> tuple[str, ...]:
    """In the order of the text, once each."""
    words = dict.fromkeys(word.strip("'") for word in _WORD.findall(text.lower()))
    return tuple(word for word in words if word and word not in known_words)


def _listed(words: tuple[str, ...]) -> str:
    shown = ", ".join(words[:_MOST_WORDS_SHOWN])
    rest = len(words) - _MOST_WORDS_SHOWN
    return f"{shown} and {rest} more" if rest > 0 else shown
