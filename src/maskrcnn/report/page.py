"""Writes the page into one HTML file that needs no network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from maskrcnn.data.dataset import Dataset
from maskrcnn.evaluation.misses.diagnosis import SCORE_BINS
from maskrcnn.files import atomic_write
from maskrcnn.report.facts import Facts
from maskrcnn.report.html import Html, data, join, tag
from maskrcnn.report.sections.classes import classes
from maskrcnn.report.sections.false_detections import false
from maskrcnn.report.sections.glossary import words
from maskrcnn.report.sections.missed_objects import missed
from maskrcnn.report.sections.next_command import next_command
from maskrcnn.report.sections.pictures import pictures
from maskrcnn.report.sections.precision import precision
from maskrcnn.report.sections.scores import scores
from maskrcnn.report.sections.summary import summary
from maskrcnn.report.style import STYLE

NAME = "report.html"


def write_report(path: Path, facts: Facts, dataset: Dataset) -> None:
    """Write the page, whole or not at all.

    Args:
        path: of the HTML file.
        facts: that it shows.
        dataset: whose images it shows.
    """
    page = render(facts, dataset)
    with atomic_write(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def render(facts: Facts, dataset: Dataset) -> Html:
    """The page. ``dataset`` is asked for the few images that are shown."""
    sections = (precision, missed, false, classes, scores)
    body = tag(
        "main",
        summary(facts),
        *(section(facts) for section in sections),
        pictures(facts, dataset),
        words(facts),
        next_command(facts.content, better_score(facts)),
        tag("footer", tag("p", "Written by maskrcnn. The same numbers: metrics.json.", class_="soft")),
    )
    head = tag(
        "head",
        Html('<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'),
        tag("title", f"{Path(str(facts.content['model'])).name} – report"),
        tag("style", Html(STYLE)),
    )
    numbers = join((data("metrics", facts.content), data("diagnosis", numbers_of(facts))))
    return Html("<!doctype html>\n" + tag("html", head, tag("body", body, numbers), lang="en") + "\n")


def better_score(facts: Facts) -> float | None:
    """The score that is better than the present one to show objects from; None where none is."""
    best = facts.best_score()
    return None if best == round(facts.diagnosis.threshold * SCORE_BINS) else best / SCORE_BINS


def numbers_of(facts: Facts) -> dict[str, Any]:
    """What the page counts and ``metrics.json`` does not hold, for programs."""
    return {
        "score": facts.diagnosis.threshold,
        "judged_by": facts.kind,
        "objects": facts.objects,
        "found": facts.right,
        "missed": facts.lost,
        "false": facts.wrong,
        "causes": facts.causes(),
        "false_kinds": facts.false_kinds(),
        "confusion": facts.diagnosis.confusion.tolist(),
    }
