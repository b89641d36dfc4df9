"""Equal trainings, counted: the same command again and again, each in a process whose memory begins otherwise.

    python benchmarks/equal_runs.py DATA [RUNS] [FLAGS OF maskrcnn train]

glibc fills the memory of each run with another byte (its tunable ``perturb``), so that a kernel which reads what nobody
has written gives another model each time. Prints how many of the runs ended with the same tensors, and what was skipped
or repeated.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import torch
from safetensors import safe_open

FLAGS = ("--epochs", "8", "--image-size", "192")


def main() -> int:
    """Exit code 0 if all runs are equal and no step was skipped or repeated."""
    data, rest = Path(sys.argv[1]), sys.argv[2:]
    runs = int(rest.pop(0)) if rest and rest[0].isdigit() else 20
    print(f"torch {torch.__version__}, oneDNN: {onednn_version()}, {runs} runs")
    ends: Counter[str] = Counter()
    troubled = 0
    for run in range(runs):
        fill = run * 97 % 256
        with tempfile.TemporaryDirectory() as folder:
            spoken = train(data, Path(folder), rest or list(FLAGS), fill)
            end = fingerprint(Path(folder) / "last.safetensors")
        trouble = [line for line in spoken.splitlines() if "skipped" in line or "repeated" in line]
        troubled += bool(trouble)
        ends[end] += 1
        print(f"run {run + 1:>2}, memory filled with {fill ^ 255:02x}: {end}", *trouble, sep="\n  ", flush=True)
    print(f"{max(ends.values())} of {runs} runs are equal; {troubled} had steps that were skipped or repeated")
    return int(len(ends) > 1 or troubled > 0)


def train(data: Path, out: Path, flags: list[str], fill: int) -> str:
    """One training with ``fill`` in memory (0: as the system gives it); what it said."""
    command = [sys.executable, "-m", "maskrcnn", "train", str(data), "--out", str(out), *flags]
    tunables = f"glibc.malloc.tcache_count=0:glibc.malloc.perturb={fill}"
    environment = os.environ | {"GLIBC_TUNABLES": tunables}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"The training failed:\n{done.stderr}")
    return done.stderr


def fingerprint(checkpoint: Path) -> str:
    """A hash of every tensor of the training's last state, its place in the schedule aside."""
    digest = hashlib.sha256()
    with safe_open(checkpoint, "pt") as file:
        for name in sorted(name for name in file.keys() if not name.startswith("position.")):  # noqa: SIM118
            digest.update(name.encode() + file.get_tensor(name).numpy().tobytes())
    return digest.hexdigest()[:16]


def onednn_version() -> str:
    """As torch was built with."""
    lines = torch.__config__.show().splitlines()
    return next((line.split("MKL-DNN", 1)[1].split("(")[0].strip() for line in lines if "MKL-DNN" in line), "none")


if __name__ == "__main__":
    sys.exit(main())
