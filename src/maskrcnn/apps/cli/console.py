"""How the commands speak to their user, and the types that several of them share."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Annotated

import tyro
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text
from tyro.conf import arg

from maskrcnn.apps.cli.live_window import LiveWindow, NoWindow
from maskrcnn.checks import counted
from maskrcnn.jobs import events
from maskrcnn.jobs.models import DEFAULT_MODEL
from maskrcnn.jobs.options.known_files import LABELLED, LABELLED_IMAGES

console = Console(stderr=True, highlight=False, soft_wrap=True, markup=False, emoji=False)

Data = Annotated[Path, tyro.conf.Positional, arg(metavar="DATA")]
LabelledData = Annotated[Path, tyro.conf.Positional, arg(metavar="DATA", help=LABELLED)]
LabelledImages = Annotated[Path, tyro.conf.Positional, arg(metavar="DATA", help=LABELLED_IMAGES)]
LONG = ("file_name", "image_id", "segmentation", "mask")  # what a line of json does without
DEFAULT_HINT = f"(default: {DEFAULT_MODEL}; of ECG records ecg, of sound spoken-digits)"
Model = Annotated[str | None, arg(metavar="NAME|FILE", help_behavior_hint=DEFAULT_HINT)]
MaxPixels = Annotated[int | None, arg(metavar="INT", help_behavior_hint="(default: what memory allows)")]
ModelsOwn = Annotated[int | None, arg(metavar="INT", help_behavior_hint="(default: the model's own)")]


@dataclass
class Manner:
    """How much is said.

    Attributes:
        quiet: only what went wrong.
        as_json: of inputs a line of json each on standard output, and nothing else there.
    """

    quiet: bool = False
    as_json: bool = False


manner = Manner()  # of this process; ``main`` sets it before a command runs


def conclude(sentence: str) -> None:
    """What has been done, last on standard output: not where a program reads that, nor where nothing should be said."""
    if manner.quiet:
        return
    if manner.as_json:
        say(sentence)
    else:
        print(sentence)


def say(sentence: str) -> None:
    """Tell the user something, apart from the results on standard output; of several processes, the first speaks."""
    if os.environ.get("RANK", "0") == "0":
        console.print(sentence)


def tell_problems(problems: Sequence[str], at_most: int = 10) -> None:
    """Name what was wrong with a data set, without filling the screen."""
    for problem in problems[:at_most]:
        say(f"note: {problem}")
    if len(problems) > at_most:
        say(f"note: and {len(problems) - at_most} more faults.")


def tell_failures(failures: Sequence[str]) -> int:
    """Name the inputs that failed; the exit code that follows."""
    for failure in failures:
        say(f"failed: {failure}")
    return 1 if failures else 0


def tell_count(path: Path | str, found: int, noun: tuple[str, str] = ("object", "objects")) -> None:
    """Say what was found in an input that is done, in a line of the results.

    Args:
        path: of the input.
        found: how many.
        noun: what one of them is called, and several.
    """
    print(f"{path}: {counted(found, *noun)}", flush=True)


def print_json(event: events.Event) -> None:
    """A line for each input: its objects as ``predictions.json`` has them, but for their masks, or why it failed."""
    match event:
        case events.InputDone(path, objects, entries):
            own = [{key: value for key, value in entry.items() if key not in LONG} for entry in entries]
            line: dict[str, object] = {"file": str(path), "objects": objects, "detections": own}
        case events.InputFailed(path, sentence):
            line = {"file": str(path), "error": sentence}
        case _:
            return
    print(json.dumps(line), flush=True)


class Speed(ProgressColumn):
    """How many inputs are done in a second, or how many seconds one takes."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        if not speed:
            return Text("")
        return Text(f"{speed:.1f}/s" if speed >= 1 else f"{1 / speed:.1f} s each")


class Screen:
    """Shows what a job tells: sentences as lines, progress as a bar where there is a terminal.

    It is the ``tell`` of a job: ``with Screen() as screen: train(options, screen)``.
    """

    def __init__(self) -> None:
        self.training: Path | None = None  # the folder that a training writes into
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._what = ""
        self._window: LiveWindow | None = None
        self._windowed = False  # whether a window was tried

    def __enter__(self) -> Screen:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end_bar()
        self._close_window()

    def __call__(self, event: events.Event) -> None:
        if manner.as_json:
            print_json(event)
        if isinstance(event, events.FrameDrawn):
            self._show_frame(event)
        if manner.quiet and not isinstance(event, events.TrainingBegins):
            return
        match event:
            case events.Note(text):
                say(text)
            case events.DataFaults(paths, sentences, to_train):
                tell_problems(sentences)
                if sentences and to_train:
                    data = paths[0] if len(paths) == 1 else "DATA"
                    say(f"More about the data, and what to do: maskrcnn doctor {data}")
            case events.InputDone(path, objects, _, noun) if not manner.as_json:
                tell_count(path, objects, noun)
            case events.InputFailed():
                pass  # named at the end, where it is still on the screen
            case events.Progress(what, done, total):
                self._show(what, done, total)
            case events.TrainingBegins(out):
                self.training = out
            case events.TrainingStep():
                self._show_step(event)
            case events.TrainingEnds():
                self._end_bar()

    def _show(self, what: str, done: int, total: int) -> None:
        if not console.is_terminal:
            return
        if self._bar is None:
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Speed())
            # lines of results go above the bar where both are seen, and stay what they are in a pipe
            together = sys.stdout.isatty()
            bar = Progress(*columns, TimeRemainingColumn(), console=console, transient=True, redirect_stdout=together)
            self._begin_bar(bar, total or None, done)
        assert self._bar is not None and self._task is not None
        if self._what not in ("", what):  # another thing: its speed is its own
            self._bar.reset(self._task)
        self._what = what
        self._bar.update(self._task, description=what, completed=done, total=total or None)

    def _show_frame(self, event: events.FrameDrawn) -> None:
        """In a window; its user may close it, which ends the job as Ctrl-C does."""
        if not self._windowed:
            self._windowed = True
            try:
                self._window = LiveWindow(event.name)
            except NoWindow as error:
                self(events.Note(f"note: no window is opened: {error}; the video is written all the same."))
        if self._window is not None and not self._window.show(event.picture):
            self._close_window()
            raise KeyboardInterrupt

    def _close_window(self) -> None:
        if self._window is not None:
            self._window.close()
        self._window = None

    def _show_step(self, event: events.TrainingStep) -> None:
        if not console.is_terminal:
            if event.logged:
                left = timedelta(seconds=round(event.seconds_left))
                say(f"step {event.step}/{event.steps}  {event.text}  {left} left")
                sys.stderr.flush()
            return
        if self._bar is None:
            columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
            self._begin_bar(Progress(*columns, TimeRemainingColumn(), console=console), event.steps, event.step)
        assert self._bar is not None and self._task is not None
        self._bar.update(self._task, completed=event.step, total=event.steps, description=event.text)

    def _begin_bar(self, bar: Progress, total: int | None, done: int) -> None:
        self._bar, self._task = bar, bar.add_task("", total=total, completed=done)
        bar.start()

    def _end_bar(self) -> None:
        if self._bar is not None:
            self._bar.stop()
        self._bar = self._task = None
