"""``Person``, ``IpAdapterMode`` and ``Lora`` of a request -> values of a ``Job``, and what is wrong with them."""

from collections.abc import Iterator, Sequence

from autobio.worker.v1 import worker_pb2
from illustration_worker.job import IpAdapterMode, Job, Lora, Person, Region

MAX_PEOPLE = 4
MAX_REFERENCE_IMAGES = 5
"""Of one person."""
REGION_SIZE_MULTIPLE = 32
"""Pixels that a position of the UNet's narrowest layers covers. diffusers finds a mask's grid there from the picture's
shape alone: with other sizes it would cut the mask into rows of the wrong length."""
MAX_LORA_ID_CHARACTERS = 128
MAX_LORA_VERSION_CHARACTERS = 256
MAX_LORA_SCALE = 2.0

_MODES: dict[int, IpAdapterMode] = {
    worker_pb2.IP_ADAPTER_MODE_UNSPECIFIED: "full",
    worker_pb2.IP_ADAPTER_MODE_FULL: "full",
    worker_pb2.IP_ADAPTER_MODE_STYLE: "style",
    worker_pb2.IP_ADAPTER_MODE_LAYOUT: "layout",
    worker_pb2.IP_ADAPTER_MODE_STYLE_LAYOUT: "style_layout",
}


def to_people(people: Sequence[worker_pb2.Person]) -> tuple[Person, ...]:
    """As they are; ``people_problems`` says what is wrong."""
    return tuple(
        Person(
            reference_images=tuple(person.reference_images),
            ip_adapter_scale=person.ip_adapter_scale,
            region=_to_region(person.region) if person.HasField("region") else None,
        )
        for person in people
    )


def to_mode(mode: int) -> IpAdapterMode | None:
    """None: a number that this release does not know."""
    return _MODES.get(mode)


def to_lora(request: worker_pb2.GenerateRequest) -> Lora | None:
    """As it is; ``lora_problems`` says what is wrong."""
    if not request.HasField("lora"):
        return None
    return Lora(lora_id=request.lora.lora_id, version=request.lora.version, scale=request.lora.scale)


def people_problems(job: Job) -> Iterator[str]:
    """Sentences without a full stop; none when all is well."""
    if len(job.people) > MAX_PEOPLE:
        yield f"people must be at most {MAX_PEOPLE}"
    if len(job.people) > 1 and any(person.region is None for person in job.people):
        yield "people must each have a region when there are several"
    if any(person.region for person in job.people) and (
        job.width % REGION_SIZE_MULTIPLE or job.height % REGION_SIZE_MULTIPLE
    ):
        yield f"width and height must be multiples of {REGION_SIZE_MULTIPLE} when a person has a region"
    for number, person in enumerate(job.people):
        for problem in _person_problems(person):
            yield f"people[{number}].{problem}"


def lora_problems(lora: Lora) -> Iterator[str]:
    """As ``people_problems``."""
    if not 1 <= len(lora.lora_id) <= MAX_LORA_ID_CHARACTERS:
        yield f"lora.lora_id must have 1 to {MAX_LORA_ID_CHARACTERS} characters"
    if not 1 <= len(lora.version) <= MAX_LORA_VERSION_CHARACTERS:
        yield f"lora.version must have 1 to {MAX_LORA_VERSION_CHARACTERS} characters"
    if not 0 <= lora.scale <= MAX_LORA_SCALE:  # false for NaN too
        yield f"lora.scale must be 0 to {MAX_LORA_SCALE:g}"


def _to_region(region: worker_pb2.Region) -> Region:
    return Region(left=region.left, top=region.top, right=region.right, bottom=region.bottom)


def _person_problems(person: Person) -> Iterator[str]:
    if not 1 <= len(person.reference_images) <= MAX_REFERENCE_IMAGES:
        yield f"reference_images must be 1 to {MAX_REFERENCE_IMAGES}"
    if not 0 <= person.ip_adapter_scale <= 1:
        yield "ip_adapter_scale must be 0 to 1"
    region = person.region
    if region is None:
        return
    for start, stop in (("left", "right"), ("top", "bottom")):
        if not 0 <= getattr(region, start) < getattr(region, stop) <= 1:
            yield f"region must have 0 <= {start} < {stop} <= 1"
