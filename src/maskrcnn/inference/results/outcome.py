"""What became of a prediction over many files, and what ends one before its time says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from maskrcnn.errors import MaskRCNNError, UsageError
from maskrcnn.files import is_file
from maskrcnn.inference.results.lists import LIST, TABLE


@dataclass(frozen=True)
class FileDone:
    """What became of one input, told as soon as it is known.

    Attributes:
        path: of the input.
        objects: how many were found in it.
        entries: the objects as they stand in ``predictions.json``.
        failure: a sentence, where it could not be searched.
    """

    path: Path
    objects: int = 0
    entries: Sequence[Mapping[str, Any]] = ()
    failure: str = ""


Done = Callable[[FileDone], None]


def nobody(done: FileDone) -> None:
    """Is told and does nothing."""


@dataclass
class Outcome:
    """What became of a job: objects found in each image, and one sentence for each input that failed."""

    counts: dict[str, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # what was mended, or could not be written

    def fail(self, path: Path, sentence: str, done: Done) -> None:
        """Keep the sentence for an input that could not be searched, and tell it.

        Args:
            path: of the input.
            sentence: that names it and says what to do.
            done: is told.
        """
        self.failures.append(sentence)
        done(FileDone(path, failure=sentence))


@contextmanager
def tell_how_far(outcome: Outcome, total: int, out: Path) -> Iterator[None]:
    """Within the block, what ends a job before its time says how much of it is done: the lists are
    whole after each input.

    Args:
        outcome: counts what is done.
        total: inputs of the job.
        out: the folder with the lists.

    Yields:
        Nothing.

    Raises:
        KeyboardInterrupt, MaskRCNNError, OSError: as inside, with a sentence more. What is a fault of ours gets a note.
    """
    try:
        yield
    except BrokenPipeError:  # of our own output, which nobody reads any more
        raise
    except (KeyboardInterrupt, Exception) as error:
        so_far = f"{len(outcome.counts)} of {total} inputs are done"
        lists = [name for name in (LIST, TABLE) if is_file(out / name)]
        if outcome.counts and lists:
            so_far += f": {' and '.join(lists)} in {out} {'hold' if len(lists) > 1 else 'holds'} what was found in them"
        if isinstance(error, KeyboardInterrupt):
            raise KeyboardInterrupt(f"stopped; {so_far}.") from None
        if isinstance(error, OSError):
            where = error.filename or out
            raise UsageError(f"{where} cannot be written ({error.strerror or error}); {so_far}.") from None
        if isinstance(error, MaskRCNNError):
            raise type(error)(f"{str(error).rstrip('.')}; {so_far}.") from None
        if hasattr(error, "add_note"):  # since Python 3.11
            error.add_note(f"{so_far}.")
        raise


def explain_write_failure(path: Path, error: OSError) -> str:
    """The sentence for an input whose results cannot be written."""
    where = f"{error.filename}: " if error.filename else ""
    return (
        f"{path}: what was found in it could not be written ({where}{error.strerror or error}); free some space, or "
        "name another folder with --out."
    )
