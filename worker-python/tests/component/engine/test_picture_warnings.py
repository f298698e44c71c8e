"""A caller is told when a prompt was cut, and when nobody looked at the reference images; in either engine."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from illustration_worker.engine.batching.engine import BatchingEngine
from illustration_worker.engine.batching.options import BatchingOptions
from illustration_worker.engine.stock import StockEngine
from illustration_worker.job import Finished, Job, JobEvent
from illustration_worker.models.config import ModelConfig
from illustration_worker.models.model_notes import ModelNotes
from illustration_worker.rpc.responses import to_responses

MakeEngine = Callable[[ModelConfig], StockEngine | BatchingEngine]
LONG = "and then she said " * 40


def batching(config: ModelConfig) -> BatchingEngine:
    return BatchingEngine(config, BatchingOptions(), 4)


def stock(config: ModelConfig) -> StockEngine:
    return StockEngine(config, 4)


@pytest.mark.parametrize("make_engine", [batching, stock])
async def test_a_caller_is_told(
    model_config: ModelConfig,
    events_of: Callable[[Any, Job], Awaitable[list[JobEvent]]],
    make_job: Callable[..., Job],
    portraits: list[bytes],
    make_engine: MakeEngine,
) -> None:
    engine = make_engine(replace(model_config, enable_ip_adapter=False))
    await engine.start()

    async def told(**fields: Any) -> list[str]:
        finished = (await events_of(engine, make_job(num_inference_steps=1, **fields)))[-1]
        assert isinstance(finished, Finished)
        return list(list(to_responses(finished))[-1].finished.warnings)

    assert await told() == []
    (prompt,) = await told(prompt=LONG)
    assert prompt.startswith("prompt is ")
    assert prompt.endswith("tokens long; the text encoder read the first 77 and not the rest.")
    (prompt_2,) = await told(prompt_2=LONG)
    assert prompt_2.startswith("prompt_2 is ")
    (negative,) = await told(negative_prompt=LONG)
    assert negative.startswith("negative_prompt is ")
    assert await told(negative_prompt=LONG, guidance_scale=1.0) == []
    assert await told(reference_images=(portraits[0],)) == [
        "The reference images were not used: the worker has no IP-Adapter loaded."
    ]
    assert len(await told(prompt=LONG, prompt_2=None, reference_images=(portraits[0],))) == 2
    await engine.stop()


@pytest.mark.parametrize("make_engine", [batching, stock])
async def test_words_that_a_model_never_learnt_are_named(
    model_config: ModelConfig,
    model_copy: Path,
    events_of: Callable[[Any, Job], Awaitable[list[JobEvent]]],
    make_job: Callable[..., Job],
    make_engine: MakeEngine,
) -> None:
    ModelNotes("small", known_words=frozenset({"a", "dog", "sketch", "error"})).save(model_copy)
    engine = make_engine(replace(model_config, model=str(model_copy), enable_ip_adapter=False))
    await engine.start()

    async def told(prompt: str) -> list[str]:
        job = make_job(num_inference_steps=1, prompt=prompt, prompt_2="Sketch, a dog!", negative_prompt="error")
        finished = (await events_of(engine, job))[-1]
        assert isinstance(finished, Finished)
        return list(finished.warnings)

    assert await told("A dog: a DOG.") == []
    said = "prompt holds words that this model never learnt and draws nothing sensible for: "
    assert await told("A zebra, a dog and a zebra") == [said + "zebra, and."]
    assert await told(" ".join(f"word{number}" for number in range(12))) == [
        said + ", ".join(f"word{number}" for number in range(10)) + " and 2 more."
    ]
    await engine.stop()
