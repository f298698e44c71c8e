"""Rows of several jobs side by side, as one UNet call takes them: sorted, joined, padded."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

import torch

from illustration_worker.engine.batching.conditioning import Conditioning
from illustration_worker.engine.batching.image_conditioning import ImageConditioning
from illustration_worker.engine.batching.layers import Layers
from illustration_worker.engine.batching.row_inputs import ImageRows, RegionRows, RowInputs


@dataclass(frozen=True, slots=True)
class Share:
    """Rows ``start`` to ``stop`` of one job: all of its rows unless memory allows only one at a time."""

    conditioning: Conditioning
    start: int
    stop: int

    @property
    def rows(self) -> int:
        """How many rows."""
        return self.stop - self.start


@dataclass(frozen=True, slots=True)
class Cohort:
    """The step-invariant inputs of a UNet call. Kept from step to step as long as the same jobs share it."""

    shares: tuple[Share, ...]
    bucket: int
    """Rows with padding; the last row is repeated."""
    pooled: torch.Tensor
    time_ids: torch.Tensor
    guidance_embedding: torch.Tensor | None
    inputs: RowInputs


def by_image_form(conditioning: Conditioning) -> tuple[int, int]:
    """The order of jobs in a cohort: those whose images have one form must be neighbours."""
    return conditioning.image_form


def build_cohort(layers: Layers, shares: Sequence[Share], bucket: int, *, skips_images: bool = True) -> Cohort:
    """Join ``shares``, ordered by the form of their images, and pad to ``bucket`` rows.

    ``skips_images``: where no row is steered by an image, the images are left out; the numbers are the same.
    A row's numbers do not depend on the other rows, padding included: only on how many rows there are.
    """
    is_steered = any(share.conditioning.is_steered_by_image for share in shares)
    has_images = shares[0].conditioning.images is not None
    is_guidance_embedded = shares[0].conditioning.guidance_embedding is not None
    return Cohort(
        shares=tuple(shares),
        bucket=bucket,
        pooled=joined([share.conditioning.pooled[share.start : share.stop] for share in shares], bucket),
        time_ids=joined([share.conditioning.time_ids[share.start : share.stop] for share in shares], bucket),
        guidance_embedding=joined([_guidance_embedding(share) for share in shares], bucket)
        if is_guidance_embedded
        else None,
        inputs=RowInputs(
            keys=_by_layer(layers, shares, bucket, _text_keys),
            values=_by_layer(layers, shares, bucket, _text_values),
            images=_image_rows(layers, shares, bucket) if has_images and (is_steered or not skips_images) else (),
        ),
    )


def _image_rows(layers: Layers, shares: Sequence[Share], bucket: int) -> tuple[ImageRows | RegionRows, ...]:
    groups: list[ImageRows | RegionRows] = []
    start = 0
    for _, members in groupby(shares, key=lambda share: share.conditioning.image_form):
        group = list(members)
        rows = sum(share.rows for share in group)
        if group[-1] is shares[-1]:  # padding repeats the last row
            rows = bucket - start
        keys, values = (_by_layer(layers, group, rows, part) for part in (_image_keys, _image_values))
        scales, masks = _scales(group, rows), _masks(group, rows)
        if masks is None:
            groups.append(ImageRows(start, start + rows, keys, values, [by_image[0] for by_image in scales]))
        else:
            groups.append(RegionRows(start, start + rows, keys, values, scales, masks))
        start += rows
    return tuple(groups)


def _scales(shares: Sequence[Share], rows: int) -> list[torch.Tensor]:
    """By block group: (images or 1, rows, 1, 1)."""
    pooled = shares[0].conditioning.pooled
    values = [_images(share.conditioning).scales for share in shares for _ in range(share.rows)]
    values += [values[-1]] * (rows - len(values))
    wide = torch.promote_types(pooled.dtype, torch.float32)
    return list(torch.tensor(values, dtype=wide, device=pooled.device).permute(2, 1, 0)[..., None, None])


def _masks(shares: Sequence[Share], rows: int) -> list[torch.Tensor] | None:
    """By level: (images, rows, positions, 1)."""
    by_share = [_images(share.conditioning).masks for share in shares]
    widened = [
        [mask[:, None].expand(-1, share.rows, -1, -1) for mask in masks]
        for share, masks in zip(shares, by_share, strict=True)
        if masks is not None
    ]
    return [joined(list(level), rows, dim=1) for level in zip(*widened, strict=True)] if widened else None


def _by_layer(
    layers: Layers, shares: Sequence[Share], rows: int, part: Callable[[Conditioning], list[torch.Tensor]]
) -> list[torch.Tensor]:
    by_share = [[stacked[:, share.start : share.stop] for stacked in part(share.conditioning)] for share in shares]
    return layers.unstack([joined(list(same_shape), rows, dim=1) for same_shape in zip(*by_share, strict=True)])


def joined(parts: list[torch.Tensor], rows: int, dim: int = 0) -> torch.Tensor:
    """``parts`` one after another along ``dim``, the last row repeated until there are ``rows``."""
    missing = rows - sum(part.shape[dim] for part in parts)
    if missing:
        last = parts[-1].narrow(dim, parts[-1].shape[dim] - 1, 1)
        sizes = [missing if axis == dim else -1 for axis in range(last.ndim)]
        parts = [*parts, last.expand(sizes)]
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim)


def _guidance_embedding(share: Share) -> torch.Tensor:
    embedding = share.conditioning.guidance_embedding
    if embedding is None:
        raise ValueError("A cohort has either a guidance embedding in every row or in none.")
    return embedding[share.start : share.stop]


def _text_keys(conditioning: Conditioning) -> list[torch.Tensor]:
    return [projected.keys for projected in conditioning.text]


def _text_values(conditioning: Conditioning) -> list[torch.Tensor]:
    return [projected.values for projected in conditioning.text]


def _image_keys(conditioning: Conditioning) -> list[torch.Tensor]:
    return [projected.keys for projected in _images(conditioning).projected]


def _image_values(conditioning: Conditioning) -> list[torch.Tensor]:
    return [projected.values for projected in _images(conditioning).projected]


def _images(conditioning: Conditioning) -> ImageConditioning:
    if conditioning.images is None:
        raise ValueError("Image rows need an IP-Adapter.")
    return conditioning.images
