"""Predicts files one by one: what cannot be read or written, or what the model fails on, is named; the rest is done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

from torch import Tensor

from maskrcnn.errors import DataError
from maskrcnn.files import written_files
from maskrcnn.inference.look_size import check_look_size
from maskrcnn.inference.predictor import Predictor
from maskrcnn.inference.results.in_step import ReadAhead, WriteBehind
from maskrcnn.inference.results.options import ResultOptions
from maskrcnn.inference.results.outcome import (
    Done,
    FileDone,
    Outcome,
    explain_write_failure,
    nobody,
    tell_how_far,
)
from maskrcnn.inference.whole_extent import parts_in
from maskrcnn.structures import Instances


class OpenedFile(Protocol):
    """What was read of a file; ``notes`` is a sentence for each thing that was mended or guessed."""

    @property
    def notes(self) -> Sequence[str]: ...


Opened = TypeVar("Opened", bound=OpenedFile)
OfFile = tuple[Opened, Tensor, tuple[float, ...] | None]


def predict_one_by_one(
    predictor: Predictor,
    paths: Sequence[Path],
    options: ResultOptions,
    read: Callable[[Path], OfFile[Opened]],
    write: Callable[[str, Opened, Instances], object],
    done: Done = nobody,
) -> Outcome:
    """Find the objects in each file and hand them to a writer; the next file is read and the last one written
    meanwhile. Memory is bounded by three files.

    Args:
        predictor: of such files.
        paths: of the files.
        options: the folder that ``write`` writes into, how many objects of a file are kept, and the journal.
        read: gives what a file holds, its samples ``[C, *S]``, and their extent, x first, in the unit of the model's
            grid. Raises DataError where it cannot be read, or is none that the model looks at.
        write: is given the path as text, what was read, and the best of the objects.
        done: is told of each file.

    Returns:
        How many objects were found in each file, and a sentence for each that failed.

    Raises:
        KeyboardInterrupt, MaskRCNNError, OSError: as inside, with how far the job is.
    """
    outcome, most = Outcome(), options.max_detections

    def try_to_read(path: Path) -> OfFile[Opened] | DataError:
        try:
            return read(path)
        except DataError as error:
            return error

    with (
        tell_how_far(outcome, len(paths), options.out),
        WriteBehind() as behind,
        ReadAhead(paths, try_to_read) as ahead,
    ):
        for path, opened in ahead:
            try:
                if isinstance(opened, DataError):
                    raise opened
                check_look_size(path, predictor, *opened[1:])
                found = parts_in(predictor, *opened[1:], predictor(*opened[1:]))
            except DataError as error:
                behind.tell(partial(outcome.fail, path, str(error), done))
                continue
            except (RuntimeError, MemoryError) as error:
                reason = (str(error).splitlines() or ["out of memory"])[0]
                sentence = f"{path}: the model failed on it ({reason}); try a smaller --tile."
                behind.tell(partial(outcome.fail, path, sentence, done))
                continue
            outcome.notes += opened[0].notes
            found = found[: most if most is not None else len(found)]
            job = FileToWrite(path, len(found), options, outcome, done)
            behind.put(partial(job.write, partial(write, options.journal.name_of(path), opened[0], found)), job.settle)
            del opened, found  # the thread holds them as long as it needs them
    return outcome


class FileToWrite:
    """One input whose objects are known: it is written in one thread, and told of in the other.

    Args:
        path: of the input.
        objects: how many were found.
        options: has the journal.
        outcome: of the job.
        done: is told.
    """

    def __init__(self, path: Path, objects: int, options: ResultOptions, outcome: Outcome, done: Done) -> None:
        self.path, self.objects, self.options, self.outcome, self.tell = path, objects, options, outcome, done
        self.failure = ""
        self.done = FileDone(path, objects)
        self.remarks: list[str] = []  # what of it failed though its objects are written

    def write(self, write: Callable[[], object]) -> None:
        """Call ``write``, and remember in the journal that it is done."""
        journal = self.options.journal
        try:
            with written_files() as files:
                write()
                journal.add(self.path, self.objects, files)
        except OSError as error:
            self.failure = explain_write_failure(self.path, error)
            return
        self.done = FileDone(self.path, self.objects, journal.latest)

    def settle(self) -> None:
        """Tell what became of it."""
        if self.failure:
            self.outcome.fail(self.path, self.failure, self.tell)
            return
        self.outcome.failures += self.remarks
        self.outcome.counts[self.options.journal.name_of(self.path)] = self.objects
        self.tell(self.done)
