"""The runtime beside torch on the same photos, by turns, one thread each: seconds of processor time, which other jobs
on the machine lengthen less than they do a clock's. Several exported files take turns too.

    python benchmarks/edge.py everyday everyday.zip everyday-int8.zip --rounds 5
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch

from maskrcnn.inference.options import SHOWN
from maskrcnn.inference.predictor import Predictor
from maskrcnn.jobs.models import EXAMPLES

RUNTIME = Path(__file__).parent.parent / "runtime" / "src"
ALONE = """
import sys, time
begun = time.process_time()
sys.path.insert(0, sys.argv[1])
from maskrcnn_runtime import Model, read_picture
model = Model(sys.argv[2], threads=1)
model(read_picture(sys.argv[3]))
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) / 1024
print(f"alone: {time.process_time() - begun:.2f} s from start to first result, {peak:.0f} MB at most")
"""


def main() -> None:
    """Print the medians of both, their ratio, and what the runtime takes in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="name or file of the model")
    parser.add_argument("exported", type=Path, nargs="+", help="its exported files")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    sys.path.insert(0, str(RUNTIME))
    from maskrcnn_runtime import Model, read_picture

    torch.set_num_threads(1)
    runtimes = {path.name: Model(path, threads=1) for path in options.exported}
    photos = sorted((EXAMPLES / "photos").iterdir())
    preprocess = next(iter(runtimes.values())).config["preprocess"]
    size = max(preprocess["min_size"], preprocess["max_size"])
    predictor = Predictor.load(options.model, options=SHOWN).with_options(image_size=size)
    pictures = [read_picture(path) for path in photos]
    seconds: dict[str, list[float]] = {name: [] for name in ("torch", *runtimes)}
    for round_ in range(options.rounds + 1):
        for image in pictures:
            samples = torch.from_numpy(image.copy()).permute(2, 0, 1)
            for name in seconds:
                run, given = (predictor, samples) if name == "torch" else (runtimes[name], image)
                begun = time.process_time()
                run(given)
                if round_:  # the first warms up
                    seconds[name].append(time.process_time() - begun)
    medians = {name: statistics.median(own) for name, own in seconds.items()}
    print(f"{options.model}, longest side {size}, {len(pictures)} photos, {options.rounds} rounds, one thread:")
    for name, median in medians.items():
        print(f"{name}: {median:.3f} s a photo, {medians['torch'] / median:.2f} times as fast as torch")
    for path in options.exported:
        alone = subprocess.check_output([sys.executable, "-c", ALONE, RUNTIME, path, photos[0]], text=True)
        print(f"{path.name}, {alone}", end="")


if __name__ == "__main__":
    main()
