"""Training from the page: ``maskrcnn train`` in a process of its own, and what it says meanwhile."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from maskrcnn.checks import parse_time
from maskrcnn.errors import DataError, UsageError
from maskrcnn.files import exists, is_file, is_folder
from maskrcnn.jobs.studio.bodies import object_of
from maskrcnn.jobs.studio.project import Project
from maskrcnn.jobs.studio.strokes import DONE, TODO
from maskrcnn.modalities.images.labels.editable import EditableImage, EditedImage, EditedObject
from maskrcnn.modalities.images.labels.formats import written_formats

RUNS, SAID, LOG, PLAN = "runs", "said.txt", "log.jsonl", "plan.yaml"
BEST, LAST = "best.safetensors", "last.safetensors"
MOST_SAID = 40  # lines that are shown
PATIENCE = 30.0  # seconds in which a training that is stopped writes its checkpoint
IDLE, RUNNING, STOPPED, FAILED, FINISHED = "idle", "running", "stopped", "failed", "finished"
FEWEST = 2  # images: one to learn from, one to see what came of it


@dataclass(frozen=True)
class TrainingState:
    """How a training is.

    Attributes:
        state: ``idle``, ``running``, ``stopped``, ``failed`` or ``finished``.
        out: its folder; None where there was none.
        lines: of its log: numbers by name.
        said: its last lines.
        plan: its plan, as text.
        images: that it learns from.
        can_resume: whether it can go on from where it stopped.
    """

    state: str
    out: Path | None = None
    lines: tuple[dict[str, Any], ...] = ()
    said: tuple[str, ...] = ()
    plan: str = ""
    images: int = 0
    can_resume: bool = False


class Training:
    """The training of a project, one at a time.

    Args:
        project: whose labelled images it learns from.
        ended: is called with the best model of a training that has ended.
    """

    def __init__(self, project: Project, ended: Callable[[Path], None]) -> None:
        self._project, self._ended = project, ended
        self._mutex = threading.RLock()
        self._process: subprocess.Popen[bytes] | None = None
        self._out: Path | None = None
        self._state, self._images, self._is_stopped = IDLE, 0, False
        runs = project.options.journal_folder() / RUNS
        numbers = _numbers(runs)
        if numbers:
            self._out = runs / str(max(numbers))
            self._state = FINISHED if exists(self._out / "metrics.json") else STOPPED

    def state(self) -> TrainingState:
        """How it is now."""
        with self._mutex:
            out = self._out
            if out is None:
                return TrainingState(IDLE)
            said = _text(out / SAID).splitlines()[-MOST_SAID:]
            can = self._state in (STOPPED, FAILED) and is_file(out / LAST)
            return TrainingState(self._state, out, _lines(out / LOG), tuple(said), _text(out / PLAN), self._images, can)

    def start(self, duration: str, model: str, resume: bool = False) -> TrainingState:
        """Train on all images that are done, and on drafts with objects.

        Args:
            duration: for how long, such as ``2m``.
            model: to begin with.
            resume: go on with the latest training instead.

        Returns:
            How it is.

        Raises:
            UsageError: one is running, there is nothing to resume, or no such time.
            DataError: too few images are labelled.
        """
        parse_time(duration)
        with self._mutex:
            if self._state == RUNNING:
                raise UsageError("A training is running already: stop it first.")
            if resume:
                if self._out is None or not is_file(self._out / LAST):
                    raise UsageError("There is no training that could go on: start one.")
                flags = ["--resume"]
            else:
                runs = self._project.options.journal_folder() / RUNS
                self._out = runs / str(max(_numbers(runs), default=0) + 1)
                self._out.mkdir(parents=True)
                flags = ["--time", duration, "--model", model]
            labels = self._out.with_name(f"{self._out.name}-labels.json")
            if not resume:
                self._images = write_labels(self._project, labels)
            flags += ["--device", self._project.options.device]
            command = [sys.executable, "-m", "maskrcnn", "train", str(labels), "--out", str(self._out), *flags]
            said = (self._out / SAID).open("ab")
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT, start_new_session=True
            )
            self._state, self._is_stopped = RUNNING, False
            threading.Thread(target=self._watch, args=(self._process, self._out, said), daemon=True).start()
        return self.state()

    def stop(self) -> TrainingState:
        """Stop it; it can go on later where it has written a checkpoint."""
        with self._mutex:
            process, self._is_stopped = self._process, True
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(PATIENCE)
            if process.poll() is None:
                process.kill()
            process.wait()
            until = time.monotonic() + PATIENCE
            while self.state().state == RUNNING and time.monotonic() < until:
                time.sleep(0.05)  # the model that it leaves is loaded
        return self.state()

    def _watch(self, process: subprocess.Popen[bytes], out: Path, said: IO[bytes]) -> None:
        code = process.wait()
        said.close()
        try:
            if is_file(out / BEST):
                self._ended(out / BEST)
        finally:
            with self._mutex:
                self._state = STOPPED if self._is_stopped else FINISHED if code == 0 else FAILED


def write_labels(project: Project, path: Path) -> int:
    """Write what is labelled by now as COCO json to train on.

    Args:
        project: of which images that are done count, and drafts with objects; an image that nobody looked at is no
            image without objects.
        path: of the file.

    Returns:
        How many images that are.

    Raises:
        DataError: too few.
    """
    coco = written_formats()["coco"].load("edit", "new_file")(path)
    images: dict[int, EditedImage] = {}
    for line in project.lines():
        if line.status == TODO or (line.status != DONE and not line.objects):
            continue
        try:
            opened, image = project.open(line.id), project.image(line.id)
        except DataError:
            continue  # an image that cannot be read, which the list shows
        objects = [EditedObject(object_of(number, body)) for number, body in opened.objects.items()]
        images[len(images)] = EditedImage(objects, opened.shape)
        coco.images.append(EditableImage(image.path.absolute(), line.name))
    if len(images) < FEWEST or not any(edited.objects for edited in images.values()):
        raise DataError("Label two images at the least first: there is nothing to learn from yet.")
    coco.write(images, project.classes)
    return len(images)


def _numbers(runs: Path) -> list[int]:
    """Of the trainings that are there."""
    return [int(path.name) for path in runs.iterdir() if path.name.isdigit()] if is_folder(runs) else []


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if is_file(path) else ""


def _lines(path: Path) -> tuple[dict[str, Any], ...]:
    """The whole lines of a log; one that is being written is passed over."""
    found = []
    for line in _text(path).splitlines():
        with suppress(ValueError):
            found.append(json.loads(line))
    return tuple(line for line in found if isinstance(line, dict))
