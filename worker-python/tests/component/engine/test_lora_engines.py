"""A LoRA that a request names: brought when it is needed, drawn as stock draws it, and never on another's picture."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

from illustration_worker.engine.batching.engine import BatchingEngine
from illustration_worker.engine.batching.options import BatchingOptions
from illustration_worker.engine.loras import adapted_model
from illustration_worker.engine.loras.intake import LoraLimits
from illustration_worker.engine.port import HeldLora, LoraHeader
from illustration_worker.engine.stock import StockEngine
from illustration_worker.errors import DeadlineExceededError, InvalidRequestError, LoraInvalidError, OutOfMemoryError
from illustration_worker.images import Pixels
from illustration_worker.job import Finished, Job, JobEvent, Lora, LoraNeeded, Started, Step
from illustration_worker.models.config import ModelConfig
from illustration_worker.models.loader import load_model
from illustration_worker.models.lora_weights import add_adapter

MakeJob = Callable[..., Job]
Events = Callable[[Any, Job], Awaitable[list[JobEvent]]]
DrawWith = Callable[[Any, Job], Awaitable[Pixels]]
PutLora = Callable[[Any, str, bytes], Awaitable[HeldLora]]
MakeLora = Callable[[int], bytes]


async def chunked(content: bytes, size: int = 100_000) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


def named(lora_id: str, scale: float = 0.8) -> Lora:
    return Lora(lora_id, "1", scale)


@pytest.fixture(params=["stock", "batching"])
async def engine(request: pytest.FixtureRequest, model_config: ModelConfig) -> AsyncIterator[Any]:
    made: Any = (
        StockEngine(model_config, 8)
        if request.param == "stock"
        else BatchingEngine(model_config, BatchingOptions(reproducible="off"), 8)
    )
    await made.start()
    yield made
    await made.stop()


async def test_it_is_asked_for_once_and_the_picture_is_stocks(
    engine: Any,
    events_of: Events,
    draw_with: DrawWith,
    make_job: MakeJob,
    make_lora: MakeLora,
    put_lora: PutLora,
    model_config: ModelConfig,
) -> None:
    plain, content = make_job(), make_lora(0)
    before = await draw_with(engine, plain)
    job = replace(plain, lora=named("ink"))
    events = engine.generate(job)
    assert await anext(events) == LoraNeeded()
    held = await put_lora(engine, "ink", content)
    assert (held.sha256, held.kind) == (hashlib.sha256(content).hexdigest(), "LoRA (PEFT)")
    rest = [event async for event in events]
    assert rest[0] == Started()
    assert isinstance(rest[-1], Finished)
    assert rest[-1].lora_sha256 == held.sha256
    drawn = await draw_with(engine, job)  # held now: not asked for again
    stock = load_model(replace(model_config, enable_ip_adapter=False)).pipeline
    stock.load_lora_weights(load(content), adapter_name="ink")
    stock.set_adapters(["ink"], [0.8])
    expected = stock(
        prompt=job.prompt,
        prompt_2=job.prompt_2,
        negative_prompt=job.negative_prompt,
        num_inference_steps=job.num_inference_steps,
        guidance_scale=job.guidance_scale,
        width=job.width,
        height=job.height,
        generator=torch.Generator("cpu").manual_seed(job.seed),
    ).images[0]
    assert np.array_equal(drawn, np.asarray(expected))
    assert not np.array_equal(drawn, before)
    assert np.array_equal(await draw_with(engine, plain), before)
    assert not np.array_equal(await draw_with(engine, replace(plain, lora=named("ink", 0.5))), drawn)


async def test_a_hand_over_wakes_all_that_wait_and_a_broken_one_nobody(
    engine: Any, events_of: Events, make_job: MakeJob, make_lora: MakeLora, put_lora: PutLora
) -> None:
    content = make_lora(0)
    waiting = [engine.generate(make_job(num_inference_steps=1, lora=named("ink", scale))) for scale in (0.3, 0.6)]
    other = engine.generate(make_job(lora=named("another")))
    async with AsyncExitStack() as open_calls:
        for events in (*waiting, other):
            await open_calls.enter_async_context(aclosing(events))
            assert await anext(events) == LoraNeeded()
        rest = [asyncio.ensure_future(anext(events)) for events in waiting]
        with pytest.raises(InvalidRequestError, match="as long as"):
            await engine.put_lora(LoraHeader("ink", "1", len(content)), chunked(content[:-1]))
        with pytest.raises(InvalidRequestError, match="as long as"):
            await engine.put_lora(LoraHeader("ink", "1", len(content) - 1), chunked(content))
        assert not any(task.done() for task in rest)
        assert engine.describe().held_loras == ()
        await put_lora(engine, "ink", content)
        assert await rest[0] == Started()
        await asyncio.gather(*rest)
        for events in waiting:
            assert isinstance([event async for event in events][-1], Finished)
    assert [held.lora_id for held in engine.describe().held_loras] == ["ink"]


async def test_the_deadline_ends_the_wait(engine: Any, events_of: Events, make_job: MakeJob) -> None:
    with pytest.raises(DeadlineExceededError, match="LoRA"):
        await events_of(engine, make_job(lora=named("never"), deadline=time.monotonic() + 0.05))
    cancelled = asyncio.ensure_future(events_of(engine, make_job(lora=named("never"))))
    await asyncio.sleep(0)
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled


def renamed(content: bytes, old: str, new: str) -> bytes:
    return save({name.replace(old, new): tensor for name, tensor in load(content).items()})


def changed(content: bytes, change: Callable[[str, torch.Tensor], torch.Tensor]) -> bytes:
    return save({name: change(name, tensor).contiguous() for name, tensor in load(content).items()})


BROKEN: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "cut off": (lambda file: file[:-50], "cut off"),
    "empty": (lambda file: b"", "empty"),
    "no tensors": (lambda file: save({}), "no weights"),
    "pickle": (lambda file: b"PK\x03\x04" + file, "pickle"),
    "unknown keys": (lambda file: save({"something": torch.ones(2)}), "known"),
    "not a number": (lambda file: changed(file, lambda name, one: one * float("nan")), "finite"),
    "infinite": (lambda file: changed(file, lambda name, one: one / 0), "finite"),
    "wrong shapes": (lambda file: changed(file, lambda name, one: one[:, :-1] if "lora_A" in name else one), "another"),
    "half of a layer": (
        lambda file: save({name: one for name, one in load(file).items() if "to_q.lora_B" not in name}),
        "incomplete",
    ),
    "DoRA": (lambda file: renamed(file, "to_v.lora_B.weight", "to_v.lora_magnitude_vector"), "DoRA"),
    "LoHa": (lambda file: renamed(file, "lora_A.weight", "hada_w1_a"), "LoHa"),
    "another layer": (lambda file: renamed(file, "up_blocks.0", "up_blocks.7"), "another model"),
    "of SD 1.5": (
        lambda file: changed(
            file, lambda name, one: torch.ones(4, 768) if name.endswith("attn2.to_k.lora_A.weight") else one
        ),
        "1.x",
    ),
}


async def test_a_broken_file_is_refused_by_name_and_changes_nothing(
    engine: Any, events_of: Events, draw_with: DrawWith, make_job: MakeJob, make_lora: MakeLora, put_lora: PutLora
) -> None:
    plain, content = make_job(num_inference_steps=2), make_lora(0)
    before = await draw_with(engine, plain)
    for number, (broken, sentence) in enumerate(BROKEN.values()):
        waiting = engine.generate(replace(plain, lora=named(f"broken-{number}")))
        assert await anext(waiting) == LoraNeeded()
        with pytest.raises(LoraInvalidError, match=sentence) as refusal:
            await put_lora(engine, f"broken-{number}", broken(content))
        with pytest.raises(LoraInvalidError) as told:
            await anext(waiting)
        assert told.value.detail == refusal.value.detail
    assert np.array_equal(await draw_with(engine, plain), before)
    assert engine.describe().held_loras == ()
    await put_lora(engine, "good", content)
    assert not np.array_equal(await draw_with(engine, replace(plain, lora=named("good"))), before)
    assert np.array_equal(await draw_with(engine, plain), before)


async def test_too_little_memory_for_one_is_told_and_nothing_is_left(
    engine: Any,
    draw_with: DrawWith,
    make_job: MakeJob,
    make_lora: MakeLora,
    put_lora: PutLora,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain, content = make_job(num_inference_steps=2), make_lora(0)
    before = await draw_with(engine, plain)
    await put_lora(engine, "unused", make_lora(1))
    attempts: list[Any] = []

    def short_of_memory(*args: Any) -> None:
        add_adapter(*args)
        attempts.append(args)
        if len(attempts) <= 2:
            raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(adapted_model, "add_adapter", short_of_memory)
    with pytest.raises(OutOfMemoryError, match="LoRA"):
        await put_lora(engine, "ink", content)
    assert len(attempts) == 2  # the second one after all that was not in use was let go
    assert engine.describe().held_loras == ()
    assert np.array_equal(await draw_with(engine, plain), before)
    await put_lora(engine, "ink", content)
    assert not np.array_equal(await draw_with(engine, replace(plain, lora=named("ink"))), before)


@pytest.mark.parametrize("kind", ["stock", "batching"])
async def test_what_does_not_fit_goes_and_what_is_used_stays(
    model_config: ModelConfig, draw_with: DrawWith, make_job: MakeJob, make_lora: MakeLora, put_lora: PutLora, kind: str
) -> None:
    files = [make_lora(seed) for seed in range(3)]
    limits = LoraLimits(max_held_bytes=2 * len(files[0]), max_file_bytes=len(files[0]))
    engine: Any = (
        StockEngine(model_config, 8, lora_limits=limits)
        if kind == "stock"
        else BatchingEngine(model_config, BatchingOptions(reproducible="off"), 8, lora_limits=limits)
    )
    await engine.start()
    plain = make_job(num_inference_steps=2)
    before = await draw_with(engine, plain)
    for number in (0, 1):
        await put_lora(engine, str(number), files[number])
    first = await draw_with(engine, replace(plain, lora=named("0")))
    used = engine.generate(make_job(num_inference_steps=150, lora=named("0")))
    async for event in used:
        if isinstance(event, Step):
            break
    await put_lora(engine, "2", files[2])
    assert {held.lora_id for held in engine.describe().held_loras} == {"0", "2"}
    also_used = engine.generate(make_job(num_inference_steps=150, lora=named("2")))
    await anext(also_used)
    coming = asyncio.ensure_future(put_lora(engine, "1", files[1]))
    await asyncio.sleep(0)
    assert not coming.done()  # both are in use
    await used.aclose()
    await coming
    assert {held.lora_id for held in engine.describe().held_loras} == {"1", "2"}
    await also_used.aclose()
    assert np.array_equal(await draw_with(engine, plain), before)
    await put_lora(engine, "0", files[0])
    assert np.array_equal(await draw_with(engine, replace(plain, lora=named("0"))), first)
    with pytest.raises(LoraInvalidError, match="larger"):
        await put_lora(engine, "large", files[0] + b"x")
    await engine.stop()
