"""What is done once for a job is not done again in each step: operations are counted, not timed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import IPAdapterAttnProcessor2_0
from diffusers.models.embeddings import ImageProjection, MultiIPAdapterImageProjection
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from illustration_worker.engine.batching.cohort import Share, build_cohort
from illustration_worker.engine.batching.conditioning import Conditioning
from illustration_worker.engine.batching.image_conditioning import ImageConditioning
from illustration_worker.engine.batching.layers import Layers, install
from illustration_worker.engine.batching.unet_call import call_unet

STOCK_OPERATIONS, OUR_OPERATIONS = 2_216, 1_864
"""Of one UNet call with IP-Adapter, guided; the second is the goal."""
VIEWS = ("view", "transpose", "permute", "expand", ".t.", "unsqueeze", "split", "slice", "select", "unbind", "detach")
"""Change how a tensor is looked at, and launch nothing."""


class CountsKernels(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts operations that compute."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if not any(view in f".{func.__name__}." for view in VIEWS):
            self.count += 1
        return func(*args, **(kwargs or {}))


class FusedAttention(TorchFunctionMode):
    """Attention as one operation, which it is on every real device, but not on "meta"."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.nn.functional.scaled_dot_product_attention:
            return torch.empty_like(args[0])  # one operation, of the right shape
        return func(*args, **(kwargs or {}))


@dataclass
class Counted:
    """How many operations the body of ``counting`` took."""

    operations: int = 0


@contextmanager
def counting() -> Iterator[Counted]:
    counted = Counted()
    with torch.no_grad(), FusedAttention(), CountsKernels() as mode:
        yield counted
    counted.operations = mode.count


@pytest.fixture(scope="module")
def unet() -> UNet2DConditionModel:
    """SDXL's UNet with an IP-Adapter, without weights."""
    with torch.device("meta"):
        unet = UNet2DConditionModel(
            sample_size=128,
            block_out_channels=(320, 640, 1280),
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
            transformer_layers_per_block=[1, 2, 10],
            attention_head_dim=[5, 10, 20],
            use_linear_projection=True,
            cross_attention_dim=2048,
            addition_embed_type="text_time",
            addition_time_embed_dim=256,
            projection_class_embeddings_input_dim=2816,
        )
        for name in [name for name in unet.attn_processors if name.endswith("attn2.processor")]:
            attention = unet.get_submodule(name.removesuffix(".processor"))
            attention.set_processor(IPAdapterAttnProcessor2_0(attention.inner_dim, 2048, (4,), 0.33))
        unet.encoder_hid_proj = MultiIPAdapterImageProjection([ImageProjection(1280, 2048, 4)])
    unet.config.encoder_hid_dim_type = "ip_image_proj"
    return unet


def stock_operations(unet: UNet2DConditionModel) -> int:
    with torch.device("meta"), counting() as counted:
        unet(
            torch.empty(2, 4, 128, 128),
            torch.empty(2),
            encoder_hidden_states=torch.empty(2, 77, 2048),
            added_cond_kwargs={
                "text_embeds": torch.empty(2, 1280),
                "time_ids": torch.empty(2, 6),
                "image_embeds": [torch.empty(2, 1, 1280)],
            },
            return_dict=False,
        )
    return counted.operations


def conditioning_of(unet: UNet2DConditionModel, layers: Layers) -> Conditioning:
    with torch.device("meta"), torch.no_grad():
        return Conditioning(
            rows=2,
            pooled=torch.empty(2, 1280),
            time_ids=torch.empty(2, 6),
            guidance_embedding=None,
            text=layers.project_text(torch.empty(2, 77, 2048)),
            images=ImageConditioning(
                projected=layers.project_images(unet.encoder_hid_proj([torch.empty(2, 1, 1280)])[0]),
                tokens=4,
                scales=((0.33,) * len(layers.block_groups),),
            ),
        )


def our_operations(unet: UNet2DConditionModel, layers: Layers, jobs: int, rows: int) -> int:
    conditionings = [conditioning_of(unet, layers) for _ in range(jobs)]
    cohort = build_cohort(layers, [Share(one, 0, 2) for one in conditionings], rows)
    with torch.device("meta"), counting() as counted:
        call_unet(unet, torch.empty(rows, 4, 128, 128), torch.empty(rows), cohort)
    return counted.operations


def test_a_unet_call_takes_fewer_operations_than_stocks_however_many_jobs_share_it(
    unet: UNet2DConditionModel,
) -> None:
    stock = stock_operations(unet)
    layers = install(unet)
    assert len(layers.attentions) == 70
    assert [len(shape) for shape in layers.shapes] == [10, 60]
    ours = our_operations(unet, layers, jobs=1, rows=2)
    print(f"operations of a UNet call: stock {stock}, ours {ours}")
    assert ours / stock <= OUR_OPERATIONS / STOCK_OPERATIONS
    assert our_operations(unet, layers, jobs=8, rows=16) == ours
    assert our_operations(unet, layers, jobs=3, rows=8) == ours


async def test_the_same_jobs_are_joined_once_and_not_in_every_step(
    bench_of: Callable[..., tuple[Any, Any]], make_job: Callable[..., Any], portraits: list[bytes]
) -> None:
    bench, _ = bench_of()
    predictor = bench.predictor()
    members = [bench.begin(make_job(reference_images=(portraits[number],))) for number in range(3)]
    operations = []
    for _ in range(3):
        with torch.no_grad(), CountsKernels() as mode:
            predictions = predictor.predict(members, 16)
        operations.append(mode.count)
        with torch.no_grad():
            for member, noise in predictions.items():
                member.advance(noise)
    assert operations[0] > operations[1]
    assert operations[1] == operations[2]


async def test_a_prompt_and_a_portrait_are_encoded_once(
    bench_of: Callable[..., tuple[Any, Any]], make_job: Callable[..., Any], portraits: list[bytes]
) -> None:
    bench, _ = bench_of()
    cache = bench.encoder._cache
    cache.clear()
    before = cache.hits, cache.misses
    for prompt in ("one memory", "another memory"):
        for seed in (1, 2):
            bench.begin(make_job(prompt=prompt, seed=seed, reference_images=(portraits[0],)))
    # two prompts, one negative prompt, one portrait; each asked for by four jobs
    assert (cache.hits - before[0], cache.misses - before[1]) == (8, 4)
