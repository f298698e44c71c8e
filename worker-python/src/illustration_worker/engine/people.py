"""People of a job as diffusers takes them: one mask and one scale an image.

diffusers attends to each image of a masked adapter apart and adds the results. So several angles of one person share
that person's mask and scale: each image gets an equal part of the scale, and the person counts as one with one image
does. (Without a mask the images of a person make one long list of keys, and the attention picks among them.)
"""

import torch

from illustration_worker.job import Job, Region


def are_masked(job: Job) -> bool:
    """Whether the images count in parts of the picture only."""
    return any(person.region is not None for person in job.people)


def is_steered_by_people(job: Job) -> bool:
    """Whether any image counts at all."""
    return any(person.ip_adapter_scale > 0 for person in job.people)


def masks_of(job: Job) -> torch.Tensor:
    """By image: (images, height, width), float32, 1 inside the person's region and 0 outside, on the CPU.

    As ``IPAdapterMaskProcessor.preprocess`` makes them of black and white pictures.
    """
    masks = torch.zeros(len(job.all_reference_images), job.height, job.width)
    regions = [person.region for person in job.people for _ in person.reference_images]
    for mask, region in zip(masks, regions, strict=True):
        rows, columns = _pixels(region or Region(0.0, 0.0, 1.0, 1.0), job.height, job.width)
        mask[rows, columns] = 1.0
    return masks


def masked_scales_of(job: Job) -> list[float]:
    """By image."""
    return [
        person.ip_adapter_scale / len(person.reference_images) for person in job.people for _ in person.reference_images
    ]


def _pixels(region: Region, height: int, width: int) -> tuple[slice, slice]:
    return _between(region.top, region.bottom, height), _between(region.left, region.right, width)


def _between(start: float, stop: float, pixels: int) -> slice:
    """Rounded, so that regions that touch share no pixel; of the narrowest at least one pixel is left."""
    first = min(round(start * pixels), pixels - 1)
    return slice(first, max(round(stop * pixels), first + 1))
