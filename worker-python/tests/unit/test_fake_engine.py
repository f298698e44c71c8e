"""The fake keeps the port's promises, so that what is proven with it holds for an engine that draws."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from illustration_worker.engine.fake import FakeEngine, FakeScript, draw_noise
from illustration_worker.engine.port import Engine, LoraHeader
from illustration_worker.errors import (
    DeadlineExceededError,
    DrainingError,
    GenerationFailedError,
    ModelLoadError,
    QueueFullError,
)
from illustration_worker.job import (
    Checkpoint,
    Finished,
    Job,
    JobEvent,
    Lora,
    LoraNeeded,
    Person,
    Queued,
    Region,
    Started,
    Step,
)

JOB = Job("j", "r", "a prompt", num_inference_steps=3, seed=7, width=64, height=72)
ANNA = Person((b"a",), 0.5)


async def events_of(engine: FakeEngine, job: Job) -> list[JobEvent]:
    return [event async for event in engine.generate(job)]


async def test_it_is_an_engine() -> None:
    engine: Engine = FakeEngine()
    await engine.start()
    assert engine.describe().engine == "fake"
    await engine.stop()


async def test_events_come_in_order_and_the_picture_opens() -> None:
    events = await events_of(FakeEngine(), JOB)
    finished = events[-1]
    assert events[:-1] == [Started(), Step(1, 3), Step(2, 3), Step(3, 3)]
    assert isinstance(finished, Finished)
    image = Image.open(BytesIO(finished.png))
    image.load()
    assert (image.format, image.mode, image.size) == ("PNG", "RGB", (64, 72))


def test_the_picture_is_a_matter_of_the_job_alone() -> None:
    assert draw_noise(JOB) == draw_noise(replace(JOB, job_id="other", request_id="other", deadline=1.0))


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 8},
        {"prompt": "another"},
        {"prompt_2": ""},
        {"negative_prompt": ""},
        {"num_inference_steps": 4},
        {"guidance_scale": 7.0},
        {"guidance_rescale": 0.1},
        {"people": (ANNA,)},
        {"lora": Lora("l", "1", 1.0)},
    ],
    ids=str,
)
def test_everything_that_changes_a_picture_changes_the_noise(change: dict[str, object]) -> None:
    assert draw_noise(JOB) != draw_noise(replace(JOB, **change))  # type: ignore[arg-type]


def test_the_reference_matters_unless_its_scale_is_0() -> None:
    def noise(*people: Person, **changes: Any) -> bytes:
        return draw_noise(replace(JOB, people=people, **changes))

    left, right = Region(0.0, 0.0, 0.5, 1.0), Region(0.5, 0.0, 1.0, 1.0)
    alike = {
        noise(ANNA),
        noise(replace(ANNA, reference_images=(b"b",))),
        noise(replace(ANNA, reference_images=(b"a", b"b"))),
        noise(replace(ANNA, ip_adapter_scale=0.6)),
        noise(replace(ANNA, region=left)),
        noise(replace(ANNA, region=right)),
        noise(replace(ANNA, region=left), replace(ANNA, region=right)),
        noise(ANNA, ip_adapter_mode="style"),
    }
    assert len(alike) == 8
    assert noise(Person((b"a",), 0.0)) == noise(Person((b"b",), 0.0)) == draw_noise(JOB)


async def test_jobs_are_drawn_one_at_a_time_in_order_of_arrival() -> None:
    engine = FakeEngine()
    order: list[str] = []

    async def draw(job_id: str) -> None:
        async for event in engine.generate(replace(JOB, job_id=job_id)):
            order.append(f"{job_id}:{type(event).__name__}")

    await asyncio.gather(*(draw(job_id) for job_id in "abc"))
    drawn = [entry for entry in order if not entry.endswith("Queued")]
    each = ["Started", "Step", "Step", "Step", "Finished"]
    assert drawn == [f"{job_id}:{kind}" for job_id in "abc" for kind in each]
    assert "b:Queued" in order


async def test_closing_the_iterator_ends_the_job_and_lets_the_next_in() -> None:
    engine = FakeEngine()
    async with aclosing(engine.generate(JOB)) as events:
        assert await anext(events) == Started()
        waiting = engine.generate(replace(JOB, job_id="next"))
        assert await anext(waiting) == Queued(1)
    assert await anext(waiting) == Started()
    assert engine.steps_done == {}
    await waiting.aclose()
    await asyncio.wait_for(engine.wait_until_idle(), 1)


async def test_from_a_checkpoint_it_goes_on_to_the_same_picture() -> None:
    job = replace(JOB, num_inference_steps=6, wants_checkpoints=True)
    whole = await events_of(FakeEngine(FakeScript(checkpoint_every=2)), job)
    two, four = [event for event in whole if isinstance(event, Checkpoint)]
    assert (two.index, four.index) == (2, 4)
    rest = await events_of(FakeEngine(FakeScript(checkpoint_every=0)), replace(job, checkpoint=four.state))
    assert rest[:-1] == [Started(), Step(5, 6), Step(6, 6)]
    assert isinstance(rest[-1], Finished)
    assert isinstance(whole[-1], Finished)
    assert rest[-1].png == whole[-1].png
    for useless in (four.state, b"", b"x:4", b":"):
        other = await events_of(FakeEngine(), replace(job, seed=8, wants_checkpoints=False, checkpoint=useless))
        assert [event.index for event in other if isinstance(event, Step)] == [1, 2, 3, 4, 5, 6]


async def test_a_failure_comes_at_its_step() -> None:
    engine = FakeEngine(FakeScript(failure=GenerationFailedError("x"), fail_at_step=2))
    with pytest.raises(GenerationFailedError):
        await events_of(engine, JOB)
    assert engine.steps_done == {"j": 1}


async def test_a_deadline_that_has_passed_ends_the_job() -> None:
    engine = FakeEngine()
    with pytest.raises(DeadlineExceededError):
        await events_of(engine, replace(JOB, deadline=time.monotonic() - 1))
    assert engine.steps_done == {}


async def test_a_hanging_step_can_be_cancelled() -> None:
    engine = FakeEngine(FakeScript(hang_at_step=2))
    task = asyncio.create_task(events_of(engine, JOB))
    while engine.steps_done.get("j") != 1:
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait_for(engine.wait_until_idle(), 1)
    assert engine.steps_done == {"j": 1}


async def test_one_job_too_many_is_refused() -> None:
    engine = FakeEngine(max_outstanding_jobs=1)
    async with aclosing(engine.generate(JOB)) as events:
        await anext(events)
        with pytest.raises(QueueFullError):
            await events_of(engine, JOB)


async def test_stopping_finishes_what_was_taken_and_takes_no_more() -> None:
    engine = FakeEngine(FakeScript(step_seconds=0.01))
    events = engine.generate(JOB)
    await anext(events)
    stopping = asyncio.create_task(engine.stop())
    await asyncio.sleep(0)
    with pytest.raises(DrainingError):
        await events_of(engine, JOB)
    assert not stopping.done()
    rest = [event async for event in events]
    assert isinstance(rest[-1], Finished)
    await asyncio.wait_for(stopping, 1)


async def test_a_scripted_load_error_is_raised() -> None:
    with pytest.raises(ModelLoadError, match="no such model"):
        await FakeEngine(FakeScript(load_error=ModelLoadError("no such model"))).start()


async def test_a_job_that_waits_for_its_lora_holds_up_nobody_and_goes_on_when_it_comes() -> None:
    engine = FakeEngine()
    waiting = engine.generate(replace(JOB, lora=Lora("ink", "1", 1.0)))
    assert await anext(waiting) == LoraNeeded()
    assert isinstance((await events_of(engine, JOB))[-1], Finished)
    content = (2).to_bytes(8, "little") + b"{}"

    async def chunks() -> AsyncIterator[bytes]:
        yield content

    held = await engine.put_lora(LoraHeader("ink", "1", len(content)), chunks())
    assert engine.describe().held_loras == (held,)
    finished = [event async for event in waiting][-1]
    assert isinstance(finished, Finished)
    assert finished.lora_sha256 == held.sha256
