"""B3: operations of a UNet call with IP-Adapter on SDXL's full topology: ours / stock. Counted by a test; run it."""

import subprocess
import sys
from pathlib import Path

TEST = "tests/component/engine/batching/test_batching_operations.py"


def main() -> int:
    """Print what the test counted; its exit status, which is 0 if the goal (1864 / 2216) is reached."""
    worker = Path(__file__).parents[1] / "worker-python"
    command = [sys.executable, "-m", "pytest", TEST, "-k", "fewer_operations", "-rP"]
    ended = subprocess.run(command, cwd=worker, capture_output=True, text=True, check=False)
    print("\n".join(line for line in ended.stdout.splitlines() if "operations of" in line) or ended.stdout)
    return ended.returncode


if __name__ == "__main__":
    sys.exit(main())
