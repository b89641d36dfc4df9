"""The page of a model that tells the class of every pixel: how well, what is mistaken for what, and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from maskrcnn.data.dataset import Dataset
from maskrcnn.drawing.class_map import draw_class_map
from maskrcnn.evaluation.evaluate import labelled_map, match_classes, own_labels
from maskrcnn.evaluation.semantic import SampleScores
from maskrcnn.files import atomic_write
from maskrcnn.inference.class_maps import class_map_of, class_probabilities_of
from maskrcnn.inference.predictor import Predictor
from maskrcnn.report.html import Html, data, decimal, join, lead, listing, measure, percent, section, table, tag
from maskrcnn.report.sections.next_command import next_command
from maskrcnn.report.sections.pictures import embedded
from maskrcnn.report.style import STYLE
from maskrcnn.structures import Instances, Record

SHOWN = 4  # pictures of the worst and of the best images
WEAK = 0.5  # IoU below which a class is worth a word


@dataclass(frozen=True)
class Looked:
    """An image with its own mean IoU, what was labelled and what was told, int16 ``[H, W]``."""

    name: str
    iou: float
    image: np.ndarray
    labelled: np.ndarray
    told: np.ndarray


@dataclass
class MapWatcher:
    """Looks at each image while a predictor is evaluated, and keeps the worst and the best few.

    Attributes:
        predictor: the one that is evaluated.
        dataset: what it is evaluated on.
    """

    predictor: Predictor
    dataset: Dataset
    worst: list[Looked] = field(default_factory=list)
    best: list[Looked] = field(default_factory=list)

    def __call__(self, record: Record, image: Tensor, found: Instances) -> None:
        """One image ``[C, H, W]`` with its labels and what was found in it."""
        if record.class_map is None:
            return
        labels = match_classes(self.predictor.class_names, self.dataset)
        told, count = class_map_of(found, record.class_map.shape), len(self.dataset.class_names)
        told = told if class_probabilities_of(found) is None else own_labels(told, labels, count)
        scores = SampleScores(self.dataset.class_names, self.dataset.background)
        scores.add(labelled_map(record), told, record.file_name)
        if not scores.files:
            return
        looked = Looked(record.file_name, scores.files[0][1], image.movedim(0, -1).numpy(), record.class_map, told)
        self.worst = sorted([*self.worst, looked], key=lambda own: own.iou)[:SHOWN]
        self.best = sorted([*self.best, looked], key=lambda own: -own.iou)[:SHOWN]


def write_map_report(path: Path, content: dict[str, Any], watcher: MapWatcher, scores: SampleScores) -> None:
    """Write the page, whole or not at all.

    Args:
        path: of the HTML file.
        content: of ``metrics.json``.
        watcher: gives the pictures.
        scores: what was measured.
    """
    names = watcher.dataset.class_names
    shown = {looked.name for looked in watcher.worst}
    best = [looked for looked in watcher.best if looked.name not in shown]
    body = tag(
        "main",
        _summary(content, scores),
        _classes(content, scores),
        _mistakes(scores),
        section(
            "pictures",
            "Pictures",
            lead("The images that were told worst and best: labels on the left, what was told on the right."),
            tag("h3", "Worst") if watcher.worst else None,
            *(_pair(looked, names) for looked in watcher.worst),
            tag("h3", "Best") if best else None,
            *(_pair(looked, names) for looked in best),
        ),
        _words(),
        next_command(content),
        tag("footer", tag("p", "Written by maskrcnn. The same numbers: metrics.json.", class_="soft")),
    )
    head = tag(
        "head",
        Html('<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'),
        tag("title", f"{Path(str(content['model'])).name} – report"),
        tag("style", Html(STYLE)),
    )
    numbers = join((data("metrics", content), data("confusion", scores.confusion.tolist())))
    page = Html("<!doctype html>\n" + tag("html", head, tag("body", body, numbers), lang="en") + "\n")
    with atomic_write(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def _summary(content: dict[str, Any], scores: SampleScores) -> Html:
    rows = [
        [words, measure(f"semantic/{name}", content[f"semantic/{name}"])]
        for name, words in (
            ("mIoU", "mean IoU of the classes"),
            ("accuracy", "pixels whose class is right"),
            ("boundaryIoU", "mean IoU of the borders"),
        )
    ]
    shares = dict(scores.shares())
    named = {name.removeprefix("semantic/IoU/"): v for name, v in content.items() if name.startswith("semantic/IoU/")}
    weak = sorted((value, name) for name, value in named.items() if value is not None and value < WEAK)
    rare = [name for _, name in weak if shares.get(name, 1.0) < 0.01]
    advice = (
        f"Told worst: {listing([name for _, name in weak])}. " if weak else "Every class has an IoU of 0.5 or more. "
    )
    if rare:
        advice += f"Of {listing(rare)} there is less than 1 % of the pixels: label more images that show them. "
    model = Path(str(content["model"])).name
    return tag(
        "header",
        tag("h1", f"How well {model} tells the class of every pixel"),
        lead(f"{content['images']} images of {content['data']} were judged. {advice}"),
        table(("", ""), rows),
    )


def _classes(content: dict[str, Any], scores: SampleScores) -> Html:
    rows = [
        [
            name,
            measure(f"semantic/IoU/{name}", content[f"semantic/IoU/{name}"]),
            measure(f"semantic/dice/{name}", content[f"semantic/dice/{name}"]),
            f"{share:.1%}",
        ]
        for name, share in scores.shares()
    ]
    head = ("class", "IoU", "Dice of an image", "part of the pixels")
    return section("classes", "Classes", table(head, rows))


def _mistakes(scores: SampleScores) -> Html:
    rows = [[true, told, f"{part:.2%}"] for true, told, part in scores.mistakes()]
    wrong = 1 - scores.confusion.trace() / max(scores.confusion.sum(), 1)
    words = f"{percent(wrong, 1)} of the labelled pixels are told wrong, most often these."
    return section(
        "mistakes", "Mistakes", lead(words), table(("labelled", "told", "part of the pixels"), rows, words=2)
    )


def _pair(looked: Looked, names: Sequence[str]) -> Html:
    both = (("labels", looked.labelled), ("what was told", looked.told))
    drawn = [embedded(draw_class_map(looked.image, own, names), f"{looked.name}: {what}") for what, own in both]
    caption = tag("figcaption", tag("b", looked.name), f" · mean IoU {decimal(looked.iou)}")
    return tag("figure", tag("div", *drawn), caption, class_="pair")


def _words() -> Html:
    return section(
        "words",
        "Words",
        tag(
            "p",
            "IoU of a class: the pixels that are labelled and told as it, divided by those that are either. Mean IoU: "
            "the mean over the classes that are labelled. Dice: twice the pixels that are both, divided by the sum of "
            "both. Borders: pixels within 2 % of the diagonal of another class. Pixels that nobody labelled count "
            "nowhere.",
        ),
    )
