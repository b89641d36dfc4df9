"""maskrcnn predict"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from tyro.conf import arg

from maskrcnn.apps.cli.console import MaxPixels, Model, ModelsOwn, Screen, conclude, tell_failures
from maskrcnn.checks import counted, listed
from maskrcnn.jobs.options.known_files import ANY_FILES, FILES
from maskrcnn.jobs.options.predict import PredictFilesOptions

if TYPE_CHECKING:
    from maskrcnn.jobs.predict import PredictOutcome


@dataclass(frozen=True)
class Predict(PredictFilesOptions):
    inputs: Annotated[
        tuple[Path, ...],
        tyro.conf.Positional,
        arg(metavar="FILE|FOLDER [...]", help=FILES, help_behavior_hint="(required)"),
    ] = ()
    model: Model = None
    classes: Annotated[tuple[str, ...], arg(metavar="NAME [...]", help_behavior_hint="(default: all)")] = ()
    max_detections: ModelsOwn = None
    image_size: ModelsOwn = None
    max_pixels: MaxPixels = None
    texture: Annotated[str, arg(metavar="FILE", help_behavior_hint="(default: none)")] = ""
    to: Annotated[str, arg(metavar="FORMAT", help_behavior_hint="(default: none)")] = ""
    page_seconds: Annotated[float | None, arg(metavar="FLOAT", help_behavior_hint="(default: one picture)")] = None
    line_width: Annotated[float | None, arg(metavar="FLOAT", help_behavior_hint="(default: what suits it)")] = None
    scale: Annotated[int | None, arg(metavar="INT", help_behavior_hint="(default: small ones are enlarged)")] = None
    from_: Annotated[str, arg(name="from", metavar="TIME", help_behavior_hint="(default: the first frame)")] = ""
    until: Annotated[str, arg(metavar="TIME", help_behavior_hint="(default: the last frame)")] = ""
    fps: Annotated[float | None, arg(metavar="FLOAT", help_behavior_hint="(default: all; of pictures 25)")] = None
    count: Annotated[tuple[str, ...], arg(metavar='"NAME X,Y X,Y" [...]', help_behavior_hint="(default: none)")] = ()
    zone: Annotated[tuple[str, ...], arg(metavar="FILE [...]", help_behavior_hint="(default: none)")] = ()
    motion: Annotated[tuple[str, ...], arg(metavar="FORMAT [...]", help_behavior_hint="(default: none)")] = ()
    blur: Annotated[tuple[str, ...], arg(metavar="NAME [...]", help_behavior_hint="(default: none)")] = ()
    alpha: Annotated[str, arg(metavar="webm|prores", help_behavior_hint="(default: none)")] = ""
    json: bool = False
    """Print a line of json for each input, and nothing else, on standard output; masks are in predictions.json."""

    def run(self) -> int:
        self.check()  # before anything loads torch, so that a slip costs no seconds
        from maskrcnn.jobs.predict import predict

        with Screen() as screen:
            outcome = predict(self, screen)
        if outcome.clips:
            conclude(_told_of_clips(outcome))
        if not outcome.objects:
            return tell_failures(outcome.failures)
        found = counted(sum(outcome.objects.values()), *outcome.found)
        also = "; each object of its own is in its folder cutouts" if self.cutouts else ""
        searched = counted(len(outcome.objects), outcome.noun, outcome.nouns)
        before = f", {outcome.before} of them done before" if outcome.before else ""
        written = f"{listed(outcome.writes, 'and')} {'is' if len(outcome.writes) == 1 else 'are'}"
        conclude(f"{found} in {searched}{before}; {written} in {outcome.out}{also}")
        if outcome.drafts is not None:
            conclude(f"Drafts to correct are in {outcome.drafts}; when they are right: maskrcnn train {outcome.drafts}")
        return tell_failures(outcome.failures)


Predict.__doc__ = (
    f"Find, name and outline the objects in {ANY_FILES}; writes pictures, predictions.json and summary.csv."
)


def _told_of_clips(outcome: PredictOutcome) -> str:
    """The last sentence about videos."""
    found = counted(sum(outcome.clips.values()), "object followed", "objects followed")
    name = outcome.clip_names[0] if len(outcome.clips) == len(outcome.clip_names) == 1 else "NAME"
    first, *more = outcome.clip_writes
    whole = len(more) < 3  # of many files the endings alone
    endings = listed([f"{name}{first}", *(f"{name}{ending}" if whole else ending for ending in more)], "and")
    before = f", {outcome.clips_before} of them done before" if outcome.clips_before else ""
    searched = counted(len(outcome.clips), "video")
    return f"{found} in {searched}{before}; {endings} are in {outcome.out}"
