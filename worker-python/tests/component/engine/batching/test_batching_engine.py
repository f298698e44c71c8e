"""How a job's way through the batching engine can go and end."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import UNet2DConditionModel
from diffusers.models.autoencoders.vae import Decoder
from torch.nn.modules.module import register_module_forward_hook

from illustration_worker.engine.batching import step_loop
from illustration_worker.engine.batching.engine import BatchingEngine
from illustration_worker.engine.batching.options import BatchingOptions
from illustration_worker.errors import (
    DeadlineExceededError,
    DeviceLostError,
    DrainingError,
    GenerationFailedError,
    ModelLoadError,
    OutOfMemoryError,
    QueueFullError,
    ReferenceImageError,
    StartingError,
    WorkerError,
)
from illustration_worker.images import Pixels
from illustration_worker.job import Finished, Job, JobEvent, Preview, Queued, Started, Step
from illustration_worker.models.config import ModelConfig

MakeJob = Callable[..., Job]
Events = Callable[[Any, Job], Awaitable[list[JobEvent]]]
DrawWith = Callable[[Any, Job], Awaitable[Pixels]]


async def until_step(engine: BatchingEngine, job: Job, index: int) -> Any:
    """The job's events, read up to step ``index``."""
    events = engine.generate(job)
    async for event in events:
        if event == Step(index=index, total=job.num_inference_steps):
            break
    return events


@contextmanager
def each_output(kind: type[torch.nn.Module], act: Callable[[Any, int], Any]) -> Iterator[Counter[str]]:
    """Outputs of ``kind`` modules go through ``act``, with their number from 1; it may raise."""
    calls: Counter[str] = Counter()

    def hook(module: torch.nn.Module, arguments: Any, output: Any) -> Any:
        if not isinstance(module, kind):
            return None
        calls["all"] += 1
        return act(output, calls["all"])

    handle = register_module_forward_hook(hook)
    try:
        yield calls
    finally:
        handle.remove()
    assert calls["all"] > 0


def raising(error: Exception, *, times: int) -> Callable[[Any, int], Any]:
    def act(output: Any, number: int) -> Any:
        if number <= times:
            raise error
        return None

    return act


async def test_a_jobs_events_come_in_order(
    events_of: Events, free_engine: BatchingEngine, make_job: MakeJob, portraits: list[bytes]
) -> None:
    events = await events_of(free_engine, make_job(num_inference_steps=4, reference_images=(portraits[1],)))
    assert events[:-1] == [Started(), *(Step(index=index, total=4) for index in (1, 2, 3, 4))]
    assert isinstance(events[-1], Finished)
    assert (events[-1].width, events[-1].height) == (64, 64)


async def test_ten_at_once_give_the_bytes_that_each_gives_alone(
    reproducible_engine: BatchingEngine, events_of: Events, make_job: MakeJob, portraits: list[bytes]
) -> None:
    jobs = [
        make_job(
            prompt=f"memory number {number}",
            seed=number,
            num_inference_steps=2 + number % 4,
            ip_adapter_scale=number / 10,
            guidance_scale=1.0 + number % 3 * 2,
            reference_images=tuple(portraits[: number % 4]),
            negative_prompt=None if number % 2 else "error",
            width=64 if number % 5 else 72,
        )
        for number in range(10)
    ]
    together = [events[-1] for events in await asyncio.gather(*(events_of(reproducible_engine, job) for job in jobs))]
    for job, finished in zip(jobs, together, strict=True):
        alone = (await events_of(reproducible_engine, job))[-1]
        assert isinstance(finished, Finished)
        assert isinstance(alone, Finished)
        assert finished.png == alone.png


async def test_jobs_share_unet_calls(
    free_engine: BatchingEngine, events_of: Events, make_job: MakeJob, device_calls: Counter[str]
) -> None:
    await asyncio.gather(*(events_of(free_engine, make_job(num_inference_steps=10)) for _ in range(6)))
    assert device_calls["unet"] < 20  # 60 one after another; they join within a few ticks
    assert device_calls["decoder"] == 6


async def test_a_short_job_overtakes_long_ones(
    free_engine: BatchingEngine, make_job: MakeJob, events_of: Events
) -> None:
    long = [asyncio.ensure_future(events_of(free_engine, make_job(num_inference_steps=40))) for _ in range(9)]
    await asyncio.sleep(0)  # lets them be accepted
    await events_of(free_engine, make_job(num_inference_steps=2))
    assert not any(job.done() for job in long)
    await asyncio.gather(*long)


