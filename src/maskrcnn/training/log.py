"""The log of a training: ``log.jsonl`` for programs, ``curves.png``, and a progress bar."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections import deque
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from maskrcnn.drawing.training_curves import draw_curves
from maskrcnn.files import atomic_write, is_file
from maskrcnn.losses.terms import Term

LOG = "log.jsonl"
LOG_EVERY = 10
RISEN = 1.05  # times the lowest validation loss
SHOWN = (
    *("val/loss", "box/AP", "box/AP50", "mask/AP", "mask/AP50", "semantic/mIoU", "semantic/accuracy"),
    *("whole/AUC", "whole/accuracy", "whole/R2"),
)


class Report:
    """Writes ``log.jsonl`` and ``curves.png`` into ``out``; on a terminal it shows a progress bar, else plain lines. A
    ``quiet`` one, of a process that is not the first, does neither.

    A line of the log has ``step epoch lr loss loss_... images_per_second seconds``, or, after a validation,
    ``step epoch val/loss box/AP ...``.
    """

    def __init__(self, out: Path, console: Console | None = None, quiet: bool = False) -> None:
        self.out = out
        self.quiet = quiet
        self.console = console or Console(stderr=True, highlight=False, soft_wrap=True, quiet=quiet)
        self.log: list[dict[str, Any]] = []
        self.recent: deque[tuple[float, int]] = deque(maxlen=50)
        self.started = time.monotonic()
        self.progress: Progress | None = None
        self.task: TaskID | None = None
        if not quiet:
            out.mkdir(parents=True, exist_ok=True)

    def resume_at(self, step: int, epoch: int) -> None:
        """Begin the log, or go on with it after ``step`` with ``epoch`` epochs finished: what was logged later belongs
        to steps that are done again, and goes."""
        path = self.out / LOG
        self.recent.append((time.monotonic(), 0))
        if self.quiet:
            return
        if step > 0 and is_file(path):
            self.log = [line for line in _read_log(path) if line["step"] <= step and line["epoch"] <= epoch]
            self.started -= max((line.get("seconds", 0.0) for line in self.log), default=0.0)
        with atomic_write(path) as temporary:
            temporary.write_text("".join(json.dumps(line) + "\n" for line in self.log))

    def say(self, sentence: str) -> None:
        """A line between the others."""
        self.console.print(sentence)

    def step(
        self, step: int, steps: int, epoch: int, images: int, terms: dict[str, Term], lr: float, skipped: int = 0
    ) -> None:
        """Log and show a step.

        Args:
            step: how many steps are done.
            steps: how many there will be.
            epoch: whole epochs that are done.
            images: in the step.
            terms: its losses.
            lr: the learning rate of the heads.
            skipped: steps that were skipped so far.
        """
        now = time.monotonic()
        self.recent.append((now, images))
        span = now - self.recent[0][0]
        speed = sum(n for _, n in list(self.recent)[1:]) / span if span > 0 else 0.0
        losses = {name: round(term.mean().item(), 5) for name, term in terms.items()}
        loss = round(sum(losses.values()), 5)
        logged = step % LOG_EVERY == 0 or step == steps
        if logged:
            line = {"step": step, "epoch": epoch, "lr": lr, "loss": loss, **losses}
            line |= {"skipped": skipped} if skipped else {}
            self.write(line | {"images_per_second": round(speed, 2), "seconds": round(now - self.started, 1)})
        left = (steps - step) * span / max(len(self.recent) - 1, 1)
        self.show_step(step, steps, f"epoch {epoch + 1}  loss {loss:.3f}  {speed:.1f} images/s", left, logged)

    def epoch(self, epoch: int, step: int, metrics: dict[str, float]) -> None:
        """Log and show a validation, and draw the curves.

        Args:
            epoch: whole epochs that are done.
            step: steps that are done.
            metrics: losses and average precision by name.
        """
        self.write({"step": step, "epoch": epoch, **{k: round(v, 5) for k, v in metrics.items()}})
        shown = {name: metrics[name] for name in SHOWN if name in metrics}
        words = "  ".join(f"{name} {value:.3f}" for name, value in shown.items())
        self.say(f"epoch {epoch}: {words or 'done'}")
        with atomic_write(self.out / "curves.png") as temporary:
            draw_curves(self.log).save(temporary)

    def tell_rising_loss(self) -> None:
        """Say so where the validation loss has risen for long."""
        if sentence := rising_loss(self.log):
            self.say(sentence)

    def close(self) -> None:
        """Take the progress bar away."""
        if self.progress is not None:
            self.progress.stop()

    def write(self, line: dict[str, Any]) -> None:
        """Add a line to the log, as the class describes it."""
        if self.quiet:
            return
        self.log.append(line)
        with (self.out / LOG).open("a") as file:
            file.write(json.dumps(line) + "\n")

    def show_step(self, step: int, steps: int, words: str, seconds_left: float, logged: bool) -> None:
        """Show how far the training is: with a bar on a terminal, else in a line for each step that is logged.

        Args:
            step: how many steps are done.
            steps: how many there will be.
            words: epoch, loss and speed.
            seconds_left: estimated until the last step.
            logged: whether the step has a line in the log.
        """
        if not self.console.is_terminal:
            if logged:
                self.console.print(f"step {step}/{steps}  {words}  {timedelta(seconds=round(seconds_left))} left")
                sys.stderr.flush()
            return
        if self.progress is None:
            columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
            self.progress = Progress(*columns, TimeRemainingColumn(), console=self.console)
            self.task = self.progress.add_task("", total=steps)
            self.progress.start()
        assert self.task is not None
        self.progress.update(self.task, completed=step, total=steps, description=words)


def rising_loss(log: Sequence[dict[str, Any]]) -> str:
    """A sentence where the validation loss of the last two validations is well above its lowest, else nothing."""
    looks = [(line["val/loss"], line["epoch"]) for line in log if "val/loss" in line]
    if len(looks) < 3:
        return ""
    lowest, epoch = min(looks)
    if min(value for value, _ in looks[-2:]) <= RISEN * lowest:
        return ""
    return (
        f"The validation loss was lowest after epoch {epoch} ({lowest:.3f}) and has risen to {looks[-1][0]:.3f}: the "
        "model begins to know its training images by heart. The best checkpoint is chosen by AP (or mean IoU), not by "
        "this; more images are worth more now than a longer training."
    )


def said_of_training(checkpoint: str | Path) -> tuple[str, ...]:
    """What the log beside a checkpoint says of the training that made it, for the report.

    Args:
        checkpoint: a file in a training's folder; of any other model there is nothing to say.

    Returns:
        A sentence where the validation loss has risen for long.
    """
    path = Path(checkpoint).with_name(LOG)
    sentence = rising_loss(_read_log(path)) if is_file(checkpoint) and is_file(path) else ""
    return (sentence,) if sentence else ()


def _read_log(path: Path) -> list[dict[str, Any]]:
    """The whole lines of a log; a line that was being written when the training died is passed over."""
    lines = []
    for line in path.read_text(errors="replace").splitlines():
        with contextlib.suppress(ValueError):
            lines.append(json.loads(line))
    return [line for line in lines if isinstance(line, dict)]
