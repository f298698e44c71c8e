"""What was measured: a row for each measurement, whether it was made or not; as a table and as JSON."""

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

Figures = dict[str, list[float]]
"""By what was measured (an arm, a bucket), one for each round."""


@dataclass(frozen=True)
class Goal:
    """Of ``benchmarks.md``."""

    value: float
    sense: Literal["at least", "at most"]

    def is_reached(self, result: float) -> bool:
        """By one number."""
        return result >= self.value if self.sense == "at least" else result <= self.value


@dataclass(frozen=True)
class Row:
    """One measurement. ``missing``: why there are no figures."""

    name: str
    unit: str
    figures: Figures = field(default_factory=dict)
    result: float | None = None
    """What the goal speaks of; None: nothing to reach."""
    goal: Goal | None = None
    missing: str = ""

    @property
    def is_measured(self) -> bool:
        """Figures are there, and are numbers."""
        numbers = [number for figures in self.figures.values() for number in figures]
        numbers += [] if self.result is None else [self.result]
        return not self.missing and bool(self.figures) and bool(numbers) and all(map(math.isfinite, numbers))

    def as_markdown(self) -> str:
        """A row of the table."""
        if self.missing:
            return f"| {self.name} | **not measured**: {self.missing} | | | |"
        figures = "; ".join(f"{name} {_figures_text(numbers)}" for name, numbers in self.figures.items())
        result = "" if self.result is None else f"{self.result:.3g}"
        goal = "" if self.goal is None else f"{self.goal.sense} {self.goal.value:g}"
        verdict = ""
        if self.goal is not None and self.result is not None:
            verdict = "reached" if self.goal.is_reached(self.result) else "MISSED"
        return f"| {self.name}, {self.unit} | {figures} | {result} | {goal} | {verdict} |"


def as_markdown(facts: Mapping[str, str], rows: Sequence[Row]) -> str:
    """What it ran on, and the table."""
    lines = [f"- {name}: {value}" for name, value in facts.items()]
    lines += ["", "| what | figures: median (range; rounds) | result | goal | |", "| --- | --- | --- | --- | --- |"]
    return "\n".join([*lines, *(row.as_markdown() for row in rows)]) + "\n"


def write_report(folder: Path, facts: Mapping[str, str], rows: Sequence[Row]) -> None:
    """``gpu.md`` and ``gpu.json``. Written anew after each measurement: what was measured survives whatever comes."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "gpu.md").write_text(as_markdown(facts, rows))
    content = {"facts": dict(facts), "rows": [asdict(row) for row in rows]}
    (folder / "gpu.json").write_text(json.dumps(content, indent=2) + "\n")


def _figures_text(numbers: Sequence[float]) -> str:
    median = f"{statistics.median(numbers):.4g}"
    return median if len(numbers) == 1 else f"{median} ({min(numbers):.4g} to {max(numbers):.4g}; {len(numbers)})"
