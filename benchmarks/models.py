"""How fast the shipped models are on this machine: python benchmarks/models.py

Prints, for each model, the median time of an image through ``Predictor`` (reading and drawing not included) on its
example pictures, and images a second of a training step on synthetic samples with and without ``keep_freed_memory``, in
turns (A B A B), as a ratio. Each training measurement is a process of its own, since what the C library was told cannot
be taken back.
"""

from __future__ import annotations

import dataclasses
import statistics
import subprocess
import sys
import time
from typing import cast

import torch
from torch.utils.flop_counter import FlopCounterMode

from maskrcnn.checkpoints.ours import read_info
from maskrcnn.config import CloseUpMaskConfig
from maskrcnn.data.synthetic import synthetic_samples
from maskrcnn.inference.predictor import Predictor
from maskrcnn.jobs.models import EXAMPLES
from maskrcnn.losses.objective import Objective
from maskrcnn.modalities.images.read.find import find_images
from maskrcnn.modalities.images.read.pictures import read_image
from maskrcnn.models.build import build_model, mask_rcnn_mobilenet_v2_fpn
from maskrcnn.models.heads.closeup_mask import AT_ONCE, GIVEN, CloseUpMaskHead
from maskrcnn.models.variants import mobilenet_v2_fpn_config
from maskrcnn.pretrained import model_path, shipped_models
from maskrcnn.training.fit_config import FitConfig
from maskrcnn.training.memory import keep_freed_memory
from maskrcnn.training.optimizer import make_optimizer
from maskrcnn.training.step import train_step

ROUNDS, STEPS, BATCH, SIZE = 3, 6, 8, 352


def predict_seconds(name: str) -> float:
    """Median over the example pictures of the fastest of three runs."""
    predictor = Predictor.load(model_path(name))
    times = []
    for path in find_images(EXAMPLES / ("nuclei" if name == "nuclei" else "photos")):
        image = read_image(path)
        times.append(min(timed(lambda image=image: predictor(image)) for _ in range(3)))
    return statistics.median(times)


def timed(job: object) -> float:
    """Seconds that ``job`` takes."""
    start = time.perf_counter()
    job()  # type: ignore[operator]
    return time.perf_counter() - start


@torch.inference_mode()
def closeup_seconds() -> tuple[float, float, float]:
    """Seconds an object of the close-up mask head's network, and of all of it, of a batch of 16; and the multiply-adds
    of its convolutions, in millions."""
    model = build_model(dataclasses.replace(mobilenet_v2_fpn_config(1), closeup_mask_head=CloseUpMaskConfig())).eval()
    head = cast(CloseUpMaskHead, model.heads["closeup_mask"])
    images, boxes = torch.randn(1, 3, 544, 544), [torch.tensor([[60.0, 80, 260, 420]] * AT_ONCE)]
    masks, seen = torch.rand(AT_ONCE, 28, 28), torch.randn(AT_ONCE, 3 + GIVEN, *head.size)
    with FlopCounterMode(display=False) as counted:
        head.segmenter(seen)
    alone = statistics.median(timed(lambda: head.segmenter(seen)) for _ in range(7))
    whole = statistics.median(timed(lambda: head.look(images, boxes, masks)) for _ in range(7))
    return alone / AT_ONCE, whole / AT_ONCE, counted.get_total_flops() / 2 / AT_ONCE / 1e6


def training_speed() -> float:
    """Images a second of the training step, after one step that does not count."""
    torch.manual_seed(0)
    model = mask_rcnn_mobilenet_v2_fpn(2)
    config = FitConfig(batch_size=BATCH)
    objective, optimizer = Objective(model), make_optimizer(model, config)
    samples = synthetic_samples(2, BATCH, (SIZE, SIZE), seed=0)
    train_step(objective, optimizer, samples, config, 0, "cpu")
    seconds = timed(lambda: [train_step(objective, optimizer, samples, config, 0, "cpu") for _ in range(STEPS)])
    return STEPS * BATCH / seconds


def measure(keep: bool) -> float:
    """:func:`training_speed` in a process of its own."""
    output = subprocess.run([sys.executable, __file__, "keep" if keep else "plain"], capture_output=True, check=True)
    return float(output.stdout)


def main() -> None:
    if len(sys.argv) > 1:
        if sys.argv[1] == "keep":
            keep_freed_memory()
        print(training_speed())
        return
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads")
    for name in (n for n in shipped_models() if read_info(model_path(n)).notes.get("kind", "image") == "image"):
        print(f"predict: {predict_seconds(name):.2f} s an image ({name}, at the model's own size)")
    alone, whole, millions = closeup_seconds()
    print(
        f"close-up mask: {1e3 * alone:.1f} ms an object, the network alone ({millions:.0f} M multiply-adds); "
        f"{1e3 * whole:.1f} ms with cutting it out"
    )
    pairs = [(measure(True), measure(False)) for _ in range(ROUNDS)]
    ratios = sorted(kept / plain for kept, plain in pairs)
    kept = statistics.median(pair[0] for pair in pairs)
    print(
        f"training step at {SIZE} px, batch {BATCH}: {kept:.1f} images/s; keeping freed memory is "
        f"{statistics.median(ratios):.2f} times as fast (min {ratios[0]:.2f}, max {ratios[-1]:.2f})"
    )


if __name__ == "__main__":
    main()
