"""People, IP-Adapter mode and LoRA of a request are read whole, or refused by name."""

from typing import Any

import pytest

from autobio.worker.v1 import worker_pb2
from illustration_worker.engine.fake import FakeEngine
from illustration_worker.engine.loras.intake import LoraLimits
from illustration_worker.errors import InvalidRequestError
from illustration_worker.job import Job, Lora, Person, Region
from illustration_worker.rpc.mapping import to_job

NAN = float("nan")
LEFT = {"left": 0.0, "top": 0.0, "right": 0.5, "bottom": 1.0}
LORA: dict[str, Any] = {"lora_id": "l", "version": "1", "scale": 1.0}


def job_of(**fields: Any) -> Job:
    request = worker_pb2.GenerateRequest(job_id="j", prompt="p", num_inference_steps=3, **fields)
    return to_job(request, FakeEngine().describe(), None)


def person(**changes: Any) -> worker_pb2.Person:
    return worker_pb2.Person(**{"reference_images": [b"a"], "ip_adapter_scale": 0.33, **changes})


def standing(**changes: Any) -> worker_pb2.Person:
    return person(region=worker_pb2.Region(**{**LEFT, **changes}))


async def test_people_are_read() -> None:
    (anna,) = job_of(people=[person(reference_images=[b"a", b"b"])]).people
    assert anna == Person((b"a", b"b"), 0.33, None)
    people = job_of(people=[standing(left=0.25), standing()]).people
    assert [one.region for one in people] == [Region(0.25, 0.0, 0.5, 1.0), Region(0.0, 0.0, 0.5, 1.0)]
    assert job_of(people=[standing()] * 3).all_reference_images == (b"a",) * 3


async def test_each_mode_is_read() -> None:
    names = {number: job_of(ip_adapter_mode=number).ip_adapter_mode for number in worker_pb2.IpAdapterMode.values()}
    assert names == {0: "full", 1: "full", 2: "style", 3: "layout", 4: "style_layout"}


async def test_the_lora_is_read() -> None:
    assert job_of(lora=worker_pb2.Lora(**LORA)).lora == Lora("l", "1", 1.0)


async def test_the_ends_of_a_range_belong_to_it() -> None:
    for scale in (0, 1):
        job_of(people=[person(reference_images=[b"a"] * 5, ip_adapter_scale=scale)])
    job_of(people=[standing(right=1.0)] * 4)
    for scale in (0, 2):
        job_of(lora=worker_pb2.Lora(lora_id="l" * 128, version="1" * 256, scale=scale))


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"people": [standing()] * 5}, "people must be at most 4."),
        ({"people": [standing(), person()]}, "people must each have a region when there are several."),
        ({"people": [standing()], "width": 72}, "width and height must be multiples of 32 when a person has a region."),
        ({"people": [standing()], "height": 72}, "width and height must be multiples of 32 when a person has a"),
        ({"people": [person(reference_images=[])]}, "people[0].reference_images must be 1 to 5."),
        ({"people": [standing(), standing(left=0.5)]}, "people[1].region must have 0 <= left < right <= 1."),
        ({"people": [person(reference_images=[b"a"] * 6)]}, "people[0].reference_images must be 1 to 5."),
        *(
            ({"people": [person(ip_adapter_scale=scale)]}, "people[0].ip_adapter_scale must be 0 to 1.")
            for scale in (-0.1, 1.1, NAN)
        ),
        *(
            ({"people": [standing(**{end: value})]}, "people[0].region must have 0 <= ")
            for end, value in (
                ("left", -0.1), ("left", 0.6), ("left", NAN), ("top", 1.0), ("right", 1.1), ("bottom", NAN),
            )
        ),
        ({"ip_adapter_mode": 9}, "ip_adapter_mode must be one that this worker knows."),
        *(
            ({"lora": worker_pb2.Lora(**{**LORA, name: value})}, f"lora.{name} must ")
            for name, value in (
                ("lora_id", ""), ("lora_id", "x" * 129), ("version", ""), ("version", "x" * 257),
                ("scale", -0.1), ("scale", 2.1), ("scale", NAN),
            )
        ),
    ],
)  # fmt: skip
async def test_what_is_out_of_range_is_refused_by_name(fields: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidRequestError) as raised:
        job_of(**fields)
    assert raised.value.detail.startswith(sentence)


async def test_a_worker_that_holds_no_loras_refuses_one() -> None:
    limits = FakeEngine(lora_limits=LoraLimits(max_held_bytes=0)).describe()
    lora = worker_pb2.Lora(**LORA)
    request = worker_pb2.GenerateRequest(job_id="j", prompt="p", num_inference_steps=3, lora=lora)
    with pytest.raises(InvalidRequestError, match="LORA_CACHE_MB"):
        to_job(request, limits, None)
