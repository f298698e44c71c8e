"""What the worker does under B1's load: operators by torch's profiler, functions by py-spy, as shares.

``worker-python/.venv/bin/python -m bench.profile_worker [--py-spy path/to/py-spy]``; py-spy is no package of the
worker's: install it anywhere else. The shares of the two do not add up to each other: torch's profiler slows down
what is between operators, py-spy does not.
"""

import argparse
import asyncio
import os
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from torch._C._profiler import _ExperimentalConfig
from torch.profiler import ProfilerActivity, profile

from bench.engines import Draw, cpu_seconds_an_image, mixed_jobs, running_drawers
from illustration_worker.job import Job

ROUNDS = 3
ROWS = 16
SAMPLES_A_SECOND = 250
WAITING = ("_worker (concurrent", "Condition.wait (", "EpollSelector.select (", "DeviceThread._run (")
"""Tops of stacks that wait for work; on a busy machine py-spy takes some for running."""


async def main(py_spy: Path | None) -> None:
    """Print the tables."""
    jobs = mixed_jobs(8)
    async with running_drawers() as drawers:
        draw = drawers.batching
        await cpu_seconds_an_image(draw, jobs)  # not counted: what happens once only
        await _tell_operators(draw, jobs)
        if py_spy is not None:
            await _tell_functions(py_spy, draw, jobs)


async def _tell_operators(draw: Draw, jobs: list[Job]) -> None:
    # All threads of the process: the profiler would otherwise see this one only, which does nothing.
    all_threads = _ExperimentalConfig(profile_all_threads=True)
    with profile(activities=[ProfilerActivity.CPU], acc_events=True, experimental_config=all_threads) as profiler:
        await cpu_seconds_an_image(draw, jobs)
    averages = profiler.key_averages()
    times = {event.key: event.self_cpu_time_total / 1e6 for event in averages}
    calls = {event.key: event.count for event in averages}
    print(f"\noperators: {sum(calls.values()):,} calls for {len(jobs)} pictures")
    print("| operator | share of operators' time | calls |\n| --- | --- | --- |")
    for name, spent in Counter(times).most_common(ROWS):
        print(f"| {name} | {spent / sum(times.values()):.1%} | {calls[name]:,} |")


async def _tell_functions(py_spy: Path, draw: Draw, jobs: list[Job]) -> None:
    with TemporaryDirectory() as folder:
        stacks = Path(folder) / "stacks.txt"
        with _recording(py_spy, stacks):
            for _ in range(ROUNDS):
                await cpu_seconds_an_image(draw, jobs)
        samples = list(_samples(stacks))
    for title, counts in (("on top", _on_top(samples)), ("anywhere on the stack", _anywhere(samples))):
        print(f"\n| function, {title} | share |\n| --- | --- |")
        whole = sum(count for _, count in samples)
        for name, count in counts.most_common(ROWS):
            print(f"| {name} | {count / whole:.1%} |")


@contextmanager
def _recording(py_spy: Path, stacks: Path) -> Iterator[None]:
    """Of this process, written to ``stacks`` in the end."""
    command = [str(py_spy), "record", "--pid", str(os.getpid()), "--format", "raw", "--output", str(stacks)]
    recorder = subprocess.Popen([*command, "--rate", str(SAMPLES_A_SECOND), "--threads", "--duration", "unlimited"])
    try:
        yield
    finally:
        recorder.send_signal(signal.SIGINT)
        recorder.wait()


def _samples(stacks: Path) -> Iterator[tuple[list[str], int]]:
    """Each stack that works, without its thread, and how often it was seen."""
    for line in stacks.read_text().splitlines():
        stack, count = line.rsplit(" ", 1)
        frames = stack.split(";")[1:]
        if not frames[-1].startswith(WAITING):
            yield frames, int(count)


def _on_top(samples: list[tuple[list[str], int]]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for stack, count in samples:
        counts[stack[-1]] += count
    return counts


def _anywhere(samples: list[tuple[list[str], int]]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for stack, count in samples:
        for name in set(stack):
            counts[name] += count
    return counts


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--py-spy", type=Path)
    asyncio.run(main(parser.parse_args().py_spy))
