"""How fast the small model trains on this machine: python benchmarks/training.py

Images a second of a training step with masks and keypoints, by threads and precision, on synthetic samples; each
measurement is a process of its own, the median of three.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

import torch

from maskrcnn.config import KeypointHeadConfig
from maskrcnn.data.synthetic import synthetic_samples
from maskrcnn.losses.objective import Objective
from maskrcnn.models.build import build_model, mobilenet_v2_fpn_config
from maskrcnn.training.memory import keep_freed_memory
from maskrcnn.training.optimizer import freeze, make_optimizer
from maskrcnn.training.recipe import FitConfig
from maskrcnn.training.step import train_step

BATCH, SIZE, STEPS = 8, 384, 5


def measure(threads: int, bf16: bool) -> float:
    """Images a second, after one step that does not count."""
    keep_freed_memory()
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    model = build_model(mobilenet_v2_fpn_config(2, keypoint_head=KeypointHeadConfig()))
    config = FitConfig(batch_size=BATCH, freeze_early=True, bf16=bf16)
    freeze(model, config)
    objective, optimizer = Objective(model), make_optimizer(model, config)
    samples = synthetic_samples(2, BATCH, (SIZE, SIZE), seed=0)
    train_step(objective, optimizer, samples, config, 0, "cpu")
    start = time.perf_counter()
    for _ in range(STEPS):
        train_step(objective, optimizer, samples, config, 0, "cpu")
    return BATCH * STEPS / (time.perf_counter() - start)


def main() -> None:
    if len(sys.argv) > 1:
        print(measure(int(sys.argv[1]), sys.argv[2] == "bf16"))
        return
    print(f"torch {torch.__version__}: steps of {BATCH} images of {SIZE} px, MobileNetV2-FPN with masks and keypoints")
    for threads in (1, 2):
        for precision in ("fp32", "bf16"):
            command = [sys.executable, __file__, str(threads), precision]
            runs = [float(subprocess.run(command, capture_output=True, check=True).stdout) for _ in range(3)]
            print(f"{threads} threads, {precision}: {statistics.median(runs):.1f} images/s")


if __name__ == "__main__":
    main()
