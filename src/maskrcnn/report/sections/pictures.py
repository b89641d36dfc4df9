"""The worst and the best images: what was labelled beside what was found."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from maskrcnn.data.dataset import Dataset
from maskrcnn.drawing.colours import Color
from maskrcnn.drawing.overlay import draw
from maskrcnn.errors import DataError
from maskrcnn.evaluation.misses.diagnosis import Judged
from maskrcnn.evaluation.misses.matching import FALSE_KINDS, NOBODY
from maskrcnn.evaluation.misses.stages import CAUSES
from maskrcnn.report.advice import NAMES
from maskrcnn.report.facts import Facts
from maskrcnn.report.html import Html, join, lead, listing, section, tag
from maskrcnn.structures import Instances

RIGHT: Color = (0, 163, 255)
WRONG: Color = (255, 110, 30)
NEUTRAL: Color = (160, 160, 160)
LONGEST = 560  # pixels of a picture in the page
QUALITY = 80
SHORT = {  # labels on a picture must be short
    "unknown class": "unknown",
    "anchor": "no anchor",
    "rpn box": "RPN box",
    "rank": "ranked out",
    "proposal nms": "proposal NMS",
    "box": "box moved",
    "score": "low score",
    "nms": "final NMS",
    "cap": "cap",
    "mask": "bad mask",
    "joined": "joined",
}


def pictures(facts: Facts, dataset: Dataset) -> Html:
    """The section."""
    worst = facts.diagnosis.worst
    shown = {judged.record.source for judged in worst}
    best = [judged for judged in facts.diagnosis.best if judged.record.source not in shown]
    key = join(
        (
            tag("span", class_="key good"),
            "found, and right\u2003",
            tag("span", class_="key bad"),
            "missed, or false\u2003",
            tag("span", class_="key calm"),
            "not counted (crowds)",
        )
    )
    return section(
        "pictures",
        "Pictures",
        lead(
            "The images with most mistakes and those with fewest: labels on the left, detections on the right.",
            _what_follows(worst),
        ),
        tag("p", key, class_="soft"),
        tag("h3", "Worst") if worst else None,
        *(_pair(judged, dataset) for judged in worst),
        tag("h3", "Best") if best else None,
        *(_pair(judged, dataset) for judged in best),
    )


def _what_follows(worst: Sequence[Judged]) -> str:
    if not worst:
        return "There are no mistakes."
    causes = np.concatenate([judged.causes for judged in worst])
    causes = causes[causes != NOBODY]
    words = "Look here first whether the labels are right: no training helps against wrong ones."
    if len(causes):
        common = CAUSES[int(np.bincount(causes).argmax())]
        words += f" In the worst, objects are missed most often at “{NAMES[common]}”."
    return words


def _pair(judged: Judged, dataset: Dataset) -> Html:
    """An image twice; a sentence where it can no longer be read."""
    try:
        image = dataset.read_image(judged.record)
    except DataError as error:
        return tag("p", str(error), class_="soft")
    labelled = embedded(_draw(image, *_labels(judged, dataset.class_names)), f"{judged.record.file_name}: labels")
    found = embedded(_draw(image, *_detections(judged, dataset.class_names)), f"{judged.record.file_name}: detections")
    return tag("figure", tag("div", labelled, found), _caption(judged), class_="pair")


def _caption(judged: Judged) -> Html:
    counts = f"{judged.right:,} found, {judged.lost:,} missed, {judged.wrong:,} false (F1 {judged.f1:.2f})"
    reasons = [
        f"{NAMES[CAUSES[k]]} ({n})" for k, n in enumerate(np.bincount(judged.causes[judged.causes != NOBODY])) if n
    ]
    wrong = [f"{FALSE_KINDS[k]} ({n})" for k, n in enumerate(np.bincount(judged.kinds[judged.kinds != NOBODY])) if n]
    words = [f"Missed: {listing(reasons, 9)}." if reasons else None, f"False: {listing(wrong, 9)}." if wrong else None]
    text = " ".join(word for word in words if word)
    return tag("figcaption", tag("b", judged.record.file_name), f" · {counts}. {text}")


def _labels(judged: Judged, class_names: Sequence[str]) -> tuple[Instances, list[str], list[Color]]:
    """The labels with what is written beside each, and its colour."""
    target = judged.record.instances()
    texts, colors = [], []
    for label, cause, crowd in zip(target.labels.tolist(), judged.causes.tolist(), target.crowd.tolist()):
        missed = cause != NOBODY
        texts.append("crowd" if crowd else SHORT[CAUSES[cause]] if missed else class_names[label - 1])
        colors.append(NEUTRAL if crowd else WRONG if missed else RIGHT)
    return target, texts, colors


def _detections(judged: Judged, class_names: Sequence[str]) -> tuple[Instances, list[str], list[Color]]:
    """The detections with what is written beside each, and its colour."""
    found = judged.found
    texts, colors = [], []
    columns = zip(found.labels.tolist(), found.scores.tolist(), judged.kinds.tolist(), judged.neutral.tolist())
    for label, score, kind, neutral in columns:
        wrong = f" {FALSE_KINDS[kind]}" if kind != NOBODY else ""
        texts.append(f"{class_names[label - 1]} {score:.2f}{wrong}")
        colors.append(NEUTRAL if neutral else WRONG if wrong else RIGHT)
    return found, texts, colors


def _draw(image: Tensor, objects: Instances, texts: list[str], colors: list[Color]) -> Image.Image:
    own = torch.arange(1, len(texts) + 1)
    return draw(image, Instances(objects.boxes, own, regions=objects.regions), texts, colors=colors)


def embedded(picture: Image.Image, title: str) -> Html:
    """The picture as part of the page."""
    picture.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=QUALITY, optimize=True)
    text = base64.b64encode(file.getvalue()).decode("ascii")
    size = {"width": picture.width, "height": picture.height}
    return Html(tag("img", src=f"data:image/jpeg;base64,{text}", alt=title, **size)[: -len("</img>")])
