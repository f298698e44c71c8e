"""A VAE in place of the model's own, such as one whose numbers fit into half precision."""

from pathlib import Path

import torch
from diffusers import AutoencoderKL
from safetensors import SafetensorError

from illustration_worker.errors import ModelLoadError
from illustration_worker.models.model_source import WeightsFile


def load_vae(file: WeightsFile, base_folder: Path) -> AutoencoderKL:
    """The weights of ``file`` in float32, with the configuration of the VAE in ``base_folder``: it scales the latents.

    Raises:
        ModelLoadError: it is damaged, or does not fit that configuration.
    """
    try:
        return AutoencoderKL.from_single_file(
            str(file.path), config=str(base_folder), subfolder="vae", dtype=torch.float32, local_files_only=True
        )
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise ModelLoadError(
            f"The VAE '{file.source}' is incomplete, or does not fit the configuration in MODEL_PATH."
        ) from error
