"""How fast the small model trains on this machine: python benchmarks/training.py

Images a second of a training step with masks and keypoints, by threads and precision, on synthetic samples; each
measurement is a process of its own, the median of three. Beside it the floor: what the step's multiply-adds would
allow, if all of them ran as fast as a large matrix product does on the same threads (see operations.py).
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

import torch
from operations import CountOperations, multiply_adds_per_second

from maskrcnn.config import KeypointHeadConfig
from maskrcnn.data.synthetic import synthetic_samples
from maskrcnn.losses.objective import Objective
from maskrcnn.models.build import build_model
from maskrcnn.models.variants import mobilenet_v2_fpn_config
from maskrcnn.training.fit_config import FitConfig
from maskrcnn.training.memory import keep_freed_memory
from maskrcnn.training.optimizer import freeze, make_optimizer
from maskrcnn.training.step import train_step

BATCH, SIZE, STEPS = 8, 384, 5


def measure(threads: int, bf16: bool) -> tuple[float, float, float]:
    """Images a second (after one step that does not count), multiply-adds an image, and those that a second allows."""
    keep_freed_memory()
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    model = build_model(mobilenet_v2_fpn_config(2, keypoint_head=KeypointHeadConfig()))
    config = FitConfig(batch_size=BATCH, freeze_early=True, bf16=bf16)
    freeze(model, config)
    objective, optimizer = Objective(model), make_optimizer(model, config)
    samples = synthetic_samples(2, BATCH, (SIZE, SIZE), seed=0)
    with CountOperations() as operations:
        train_step(objective, optimizer, samples, config, 0, "cpu")
    start = time.perf_counter()
    for _ in range(STEPS):
        train_step(objective, optimizer, samples, config, 0, "cpu")
    rate = BATCH * STEPS / (time.perf_counter() - start)
    return rate, operations.count / BATCH, multiply_adds_per_second(torch.bfloat16 if bf16 else torch.float32)


def main() -> None:
    if len(sys.argv) > 1:
        print(*measure(int(sys.argv[1]), sys.argv[2] == "bf16"))
        return
    print(f"torch {torch.__version__}: steps of {BATCH} images of {SIZE} px, MobileNetV2-FPN with masks and keypoints")
    for threads in (1, 2):
        for precision in ("fp32", "bf16"):
            command = [sys.executable, __file__, str(threads), precision]
            outputs = [subprocess.run(command, capture_output=True, check=True).stdout for _ in range(3)]
            runs = [[float(value) for value in output.split()] for output in outputs]
            rate, operations, speed = (statistics.median(column) for column in zip(*runs))
            print(
                f"{threads} threads, {precision}: {rate:.1f} images/s; {operations / 1e9:.1f} G multiply-adds an image "
                f"at {speed / 1e9:.0f} G/s would be {speed / operations:.1f} images/s ({rate * operations / speed:.0%})"
            )


if __name__ == "__main__":
    main()
