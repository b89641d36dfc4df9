"""Overfits a few images with the model that would be trained: proof that labels, pictures and losses agree."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from maskrcnn.data.class_maps.tasks import OBJECTS, SEMANTIC, has_maps_alone
from maskrcnn.data.dataset import Dataset
from maskrcnn.data.faults import box_overlap
from maskrcnn.data.transforms.samples import EvalTransform, Sample
from maskrcnn.doctor.findings import Finding, finding
from maskrcnn.doctor.survey import Survey
from maskrcnn.errors import DataError
from maskrcnn.inference.predictor import Predictor
from maskrcnn.losses.objective import Objective
from maskrcnn.model_info import ModelInfo
from maskrcnn.models.mask_rcnn import MaskRCNN
from maskrcnn.structures import IGNORED, OTHER, Record
from maskrcnn.training.fit_config import FitConfig
from maskrcnn.training.optimizer import freeze, make_optimizer
from maskrcnn.training.step import sum_of_means, train_step

IMAGES = 2
MOST_OBJECTS = 30  # of an image of the trial, if there are such ones
MOST_STEPS, WARMUP = 60, 4
LEARNING_RATE = 1e-3
SECONDS = 20.0  # after which no further step begins
LEARNED = 0.1  # part of the first loss at which it is enough
ENOUGH_STEPS = 20  # before which nothing is concluded unless all is learned: a slow machine does only a few
NOT_LEARNED = 0.75  # part of the first loss above which nothing was learned; a model that knew them before starts low
AGREE = 0.5  # and what it finds agrees with what is labelled
MASKS_AGREE = 0.5  # mean overlap (IoU) of masks drawn in the labelled boxes with the labelled masks


@dataclass(frozen=True)
class Trial:
    """What came of it.

    Attributes:
        files: names of the images.
        losses: by name: at the first step, and at the last (mean of three).
        steps: how many were done.
        broken: why it was given up; empty if it was not.
        mask_agreement: mean IoU of the masks drawn in the labelled boxes with the labelled ones; None without masks.
        box_agreement: mean IoU of the labelled boxes with the best detection of their class; 0 where none are looked
            for.
        sample_agreement: the part of the labelled samples that are told as they are labelled; None where classes of
            samples are not learned.
    """

    files: tuple[str, ...]
    losses: dict[str, tuple[float, float]]
    steps: int
    broken: str
    mask_agreement: float | None
    box_agreement: float
    sample_agreement: float | None = None

    @property
    def agreement(self) -> float:
        """Of what the model finds or tells with what is labelled."""
        return self.box_agreement if self.sample_agreement is None else self.sample_agreement

    @property
    def total(self) -> tuple[float, float]:
        """The sum of all losses at the beginning and at the end."""
        first, last = zip(*self.losses.values())
        return sum(first), sum(last)


def try_out(model: MaskRCNN, info: ModelInfo, found: Survey, fit: FitConfig, device: str = "cpu") -> Trial | None:
    """Train a model on :data:`IMAGES` images until it knows them by heart, or cannot.

    Args:
        model: is changed by it.
        info: of the model.
        found: the survey of the data, which says which images are sound.
        fit: which layers learn and how; its schedule and batch are replaced by those of the trial.
        device: ``cpu``, ``cuda`` or ``mps``.

    Returns:
        What came of it; None where no image with an object can be read.
    """
    dataset = found.dataset
    chosen = choose_images(found)
    examples = [example for index in chosen if (example := _load(dataset, index, info)) is not None][:IMAGES]
    if not examples:
        return None
    samples = [sample for _, sample in examples]
    fit = replace(fit, lr=LEARNING_RATE, batch_size=len(samples), accumulate=1)
    model = model.to(device)
    freeze(model, fit)
    objective, optimizer = Objective(model), make_optimizer(model, fit)
    history: list[dict[str, float]] = []
    broken, began = "", time.monotonic()
    while len(history) < MOST_STEPS and time.monotonic() - began < SECONDS and not _is_learned(history):
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * group["factor"] * min(1.0, (len(history) + 1) / WARMUP)
        done = train_step(objective, optimizer, samples, fit, len(history), device)
        history.append({name: term.mean().item() for name, term in done.terms.items()})
        if done.skipped and not math.isfinite(sum_of_means(done.terms).item()):
            broken = done.skipped
            break
    last = history[-3:]
    predictor, records = Predictor(model, info, device), [record for record, _ in examples]
    samples_agree = _samples_agree(predictor, dataset, records) if dataset.task == SEMANTIC else None
    masks, boxes = _agreement(predictor, dataset, records) if dataset.task == OBJECTS else (None, 0.0)
    return Trial(
        files=tuple(sample.file_name for sample in samples),
        losses={name: (history[0][name], float(np.mean([h[name] for h in last]))) for name in history[0]},
        steps=len(history),
        broken=broken,
        mask_agreement=masks,
        box_agreement=boxes,
        sample_agreement=samples_agree,
    )


def choose_images(found: Survey) -> list[int]:
    """Positions of images to learn by heart, best first: sound ones with a few objects that are large enough to see.

    Of images whose labels are faulty only where there are no others; they then show what the faults do.
    """
    faulty = found.faulty_files()
    if has_maps_alone(found.dataset):  # those that show most classes
        told = found.labelled().told_apart()
        sound = [k for k, readable in enumerate(found.readable) if readable and told[k] > 1]
        return sorted(sound, key=lambda k: (found.names[k] in faulty, -told[k]))[: 4 * IMAGES]
    largest = np.zeros(len(found.counts))
    edges = np.cumsum([0, *found.counts])
    sides = np.concatenate(found.extents).min(1) if found.extents else np.zeros(0)
    shapes = np.concatenate(found.shapes).max(1) if found.shapes else np.ones(0)
    for k, (start, end) in enumerate(zip(edges, edges[1:])):
        if end > start:  # the smallest object decides how well all of them can be seen
            largest[k] = float((sides[start:end] / np.maximum(shapes[start:end], 1)).min())
    usable = [k for k, count in enumerate(found.counts) if count and found.readable[k]]
    rank = lambda k: (found.names[k] in faulty, found.counts[k] > MOST_OBJECTS, -largest[k])  # noqa: E731
    ranked = sorted(usable, key=rank)
    return ranked[: 4 * IMAGES]


def trial_findings(trial: Trial) -> list[Finding]:
    """What the trial says about the data: nothing, if all is well."""
    code = _failure(trial)
    return [] if code is None or is_too_short(trial) else [finding(code, "train", list(trial.files))]


def is_too_short(trial: Trial) -> bool:
    """Whether it failed after so few steps that nothing follows."""
    first, last = trial.total
    hurried = not trial.broken and trial.steps < ENOUGH_STEPS and last > LEARNED * first
    return hurried and _failure(trial) is not None


def _failure(trial: Trial) -> str | None:
    """The code of what went wrong."""
    first, last = trial.total
    if trial.broken:
        return "trial-not-finite"
    if last > NOT_LEARNED * first and trial.agreement < AGREE:
        return "trial-not-learning"
    if trial.mask_agreement is not None and trial.mask_agreement < MASKS_AGREE:
        return "trial-masks-off"
    return None


def _load(dataset: Dataset, index: int, info: ModelInfo) -> tuple[Record, Sample] | None:
    try:
        record = dataset[index]
        sample = EvalTransform(info.config.preprocess)(dataset.read_image(record), record)
    except DataError:
        return None
    return record, replace(sample, index=index)


def _is_learned(history: Sequence[dict[str, float]]) -> bool:
    if len(history) < 10:
        return False
    total = [sum(losses.values()) for losses in history]
    return max(total[-3:]) < LEARNED * total[0]


def _samples_agree(predictor: Predictor, dataset: Dataset, records: Sequence[Record]) -> float:
    """The part of the labelled samples that are told as they are labelled."""
    right, all_of_them = 0, 0
    for record in records:
        assert record.class_map is not None
        told = predictor(dataset.read_image(record)).of_image["semantic"].labels().numpy()
        known = record.class_map != IGNORED
        right += int((told[known] == record.class_map[known]).sum())
        all_of_them += int(known.sum())
    return right / max(all_of_them, 1)


def _agreement(predictor: Predictor, dataset: Dataset, records: Sequence[Record]) -> tuple[float | None, float]:
    """Mean IoU of masks drawn in the labelled boxes, and of found with labelled boxes, over all objects."""
    masks: list[float] = []
    boxes: list[float] = []
    for record in records:
        image, target = dataset.read_image(record), record.instances()
        chosen = target[(target.labels != OTHER) & ~target.crowd]
        drawn = None if chosen.regions is None else predictor.masks(image, chosen.boxes, chosen.labels).regions
        if drawn is not None and chosen.regions is not None:
            for k in range(len(chosen)):
                mine, theirs = drawn.mask(k), chosen.regions.mask(k)
                if theirs.any():
                    masks.append(float((mine & theirs).sum() / (mine | theirs).sum()))
        found = predictor(image)
        for box, label in zip(chosen.boxes.double().numpy(), chosen.labels):
            same = found.boxes[found.labels == label].double().numpy()
            boxes.append(max((box_overlap(box, other) for other in same), default=0.0))
    return float(np.mean(masks)) if masks else None, float(np.mean(boxes)) if boxes else 0.0
