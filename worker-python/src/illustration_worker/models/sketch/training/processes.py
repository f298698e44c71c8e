"""Training in several processes on one machine: each draws its share of a batch, and all take the same step."""

import multiprocessing
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import distributed, nn
from torch.multiprocessing.spawn import spawn


def train_in(processes: int, train: Callable[[], bool]) -> bool:
    """Run ``train`` in so many processes at once; returns what the first returns. ``train`` is picklable."""
    if processes == 1:
        return train()
    with tempfile.TemporaryDirectory() as folder:
        is_done = multiprocessing.get_context("spawn").Value("b", False)
        spawn(_one_of_them, (processes, f"{folder}/meeting", train, is_done), processes)  # type: ignore[no-untyped-call]
    return bool(is_done.value)


def _one_of_them(number: int, processes: int, meeting: str, train: Callable[[], bool], is_done: object) -> None:
    distributed.init_process_group("gloo", init_method=f"file://{meeting}", rank=number, world_size=processes)
    outcome = train()
    if is_first():
        is_done.value = outcome  # type: ignore[attr-defined]  # a ctypes cell that processes share
    distributed.destroy_process_group()


def process_count() -> int:
    """How many train together."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def process_number() -> int:
    """Which of them this one is, from 0."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def is_first() -> bool:
    """Whether this is the one that writes files and lines."""
    return process_number() == 0


def word_of_the_first(answer: bool) -> bool:
    """``answer`` as the first process has it, so that all go on or stop together."""
    if process_count() == 1:
        return answer
    said = torch.tensor([answer])
    distributed.broadcast(said, 0)
    return bool(said)


@contextmanager
def the_first_goes_ahead() -> Iterator[None]:
    """The first process runs the body; then the others do, and find the files that it has written."""
    if process_count() == 1:
        yield
        return
    if not is_first():
        distributed.barrier()
    yield
    if is_first():
        distributed.barrier()


def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Mean over the processes, in place. Those without a gradient lack it in every process."""
    if process_count() == 1:
        return
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    together = torch.cat([gradient.flatten() for gradient in gradients])  # in one message, whatever their memory format
    distributed.all_reduce(together)
    parts = torch.split(together / process_count(), [gradient.numel() for gradient in gradients])
    for gradient, part in zip(gradients, parts, strict=True):
        gradient.copy_(part.view(gradient.shape))
