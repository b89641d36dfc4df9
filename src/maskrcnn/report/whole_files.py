"""The page of a model that says what whole files are: how well, and which parts of them say so."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from maskrcnn.data.dataset import Dataset
from maskrcnn.evaluation.whole import WholeScores
from maskrcnn.files import atomic_write
from maskrcnn.inference.predictor import Predictor
from maskrcnn.inference.whole_extent import parts_in
from maskrcnn.inference.whole_parts import whole_evidence_of
from maskrcnn.modalities.table import wing_of
from maskrcnn.report.html import Html, data, join, lead, measure, section, table, tag
from maskrcnn.report.sections.next_command import command_of
from maskrcnn.report.sections.pictures import embedded
from maskrcnn.report.style import STYLE
from maskrcnn.structures import Instances, Record

SHOWN = 6  # files whose parts are shown


@dataclass(frozen=True)
class Looked:
    """A file, how sure the model is of its label, and the label that was told."""

    record: Record
    sure: float
    words: str


@dataclass
class WholeWatcher:
    """Looks at each file while a predictor is evaluated, and keeps the ones that say most.

    Attributes:
        predictor: the one that is evaluated.
        dataset: what it is evaluated on.
    """

    predictor: Predictor
    dataset: Dataset
    surest: list[Looked] = field(default_factory=list)

    def __call__(self, record: Record, image: Tensor, found: Instances) -> None:
        """One file ``[C, *S]`` with its labels and what was said of it."""
        own = whole_evidence_of(found)
        if own is None:
            return
        answer = own.answer().numpy()
        if own.kind == "number":
            name = self.dataset.class_names[0]
            true = float("nan") if record.file_labels is None else float(record.file_labels[0])
            sure, words = abs(float(answer[0]) - own.mean), f"{name}: told {answer[0]:.3g}, labelled {true:.3g}"
        else:
            best = int(answer.argmax())
            sure, words = float(answer[best]), f"{self.predictor.class_names[best]}: {answer[best]:.2f}"
        self.surest = sorted([*self.surest, Looked(record, sure, words)], key=lambda one: -one.sure)[:SHOWN]


def write_whole_report(path: Path, content: dict[str, Any], watcher: WholeWatcher, scores: WholeScores) -> None:
    """Write the page, whole or not at all.

    Args:
        path: of the HTML file.
        content: of ``metrics.json``.
        watcher: gives the files whose parts are shown.
        scores: what was measured.
    """
    figures = [figure for looked in watcher.surest if (figure := _figure(watcher, looked)) is not None]
    body = tag(
        "main",
        _summary(content, scores),
        _labels(content, scores),
        section(
            "parts",
            "What says so",
            lead("The files that the model is surest of, and the parts of them that decide."),
            *figures,
        ),
        _words(),
        section("next", "The next thing to type", tag("pre", tag("code", _command(content, watcher)))),
        tag("footer", tag("p", "Written by maskrcnn. The same numbers: metrics.json.", class_="soft")),
    )
    head = tag(
        "head",
        Html('<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'),
        tag("title", f"{Path(str(content['model'])).name} – report"),
        tag("style", Html(STYLE)),
    )
    numbers = join((data("metrics", content), data("told", dict(zip(scores.names, scores.told.tolist())))))
    page = Html("<!doctype html>\n" + tag("html", head, tag("body", body, numbers), lang="en") + "\n")
    with atomic_write(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


MEASURES = {
    "whole/accuracy": "labels that are told right",
    "whole/AUC": "AUC: how often of two files the one that has the label scores higher (0.5: chance)",
    "whole/R2": "R²: the part of the spread of the numbers that is told (0: nothing)",
    "whole/MAE": "mean absolute error",
}


def _summary(content: dict[str, Any], scores: WholeScores) -> Html:
    intervals = content["intervals"]
    rows = [
        [words, measure(name, content[name]), _interval(intervals.get(name))]
        for name, words in MEASURES.items()
        if name in content
    ]
    model, nothing = Path(str(content["model"])).name, scores.nothing_to_find(intervals)
    advice = (
        "There is nothing to find, as far as these files can tell: the interval reaches what chance gives. The parts "
        "below mean nothing then. Look at the labels, or add files."
        if nothing
        else "The labels are told better than by chance."
    )
    return tag(
        "header",
        tag("h1", f"How well {model} tells what whole files are"),
        lead(f"{content['images']} files of {content['data']} were judged. {advice}"),
        table(("", "", "95 % interval"), rows),
    )


def _labels(content: dict[str, Any], scores: WholeScores) -> Html:
    if scores.kind == "number":
        rows = [
            [name, f"{own[0]:.3g}", f"{true[0]:.3g}"] for name, own, true in zip(scores.names, scores.told, scores.true)
        ]
        return section("files", "Files", table(("file", "told", "labelled"), rows[:50]))
    have = scores.true.sum(0)
    rows = [
        [name, f"{int(n)}", measure(f"whole/AUC/{name}", content[f"whole/AUC/{name}"])]
        for name, n in zip(scores.class_names, have)
    ]
    return section("labels", "Labels", table(("label", "files that have it", "AUC"), rows))


def _figure(watcher: WholeWatcher, looked: Looked) -> Html | None:
    """A file with its parts; None where it cannot be drawn."""
    predictor, record = watcher.predictor, looked.record
    file = wing_of(watcher.dataset.kind).doors().open_one(predictor, Path(record.source))
    found = parts_in(predictor, file.samples, file.spacing, predictor(file.samples, file.spacing))
    drawn = Image.fromarray(np.asarray(file.picture(found, predictor.info))).convert("RGB")
    shares = ", ".join(f"{share:+.0%}" for share in found.outputs["share"][:5].tolist()) if len(found) else "no part"
    caption = tag("figcaption", tag("b", record.file_name), f" · {looked.words} · shares: {shares}")
    return tag("figure", embedded(drawn, record.file_name), caption)


def _interval(own: Any) -> str:
    return "" if own is None else f"{own[0]:.3f} to {own[1]:.3f}"


def _command(content: dict[str, Any], watcher: WholeWatcher) -> str:
    return command_of(str(content["model"]), None).replace("PHOTOS", wing_of(watcher.dataset.kind).placeholder)


def _words() -> Html:
    return section(
        "words",
        "Words",
        tag(
            "p",
            "Each place of a file speaks for or against a label, and what all places say adds up to the file's score. "
            "A part is a connected stretch or region of strong places; its share is what it says of all that speaks "
            "the same way. Intervals: the same measure on files drawn again with replacement, a thousand times.",
        ),
    )
