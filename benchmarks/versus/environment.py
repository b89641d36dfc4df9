"""The environment in which both sides run: torchvision's pinned release, and ours installed into it."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".bench-venv"
# Three equals signs: this very build, see tools/golden/make.py.
REFERENCE = ("torchvision===0.28.0", "torch===2.13.0", "numpy==2.4.6")
OWN = ("pillow", "safetensors", "hotcoco", "tyro", "rich", "pyyaml", "pycocotools")  # in the versions of ours


def interpreter(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def reference_environment() -> Path:
    """The interpreter of ``.bench-venv``, which is made (several GB, once) where it is absent or unfinished."""
    python, finished = interpreter(FOLDER), FOLDER / "installed"
    if not finished.exists():
        print(f"Making {FOLDER.name} with {', '.join(REFERENCE)} (several GB, once)", file=sys.stderr)
        venv.create(FOLDER, with_pip=True)
        (FOLDER / ".gitignore").write_text("*\n")
        install = [str(python), "-m", "pip", "install", "-q", "--no-cache-dir"]
        subprocess.run([*install, *REFERENCE], check=True)
        pinned = FOLDER / "constraints.txt"
        lines = (ROOT / "constraints.txt").read_text().splitlines()
        pinned.write_text("\n".join(line for line in lines if not line.startswith("torch==")) + "\n")
        subprocess.run([*install, "-c", str(pinned), *OWN], check=True)
        subprocess.run([*install, "--no-deps", "-e", str(ROOT)], check=True)
        finished.write_text("\n".join(REFERENCE) + "\n")
    return python


def cpu_build() -> Path | None:
    """The interpreter of the project's own environment, where that is another one and has been made."""
    python = interpreter(ROOT / ".venv")
    return python if python.exists() else None
