"""A loaded model -> everything that draws with it. On the device thread; takes seconds, more when it compiles."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import torch

from illustration_worker.engine.batching.acceleration import accelerate
from illustration_worker.engine.batching.active_jobs import ActiveJobs
from illustration_worker.engine.batching.capacity import Measurable, decide_capacity
from illustration_worker.engine.batching.conditioning import Conditioning, Encoder
from illustration_worker.engine.batching.decoder import Decoder
from illustration_worker.engine.batching.embedding_cache import EmbeddingCache
from illustration_worker.engine.batching.finishing import Finishing
from illustration_worker.engine.batching.layers import install
from illustration_worker.engine.batching.lora_model import LoraModels
from illustration_worker.engine.batching.options import BatchingOptions
from illustration_worker.engine.batching.row_cap import RowCap
from illustration_worker.engine.batching.step_loop import Pace, StepLoop
from illustration_worker.engine.batching.ticket import BatchTicket, References, key_of_references
from illustration_worker.engine.batching.unet_call import NoisePredictor
from illustration_worker.engine.drawing import prepare_references
from illustration_worker.engine.job_queue import JobQueue
from illustration_worker.engine.port import Capacity
from illustration_worker.engine.warm_up import warm_up_job
from illustration_worker.models.loader import LoadedModel


@dataclass(frozen=True, slots=True)
class Machinery:
    """What an engine runs, and what there is to tell of it."""

    model: LoadedModel
    capacity: Capacity
    cache: EmbeddingCache
    predictor: NoisePredictor
    jobs: ActiveJobs
    finishing: Finishing
    loop: StepLoop
    lora_models: LoraModels


def assemble(
    model: LoadedModel,
    options: BatchingOptions,
    queue: JobQueue[BatchTicket],
    picture_threads: ThreadPoolExecutor,
    tell_device_lost: Callable[[], None],
) -> Machinery:
    """Prepare ``model`` (its UNet gets our processors) and measure what it can do.

    Raises:
        ModelLoadError: the model's attention is not SDXL's.
        torch.OutOfMemoryError: not even one row fits.
    """
    layers = install(model.pipeline.unet)
    unet = accelerate(model.pipeline.unet, model.device, options)
    cache = EmbeddingCache(options.embedding_cache_bytes)
    encoder = Encoder(model, layers, cache)
    sample = partial(_encode_sample, model, encoder)
    capacity = decide_capacity(Measurable(model, unet, layers, sample), options)
    predictor = NoisePredictor(unet, layers, pads_to_cap=capacity.is_reproducible)
    jobs = ActiveJobs(model, encoder, queue, tell_device_lost)
    decoder = Decoder(model, getattr(torch, options.vae_dtype))
    finishing = Finishing(decoder, queue, picture_threads, jobs.lose_device)
    size = model.default_image_size
    row_cap = RowCap(capacity.row_cap, (size, size), is_fixed=capacity.is_reproducible)
    seconds = {} if capacity.is_reproducible else {one.rows: one.seconds for one in capacity.throughput}
    loop = StepLoop(jobs, predictor, row_cap, finishing, Pace(options.checkpoint_every, seconds))
    return Machinery(
        model, capacity, cache, predictor, jobs, finishing, loop, LoraModels(model, layers, cache, options)
    )


def _encode_sample(model: LoadedModel, encoder: Encoder) -> Conditioning:
    """Of a job as heavy as they come: guided, steered by an image."""
    job = warm_up_job(model.default_image_size)
    references = prepare_references(model, job.all_reference_images)
    return encoder.encode(job, References(references, key_of_references(job.all_reference_images, model.reference_fit)))
