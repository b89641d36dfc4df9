"""Rebuild the golden fixtures: ``python tools/golden/make.py``.

Makes a virtual environment of its own with a pinned torchvision (once; several GB) and runs ``record.py`` in it, which
writes ``tests/golden``.  Neither the package nor its tests need torchvision.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Three equals signs: this very build, not one with a local suffix such as +cpu, whose CUDA libraries are missing and
# which torchvision's compiled operators could not be loaded with.
REQUIREMENTS = ("torchvision===0.28.0", "torch===2.13.0", "numpy==2.4.6")


def environment(folder: Path, requirements: Sequence[str] = REQUIREMENTS) -> Path:
    """Make the virtual environment if it is absent or unfinished; return its interpreter."""
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    finished = folder / "installed"
    if not finished.exists():
        venv.create(folder, with_pip=True)
        (folder / ".gitignore").write_text("*\n")
        subprocess.run([python, "-m", "pip", "install", "--no-cache-dir", *requirements], check=True)
        finished.write_text("\n".join(requirements) + "\n")
    return python


def main() -> None:
    """Read the flags, make the environment, record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--venv", type=Path, default=ROOT / ".golden-venv", help="folder of the virtual environment")
    parser.add_argument("--out", type=Path, default=ROOT / "tests" / "golden", help="folder of the fixtures")
    flags = parser.parse_args()
    python = environment(flags.venv)
    command = [python, Path(__file__).with_name("record.py"), "--out", flags.out]
    sys.exit(subprocess.run(command).returncode)


if __name__ == "__main__":
    main()