async def test_the_timings_add_up_and_the_device_time_is_shared_out(
    events_of: Events, free_engine: BatchingEngine, make_job: MakeJob, portraits: list[bytes]
) -> None:
    async def timed(job: Job) -> tuple[Finished, float]:
        began = time.perf_counter()
        finished = (await events_of(free_engine, job))[-1]
        assert isinstance(finished, Finished)
        return finished, time.perf_counter() - began

    began = time.perf_counter()
    jobs = [make_job(num_inference_steps=12, reference_images=(portraits[0],)) for _ in range(4)]
    outcomes = await asyncio.gather(*(timed(job) for job in jobs))
    elapsed = time.perf_counter() - began
    for finished, own_elapsed in outcomes:
        timings = finished.timings
        parts = (timings.queue, timings.encode, timings.denoise, timings.decode, timings.png)
        assert all(part > 0 for part in parts)
        assert own_elapsed / 2 < sum(parts) <= own_elapsed
    assert elapsed / 3 < sum(finished.device_seconds for finished, _ in outcomes) < 1.5 * elapsed


async def test_a_caller_that_leaves_stops_the_device_within_a_step(
    events_of: Events, free_engine: BatchingEngine, make_job: MakeJob, device_calls: Counter[str]
) -> None:
    abandoned = await until_step(free_engine, make_job(num_inference_steps=150), 3)
    await abandoned.aclose()
    steps_then = device_calls["unet"]
    await events_of(free_engine, make_job(num_inference_steps=1))
    assert device_calls["unet"] - 1 <= steps_then + 1
    assert device_calls["decoder"] == 1


async def test_a_deadline_stops_the_device_and_nothing_is_decoded(
    events_of: Events, free_engine: BatchingEngine, make_job: MakeJob, device_calls: Counter[str]
) -> None:
    began = time.monotonic()
    with pytest.raises(DeadlineExceededError):
        await events_of(free_engine, make_job(num_inference_steps=150, deadline=began + 0.3))
    steps_then = device_calls["unet"]
    assert 0 < steps_then < 149
    await events_of(free_engine, make_job(num_inference_steps=1))
    assert device_calls["unet"] - 1 <= steps_then + 1
    assert device_calls["decoder"] == 1


async def test_a_full_queue_refuses_and_takes_again(free_engine: BatchingEngine, make_job: MakeJob) -> None:
    most = free_engine.describe().max_outstanding_jobs
    drawn = [free_engine.generate(make_job(num_inference_steps=150)) for _ in range(most)]
    for events in drawn:
        assert isinstance(await anext(events), Queued | Started)
    with pytest.raises(QueueFullError):
        await anext(free_engine.generate(make_job()))
    for events in drawn:
        await events.aclose()
    while True:  # a job that is being drawn keeps its place until the device has left it
        try:
            accepted = free_engine.generate(make_job(num_inference_steps=1))
            assert isinstance(await anext(accepted), Queued | Started)
            break
        except QueueFullError:
            await asyncio.sleep(0)
    await accepted.aclose()


async def test_a_bad_reference_is_refused_before_its_turn(free_engine: BatchingEngine, make_job: MakeJob) -> None:
    drawn = await until_step(free_engine, make_job(num_inference_steps=150), 1)
    with pytest.raises(ReferenceImageError, match="not a PNG"):
        await anext(free_engine.generate(make_job(reference_images=(b"Dear diary",))))
    await drawn.aclose()


async def test_short_of_memory_a_step_is_made_again_with_fewer_rows(
    model_config: ModelConfig, draw_with: DrawWith, stock_call: Callable[[Job], Pixels], make_job: MakeJob
) -> None:
    engine = BatchingEngine(model_config, BatchingOptions(reproducible="off"), 4)
    await engine.start()
    job = make_job(seed=3)
    with each_output(UNet2DConditionModel, raising(torch.OutOfMemoryError("CUDA out of memory"), times=3)) as calls:
        drawn = await draw_with(engine, job)  # 8, 4 and 2 rows are refused, 1 is not
    assert calls["all"] == 3 + 2 * job.num_inference_steps
    assert abs(drawn.astype(int) - stock_call(job)).max() <= 1
    with (
        each_output(UNet2DConditionModel, raising(torch.OutOfMemoryError("CUDA out of memory"), times=1)),
        pytest.raises(OutOfMemoryError, match="64 x 64"),
    ):
        await draw_with(engine, job)
    await draw_with(engine, job)
    await engine.stop()


