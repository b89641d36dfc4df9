"""Measures what a training step costs on this machine: seconds and bytes."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from maskrcnn.data.dataset import Dataset
from maskrcnn.data.loading import Epoch, epoch_loader
from maskrcnn.data.transforms.samples import Sample, TrainTransform
from maskrcnn.errors import DataError
from maskrcnn.losses.objective import Objective
from maskrcnn.models.mask_rcnn import MaskRCNN
from maskrcnn.structures import batch_images
from maskrcnn.training.fit_config import FitConfig
from maskrcnn.training.memory import keep_freed_memory
from maskrcnn.training.optimizer import freeze, make_optimizer
from maskrcnn.training.step import train_step

LONG = 15.0  # seconds after which no further step is timed


@dataclass(frozen=True)
class Cost:
    """Of one step.

    Attributes:
        seconds: the shortest of a few steps after the first; what is longer, other programs made longer.
        bytes: the most memory that the process (or the graphics card) held meanwhile, all of it.
        load_seconds: what it took one process to load the step's images.
        look_seconds: one image looked at without learning.
    """

    seconds: float
    bytes: int
    load_seconds: float = 0.0
    look_seconds: float = 0.0


def measure_step(
    model: MaskRCNN, samples: Sequence[Sample], config: FitConfig, device: str = "cpu", steps: int = 4
) -> Cost:
    """Time a training step: one that does not count and a few more, of which the shortest does.

    The model is trained by it: give one away that nobody needs.

    Args:
        model: of the configuration that will be trained.
        samples: of one batch.
        config: the training's schedule.
        device: ``cpu``, ``cuda`` or ``mps``.
        steps: that count; fewer where they are long.

    Returns:
        Seconds of a step and of one image looked at, and the most memory held.
    """
    keep_freed_memory()
    model = model.to(device)
    freeze(model, config)
    objective, optimizer = Objective(model), make_optimizer(model, config)
    _forget_peak(device)
    times: list[float] = []
    while len(times) < 2 or (len(times) <= steps and sum(times) < LONG):
        begun = time.perf_counter()
        train_step(objective, optimizer, samples, config, 0, device)
        _finish(device)
        times.append(time.perf_counter() - begun)
    return Cost(min(times[1:]), peak_memory(device), look_seconds=_look(model, samples, device))


def load_samples(data: Dataset, transform: TrainTransform, count: int) -> tuple[list[Sample], float]:
    """Load images as training sees them, and time that.

    Args:
        data: to train on.
        transform: what training does to its images.
        count: of samples that are wanted.

    Returns:
        At most so many samples, and the seconds that it took one process.

    Raises:
        DataError: none of the images that were tried can be read.
    """
    begun = time.perf_counter()
    samples: list[Sample] = []
    loader = epoch_loader(data, transform, 1, Epoch())
    try:
        for batch in loader:
            samples += batch
            if len(samples) >= count:
                break
    except DataError:
        if not samples:
            raise
    return samples, time.perf_counter() - begun


@torch.no_grad()
def _look(model: MaskRCNN, samples: Sequence[Sample], device: str) -> float:
    """Seconds for one image, in full precision as validation has it."""
    model.eval()
    image = batch_images([samples[0].image], model.config.preprocess.size_divisor).to(device)
    times: list[float] = []
    while not times or (len(times) < 3 and sum(times) < LONG / 3):
        begun = time.perf_counter()
        model(image)
        _finish(device)
        times.append(time.perf_counter() - begun)
    return min(times)


def _finish(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)


def _forget_peak(device: str) -> None:
    """Begin to look for the most memory anew, where the system lets one."""
    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats(device)
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_memory(device: str = "cpu") -> int:
    """The most bytes that this process held so far (of ``device``'s own memory, where it has some)."""
    if device.startswith("cuda"):
        return torch.cuda.max_memory_allocated(device)
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    import resource  # here, because Windows does not have it

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
