"""How a job's way through the stock engine can go and end."""

import asyncio
import subprocess
import sys
import textwrap
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import UNet2DConditionModel
from diffusers.models.autoencoders.vae import Decoder
from torch.nn.modules.module import register_module_forward_hook

from illustration_worker.engine.stock import StockEngine
from illustration_worker.errors import (
    DeadlineExceededError,
    DrainingError,
    GenerationFailedError,
    ModelLoadError,
    OutOfMemoryError,
    QueueFullError,
    ReferenceImageError,
    StartingError,
)
from illustration_worker.images import Pixels
from illustration_worker.job import Finished, Job, JobEvent, Queued, Started, Step
from illustration_worker.models.config import ModelConfig

MakeJob = Callable[..., Job]
Draw = Callable[[Job], Awaitable[Pixels]]
Events = Callable[[StockEngine, Job], Awaitable[list[JobEvent]]]


async def until_step(engine: StockEngine, job: Job, index: int) -> Any:
    """The job's events, read up to step ``index``."""
    events = engine.generate(job)
    async for event in events:
        if event == Step(index=index, total=job.num_inference_steps):
            break
    return events


@contextmanager
def once_on(kind: type[torch.nn.Module], act: Callable[[Any], Any]) -> Iterator[None]:
    """The next output of a ``kind`` module goes through ``act``, which may raise."""
    done = threading.Event()

    def hook(module: torch.nn.Module, arguments: Any, output: Any) -> Any:
        if not isinstance(module, kind) or done.is_set():
            return None
        done.set()
        return act(output)

    handle = register_module_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()
    assert done.is_set()


def raising(error: Exception) -> Callable[[Any], Any]:
    def act(output: Any) -> Any:
        raise error

    return act


async def test_a_jobs_events_come_in_order(
    events_of: Events, engine: StockEngine, make_job: MakeJob, portraits: list[bytes]
) -> None:
    events = await events_of(engine, make_job(num_inference_steps=4, reference_images=(portraits[1],)))
    assert events[:-1] == [Started(), *(Step(index=index, total=4) for index in (1, 2, 3, 4))]
    finished = events[-1]
    assert isinstance(finished, Finished)
    assert (finished.width, finished.height) == (64, 64)


async def test_the_timings_add_up(
    events_of: Events, engine: StockEngine, make_job: MakeJob, portraits: list[bytes]
) -> None:
    ahead = asyncio.ensure_future(events_of(engine, make_job(num_inference_steps=5)))
    began = time.perf_counter()
    finished = (await events_of(engine, make_job(num_inference_steps=10, reference_images=(portraits[0],))))[-1]
    elapsed = time.perf_counter() - began
    await ahead
    assert isinstance(finished, Finished)
    timings = finished.timings
    parts = (timings.queue, timings.encode, timings.denoise, timings.decode, timings.png)
    assert all(part > 0 for part in parts)
    assert elapsed / 2 < sum(parts) <= elapsed


async def test_a_job_that_waits_hears_its_place(engine: StockEngine, make_job: MakeJob) -> None:
    drawn = await until_step(engine, make_job(num_inference_steps=150), 1)
    second, third = engine.generate(make_job()), engine.generate(make_job())
    assert await anext(second) == Queued(position=1)
    assert await anext(third) == Queued(position=2)
    await second.aclose()
    assert await anext(third) == Queued(position=1)
    await drawn.aclose()
    assert await anext(third) == Started()
    await third.aclose()


async def test_a_caller_that_leaves_stops_the_device_within_a_step(
    events_of: Events, engine: StockEngine, make_job: MakeJob, device_calls: Counter[str]
) -> None:
    abandoned = await until_step(engine, make_job(num_inference_steps=150), 3)
    await abandoned.aclose()
    steps_then = device_calls["unet"]
    await events_of(engine, make_job(num_inference_steps=1))  # the device is free again when this is drawn
    assert device_calls["unet"] - 1 <= steps_then + 1
    assert device_calls["decoder"] == 1


