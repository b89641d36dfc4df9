"""Memory and time of `maskrcnn predict` on a large scan: 512 x 512 x 300 voxels of 1 mm, made up here.

python benchmarks/volume.py [--shape X Y Z] [--model NAME]

Smooth noise, with bodies in it as large as those that the model knows, so that it finds something in many blocks.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nibabel
import numpy as np

BODY = 20  # voxels across
BODIES = 300


def make_scan(shape: tuple[int, ...], path: Path) -> None:
    """An int16 NIfTI file of ``shape`` (x, y, z)."""
    generator = np.random.default_rng(0)
    voxels = generator.integers(0, 200, shape, dtype=np.int16)
    grid = np.stack(np.meshgrid(*(np.arange(BODY) - BODY / 2 + 0.5,) * 3, indexing="ij"))
    ball = (grid**2).sum(0) < (BODY / 2) ** 2
    for _ in range(BODIES):
        corner = [int(generator.integers(0, side - BODY)) if side > BODY else 0 for side in shape]
        part = voxels[tuple(slice(low, low + BODY) for low in corner)]
        part[ball[tuple(slice(0, side) for side in part.shape)]] += 600
    nibabel.save(nibabel.Nifti1Image(voxels, np.diag([1.0, 1.0, 1.0, 1.0])), path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", type=int, nargs=3, default=(512, 512, 300), metavar=("X", "Y", "Z"))
    parser.add_argument("--model", default="hippocampus")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scan = Path(folder) / "scan.nii.gz"
        make_scan(tuple(arguments.shape), scan)
        start = time.perf_counter()
        command = [sys.executable, "-m", "maskrcnn", "predict", str(scan), "--model", arguments.model]
        done = subprocess.run([*command, "--out", f"{folder}/out"], capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    print(done.stdout.strip() or done.stderr.strip())
    print(f"{' x '.join(map(str, arguments.shape))} voxels: {seconds:.0f} s, at most {peak:.2f} GiB of memory")
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
