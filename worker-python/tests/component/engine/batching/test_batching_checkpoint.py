"""A job that is interrupted goes on elsewhere from its last checkpoint, and its picture is the same, bit for bit."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import diffusers
import pytest
import torch
from safetensors.torch import load, save

from illustration_worker.engine.batching.checkpoint import resume, write_checkpoint
from illustration_worker.engine.batching.fingerprint import build_of, fingerprint_of
from illustration_worker.job import Job, Lora

MakeJob = Callable[..., Job]
BenchOf = Callable[..., tuple[Any, Any]]

SCHEDULERS = [
    "EulerDiscreteScheduler",
    "EulerAncestralDiscreteScheduler",
    "DDPMScheduler",
    "DPMSolverMultistepScheduler",
    "DPMSolverSinglestepScheduler",
    "UniPCMultistepScheduler",
    "HeunDiscreteScheduler",
    "KDPM2AncestralDiscreteScheduler",
    "PNDMScheduler",
    "LCMScheduler",
]


@torch.no_grad()
def advance(bench: Any, member: Any, steps: int) -> None:
    predictor = bench.predictor()
    for _ in range(steps):
        member.advance(predictor.predict([member], 16)[member])


@pytest.mark.parametrize("name", SCHEDULERS)
async def test_it_ends_with_the_same_latents_after_either_step(bench_of: BenchOf, make_job: MakeJob, name: str) -> None:
    bench, _ = bench_of()
    scheduler = getattr(diffusers, name).from_config(bench.model.pipeline.scheduler.config)
    job = make_job(num_inference_steps=5)
    uninterrupted = bench.solo(job, scheduler)
    member = bench.begin(job, scheduler)
    for steps in (1, member.total_steps // 2 - 1):  # schedulers change their ways after the first steps
        advance(bench, member, steps)
        state = write_checkpoint(member, "this one")
        assert state is not None
        second = bench.begin(job, scheduler)
        assert resume(second, state, "this one")
        assert second.steps_done == member.steps_done
        advance(bench, second, second.total_steps - second.steps_done)
        assert torch.equal(second.latents, uninterrupted), member.steps_done


async def test_it_is_small(bench_of: BenchOf, make_job: MakeJob) -> None:
    bench, _ = bench_of(dtype="float16")
    member = bench.begin(make_job(width=256, height=256))
    advance(bench, member, 1)
    state = write_checkpoint(member, "")
    assert state is not None
    latents_bytes = 4 * 32 * 32 * 2
    assert len(state) < latents_bytes + 8_000  # a generator's state is 5 kB


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda state: b"", id="empty"),
        pytest.param(lambda state: state[:-100], id="cut short"),
        pytest.param(lambda state: b"x" * len(state), id="something else"),
        pytest.param(lambda state: save({"latents": torch.zeros(1)}), id="no head"),
        pytest.param(lambda state: save(load(state) | {"latents": torch.zeros(1, 4, 9, 9)}), id="other size"),
        pytest.param(lambda state: save(load(state) | {"generator": torch.zeros(9)}), id="no generator"),
        pytest.param(lambda state: state.replace(b'"steps_done": 2', b'"steps_done": 9'), id="step out of range"),
        pytest.param(lambda state: state.replace(b'"_step_index"', b'"from_config"'), id="would replace a method"),
    ],
)
async def test_one_that_is_damaged_is_ignored(
    bench_of: BenchOf, make_job: MakeJob, damage: Callable[[bytes], bytes]
) -> None:
    bench, _ = bench_of()
    job = make_job(num_inference_steps=5)
    member = bench.begin(job)
    advance(bench, member, 2)
    state = write_checkpoint(member, "this one")
    assert state is not None
    damaged = damage(state)
    assert damaged != state
    second = bench.begin(job)
    assert not resume(second, damaged, "this one")
    advance(bench, second, second.total_steps)
    assert torch.equal(second.latents, bench.solo(job))


@pytest.mark.parametrize(
    ("change", "is_same"),
    [
        ({}, True),
        ({"job_id": "another attempt", "deadline": 5.0, "preview_every": 2}, True),
        ({"seed": 8}, False),
        ({"prompt": "my grandmother baking pies"}, False),
        ({"negative_prompt": None}, False),
        ({"num_inference_steps": 4}, False),
        ({"ip_adapter_scale": 0.34}, False),
        ({"reference_images": (b"another file",)}, False),
        ({"width": 72}, False),
        ({"guidance_rescale": 0.1}, False),
    ],
    ids=str,
)
async def test_one_of_another_job_is_told_by_its_fingerprint(
    bench_of: BenchOf, make_job: MakeJob, change: dict[str, Any], is_same: bool
) -> None:
    build = build_of(bench_of()[0].model)
    fields = {"reference_images": (b"file",)}
    assert (
        fingerprint_of(build, make_job(**fields)) == fingerprint_of(build, make_job(**{**fields, **change}))
    ) is is_same


async def test_one_of_another_lora_is_told_by_its_fingerprint(bench_of: BenchOf, make_job: MakeJob) -> None:
    build = build_of(bench_of()[0].model)
    job = make_job(lora=Lora("ink", "1", 0.5))
    renamed, stronger = (replace(job, lora=lora) for lora in (Lora("oil", "2", 0.5), Lora("ink", "1", 0.6)))
    of_file = fingerprint_of(build, job, "a digest")
    assert fingerprint_of(build, renamed, "a digest") == of_file
    others = (fingerprint_of(build, job, "another"), fingerprint_of(build, stronger, "a digest"))
    assert of_file not in others
    assert of_file != fingerprint_of(build, replace(job, lora=None))


async def test_one_of_another_build_is_told_by_its_fingerprint(bench_of: BenchOf, make_job: MakeJob) -> None:
    fingerprints = {
        fingerprint_of(build_of(bench_of(**changes)[0].model), make_job())
        for changes in ({}, {"dtype": "float16"}, {"enable_ip_adapter": False})
    }
    assert len(fingerprints) == 3
