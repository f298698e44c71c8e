"""B3: operations of a UNet call with IP-Adapter on SDXL's full topology: ours / stock. Counted by a test; run it."""

import re
import subprocess
import sys
from pathlib import Path

from bench.rows import Row, tell

TEST = "tests/component/engine/batching/test_batching_operations.py"


def main() -> int:
    """Print what the test counted; its exit status, which is 0 if the goal (1864 / 2216) is reached."""
    worker = Path(__file__).parents[1] / "worker-python"
    command = [sys.executable, "-m", "pytest", TEST, "-k", "fewer_operations", "-rP"]
    ended = subprocess.run(command, cwd=worker, capture_output=True, text=True, check=False)
    counted = "\n".join(line for line in ended.stdout.splitlines() if "operations of" in line)
    print(counted or ended.stdout)
    if figures := re.search(r"stock (\d+), ours (\d+)", counted):
        _tell(ours=int(figures[2]), stock=int(figures[1]), is_met=ended.returncode == 0)
    return ended.returncode


def _tell(*, ours: int, stock: int, is_met: bool) -> None:
    what = "operations of a UNet call, SDXL's topology with IP-Adapter"
    ratio, verdict = f"{ours / stock:.2f}", "met" if is_met else "MISSED"
    tell(Row("B3", what, f"stock: {stock:,}", f"{ours:,}", ratio, "<= 0.84", verdict))


if __name__ == "__main__":
    sys.exit(main())