async def test_cancelling_the_task_that_reads_the_events_cancels_the_job(
    events_of: Events, engine: StockEngine, make_job: MakeJob, device_calls: Counter[str]
) -> None:
    has_stepped = asyncio.Event()

    async def read() -> None:
        async for event in engine.generate(make_job(num_inference_steps=150)):
            if isinstance(event, Step):
                has_stepped.set()

    reader = asyncio.ensure_future(read())
    await has_stepped.wait()
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    steps_then = device_calls["unet"]
    await events_of(engine, make_job(num_inference_steps=1))
    assert device_calls["unet"] - 1 <= steps_then + 1
    assert device_calls["decoder"] == 1


async def test_a_job_canceled_while_it_waits_never_starts(
    events_of: Events, engine: StockEngine, make_job: MakeJob, device_calls: Counter[str]
) -> None:
    drawn = await until_step(engine, make_job(num_inference_steps=20), 1)
    waiting = engine.generate(make_job(num_inference_steps=150))
    await anext(waiting)
    await waiting.aclose()
    async for _ in drawn:
        pass
    await events_of(engine, make_job(num_inference_steps=1))
    assert device_calls == {"unet": 21, "decoder": 2}


async def test_a_deadline_stops_the_device_and_nothing_is_decoded(
    events_of: Events, engine: StockEngine, make_job: MakeJob, device_calls: Counter[str]
) -> None:
    began = time.monotonic()
    with pytest.raises(DeadlineExceededError):
        await events_of(engine, make_job(num_inference_steps=150, deadline=began + 0.3))
    assert time.monotonic() - began < 1.5  # the whole job would take longer
    steps_then = device_calls["unet"]
    assert steps_then > 0
    await events_of(engine, make_job(num_inference_steps=1))
    assert device_calls["unet"] - 1 <= steps_then + 1
    assert device_calls["decoder"] == 1


async def test_a_job_whose_time_is_up_never_starts(
    events_of: Events, engine: StockEngine, make_job: MakeJob, device_calls: Counter[str]
) -> None:
    with pytest.raises(DeadlineExceededError):
        await events_of(engine, make_job(deadline=time.monotonic() - 1))
    await events_of(engine, make_job(num_inference_steps=1))
    assert device_calls["unet"] == 1


async def test_a_bad_reference_is_refused_before_its_turn(engine: StockEngine, make_job: MakeJob) -> None:
    drawn = await until_step(engine, make_job(num_inference_steps=150), 1)
    with pytest.raises(ReferenceImageError, match="not a PNG"):
        await anext(engine.generate(make_job(reference_images=(b"Dear diary",))))
    await drawn.aclose()


async def test_a_full_queue_refuses_and_takes_again(engine: StockEngine, make_job: MakeJob) -> None:
    drawn = await until_step(engine, make_job(num_inference_steps=150), 1)
    waiting = [
        engine.generate(make_job(num_inference_steps=1)) for _ in range(engine.describe().max_outstanding_jobs - 1)
    ]
    for events in waiting:
        assert isinstance(await anext(events), Queued)
    with pytest.raises(QueueFullError):
        await anext(engine.generate(make_job()))
    await waiting.pop().aclose()
    accepted = engine.generate(make_job(num_inference_steps=1))
    assert isinstance(await anext(accepted), Queued)
    for events in (drawn, accepted, *waiting):
        await events.aclose()


async def test_out_of_memory_is_told_and_survived(
    events_of: Events, engine: StockEngine, draw: Draw, stock_call: Callable[[Job], Pixels], make_job: MakeJob
) -> None:
    with (
        once_on(UNet2DConditionModel, raising(torch.OutOfMemoryError("CUDA out of memory"))),
        pytest.raises(OutOfMemoryError, match="64 x 64"),
    ):
        await events_of(engine, make_job())
    job = make_job(seed=3)
    assert np.array_equal(await draw(job), stock_call(job))


async def test_an_unknown_failure_is_logged_and_its_text_kept_back(
    events_of: Events, engine: StockEngine, draw: Draw, make_job: MakeJob, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        once_on(UNet2DConditionModel, raising(RuntimeError("shape mismatch in layer 9"))),
        pytest.raises(GenerationFailedError) as refusal,
    ):
        await events_of(engine, make_job(request_id="request-for-the-log"))
    assert "layer 9" not in refusal.value.detail
    [record] = [record for record in caplog.records if getattr(record, "request_id", "") == "request-for-the-log"]
    assert record.exc_info is not None
    assert "layer 9" in str(record.exc_info[1])
    await draw(make_job())


