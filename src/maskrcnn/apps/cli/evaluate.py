"""maskrcnn evaluate"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from rich.console import Console
from tyro.conf import arg

from maskrcnn.apps.cli.console import LabelledData, MaxPixels, Model, ModelsOwn, Screen, tell_failures
from maskrcnn.jobs.options.evaluate import EvaluateOptions


@dataclass(frozen=True)
class Evaluate(EvaluateOptions):
    """Measure a model on labelled data: average precision with 95 % intervals, and what its field asks for besides."""

    data: LabelledData
    model: Model = None
    max_detections: ModelsOwn = None
    image_size: ModelsOwn = None
    max_pixels: MaxPixels = None
    tracks: Annotated[Path | None, arg(metavar="FILE|FOLDER", help_behavior_hint="(default: follows det.txt)")] = None

    def run(self) -> int:
        self.check()  # before anything loads torch, so that a slip costs no seconds
        if self.sequences():
            return self._judge_tracks()
        if self.of_videos():
            return self._judge_videos()
        from maskrcnn.jobs.evaluate import evaluate_model

        with Screen() as screen:
            outcome = evaluate_model(self, screen)
        results = Console(highlight=False, markup=False, emoji=False)
        for table in outcome.tables:
            results.print(table)
        if outcome.metrics is not None:
            print(f"The same with more digits: {outcome.metrics}")
        if outcome.page is not None:
            print(f"Why objects are missed, and what to do next: {outcome.page}")
        return tell_failures(outcome.failures)

    def _judge_tracks(self) -> int:
        from maskrcnn.jobs.sequences.evaluate import evaluate_sequences

        with Screen() as screen:
            outcome = evaluate_sequences(self, screen)
        Console(highlight=False, markup=False, emoji=False).print(outcome.table)
        print(f"The same with more digits: {outcome.metrics}")
        return tell_failures(outcome.failures)

    def _judge_videos(self) -> int:
        from maskrcnn.jobs.sequences.evaluate_videos import evaluate_videos

        with Screen() as screen:
            outcome = evaluate_videos(self, screen)
        results = Console(highlight=False, markup=False, emoji=False)
        for table in outcome.tables:
            results.print(table)
        print(f"The same with more digits: {outcome.metrics}")
        return tell_failures(outcome.failures)
