"""What a training will need of this machine, from the steps of the trial."""

from __future__ import annotations

import os
from dataclasses import dataclass

from maskrcnn.workflows.doctor.findings import Finding, finding
from maskrcnn.workflows.doctor.trial import Trial
from maskrcnn.workflows.recipe import Recipe


@dataclass(frozen=True)
class Needs:
    """Estimates for a whole training with a recipe.

    Attributes:
        seconds_an_image: of a step, for each of its images.
        epoch_seconds: one pass over all images.
        total_seconds: all epochs, without validation.
        bytes: memory at the peak of a step; 0 if it could not be measured.
        available: memory that this machine has free; 0 if it does not say.
    """

    seconds_an_image: float
    epoch_seconds: float
    total_seconds: float
    bytes: int
    available: int


def training_needs(trial: Trial, recipe: Recipe, images: int, image_size: int) -> Needs:
    """Time and memory grow with the pixels of a step: crops of ``recipe.crop_size`` instead of whole images."""
    crop = recipe.crop_size or image_size
    part = (crop / image_size) ** 2
    each = trial.seconds / trial.images * part
    at_once = -(-recipe.batch // recipe.accumulate)
    needed = int(trial.resident + trial.bytes / trial.images * part * at_once) if trial.bytes else 0
    factor = 4 / 3 if recipe.accumulate > 1 else 1.0  # parts are first walked through once without gradients
    epoch = each * images * factor
    return Needs(each, epoch, epoch * recipe.epochs, needed, available_memory())


def needs_findings(needs: Needs, recipe: Recipe) -> list[Finding]:
    """A finding where the memory will not do."""
    if not needs.bytes or not needs.available or needs.bytes < 0.9 * needs.available:
        return []
    why = f"About {gib(needs.bytes)} are needed at --batch {recipe.batch}, and {gib(needs.available)} are free."
    fix = f"use --batch {max(1, recipe.batch // 2)}, or --accumulate 2, or a smaller --image-size."
    return [finding("memory-short", "train", [], count=1, why=why, fix=fix)]


def available_memory() -> int:
    """Bytes of memory that are free on this machine; 0 where it does not say."""
    try:
        with open("/proc/meminfo", encoding="ascii", errors="replace") as lines:  # noqa: PTH123
            line = next((line for line in lines if line.startswith("MemAvailable:")), "")
        if line:
            return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return 0


def gib(size: float) -> str:
    """``1.5 GiB``."""
    return f"{size / 2**30:.1f} GiB"


def duration(seconds: float) -> str:
    """``40 s``, ``5 min``, ``3 h 20 min``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"
