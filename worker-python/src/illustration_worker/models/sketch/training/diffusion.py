"""The UNet and both text encoders, trained together on the VAE's latents."""

from pathlib import Path
from random import Random
from typing import Any

import torch
from diffusers import AutoencoderKL, DDPMScheduler, StableDiffusionXLPipeline, UNet2DConditionModel
from diffusers.optimization import get_scheduler
from diffusers.training_utils import EMAModel, compute_snr
from torch import nn

from illustration_worker.models.sketch.training.pictures import save_sheet
from illustration_worker.models.sketch.training.pipeline import new_noise_scheduler, pipeline_of
from illustration_worker.models.sketch.training.recipe import Recipe
from illustration_worker.models.sketch.training.text import encode, new_text_encoders, training_prompts
from illustration_worker.models.sketch.training.tokenizers import Pair
from illustration_worker.models.sketch.world.pen import PICTURE_SIDE
from illustration_worker.models.sketch.world.scene import Scene
from illustration_worker.models.sketch.world.style import DEFAULT_STYLE_PROMPTS

_SNR_GAMMA = 5.0
_WARM_UP = 100
_TIME_ID_WIDTH = 8
_SAMPLE_PROMPTS = (
    "a beautiful sunset over mountains",
    "man sitting on a bench in central park",
    "a dog to the left of a house",
    "a birthday cake on a table",
    "a bird above a tree",
    "a boat at the sea",
    "my grandmother with glasses and curly hair",
    "a car in front of a school",
)


def new_unet(recipe: Recipe) -> UNet2DConditionModel:
    """SDXL's topology, random weights."""
    return UNet2DConditionModel(
        sample_size=PICTURE_SIDE // 8,
        block_out_channels=recipe.unet_channels,
        layers_per_block=2,
        transformer_layers_per_block=[1, 1, 2],
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=[2, 4, 4],
        norm_num_groups=recipe.unet_groups,
        use_linear_projection=True,
        cross_attention_dim=2 * recipe.text_width,
        addition_embed_type="text_time",
        addition_time_embed_dim=_TIME_ID_WIDTH,
        projection_class_embeddings_input_dim=recipe.text_width + 6 * _TIME_ID_WIDTH,
    )


def time_ids(count: int, device: torch.device) -> torch.Tensor:
    """Original size, crop, target size as the pipeline gives them at the native size: (count, 6)."""
    side = float(PICTURE_SIDE)
    return torch.tensor([[side, side, 0.0, 0.0, side, side]], device=device).expand(count, -1)


def weighted_noise_loss(
    predicted: torch.Tensor, noise: torch.Tensor, scheduler: DDPMScheduler, steps: torch.Tensor
) -> torch.Tensor:
    """Squared error of the noise, weighted by min-SNR (https://arxiv.org/abs/2303.09556), gamma 5."""
    snr = compute_snr(scheduler, steps)
    weight = snr.clamp(max=_SNR_GAMMA) / snr
    loss: torch.Tensor = (weight * (predicted - noise).square().mean(dim=(1, 2, 3))).mean()
    return loss


class DiffusionStage:
    """Epsilon prediction; captions are made anew at each step."""

    name = "diffusion"

    def __init__(
        self, recipe: Recipe, scenes: list[Scene], latents: torch.Tensor, vae: AutoencoderKL, tokenizers: Pair
    ) -> None:
        """``latents``: (scenes, 4, 16, 16), scaled to unit variance, on the device of training."""
        torch.manual_seed(recipe.seed + 2)
        self.steps = recipe.unet_steps
        self._recipe, self._scenes, self._latents = recipe, scenes, latents
        self.vae, self.tokenizers, self._device = vae, tokenizers, latents.device
        self.encoders = new_text_encoders(recipe, tokenizers)
        parts = dict(zip(("first", "second"), self.encoders, strict=True))
        self.networks = nn.ModuleDict({"unet": new_unet(recipe), **parts}).to(self._device)
        self._scheduler = new_noise_scheduler()
        self._optimizer = torch.optim.AdamW(self.networks.parameters(), lr=recipe.unet_rate, weight_decay=1e-2)
        self._schedule = get_scheduler(
            "cosine", self._optimizer, num_warmup_steps=min(_WARM_UP, self.steps), num_training_steps=self.steps
        )
        self._ema = EMAModel(self.networks.parameters(), decay=recipe.unet_ema, use_ema_warmup=True, power=0.75)

    def step(self, number: int) -> float:
        """One batch."""
        random = Random(self._recipe.seed * 31 + number)
        chosen = torch.randint(len(self._scenes), (self._recipe.unet_batch,)).tolist()
        prompts = [training_prompts(self._scenes[index], random) for index in chosen]
        latents = self._latents[chosen].float()
        noise = torch.randn(latents.shape).to(self._device)
        steps = torch.randint(self._scheduler.config.num_train_timesteps, (len(chosen),)).to(self._device)
        noisy = self._scheduler.add_noise(latents, noise, steps)
        text, pooled = encode(prompts, self.tokenizers, self.encoders)
        conditions = {"text_embeds": pooled, "time_ids": time_ids(len(chosen), self._device)}
        predicted = self.networks["unet"](noisy, steps, text, added_cond_kwargs=conditions).sample
        loss = weighted_noise_loss(predicted, noise, self._scheduler, steps)
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.networks.parameters(), 1.0)
        self._optimizer.step()
        self._schedule.step()
        self._ema.step(self.networks.parameters())
        return float(loss.detach())

    def state(self) -> dict[str, Any]:
        """Weights, their moving average, optimizer, learning rate."""
        return {
            "networks": self.networks.state_dict(),
            "ema": self._ema.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "schedule": self._schedule.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """From ``state``."""
        self.networks.load_state_dict(state["networks"])
        self._ema.load_state_dict(state["ema"])
        self._ema.to(self._device)
        self._optimizer.load_state_dict(state["optimizer"])
        self._schedule.load_state_dict(state["schedule"])

    def average(self) -> None:
        """Put the moving average in the networks' place, for good."""
        self._ema.copy_to(self.networks.parameters())

    def pipeline(self) -> StableDiffusionXLPipeline:
        """The networks as they are now, in a pipeline."""
        return pipeline_of(self.vae, self.encoders, self.tokenizers, self.networks["unet"])

    def show(self, path: Path) -> None:
        """What the moving average draws; the random state is left as it was."""
        self._ema.store(self.networks.parameters())
        self._ema.copy_to(self.networks.parameters())
        pipeline = self.pipeline()
        pipeline.set_progress_bar_config(disable=True)
        drawn = pipeline(
            prompt=list(_SAMPLE_PROMPTS),
            prompt_2=[DEFAULT_STYLE_PROMPTS[0]] * len(_SAMPLE_PROMPTS),
            num_inference_steps=20,
            guidance_scale=4.0,
            generator=torch.Generator().manual_seed(1),
            output_type="pt",
        ).images
        self._ema.restore(self.networks.parameters())
        save_sheet(drawn.cpu() * 2 - 1, path)
