"""The most memory that prediction and training take beyond what was held before, each in a process of its own.

python benchmarks/memory.py
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

PROBE = Path(__file__).parents[1] / "tests" / "memory_probe.py"


def probe(*arguments: str) -> float:
    """Megabytes, see ``tests/memory_probe.py``."""
    done = subprocess.run([sys.executable, str(PROBE), *arguments], capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout.splitlines()[-1])["megabytes"])


def main() -> None:
    print("| job | MB beyond the loaded model |\n|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        print(f"| predict, people, 300 objects in 4000 x 6000 | {probe('predict', 'people', folder):.0f} |", flush=True)
    for count in (5, 50, 500):
        print(f"| training step, {count} objects in 2048 x 2048 | {probe('train', str(count)):.0f} |", flush=True)


if __name__ == "__main__":
    main()
