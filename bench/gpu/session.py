"""The measurements in their order: cheap and certain ones first, then those that need minutes of compiling."""

import asyncio
import contextlib
import time
import traceback
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Literal

from bench.gpu.arms import MadeBatchingEngine, MadeStockEngine
from bench.gpu.budget import Budget, OutOfTimeError
from bench.gpu.memory import forget_peaks, peaks_in_gb
from bench.gpu.networks import decoding_seconds, encoding_seconds, matmul_rate
from bench.gpu.random_model import RandomModel, build_random_model
from bench.gpu.report import Figures, Goal, Row
from bench.gpu.requests import AT_ONCE
from bench.gpu.scale import Scale
from bench.rounds import Arm, take_turns
from illustration_worker.engine.port import Engine

STOCK, BATCHING, COMPILED = "stock", "batching", "batching, compiled"
START_LIMIT = 120.0
AFTER_COMPILING = 130.0
"""Kept for what comes after: compiling is given up before."""
SHARE_OF_REST = 0.4
"""Of the time that is left, for one comparison's rounds: those that follow need some, too."""
STOP_LIMIT = 15.0


class Session:
    """One run. ``rows`` grows; ``tell`` is called after each."""

    def __init__(self, scale: Scale, budget: Budget, tell: Callable[[Sequence[Row]], None]) -> None:
        self.rows: list[Row] = []
        self._scale = scale
        self._budget = budget
        self._tell = tell
        self._engines: dict[str, Engine] = {}
        self._model: RandomModel | None = None
        self._rate = float("nan")

    @property
    def spent(self) -> float:
        """Seconds since it began."""
        return self._budget.spent

    async def run(self) -> None:
        """Everything."""
        await self._device_rows()
        await self._start(BATCHING, START_LIMIT)
        await self._memory_row(BATCHING)
        await self._start(STOCK, START_LIMIT)
        await self._comparison_rows(BATCHING)
        await self._start(COMPILED, self._budget.left - AFTER_COMPILING)
        await self._comparison_rows(COMPILED)
        await self._burst_rows(COMPILED if COMPILED in self._engines else BATCHING)
        await self._stop(STOCK, BATCHING)
        await self._memory_row(COMPILED)
        await self._stop(COMPILED)

    async def _device_rows(self) -> None:
        scale = self._scale

        async def multiply() -> Row:
            rates = await asyncio.to_thread(matmul_rate, scale.device, scale.dtype, scale.matmul_side)
            self._rate = sorted(rates)[len(rates) // 2]
            unit = f"TFLOP/s at {scale.matmul_side} x {scale.matmul_side}"
            return Row("matrix product", unit, {str(scale.dtype).removeprefix("torch."): rates})

        async def build() -> Row:
            self._model = await asyncio.to_thread(build_random_model, scale.topology, scale.device, scale.dtype)
            cost, steps = self._model.cost, scale.traffic.steps
            figures = {
                "UNet row": [cost.unet_row / 1e12],
                "decoding": [cost.decoding / 1e12],
                f"{steps} guided steps": [cost.of_image(steps) / 1e12],
            }
            return Row("work of a picture, counted", "TFLOP", figures)

        await self._measure("matrix product", multiply)
        await self._measure("work of a picture, counted", build)
        await self._measure("beside the UNet", self._networks_row)

    async def _networks_row(self) -> Row:
        def measure() -> Figures:
            model = self._made().for_one_engine()
            return encoding_seconds(model) | decoding_seconds(model)

        return Row("beside the UNet", "s", await asyncio.to_thread(measure))

    async def _start(self, arm: str, limit: float) -> None:
        """The engine, and what it measured itself while it started."""

        async def start() -> Row:
            engine, began = self._engine(arm), time.perf_counter()
            await engine.start()
            self._engines[arm] = engine
            return Row(f"start: {arm}", "s", {"ready after": [time.perf_counter() - began]})

        async def buckets() -> Row:
            capacity = self._of(arm).describe().capacity
            measured = capacity.throughput if capacity is not None else ()
            figures = {f"{one.rows} rows": [one.rows / one.seconds] for one in measured}
            cap = float(capacity.row_cap) if capacity is not None else None
            return Row(f"batch scaling: {arm}", "rows/s (result: rows chosen)", figures, result=cap)

        await self._measure(f"start: {arm}", start, limit)
        if arm != STOCK:
            await self._measure(f"batch scaling: {arm}", buckets)

    async def _memory_row(self, arm: str) -> None:
        device, name = self._scale.device, f"G4 peak memory with {AT_ONCE} at once: {arm}"

        async def peak() -> Row:
            engine = self._of(arm)
            forget_peaks(device)
            await self._scale.traffic.seconds_an_image(engine)
            peaks = peaks_in_gb(device)
            return Row(name, "GB", peaks, max(figures[0] for figures in peaks.values()), self._goal(22, "at most"))

        await self._measure(name, peak)

    async def _comparison_rows(self, ours: str) -> None:
        traffic = self._scale.traffic
        throughput = f"G2 {AT_ONCE} at once: {ours}"

        async def error() -> Row:
            figures = await traffic.differences(self._of(STOCK), self._of(ours))
            return Row(f"error against stock: {ours}", "levels of 255", figures)

        async def latency() -> Row:
            figures = await self._turns(ours, traffic.latency)
            return Row(f"G2 latency of one: {ours}", "s", figures, _times(figures, ours), self._goal(1.4, "at least"))

        async def at_once() -> Row:
            figures = await self._turns(ours, traffic.seconds_an_image)
            return Row(throughput, "s an image", figures, _times(figures, ours), self._goal(1.6, "at least"))

        await self._measure(f"error against stock: {ours}", error)
        await self._measure(f"G2 latency of one: {ours}", latency)
        await self._measure(throughput, at_once)
        self._add(self._floor_row(ours, self.rows[-1]))

    def _floor_row(self, ours: str, throughput: Row) -> Row:
        """What the device's matrix rate allows, over what a picture took."""
        name, unit = f"G1 floor over seconds an image: {ours}", "s an image"
        if not throughput.is_measured or self._model is None:
            return Row(name, unit, missing="it needs the throughput")
        counted = self._model.cost.of_image(self._scale.traffic.steps) / 1e12
        floor = (self._scale.image_tflop or counted) / self._rate
        took = throughput.figures[ours]
        return Row(name, unit, {"floor": [floor], ours: took}, floor / _median(took), self._goal(0.55, "at least"))

    async def _burst_rows(self, ours: str) -> None:
        name = f"G3 burst of {AT_ONCE}, mixed steps"
        shortest: Figures = {STOCK: [], ours: []}

        async def bursts() -> Row:
            async def tail(engine: Engine) -> float:
                p95, short = await self._scale.traffic.burst(engine)
                shortest[STOCK if engine is self._engines[STOCK] else ours].append(short)
                return p95

            figures = await self._turns(ours, tail)
            return Row(f"{name}: 95th percentile", "s", figures, _times(figures, ours), self._goal(1.4, "at least"))

        await self._measure(f"{name}: 95th percentile", bursts)
        name = f"{name}: the shortest"
        if self.rows[-1].is_measured:
            self._add(Row(name, "s", shortest, _times(shortest, ours), self._goal(2.5, "at least")))
        else:
            self._add(Row(name, "s", missing="it is measured with the former"))

    async def _turns(self, ours: str, measure: Callable[[Engine], Awaitable[float]]) -> Figures:
        arms = [Arm(name, partial(measure, self._of(name))) for name in (STOCK, ours)]
        scale = self._scale
        seconds = scale.compiled_rounds_seconds if ours == COMPILED else scale.plain_rounds_seconds
        await take_turns(arms, min(seconds, SHARE_OF_REST * self._budget.left))
        return {arm.name: arm.figures for arm in arms}

    async def _measure(self, name: str, measure: Callable[[], Awaitable[Row]], limit: float = float("inf")) -> None:
        """Add the row, or one that says why it is missing: no failure takes the other measurements with it."""
        made: list[Row] = []

        async def keep() -> None:
            made.append(await measure())

        try:
            await self._budget.run(keep, limit)
        except (OutOfTimeError, NotStartedError) as error:
            made = [Row(name, "", missing=str(error))]
        except Exception as error:
            traceback.print_exc()
            made = [Row(name, "", missing=f"it failed: {type(error).__name__}")]
        self._add(made[0])

    def _goal(self, value: float, sense: Literal["at least", "at most"]) -> Goal | None:
        return Goal(value, sense) if self._scale.is_real else None

    def _add(self, row: Row) -> None:
        self.rows.append(row)
        self._tell(self.rows)

    def _engine(self, arm: str) -> Engine:
        make_model = self._made().for_one_engine
        if arm == STOCK:
            return MadeStockEngine(make_model)
        if arm == BATCHING:
            return MadeBatchingEngine(make_model, self._scale.options(is_compiling=False))
        # a bucket takes about a minute to compile: none is that was not worth while uncompiled
        capacity = self._of(BATCHING).describe().capacity
        max_rows = capacity.row_cap if capacity is not None else 0
        return MadeBatchingEngine(make_model, self._scale.options(is_compiling=True, max_rows=max_rows))

    def _made(self) -> RandomModel:
        if self._model is None:
            raise NotStartedError("there is no model")
        return self._model

    def _of(self, arm: str) -> Engine:
        if arm not in self._engines:
            raise NotStartedError(f"the engine did not start: {arm}")
        return self._engines[arm]

    async def _stop(self, *arms: str) -> None:
        for arm in arms:
            engine = self._engines.pop(arm, None)
            if engine is not None:
                with contextlib.suppress(TimeoutError):  # what hangs is ended with the process
                    await asyncio.wait_for(engine.stop(), STOP_LIMIT)


class NotStartedError(Exception):
    """A measurement needs what an earlier one failed to make."""


def _median(numbers: Sequence[float]) -> float:
    return sorted(numbers)[len(numbers) // 2]


def _times(figures: Figures, ours: str) -> float:
    """How many times faster ours is."""
    return _median(figures[STOCK]) / _median(figures[ours])
