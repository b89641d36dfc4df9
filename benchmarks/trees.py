"""Two versions of the package against each other: python benchmarks/trees.py BEFORE [--rounds 5]

BEFORE is the ``src`` folder of another version (``git worktree add ../before TAG``); this one's own is the other. Each
run is a process of its own, in turns (A B B A ...), and prints the seconds of one job without loading:

    inference   ResNet-50-FPN with random weights, one image of 800 x 1067 px, pixels to masks
    training    a training step of it, two images of 512 px
    predict     `maskrcnn predict --model people` on the example photos, files to files, loading included

The table has both medians and the ratio after / before. Run it on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

OWN = Path(__file__).resolve().parents[1] / "src"
Job = Callable[[], object]


def inference() -> Job:
    import torch

    from maskrcnn.checkpoints.ours import ModelInfo
    from maskrcnn.inference.predictor import Predictor
    from maskrcnn.models.build import mask_rcnn_resnet50_fpn

    torch.manual_seed(0)
    model = mask_rcnn_resnet50_fpn(80)
    predictor = Predictor(model, ModelInfo(model.config, tuple(map(str, range(80)))))
    image = torch.randint(0, 256, (3, 800, 1067), dtype=torch.uint8)
    return lambda: predictor(image)


def training() -> Job:
    import torch

    from maskrcnn.data.synthetic import synthetic_samples
    from maskrcnn.losses.objective import Objective
    from maskrcnn.models.build import mask_rcnn_resnet50_fpn
    from maskrcnn.training.fit_config import FitConfig
    from maskrcnn.training.step import train_step

    torch.manual_seed(0)
    objective = Objective(mask_rcnn_resnet50_fpn(2))
    optimizer = torch.optim.SGD(objective.parameters(), lr=1e-6)
    samples = synthetic_samples(2, 2, (512, 512))
    return lambda: train_step(objective, optimizer, samples, FitConfig(batch_size=2), 0, "cpu")


def predict() -> Job:
    import maskrcnn

    photos = Path(maskrcnn.__file__).parent / "examples" / "photos"
    command = [sys.executable, "-m", "maskrcnn", "predict", str(photos), "--model", "people", "--out"]

    def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([*command, folder], check=True, stdout=subprocess.DEVNULL)

    return run


JOBS: dict[str, Callable[[], Job]] = {"inference": inference, "training": training, "predict": predict}


def seconds_of(name: str) -> float:
    """The faster of two runs of a job after one that does not count."""
    job = JOBS[name]()
    job()
    times = []
    for _ in range(2):
        start = time.perf_counter()
        job()
        times.append(time.perf_counter() - start)
    return min(times)


def in_a_process(name: str, source: Path) -> float:
    environment = os.environ | {"PYTHONPATH": str(source)}
    command = [sys.executable, __file__, str(source), "--job", name]
    return float(
        subprocess.run(command, check=True, env=environment, capture_output=True, text=True).stdout.split()[-1]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("before", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--job", choices=JOBS, help="used by the runs themselves")
    flags = parser.parse_args()
    if flags.job:
        print(seconds_of(flags.job))
        return
    print(f"{'job':<12}{'before s':>10}{'after s':>10}{'ratio':>8}")
    for name in JOBS:
        times: dict[Path, list[float]] = {flags.before: [], OWN: []}
        for number in range(flags.rounds):
            for source in list(times)[:: 1 if number % 2 == 0 else -1]:
                times[source].append(in_a_process(name, source))
        before, after = (statistics.median(own) for own in times.values())
        print(f"{name:<12}{before:>10.3f}{after:>10.3f}{after / before:>8.3f}", flush=True)


if __name__ == "__main__":
    main()
