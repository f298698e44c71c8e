"""What a caller should know of a picture: that a prompt was cut, or that nobody looked at the reference images."""

from collections.abc import Iterator

from illustration_worker.job import Job
from illustration_worker.models.loader import LoadedModel


def warnings_of(model: LoadedModel, job: Job) -> tuple[str, ...]:
    """A sentence each, without a word of the prompts. For the thread that encodes prompts: tokenizers keep state."""
    return tuple(_warnings(model, job))


def _warnings(model: LoadedModel, job: Job) -> Iterator[str]:
    if job.people and model.ip_adapter is None:
        yield "The reference images were not used: the worker has no IP-Adapter loaded."
    first, second = model.pipeline.tokenizer, model.pipeline.tokenizer_2
    is_shared = job.prompt_2 is None
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