async def test_short_of_memory_a_picture_is_decoded_again_once(
    free_engine: BatchingEngine, draw_with: DrawWith, stock_call: Callable[[Job], Pixels], make_job: MakeJob
) -> None:
    with each_output(Decoder, raising(torch.OutOfMemoryError("CUDA out of memory"), times=1)):
        assert np.array_equal(await draw_with(free_engine, make_job()), stock_call(make_job()))
    with (
        each_output(Decoder, raising(torch.OutOfMemoryError("CUDA out of memory"), times=2)),
        pytest.raises(OutOfMemoryError),
    ):
        await draw_with(free_engine, make_job())


async def test_a_lost_device_fails_everybody_retryably_and_is_told(
    model_config: ModelConfig, events_of: Events, make_job: MakeJob
) -> None:
    engine = BatchingEngine(model_config, BatchingOptions(), 8)
    await engine.start()
    breaking = asyncio.ensure_future(engine.wait_until_broken())
    jobs = [asyncio.ensure_future(events_of(engine, make_job(num_inference_steps=50))) for _ in range(5)]
    other = await until_step(engine, make_job(num_inference_steps=50), 1)
    assert not breaking.done()
    with each_output(UNet2DConditionModel, raising(torch.AcceleratorError("CUDA error: device-side assert"), times=1)):
        outcomes = await asyncio.gather(*jobs, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [DeviceLostError] * 5
    with pytest.raises(DeviceLostError):
        [event async for event in other]
    await asyncio.wait_for(breaking, 5)
    with pytest.raises(DeviceLostError):
        await anext(engine.generate(make_job()))
    await engine.stop()


async def test_a_fault_of_the_loop_itself_leaves_nobody_waiting(
    model_config: ModelConfig, events_of: Events, make_job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = BatchingEngine(model_config, BatchingOptions(checkpoint_every=1), 8)
    await engine.start()
    monkeypatch.setattr(step_loop, "write_checkpoint", lambda *args: 1 / 0)
    jobs = [events_of(engine, make_job(num_inference_steps=50, wants_checkpoints=True)) for _ in range(3)]
    outcomes = await asyncio.gather(*jobs, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [DeviceLostError] * 3
    await asyncio.wait_for(engine.wait_until_broken(), 5)
    await engine.stop()


async def test_an_unknown_failure_is_logged_and_its_text_kept_back(
    events_of: Events, free_engine: BatchingEngine, make_job: MakeJob, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        each_output(UNet2DConditionModel, raising(RuntimeError("shape mismatch in layer 9"), times=1)),
        pytest.raises(GenerationFailedError) as refusal,
    ):
        await events_of(free_engine, make_job(request_id="request-for-the-log"))
    assert "layer 9" not in refusal.value.detail
    [record] = [record for record in caplog.records if getattr(record, "request_id", "") == "request-for-the-log"]
    assert record.exc_info is not None
    assert "layer 9" in str(record.exc_info[1])
    await events_of(free_engine, make_job())


@pytest.mark.parametrize("kind", [UNet2DConditionModel, Decoder])
async def test_numbers_that_overflow_are_a_failure_and_never_a_black_picture(
    events_of: Events, free_engine: BatchingEngine, make_job: MakeJob, kind: type[torch.nn.Module]
) -> None:
    def overflow(output: Any, number: int) -> Any:
        return (output[0] * float("nan"),) if isinstance(output, tuple) else output * float("nan")

    with each_output(kind, overflow), pytest.raises(GenerationFailedError, match="overflowed"):
        await events_of(free_engine, make_job())


async def test_a_narrow_vae_that_overflows_is_replaced_by_a_wide_one_for_that_picture(
    model_config: ModelConfig, draw_with: DrawWith, stock_call: Callable[[Job], Pixels], make_job: MakeJob
) -> None:
    engine = BatchingEngine(model_config, BatchingOptions(reproducible="off", vae_dtype="bfloat16"), 2)
    await engine.start()

    def overflow_if_narrow(output: Any, number: int) -> Any:
        return output * float("inf") if output.dtype == torch.bfloat16 else None

    narrow = await draw_with(engine, make_job())
    with each_output(Decoder, overflow_if_narrow) as calls:
        wide = await draw_with(engine, make_job())
    assert calls["all"] == 2
    assert np.array_equal(wide, stock_call(make_job()))
    assert not np.array_equal(narrow, wide)
    assert np.array_equal(await draw_with(engine, make_job()), narrow)  # the VAE itself was not touched
    await engine.stop()


async def test_previews_come_as_asked_for_and_grow_like_the_picture(
    events_of: Events, free_engine: BatchingEngine, make_job: MakeJob, pixels_of: Callable[[bytes], Pixels]
) -> None:
    events = await events_of(free_engine, make_job(num_inference_steps=9, preview_every=4))
    previews = [event for event in events if isinstance(event, Preview)]
    assert [preview.index for preview in previews] == [4, 8]
    pictures = [pixels_of(preview.png) for preview in previews]
    assert [picture.shape for picture in pictures] == [(8, 8, 3)] * 2
    assert not np.array_equal(pictures[0], pictures[1])
    assert not any(isinstance(event, Preview) for event in await events_of(free_engine, make_job()))


async def test_prompts_are_not_logged(
    events_of: Events,
    free_engine: BatchingEngine,
    make_job: MakeJob,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level("DEBUG", "illustration_worker")
    secret = "the key lies under the third flowerpot " * 10
    await events_of(free_engine, make_job(prompt=secret, negative_prompt=secret, checkpoint=b"flowerpot"))
    output = capfd.readouterr()
    assert "damaged" in caplog.text
    assert "flowerpot" not in caplog.text + output.out + output.err


async def test_stopping_finishes_what_was_accepted(
    events_of: Events, model_config: ModelConfig, make_job: MakeJob
) -> None:
    engine = BatchingEngine(model_config, BatchingOptions(), 4)
    with pytest.raises(StartingError):
        await anext(engine.generate(make_job()))
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
    await engine.stop()


async def test_a_model_that_cannot_draw_is_never_ready(model_config: ModelConfig) -> None:
    engine = BatchingEngine(model_config, BatchingOptions(), 1)
    with (
        each_output(UNet2DConditionModel, raising(RuntimeError("wrong encoder"), times=1)),
        pytest.raises(ModelLoadError, match="warm-up"),
    ):
        await engine.start()
    with pytest.raises(StartingError):
        engine.describe()
    await engine.stop()


async def test_calibration_is_measured_once_told_and_kept(
    model_config: ModelConfig, tmp_path: Any, device_calls: Counter[str]
) -> None:
    options = BatchingOptions(reproducible="off", calibration="on", max_batch_rows=4, calibration_folder=tmp_path)

    async def started(options: BatchingOptions) -> Any:
        device_calls.clear()
        engine = BatchingEngine(model_config, options, 1)
        await engine.start()
        capacity = engine.describe().capacity
        await engine.stop()
        return capacity, device_calls["unet"]

    measured, calls = await started(options)
    assert measured.row_cap in {one.rows for one in measured.throughput} <= {1, 2, 4}
    assert all(one.seconds > 0 for one in measured.throughput)
    again, fewer_calls = await started(options)
    assert again == measured
    assert fewer_calls < calls
    _, calls_anew = await started(replace(options, max_batch_rows=2))  # another limit: measured anew
    assert calls_anew > fewer_calls
    (tmp_path / next(tmp_path.iterdir()).name).write_text("not JSON")
    assert (await started(options))[0].throughput


async def test_other_sizes_are_calibrated_too(model_config: ModelConfig, tmp_path: Any) -> None:
    options = BatchingOptions(
        reproducible="off",
        calibration="on",
        max_batch_rows=2,
        calibration_folder=tmp_path,
        calibration_sizes=((96, 64), (128, 128)),
    )
    engine = BatchingEngine(model_config, options, 1)
    await engine.start()
    capacity = engine.describe().capacity
    await engine.stop()
    assert capacity is not None
    sizes = [(one.width, one.height) for one in capacity.throughput]
    assert list(dict.fromkeys(sizes)) == [(128, 128), (96, 64)]  # the default size first, and once
    assert len(list(tmp_path.iterdir())) == 2  # each is kept by itself: a size more measures that one only


def test_the_engine_says_what_it_is(reproducible_engine: BatchingEngine, model_config: ModelConfig) -> None:
    description = reproducible_engine.describe()
    assert (description.engine, description.model) == ("batching", model_config.model)
    assert description.about is not None
    assert description.capacity is not None
    assert (description.capacity.row_cap, description.capacity.is_reproducible) == (8, True)
    assert issubclass(DeviceLostError, WorkerError)
