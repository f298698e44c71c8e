"""Several people in one picture, several pictures of one person, and what they steer: as diffusers, bit for bit."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from diffusers import UNet2DConditionModel
from torch.nn.modules.module import register_module_forward_pre_hook

from illustration_worker.engine.batching.checkpoint import resume, write_checkpoint
from illustration_worker.engine.batching.fingerprint import build_of, fingerprint_of
from illustration_worker.engine.batching.ticket import key_of_references
from illustration_worker.engine.decoding import decode_latents
from illustration_worker.engine.requirements import require_drawable
from illustration_worker.errors import InvalidRequestError
from illustration_worker.job import IpAdapterMode, Job, Person, Region
from illustration_worker.models.instant_style import supported_modes
from illustration_worker.models.random_weights.adapters import PLUS_VIT_H_WEIGHTS

MakeJob = Callable[..., Job]
BenchOf = Callable[..., tuple[Any, Any]]

LEFT, MIDDLE, RIGHT = Region(0.0, 0.0, 0.5, 1.0), Region(0.3, 0.2, 0.7, 0.9), Region(0.5, 0.0, 1.0, 1.0)
MODES: list[IpAdapterMode] = ["full", "style", "layout", "style_layout"]


@pytest.fixture
def couple(portraits: list[bytes]) -> tuple[Person, ...]:
    """The second is known from two angles."""
    return Person((portraits[0],), 0.8, LEFT), Person((portraits[1], portraits[2]), 0.5, RIGHT)


@pytest.fixture
def mixture(make_job: MakeJob, portraits: list[bytes], couple: tuple[Person, ...]) -> list[Job]:
    """Jobs with and without people, regions, modes and guidance, in turn."""
    anna = portraits[0]
    people: list[tuple[Person, ...]] = [
        couple,
        (Person((anna,), 0.6),),
        (),
        couple[::-1],
        (*couple, Person((anna,), 0.3, MIDDLE)),
        (Person(tuple(portraits), 0.7),),
        (Person((anna,), 0.4, MIDDLE),),
    ]
    return [
        make_job(
            prompt=f"memory number {number}",
            seed=number,
            num_inference_steps=3 + number % 3,
            guidance_scale=(5.0, 1.0)[number % 2],
            people=one,
            ip_adapter_mode=MODES[number % 4],
        )
        for number, one in enumerate(people)
    ]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("guidance_scale", [1.0, 5.0])
@pytest.mark.parametrize("size", [(64, 64), (128, 96)])
async def test_two_and_three_people_equal_stock_with_masks(
    bench_of: BenchOf,
    make_job: MakeJob,
    couple: tuple[Person, ...],
    dtype: str,
    guidance_scale: float,
    size: tuple[int, int],
) -> None:
    bench, stock = bench_of(dtype=dtype)
    third = replace(couple[0], region=MIDDLE, ip_adapter_scale=0.2)
    for people in (couple, (*couple, third)):
        job = make_job(people=people, guidance_scale=guidance_scale, width=size[0], height=size[1])
        assert torch.equal(bench.solo(job), stock(job))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("mode", MODES)
async def test_each_mode_equals_stock_and_no_other_mode(
    bench_of: BenchOf,
    make_job: MakeJob,
    portraits: list[bytes],
    couple: tuple[Person, ...],
    dtype: str,
    mode: IpAdapterMode,
) -> None:
    bench, stock = bench_of(dtype=dtype)
    for people in ((Person((portraits[0],), 0.8),), couple):
        job = make_job(people=people, ip_adapter_mode=mode)
        latents = bench.solo(job)
        assert torch.equal(latents, stock(job))
        others = [bench.solo(replace(job, ip_adapter_mode=other)) for other in MODES if other != mode]
        assert not any(torch.equal(latents, other) for other in others)


async def test_a_plus_adapter_and_a_single_person_in_a_region_equal_stock(
    bench_of: BenchOf, make_job: MakeJob, couple: tuple[Person, ...]
) -> None:
    bench, stock = bench_of(ip_adapter_weights=PLUS_VIT_H_WEIGHTS)
    for people in (couple, couple[:1], couple[1:]):
        job = make_job(people=people)
        assert torch.equal(bench.solo(job), stock(job))


async def test_five_angles_of_one_person_equal_stock(
    bench_of: BenchOf, make_job: MakeJob, portraits: list[bytes]
) -> None:
    bench, stock = bench_of()
    angles = (*portraits, *portraits[:2])
    for person in (Person(angles, 0.6), Person(angles, 0.6, LEFT)):
        job = make_job(people=(person,))
        assert torch.equal(bench.solo(job), stock(job))
        assert not torch.equal(
            bench.solo(job), bench.solo(replace(job, people=(replace(person, reference_images=angles[:3]),)))
        )


async def test_a_staggered_mixture_equals_the_jobs_alone(
    bench_of: BenchOf, arrival_type: Any, mixture: list[Job]
) -> None:
    bench, _ = bench_of()
    pipeline = bench.model.pipeline
    arrivals = [arrival_type(job, tick=number * 2 // 3) for number, job in enumerate(mixture)]
    for arrival, together in zip(arrivals, bench.together(arrivals), strict=True):
        alone = bench.solo(arrival.job)
        with torch.no_grad():
            pictures = [decode_latents(pipeline.vae, pipeline.image_processor, one) for one in (alone, together)]
        assert abs(pictures[0].astype(int) - pictures[1].astype(int)).max() <= 1


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
async def test_at_a_fixed_width_a_mixture_makes_no_difference_at_all(
    bench_of: BenchOf, arrival_type: Any, mixture: list[Job], dtype: str
) -> None:
    bench, _ = bench_of(dtype=dtype)
    arrivals = [arrival_type(job, tick=number * 2 // 3) for number, job in enumerate(mixture)]
    together = bench.together(arrivals, row_cap=16, pads_to_cap=True)
    for arrival, latents in zip(arrivals, together, strict=True):
        alone = bench.together([replace(arrival, tick=0)], row_cap=16, pads_to_cap=True)[0]
        assert torch.equal(latents, alone)


async def test_people_who_change_places_change_the_picture(
    bench_of: BenchOf, make_job: MakeJob, couple: tuple[Person, ...]
) -> None:
    bench, _ = bench_of()
    anna, ben = couple
    job = make_job(people=couple)
    swapped = (replace(anna, region=ben.region), replace(ben, region=anna.region))
    assert (bench.solo(job) - bench.solo(replace(job, people=swapped))).abs().max() > 1e-3
    in_another_order = bench.solo(replace(job, people=(ben, anna)))
    assert torch.allclose(bench.solo(job), in_another_order, rtol=0, atol=1e-4)


@pytest.mark.parametrize("region", [LEFT, RIGHT])
async def test_a_person_changes_mainly_the_own_half_of_the_picture(
    bench_of: BenchOf, make_job: MakeJob, portraits: list[bytes], region: Region
) -> None:
    bench, _ = bench_of()
    attended: list[torch.Tensor] = []
    hook = bench.layers.attentions[0].register_forward_hook(lambda *call: attended.append(call[-1]))
    # one step: later ones carry what was changed across the whole picture
    alone = make_job(num_inference_steps=1, guidance_scale=1.0, width=256)
    steered = replace(alone, people=(Person((portraits[0],), 1.0, region),))
    try:
        change = (bench.solo(steered) - bench.solo(alone)).abs()
    finally:
        hook.remove()
    own, other = change.chunk(2, dim=-1) if region is LEFT else reversed(change.chunk(2, dim=-1))
    assert own.mean() > 1.1 * other.mean()
    # where the images come in, nothing is changed outside: what comes after, self-attention say, looks everywhere
    first = (attended[0] - attended[1]).abs().view(4, 16, -1)  # 256 x 64 pixels, halved once in the UNet
    own, other = first.chunk(2, dim=1) if region is LEFT else reversed(first.chunk(2, dim=1))
    assert own.mean() > 1e-4
    assert other[:, 2:-2].max() == 0  # but for the seam, which diffusers smooths


async def test_a_job_with_people_goes_on_from_its_checkpoint(
    bench_of: BenchOf, make_job: MakeJob, couple: tuple[Person, ...]
) -> None:
    bench, _ = bench_of()
    job = make_job(people=couple, ip_adapter_mode="style_layout", num_inference_steps=4)
    predictor = bench.predictor()
    member = bench.begin(job)
    with torch.no_grad():
        for _ in range(2):
            member.advance(predictor.predict([member], 16)[member])
    state = write_checkpoint(member, "this one")
    assert state is not None
    second = bench.begin(job)
    assert resume(second, state, "this one")
    with torch.no_grad():
        while not second.is_done:
            second.advance(predictor.predict([second], 16)[second])
    assert torch.equal(second.latents, bench.solo(job))


async def test_a_fingerprint_depends_on_people_regions_mode_and_fit(
    bench_of: BenchOf, make_job: MakeJob, couple: tuple[Person, ...], portraits: list[bytes]
) -> None:
    build = build_of(bench_of()[0].model)
    anna, ben = couple
    job = make_job(people=couple)
    others = [
        replace(job, people=(anna,)),
        replace(job, people=(ben, anna)),
        replace(job, people=(replace(anna, region=MIDDLE), ben)),
        replace(job, people=(replace(anna, ip_adapter_scale=0.81), ben)),
        replace(job, people=(Person((portraits[0], portraits[1]), 0.8, LEFT), Person((portraits[2],), 0.5, RIGHT))),
        replace(job, ip_adapter_mode="style"),
    ]
    fingerprints = {fingerprint_of(build, one) for one in (job, *others)}
    fingerprints.add(fingerprint_of(replace(build, reference_fit="pad"), job))
    assert len(fingerprints) == len(others) + 2
    assert fingerprint_of(build, replace(job, job_id="another attempt")) == fingerprint_of(build, job)


async def test_a_fit_of_its_own_gives_a_picture_and_a_cache_entry_of_its_own(
    bench_of: BenchOf, make_job: MakeJob, portraits: list[bytes]
) -> None:
    job = make_job(reference_images=(portraits[0],), ip_adapter_scale=1.0)
    cropping, _ = bench_of()
    padding, _ = bench_of(reference_fit="pad")
    assert not torch.equal(cropping.solo(job), padding.solo(job))
    keys = {key_of_references(job.all_reference_images, fit) for fit in ("crop", "pad")}
    assert len(keys) == 2


async def test_a_couple_is_drawn_row_by_row_where_memory_is_short(
    bench_of: BenchOf, arrival_type: Any, make_job: MakeJob, couple: tuple[Person, ...]
) -> None:
    bench, stock = bench_of(dtype="float64")
    job = make_job(people=couple)
    (split,) = bench.together([arrival_type(job)], row_cap=1)
    assert torch.allclose(split, stock(job), rtol=0, atol=1e-12)
    assert torch.allclose(bench.solo(job), stock(job), rtol=0, atol=1e-12)


async def test_running_out_of_memory_halves_a_call_with_couples(
    free_engine: Any, draw_with: Any, make_job: MakeJob, couple: tuple[Person, ...]
) -> None:
    job = make_job(people=couple)
    expected = await draw_with(free_engine, job)
    failed: list[int] = []

    def hook(module: torch.nn.Module, arguments: Any) -> None:
        if isinstance(module, UNet2DConditionModel) and arguments[0].shape[0] > 1 and not failed:
            failed.append(arguments[0].shape[0])
            raise torch.OutOfMemoryError("CUDA out of memory")

    handle = register_module_forward_pre_hook(hook)
    try:
        pixels = await draw_with(free_engine, job)
    finally:
        handle.remove()
    assert failed == [2]
    assert abs(pixels.astype(int) - expected.astype(int)).max() <= 1


async def test_a_mode_whose_layers_the_unet_lacks_is_refused(
    bench_of: BenchOf, make_job: MakeJob, couple: tuple[Person, ...]
) -> None:
    model = bench_of()[0].model
    assert model.ip_adapter_modes == set(MODES)
    config = {**model.pipeline.unet.config, "layers_per_block": 1, "encoder_hid_dim_type": None}
    with torch.device("meta"):
        smaller = UNet2DConditionModel.from_config(config)
    assert supported_modes(smaller) == {"full", "style"}
    limited = replace(model, ip_adapter_modes=supported_modes(smaller))
    require_drawable(limited, make_job(people=couple, ip_adapter_mode="style"))
    with pytest.raises(InvalidRequestError, match="'layout' cannot be drawn with this model"):
        require_drawable(limited, make_job(people=couple, ip_adapter_mode="layout"))
