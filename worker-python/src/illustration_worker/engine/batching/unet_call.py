"""The next prediction of several jobs with as few UNet calls as possible: normally one."""

from collections.abc import Sequence

import torch

from illustration_worker.engine.batching.cohort import Cohort, Share, build_cohort, by_image_form, joined
from illustration_worker.engine.batching.compiled_unet import CompiledUnet, Unet
from illustration_worker.engine.batching.denoising import Denoising
from illustration_worker.engine.batching.layers import Layers
from illustration_worker.engine.batching.row_buckets import bucket_for

Part = tuple[Denoising, int, int]
"""A job, and which of its rows: from, to."""


class NoisePredictor:
    """Calls the UNet. For the device thread."""

    def __init__(self, unet: Unet, layers: Layers, *, pads_to_cap: bool) -> None:
        """``pads_to_cap``: every call has as many rows as are allowed, so that a result depends on nothing else."""
        self._unet = unet
        self._layers = layers
        self._pads_to_cap = pads_to_cap
        self._cohort: Cohort | None = None
        self.calls = 0
        self.rows_computed = 0

    def predict(self, members: Sequence[Denoising], row_cap: int) -> dict[Denoising, torch.Tensor]:
        """For each of ``members``, all of one size and LoRA signature, the prediction for its rows: (rows, 4, h, w).

        Their rows fit ``row_cap`` together; a single member's may exceed it and are then split.

        Raises:
            torch.OutOfMemoryError: nothing has changed; it can be asked again with a smaller cap.
        """
        ordered = sorted(members, key=lambda member: by_image_form(member.conditioning))
        parts: list[Part] = [(member, 0, member.conditioning.rows) for member in ordered]
        rows = sum(stop - start for _, start, stop in parts)
        if rows <= row_cap:
            return dict(zip(ordered, self._call(parts, row_cap), strict=True))
        (member,) = ordered
        single_rows = [self._call([(member, row, row + 1)], row_cap)[0] for row in range(member.conditioning.rows)]
        return {member: torch.cat(single_rows)}

    def forget(self) -> None:
        """Let go of the inputs kept for the next call, to give their memory back."""
        self._cohort = None

    def _call(self, parts: Sequence[Part], row_cap: int) -> tuple[torch.Tensor, ...]:
        rows = [stop - start for _, start, stop in parts]
        cohort = self._cohort_of(parts, row_cap if self._pads_to_cap else bucket_for(sum(rows)))
        inputs = [(member.unet_input(), start, stop) for member, start, stop in parts]
        unet = self._unet_of(parts)
        latents = joined([latents[start:stop] for (latents, _), start, stop in inputs], cohort.bucket)
        timesteps = joined([timesteps[start:stop] for (_, timesteps), start, stop in inputs], cohort.bucket)
        self.calls += 1
        self.rows_computed += cohort.bucket
        predicted: torch.Tensor = call_unet(unet, latents, timesteps, cohort)
        return torch.split(predicted[: sum(rows)], rows)

    def _unet_of(self, parts: Sequence[Part]) -> Unet:
        lora = parts[0][0].ticket.lora
        return self._unet if lora is None else lora.adapted.unet_at(lora.scale)

    def _cohort_of(self, parts: Sequence[Part], bucket: int) -> Cohort:
        shares = tuple(Share(member.conditioning, start, stop) for member, start, stop in parts)
        kept = self._cohort
        if kept is None or kept.bucket != bucket or not _same(kept.shares, shares):
            self._cohort = kept = None  # both at once would need twice the memory
            # compiled, a call without images would be another graph
            skips_images = not isinstance(self._unet_of(parts), CompiledUnet)
            kept = build_cohort(self._layers, shares, bucket, skips_images=skips_images)
            self._cohort = kept
        return kept


def call_unet(unet: Unet, latents: torch.Tensor, timesteps: torch.Tensor, cohort: Cohort) -> torch.Tensor:
    """One UNet call; ``latents`` (bucket, 4, h, w), ``timesteps`` (bucket,)."""
    return unet(
        latents,
        timesteps,
        # diffusers passes both on untouched: to the cross-attentions, and to the image projection, see ProjectOnce
        encoder_hidden_states=(None, cohort.inputs),
        timestep_cond=cohort.guidance_embedding,
        added_cond_kwargs={
            "text_embeds": cohort.pooled,
            "time_ids": cohort.time_ids,
            "image_embeds": cohort.inputs,
        },
        return_dict=False,
    )[0]


def _same(kept: Sequence[Share], wanted: Sequence[Share]) -> bool:
    return len(kept) == len(wanted) and all(
        left.conditioning is right.conditioning and (left.start, left.stop) == (right.start, right.stop)
        for left, right in zip(kept, wanted, strict=True)
    )
