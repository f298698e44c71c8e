"""The batching engine on the random model, apart from threads and queues, and the stock pipeline beside it."""

import asyncio
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from illustration_worker.engine.batching.conditioning import Encoder
from illustration_worker.engine.batching.denoising import Denoising, Spent, begin_denoising
from illustration_worker.engine.batching.embedding_cache import EmbeddingCache
from illustration_worker.engine.batching.engine import BatchingEngine
from illustration_worker.engine.batching.layers import Layers, install
from illustration_worker.engine.batching.options import BatchingOptions
from illustration_worker.engine.batching.ticket import BatchTicket, References, key_of_references
from illustration_worker.engine.batching.unet_call import NoisePredictor
from illustration_worker.engine.drawing import prepare_references
from illustration_worker.images import Pixels
from illustration_worker.job import Job
from illustration_worker.models.config import ModelConfig
from illustration_worker.models.loader import LoadedModel, load_model

MAX_OUTSTANDING_JOBS = 12
FREE = BatchingOptions(reproducible="off", max_batch_rows=16)
REPRODUCIBLE = BatchingOptions(reproducible="on", max_batch_rows=8)


@dataclass
class Arrival:
    """A job, the scheduler it is drawn with, and the tick at which it joins the others."""

    job: Job
    scheduler: Any = None
    tick: int = 0


@dataclass
class Bench:
    """A model with our processors. Its methods need a running event loop: tickets belong to one."""

    model: LoadedModel
    layers: Layers = field(init=False)
    encoder: Encoder = field(init=False)

    def __post_init__(self) -> None:
        self.layers = install(self.model.pipeline.unet)
        self.encoder = Encoder(self.model, self.layers, EmbeddingCache(10**7))

    def predictor(self, *, pads_to_cap: bool = False) -> NoisePredictor:
        return NoisePredictor(self.model.pipeline.unet, self.layers, pads_to_cap=pads_to_cap)

    def begin(self, job: Job, scheduler: Any = None) -> Denoising:
        pixels = prepare_references(self.model, job.all_reference_images)
        references = References(pixels, key_of_references(job.all_reference_images, self.model.reference_fit))
        return begin_denoising(
            self.model, BatchTicket(job), self.encoder.encode(job, references), Spent(), template=scheduler
        )

    def solo(self, job: Job, scheduler: Any = None) -> torch.Tensor:
        """Latents of the job drawn with nobody beside it."""
        return self.together([Arrival(job, scheduler)])[0]

    @torch.no_grad()
    def together(
        self, arrivals: Sequence[Arrival], row_cap: int = 16, *, pads_to_cap: bool = False
    ) -> list[torch.Tensor]:
        """Latents of jobs of one size that join and leave while others are drawn."""
        predictor = self.predictor(pads_to_cap=pads_to_cap)
        members: dict[int, Denoising] = {}
        tick = 0
        while len(members) < len(arrivals) or any(not member.is_done for member in members.values()):
            for number, arrival in enumerate(arrivals):
                if arrival.tick == tick:
                    members[number] = self.begin(arrival.job, arrival.scheduler)
            under_way = [member for member in members.values() if not member.is_done]
            if under_way:
                for member, noise in predictor.predict(under_way, row_cap).items():
                    member.advance(noise)
            tick += 1
        return [members[number].latents for number in range(len(arrivals))]


StockLatents = Callable[[Job, Any], torch.Tensor]


AdapterArguments = Callable[[Any, Job], dict[str, Any]]


def stock_latents_of(model: LoadedModel, adapter_arguments: AdapterArguments | None) -> StockLatents:
    """``StableDiffusionXLPipeline.__call__`` as documented, but for the decoding."""
    pipeline = model.pipeline
    usual = pipeline.scheduler

    def call(job: Job, scheduler: Any = None) -> torch.Tensor:
        adapter = adapter_arguments(pipeline, job) if adapter_arguments else {}
        template = usual if scheduler is None else scheduler
        pipeline.scheduler = type(template).from_config(template.config)
        latents: torch.Tensor = pipeline(
            prompt=job.prompt,
            prompt_2=job.prompt_2,
            negative_prompt=job.negative_prompt,
            num_inference_steps=job.num_inference_steps,
            guidance_scale=job.guidance_scale,
            guidance_rescale=job.guidance_rescale,
            width=job.width,
            height=job.height,
            generator=torch.Generator("cpu").manual_seed(job.seed),
            output_type="latent",
            **adapter,
        ).images
        return latents

    return call


@pytest.fixture(scope="session")
def arrival_type() -> type[Arrival]:
    """``Arrival``: a test cannot import it from here."""
    return Arrival


@pytest.fixture(scope="session")
def stock_latents(adapter_arguments: AdapterArguments) -> Callable[[LoadedModel], StockLatents]:
    """``stock_latents_of`` a model with an adapter."""
    return lambda model: stock_latents_of(model, adapter_arguments)


@pytest.fixture(scope="session")
def bench_of(
    model_config: ModelConfig, adapter_arguments: AdapterArguments
) -> Callable[..., tuple[Bench, StockLatents]]:
    """A bench and the stock pipeline on the same weights, loaded apart; ``dtype`` may be float64 too."""
    made: dict[tuple[tuple[str, Any], ...], tuple[Bench, StockLatents]] = {}

    def make(**changes: Any) -> tuple[Bench, StockLatents]:
        key = tuple(sorted(changes.items()))
        if key not in made:
            config = replace(model_config, **{**changes, "dtype": changes.get("dtype", "float32")})
            ours, stock = _load(config), _load(config)
            made[key] = (Bench(ours), stock_latents_of(stock, adapter_arguments if config.enable_ip_adapter else None))
        return made[key]

    return make


def _load(config: ModelConfig) -> LoadedModel:
    if config.dtype != "float64":  # type: ignore[comparison-overlap]  # no setting offers it: it is for tests
        return load_model(config)
    model = load_model(replace(config, dtype="float32"))
    model.pipeline.to(torch.float64)
    return replace(model, dtype=torch.float64)


@pytest.fixture(scope="session")
def free_engine(model_config: ModelConfig) -> Iterator[BatchingEngine]:
    """Row buckets as needed: alone, a job has the rows that the stock pipeline gives it."""
    yield from _running(model_config, FREE)


@pytest.fixture(scope="session")
def reproducible_engine(model_config: ModelConfig) -> Iterator[BatchingEngine]:
    """Every call padded to 8 rows."""
    yield from _running(model_config, REPRODUCIBLE)


@pytest.fixture(scope="session")
def careful_engine(model_config: ModelConfig) -> Iterator[BatchingEngine]:
    """Row buckets as needed, and a checkpoint after every step."""
    yield from _running(model_config, replace(FREE, checkpoint_every=1))


@pytest.fixture(scope="session")
def pixels_of() -> Callable[[bytes], Pixels]:
    """A PNG's pixels."""
    return lambda png: np.asarray(Image.open(io.BytesIO(png)))


def _running(config: ModelConfig, options: BatchingOptions) -> Iterator[BatchingEngine]:
    engine = BatchingEngine(config, options, MAX_OUTSTANDING_JOBS)
    asyncio.run(engine.start())
    yield engine
    asyncio.run(engine.stop())
