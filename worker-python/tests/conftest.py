"""What tests share. Nothing here imports torch unless a test asks for a model: the RPC side's tests run without it."""

import io
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from illustration_worker.job import Job, Person
from illustration_worker.logs import JsonLines


@pytest.fixture(scope="session", autouse=True)
def kept_logs() -> Iterator[None]:
    """What is logged in this process goes into the folder of the whole test run, when there is one."""
    folder = os.environ.get("TEST_LOGS")
    if folder is None:
        yield
        return
    Path(folder).mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(Path(folder) / f"worker-tests-{os.getpid()}.log")
    handler.setFormatter(JsonLines())
    logger = logging.getLogger("illustration_worker")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield
    logger.removeHandler(handler)
    handler.close()


@pytest.fixture(scope="session")
def random_model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The random model, built once. Tests must not change it; those that need a damaged one copy it."""
    from illustration_worker.models.random_weights.build import build_random_model

    folder = tmp_path_factory.mktemp("model") / "random"
    build_random_model(folder)
    return folder


@pytest.fixture
def model_copy(random_model_folder: Path, tmp_path: Path) -> Path:
    """The model in a folder that a test may change."""
    return shutil.copytree(random_model_folder, tmp_path / "copy")


@pytest.fixture(scope="session")
def portraits() -> list[bytes]:
    """Three reference images that differ in everything a portrait can: PNG, JPEG and WebP; tall, wide and square."""
    from PIL import Image, ImageDraw

    looks = [
        ("PNG", (200, 260), "wheat", "sienna"),
        ("JPEG", (300, 200), "peru", "black"),
        ("WEBP", (96, 96), "linen", "gold"),
    ]
    files = []
    for kind, size, skin, hair in looks:
        image = Image.new("RGB", size, "slategray")
        width, height = size
        canvas = ImageDraw.Draw(image)
        canvas.ellipse((width * 0.2, height * 0.1, width * 0.8, height * 0.95), fill=skin)
        canvas.rectangle((width * 0.2, height * 0.05, width * 0.8, height * 0.3), fill=hair)
        file = io.BytesIO()
        image.save(file, kind)
        files.append(file.getvalue())
    return files


@pytest.fixture(scope="session")
def make_job() -> Callable[..., Job]:
    """A small valid job; name the fields that matter to the test.

    ``reference_images`` and ``ip_adapter_scale`` make one person of it, seen everywhere in the picture.
    """
    numbers = iter(range(1_000_000))

    def make(**fields: Any) -> Job:
        number = next(numbers)
        defaults: dict[str, Any] = {
            "job_id": f"job-{number}",
            "request_id": f"request-{number}",
            "prompt": "my grandmother baking bread",
            "prompt_2": "professional sketch",
            "negative_prompt": "error, glitch, mistake",
            "num_inference_steps": 3,
            "seed": 7,
            "width": 64,
            "height": 64,
        }
        images, scale = fields.pop("reference_images", ()), fields.pop("ip_adapter_scale", 0.33)
        if images:
            fields["people"] = (Person(images, scale),)
        return Job(**{**defaults, **fields})

    return make
