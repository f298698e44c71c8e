"""The first illustration after loading: real, with a reference image, and looked at by nobody."""

import numpy as np

from illustration_worker.images import encode_png
from illustration_worker.job import Job, Person

_STEPS = 2  # one would not show that a second step works
_REFERENCE_SIDE = 64


def warm_up_job(image_size: int) -> Job:
    """A job that takes every part of the way: both encoders, adapter, guidance, negative prompt, full-size decoding.

    A wrong image encoder or too little memory shows here, before the worker says that it is ready.
    """
    shades = np.linspace(0, 255, _REFERENCE_SIDE, dtype=np.uint8)
    across, down = np.meshgrid(shades, shades)
    reference = np.stack([across, down, 255 - across], axis=-1)
    return Job(
        job_id="warm-up",
        request_id="warm-up",
        prompt="a lighthouse by the sea",
        prompt_2="pencil sketch",
        negative_prompt="error",
        num_inference_steps=_STEPS,
        seed=0,
        width=image_size,
        height=image_size,
        people=(Person((encode_png(reference),), ip_adapter_scale=0.5),),
    )
