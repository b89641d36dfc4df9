"""Predicts files one by one: what cannot be read or written, or what the model fails on, is named; the rest is done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from torch import Tensor

from maskrcnn.errors import DataError
from maskrcnn.inference.look_size import check_look_size
from maskrcnn.inference.predictor import Predictor
from maskrcnn.inference.results.outcome import Outcome, explain_write_failure, path_as_text, tell_how_far
from maskrcnn.structures import Instances


class OpenedFile(Protocol):
    """What was read of a file; ``notes`` is a sentence for each thing that was mended or guessed."""

    @property
    def notes(self) -> Sequence[str]: ...


Opened = TypeVar("Opened", bound=OpenedFile)


def predict_one_by_one(
    predictor: Predictor,
    paths: Sequence[Path],
    out: Path,
    read: Callable[[Path], tuple[Opened, Tensor, tuple[float, ...] | None]],
    write: Callable[[str, Opened, Instances], object],
    max_detections: int | None = None,
    done: Callable[[Path, int], None] = lambda path, found: None,
) -> Outcome:
    """Find the objects in each file and hand them to a writer. Memory is bounded by one file.

    Args:
        predictor: of such files.
        paths: of the files.
        out: the folder that ``write`` writes into, for what is said where it fails.
        read: gives what a file holds, its samples ``[C, *S]``, and their extent, x first, in the unit of the model's
            grid. Raises DataError where it cannot be read, or is none that the model looks at.
        write: is given the path as text, what was read, and the best of the objects.
        max_detections: best objects of a file that are kept; None: all.
        done: called with each file and how many objects it holds.

    Returns:
        How many objects were found in each file, and a sentence for each that failed.

    Raises:
        KeyboardInterrupt, MaskRCNNError, OSError: as inside, with how far the job is.
    """
    outcome = Outcome()
    with tell_how_far(outcome, len(paths), out):
        for path in paths:
            try:
                opened, samples, spacing = read(path)
                check_look_size(path, predictor, samples, spacing)
                found = predictor(samples, spacing)
            except DataError as error:
                outcome.failures.append(str(error))
                continue
            except (RuntimeError, MemoryError) as error:
                reason = (str(error).splitlines() or ["out of memory"])[0]
                outcome.failures.append(f"{path}: the model failed on it ({reason}); try a smaller --tile.")
                continue
            outcome.notes += opened.notes
            found = found[: max_detections if max_detections is not None else len(found)]
            try:
                write(path_as_text(path), opened, found)
            except OSError as error:
                outcome.failures.append(explain_write_failure(path, error))
                continue
            outcome.counts[str(path)] = len(found)
            done(path, len(found))
    return outcome
