"""Advice on false detections, kind by kind: what it means, and what follows from the numbers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from maskrcnn.evaluation.misses.diagnosis import f1
from maskrcnn.evaluation.misses.matching import FALSE_KINDS
from maskrcnn.report.advice import Advice, code
from maskrcnn.report.facts import Facts
from maskrcnn.report.html import Html, count, join

MEANINGS = {
    "wrong class": "It lies on an object of another class.",
    "duplicate": "It lies on an object of its class that a better detection has found already.",
    "bad mask": "Its box is right (IoU 0.5), its mask is not.",
    "bad box": "It touches an object of its class (IoU 0.1), but does not cover it.",
    "background": "There is no labelled object of its class.",
}


def false_advice(facts: Facts) -> list[Advice]:
    """For each kind of false detections that there is."""
    advice = []
    for kind, number in facts.false_kinds().items():
        if number:
            title = f"{count(number, 'false detection')}: {kind}"
            advice.append(Advice(title, WHAT_TO_DO[kind](facts), f1(facts.right, facts.wrong - number, facts.lost)))
    return advice


def most_confused(facts: Facts) -> tuple[str, str, int] | None:
    """Which class is taken for which most often, and how often."""
    between = facts.diagnosis.confusion[1:, 1:].copy()
    np.fill_diagonal(between, 0)
    if not between.any():
        return None
    truth, called = np.unravel_index(np.argmax(between), between.shape)
    names = facts.diagnosis.class_names
    return names[int(truth)], names[int(called)], int(between[truth, called])


def _wrong_class(facts: Facts) -> Html:
    pair = most_confused(facts)
    if pair is None:
        return Html("Label more images that show the classes side by side.")
    truth, called, times = pair
    return join(
        (
            f"Most often {truth} is taken for {called} ({count(times, 'time')}): label more images of both, and check "
            "that the labels themselves keep them apart.",
        )
    )


def _duplicate(facts: Facts) -> Html:
    if facts.mostly_tiled:
        return join(("Where tiles meet one object may be found twice: try ", code("--overlap 0.4"), "."))
    return join(
        (
            "One object is found in parts or twice. Train longer (",
            code("--epochs"),
            "); large objects in small training crops (",
            code("--crop-size"),
            ") teach parts.",
        )
    )


def _bad_mask(facts: Facts) -> Html:
    return join(
        (
            "Compare their outlines with the labels in the pictures. Train longer (",
            code("--epochs"),
            "); for small objects with a larger ",
            code("--image-size"),
            ".",
        )
    )


def _bad_box(facts: Facts) -> Html:
    return join(
        (
            "Objects are found in parts, or several as one. Train longer (",
            code("--epochs"),
            ") or with ",
            code("--box-loss giou"),
            "; if the labels are loose, tighten them.",
        )
    )


def _background(facts: Facts) -> Html:
    return join(
        (
            "Look at the pictures first: if these are objects that nobody labelled, label them, for they are counted "
            "as mistakes and teach the model to miss. If they are not, add images without objects that show what is "
            "mistaken for them.",
        )
    )


WHAT_TO_DO: dict[str, Callable[[Facts], Html]] = dict(
    zip(FALSE_KINDS, (_wrong_class, _duplicate, _bad_mask, _bad_box, _background))
)
