"""A request becomes a job only when every field is within its range."""

import time
from dataclasses import replace
from typing import Any

import pytest

from autobio.worker.v1 import worker_pb2
from illustration_worker.engine.fake import FakeEngine
from illustration_worker.errors import InvalidRequestError
from illustration_worker.job import Job
from illustration_worker.rpc.mapping import to_job

VALID: dict[str, Any] = {"job_id": "j", "prompt": "p", "num_inference_steps": 50, "seed": 1}


async def to_job_with(time_remaining: float | None = None, **changes: Any) -> Job:
    return to_job(worker_pb2.GenerateRequest(**(VALID | changes)), FakeEngine().describe(), time_remaining)


async def test_absent_fields_get_their_defaults() -> None:
    job = await to_job_with()
    assert (job.prompt_2, job.negative_prompt, job.guidance_scale, job.guidance_rescale) == (None, None, 5.0, 0.0)
    assert (job.width, job.height, job.deadline) == (64, 64, None)
    assert (job.people, job.ip_adapter_mode, job.lora) == ((), "full", None)


async def test_zero_and_empty_are_not_absent() -> None:
    job = await to_job_with(prompt_2="", negative_prompt="", guidance_scale=0, guidance_rescale=0.7)
    assert (job.prompt_2, job.negative_prompt, job.guidance_scale, job.guidance_rescale) == ("", "", 0.0, 0.7)


async def test_every_field_is_carried() -> None:
    job = await to_job_with(
        request_id="r", prompt_2="p2", negative_prompt="n", guidance_scale=7.5, width=128, height=72,
        seed=2**32 - 1,
    )  # fmt: skip
    assert (job.job_id, job.request_id, job.prompt, job.prompt_2, job.negative_prompt) == ("j", "r", "p", "p2", "n")
    assert (job.num_inference_steps, job.seed, job.guidance_scale) == (50, 2**32 - 1, 7.5)
    assert (job.width, job.height) == (128, 72)


async def test_the_deadline_is_on_the_monotonic_clock() -> None:
    before = time.monotonic()
    deadline = (await to_job_with(time_remaining=10.0)).deadline
    assert deadline is not None
    assert before + 10 <= deadline <= time.monotonic() + 10


@pytest.mark.parametrize("no_deadline", [None, float("inf"), 9.2e9])
async def test_a_deadline_in_the_far_future_is_none(no_deadline: float | None) -> None:
    assert (await to_job_with(time_remaining=no_deadline)).deadline is None


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("job_id", ["x", "x" * 128]),
        ("request_id", ["", "x" * 128]),
        ("prompt", ["", "x" * 4000]),
        ("num_inference_steps", [1, 150]),
        ("guidance_scale", [0, 30]),
        ("guidance_rescale", [0, 1]),
        ("width", [64, 1024]),
        ("height", [64, 1024]),
    ],
)
async def test_the_ends_of_a_range_belong_to_it(field: str, values: list[Any]) -> None:
    for value in values:
        await to_job_with(**{field: value})


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("job_id", ["", "x" * 129]),
        ("request_id", ["x" * 129]),
        ("prompt", ["x" * 4001]),
        ("prompt_2", ["x" * 4001]),
        ("negative_prompt", ["x" * 4001]),
        ("num_inference_steps", [0, -1, 151]),
        ("guidance_scale", [-0.1, 30.1, float("nan"), float("inf")]),
        ("guidance_rescale", [-0.1, 1.1, float("nan")]),
        ("width", [0, -64, 56, 65, 1032]),
        ("height", [0, -64, 56, 65, 1032]),
    ],
)
async def test_what_is_out_of_range_is_refused_by_name(field: str, values: list[Any]) -> None:
    for value in values:
        with pytest.raises(InvalidRequestError, match=rf"^{field} must "):
            await to_job_with(**{field: value})


async def test_a_model_of_one_size_draws_no_other() -> None:
    limits = replace(FakeEngine().describe(), min_image_size=128, default_image_size=128, max_image_size=128)
    assert to_job(worker_pb2.GenerateRequest(**VALID), limits, None).width == 128
    with pytest.raises(InvalidRequestError, match=r"^height must be 128: this model draws one size only"):
        to_job(worker_pb2.GenerateRequest(**VALID, height=64), limits, None)


async def test_all_problems_are_told_at_once_and_no_prompt() -> None:
    with pytest.raises(InvalidRequestError) as raised:
        await to_job_with(prompt="secret " * 1000, num_inference_steps=0, seed=1)
    assert "num_inference_steps" in raised.value.detail
    assert "secret" not in raised.value.detail
