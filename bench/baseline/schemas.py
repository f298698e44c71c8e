"""The guide's request bodies, and what they become once the defaults are in."""

from typing import TypeVar

from pydantic import BaseModel

from bench.baseline.config import PrototypeSettings
from bench.baseline.pipeline import Inputs

Value = TypeVar("Value")


class GenerateSubjectIllustrationInput(BaseModel):
    """As in the guide; a field that is absent or null gets the setting's default."""

    user_id: str
    num_inference_steps: int | None = None
    ip_adapter_scale: float | None = None
    negative_prompt: str | None = None
    style_prompt: str | None = None


class GenerateMemoryIllustrationInput(GenerateSubjectIllustrationInput):
    """The same with a prompt."""

    prompt: str


def inputs_of(request: GenerateSubjectIllustrationInput, settings: PrototypeSettings, image_path: str) -> Inputs:
    """Memory: the style is the second prompt. Subject: the style is the prompt."""
    prompt, prompt_2 = _prompts(request, settings)
    return Inputs(
        prompt=prompt,
        prompt_2=prompt_2,
        num_inference_steps=_or(request.num_inference_steps, settings.default_num_inference_steps),
        ip_adapter_scale=_or(request.ip_adapter_scale, settings.default_ip_adapter_scale),
        negative_prompt=_or(request.negative_prompt, settings.default_negative_prompt),
        image_path=image_path,
    )


def _prompts(request: GenerateSubjectIllustrationInput, settings: PrototypeSettings) -> tuple[str, str | None]:
    if isinstance(request, GenerateMemoryIllustrationInput):
        return request.prompt, _or(request.style_prompt, settings.default_memory_style_prompt)
    return _or(request.style_prompt, settings.default_subject_style_prompt), None


def _or(given: Value | None, default: Value) -> Value:
    return default if given is None else given
