"""How well a model draws: IoU of masks and of their boundaries, by size, with and without its close-ups.

    python benchmarks/masks.py MODEL DATA [--limit N]

Boxes are the model's own, then those of the labels, then those of the labels with each side moved by up to 10 % of its
length, as people draw them.
"""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
import tyro
from torch import Tensor

from maskrcnn.data.dataset import Dataset
from maskrcnn.data.split import subset
from maskrcnn.evaluation.evaluate import evaluate
from maskrcnn.evaluation.mask_quality import mask_quality
from maskrcnn.inference.predictor import Predictor
from maskrcnn.modalities.open import open_dataset
from maskrcnn.structures import Instances, Record

OFF = 0.1  # of a side
COLUMNS = ("mask/IoU", "mask/IoUs", "mask/IoUm", "mask/IoUl", "mask/boundaryIoU", "mask/AP", "mask/AP50", "box/AP")
ORDINARY = {"sharp": False, "raw_masks": True}
VARIANTS = {
    "ordinary masks": ORDINARY,
    "ordinary, one piece": {"sharp": False, "raw_masks": False},
    "close-ups": {"sharp": True, "raw_masks": True},
    "close-ups, one piece": {"sharp": True, "raw_masks": False},
}


@dataclass(frozen=True)
class Masks:
    model: Annotated[str, tyro.conf.Positional]
    """Model file, or the name of a shipped model."""
    data: Annotated[Path, tyro.conf.Positional]
    """Labelled images."""
    limit: int | None = None
    """So many images, spread evenly; none: all."""
    variants: tuple[str, ...] = tuple(VARIANTS)
    """Which rows."""


def detected(predictor: Predictor, data: Dataset) -> dict[str, float | None]:
    records: list[Record] = []
    found: list[Instances] = []

    def watch(record: Record, image: Tensor, own: Instances) -> None:
        records.append(record)
        found.append(own)

    result, _ = evaluate(predictor, data, watch=watch)
    return result.metrics | mask_quality(records, found)


def given(predictor: Predictor, data: Dataset, off: float) -> dict[str, float | None]:
    """Of boxes that somebody else gives: those of the labels, with each side moved by up to ``off`` of its length."""
    generator = torch.Generator().manual_seed(0)
    records, found = [], []
    for record in data:
        target = record.instances()
        target = target[~target.crowd]
        low, high = target.boxes.chunk(2, -1)
        moved = (torch.rand(target.boxes.shape, generator=generator) * 2 - 1) * off * (high - low).repeat(1, 2)
        boxes = target.boxes + moved
        drawn = predictor.masks(data.read_image(record), boxes, torch.ones_like(target.labels))
        # by the true boxes and classes, so that every mask is judged
        sure = torch.ones(len(target))
        found.append(dataclasses.replace(drawn, boxes=target.boxes, labels=target.labels, scores=sure))
        records.append(record)
    return mask_quality(records, found)


def main() -> None:
    flags = tyro.cli(Masks, use_underscores=False, config=(tyro.conf.FlagCreatePairsOff,))
    data = open_dataset(flags.data)
    if flags.limit is not None:
        data = subset(data, [k * len(data) // flags.limit for k in range(flags.limit)])
    predictor = Predictor.load(flags.model)
    print(f"| {data.path.name}, {len(data)} images | {' | '.join(COLUMNS)} | s |")
    print("|---" * (len(COLUMNS) + 2) + "|")
    for name in flags.variants:
        own = predictor.with_options(score=None, **VARIANTS[name])
        tell(name, *timed(lambda: detected(own, data)))  # noqa: B023 - called at once
    for off in (0.0, OFF):
        for name in flags.variants:
            own = predictor.with_options(score=None, **VARIANTS[name])
            tell(f"{name}, labelled boxes {off:.0%} off", *timed(lambda: given(own, data, off)))  # noqa: B023


def timed(work):  # type: ignore[no-untyped-def]
    begun = time.monotonic()
    return work(), time.monotonic() - begun


def tell(name: str, metrics: dict[str, float | None], seconds: float) -> None:
    cells = (f"{value:.3f}" if (value := metrics.get(column)) is not None else "" for column in COLUMNS)
    print(f"| {name} | {' | '.join(cells)} | {seconds:.0f} |", flush=True)


if __name__ == "__main__":
    main()