@pytest.mark.parametrize("module", [UNet2DConditionModel, Decoder])
async def test_numbers_that_overflow_are_a_failure_and_never_a_black_picture(
    events_of: Events, engine: StockEngine, make_job: MakeJob, module: type[torch.nn.Module]
) -> None:
    def overflow(output: Any) -> Any:
        return (output[0] * float("nan"),) if isinstance(output, tuple) else output * float("nan")

    with once_on(module, overflow), pytest.raises(GenerationFailedError, match="overflowed"):
        await events_of(engine, make_job())


async def test_prompts_are_not_logged(
    events_of: Events,
    engine: StockEngine,
    make_job: MakeJob,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level("DEBUG", "illustration_worker")
    secret = "the key lies under the third flowerpot " * 10  # far more than 77 tokens: diffusers would log the rest
    await events_of(engine, make_job(prompt=secret, negative_prompt=secret))
    output = capfd.readouterr()
    assert "flowerpot" not in caplog.text + output.out + output.err


async def test_the_event_loop_turns_while_the_model_loads(model_config: ModelConfig, make_job: MakeJob) -> None:
    engine = StockEngine(model_config, max_outstanding_jobs=1)
    starting = asyncio.ensure_future(engine.start())
    turns = 0
    while not starting.done():
        with pytest.raises(StartingError):
            await anext(engine.generate(make_job()))
        await asyncio.sleep(0.01)
        turns += 1
    await starting
    assert turns > 5
    await engine.stop()


async def test_stopping_finishes_what_was_accepted(
    events_of: Events, model_config: ModelConfig, make_job: MakeJob
) -> None:
    engine = StockEngine(model_config, max_outstanding_jobs=4)
    await engine.start()
    drawn = await until_step(engine, make_job(num_inference_steps=20), 1)
    waiting = asyncio.ensure_future(events_of(engine, make_job()))
    await asyncio.sleep(0)  # lets it be accepted
    stopping = asyncio.ensure_future(engine.stop())
    await asyncio.sleep(0)
    with pytest.raises(DrainingError):
        await anext(engine.generate(make_job()))
    assert isinstance([event async for event in drawn][-1], Finished)
    assert isinstance((await waiting)[-1], Finished)
    await stopping
    await engine.stop()  # once more changes nothing
    with pytest.raises(DrainingError):
        await anext(engine.generate(make_job()))


def test_the_process_ends_cleanly_after_stopping(random_model_folder: Path) -> None:
    program = """
        import asyncio, sys
        from illustration_worker.engine.stock import StockEngine
        from illustration_worker.models.config import ModelConfig

        async def run():
            engine = StockEngine(ModelConfig(sys.argv[1], ip_adapter=sys.argv[1], device="cpu"), 1)
            await engine.start()
            await engine.stop()

        asyncio.run(run())
    """
    command = [sys.executable, "-c", textwrap.dedent(program), str(random_model_folder)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


async def test_a_model_that_cannot_draw_is_never_ready(model_config: ModelConfig) -> None:
    engine = StockEngine(model_config, max_outstanding_jobs=1)
    with (
        once_on(UNet2DConditionModel, raising(RuntimeError("wrong encoder"))),
        pytest.raises(ModelLoadError, match="warm-up"),
    ):
        await engine.start()
    with pytest.raises(StartingError):
        engine.describe()
    await engine.stop()


async def test_a_model_that_is_not_there_ends_the_start(model_config: ModelConfig, tmp_path: Path) -> None:
    engine = StockEngine(replace(model_config, model=str(tmp_path / "nowhere")), max_outstanding_jobs=1)
    with pytest.raises(ModelLoadError, match="no folder"):
        await engine.start()
    await engine.stop()


def test_the_engine_says_what_it_is(engine: StockEngine, model_config: ModelConfig) -> None:
    description = engine.describe()
    assert (description.engine, description.model, description.about is not None) == ("stock", model_config.model, True)
    assert (description.device, description.dtype) == ("cpu", "float32")
    assert description.ip_adapter == model_config.ip_adapter_weights
    assert description.scheduler == "EulerDiscreteScheduler"
    assert description.picture_settings == "reference_fit=crop"
    assert (description.default_image_size, description.max_image_size) == (128, 256)
