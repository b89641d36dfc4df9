"""How fast the small model trains on this machine, and how far that is from the floor: python benchmarks/training.py

The floor is the arithmetic of a step over the rate of a large matrix product on the same threads. Torch counts the
convolutions and matrix products of the forward pass; the backward pass is taken as twice that (torch's own count of it
takes depthwise convolutions for whole ones), though the frozen early layers need none. Depthwise convolutions, which move more bytes than they
compute, norms, pooling, matching and the optimiser are not in it. Samples are synthetic, with the sizes of photos of
people; each measurement is a process of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time

import torch
from torch.utils.flop_counter import FlopCounterMode

from maskrcnn.config import KeypointHeadConfig
from maskrcnn.data.synthetic import synthetic_samples
from maskrcnn.losses.objective import Objective
from maskrcnn.models.build import build_model, mobilenet_v2_fpn_config
from maskrcnn.training.memory import keep_freed_memory
from maskrcnn.training.optimizer import freeze, make_optimizer
from maskrcnn.training.recipe import FitConfig
from maskrcnn.training.step import batch_losses, train_step

BATCH, SIZE, STEPS, MATRIX = 8, 384, 5, 2048


def matrix_rate(bf16: bool) -> float:
    """Operations a second of a square matrix product."""
    kind = torch.bfloat16 if bf16 else torch.float32
    a, b = (torch.randn(MATRIX, MATRIX, dtype=kind) for _ in range(2))
    a @ b
    start = time.perf_counter()
    for _ in range(STEPS):
        a @ b
    return 2 * MATRIX**3 * STEPS / (time.perf_counter() - start)


def measure(threads: int, bf16: bool) -> dict[str, float]:
    """Images a second, and how many the arithmetic alone would allow."""
    keep_freed_memory()
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    model = build_model(mobilenet_v2_fpn_config(2, keypoint_head=KeypointHeadConfig()))
    config = FitConfig(batch_size=BATCH, freeze_early=True, bf16=bf16)
    freeze(model, config)
    objective, optimizer = Objective(model), make_optimizer(model, config)
    samples = synthetic_samples(2, BATCH, (SIZE, SIZE), seed=0)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        batch_losses(objective, samples, config, 0, "cpu")
    train_step(objective, optimizer, samples, config, 0, "cpu")
    start = time.perf_counter()
    for _ in range(STEPS):
        train_step(objective, optimizer, samples, config, 0, "cpu")
    seconds = (time.perf_counter() - start) / STEPS
    rate = matrix_rate(bf16)
    floor = counter.get_total_flops() / rate
    return {
        "images": BATCH / seconds,
        "floor": BATCH / floor,
        "gflop": counter.get_total_flops() / 1e9,
        "rate": rate / 1e9,
    }


def main() -> None:
    if len(sys.argv) > 1:
        print(json.dumps(measure(int(sys.argv[1]), sys.argv[2] == "bf16")))
        return
    print(f"torch {torch.__version__}: a step of {BATCH} images of {SIZE} px, MobileNetV2-FPN with masks and keypoints")
    print("threads  precision  images/s  floor: images/s  of the floor  GFLOP a step  matrix GFLOP/s")
    for threads in (1, 2):
        for precision in ("fp32", "bf16"):
            command = [sys.executable, __file__, str(threads), precision]
            runs = [json.loads(subprocess.run(command, capture_output=True, check=True).stdout) for _ in range(3)]
            best = sorted(runs, key=lambda run: run["images"])[1]  # the median
            share = best["images"] / best["floor"]
            print(
                f"{threads:7}  {precision:>9}  {best['images']:8.1f}  {best['floor']:15.1f}  {share:12.0%}"
                f"  {best['gflop']:12.0f}  {best['rate']:14.0f}"
            )


if __name__ == "__main__":
    main()
