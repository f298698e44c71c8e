"""Keeps the libraries' own output out of the worker's logs."""

import diffusers.utils.logging as diffusers_logging
import transformers.utils.logging as transformers_logging
from huggingface_hub.utils.tqdm import disable_progress_bars


def quiet_libraries() -> None:
    """Errors only, no progress bars; for the whole process.

    More than tidiness: diffusers logs the cut-off end of a long prompt as a warning, and a prompt is somebody's memory.
    """
    for library in (diffusers_logging, transformers_logging):
        library.set_verbosity_error()
        library.disable_progress_bar()
    disable_progress_bars()
