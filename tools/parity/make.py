"""Compare our detections with torchvision's, both run now: ``python tools/parity/make.py`` (``make parity``).

Makes a fresh virtual environment with the pinned torchvision (once thrown away, 4.8 GB, about 2 minutes) and runs
``compare_torchvision.py`` in it, with our package from this checkout. The golden fixtures compare with recordings; this
compares with the thing itself, with other weights and pictures. Other references have scripts of their own beside it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tools" / "golden"))
import make as golden  # noqa: E402

REQUIREMENTS = (*golden.REQUIREMENTS, "safetensors", "pillow")


def main() -> None:
    """Read the flags, make the environment, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--venv", type=Path, default=ROOT / ".parity-venv", help="folder of the virtual environment")
    parser.add_argument("--keep", action="store_true", help="use and keep an environment that is there")
    parser.add_argument("flags", nargs="*", help="for the comparison, behind --: --seeds 5 --variants faster mask_v2")
    flags = parser.parse_args()
    if not flags.keep:
        shutil.rmtree(flags.venv, ignore_errors=True)
    python = golden.environment(flags.venv, REQUIREMENTS)
    command = [python, Path(__file__).with_name("compare_torchvision.py"), *flags.flags]
    code = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(ROOT / "src")}).returncode
    if not flags.keep:
        shutil.rmtree(flags.venv)
    sys.exit(code)


if __name__ == "__main__":
    main()
