"""What trainings and evaluations give back."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image
from rich.console import Console

from maskrcnn.evaluation.coco import CocoResult, format_table
from maskrcnn.face.model import Model, load
from maskrcnn.face.notebook import as_img
from maskrcnn.files import is_file

SHOWN = ("box/AP", "mask/AP", "keypoints/AP")
CURVES, PAGE = "curves.png", "report.html"


@dataclass(frozen=True, repr=False)
class Training:
    """What a training left.

    Attributes:
        out: its folder.
        plan: the settings with their reasons; None where none was made.
        best: the best checkpoint; None where only a plan was asked for.
        metrics: of the best checkpoint on the held-out files, as ``metrics.json`` has them (``box/AP`` ...); empty
            where nothing was held out.
    """

    out: Path
    plan: Path | None
    best: Path | None
    metrics: Mapping[str, Any] = field(default_factory=dict)

    def load(self, **options: Any) -> Model:
        """The best model, as :func:`maskrcnn.load` gives it.

        Raises:
            ValueError: only a plan was asked for.
        """
        if self.best is None:
            raise ValueError(f"There is no model in {self.out} yet: only a plan was asked for.")
        return load(self.best, **options)

    @property
    def report(self) -> Path | None:
        """``report.html``: why objects are missed, and what to do next; None where there is none."""
        return self.out / PAGE if is_file(self.out / PAGE) else None

    def __repr__(self) -> str:
        if self.best is None:
            return f"a plan: {self.plan}"
        return ", ".join([f"a training: {self.best}", *_told(self.metrics, self.metrics.get("intervals", {}))])

    def _repr_html_(self) -> str:
        curves = self.out / CURVES
        if not is_file(curves):
            return f"<p>{escape(repr(self))}</p>"
        with Image.open(curves) as picture:
            return f"<p><b>{escape(repr(self))}</b></p>{as_img(picture, CURVES)}"


class _Pair(NamedTuple):
    result: CocoResult
    failures: Sequence[str]


class Evaluation(_Pair):
    """What a model is worth on labelled data. ``result, failures = evaluate(...)`` unpacks it.

    Attributes:
        result: the measures with their intervals, see :class:`CocoResult`.
        failures: a sentence for each image that could not be read and was left out.
        metrics_file: ``metrics.json``; None where no folder was named for it.
        page: ``report.html``; None where there is none.
    """

    metrics_file: Path | None
    page: Path | None

    def __new__(
        cls, result: CocoResult, failures: Sequence[str], metrics_file: Path | None = None, page: Path | None = None
    ) -> Evaluation:
        made = super().__new__(cls, result, failures)
        made.metrics_file, made.page = metrics_file, page
        return made

    @property
    def metrics(self) -> Mapping[str, float | None]:
        """``box/AP``, ``box/AP50``, ``mask/AP`` ...: 0..1, None where there was nothing to find."""
        return self.result.metrics

    def __repr__(self) -> str:
        """A line: average precision with intervals, and of how many images."""
        told = _told(self.metrics, self.result.intervals) or ["nothing to find"]
        left_out = f", {len(self.failures)} left out" if self.failures else ""
        return f"{', '.join(told)} on {self.result.num_images} {self.result.records}{left_out}"

    def __str__(self) -> str:
        """The table that the command prints."""
        text = io.StringIO()
        page = Console(file=text, width=120, highlight=False, markup=False, emoji=False)
        for table in (format_table(self.result), *self.result.tables):
            page.print(table)
        return text.getvalue().rstrip()

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"


def _told(metrics: Mapping[str, Any], intervals: Mapping[str, Any]) -> list[str]:
    """``box AP 0.250 [0.217, 0.313]`` of each kind that was measured."""
    found = []
    for name in SHOWN:
        if metrics.get(name) is not None:
            between = f" [{intervals[name][0]:.3f}, {intervals[name][1]:.3f}]" if name in intervals else ""
            found.append(f"{name.replace('/', ' ')} {metrics[name]:.3f}{between}")
    return found
