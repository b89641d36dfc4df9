"""Finds the 8 bits that a model bears: what is measured, told and tried, file after file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from maskrcnn.data.dataset import Dataset
from maskrcnn.export.archive import Archive
from maskrcnn.export.int8.candidates import Candidate, calibrate, candidates, measured
from maskrcnn.export.int8.sensitivity import Sensitivity
from maskrcnn.export.proof import Proof
from maskrcnn.jobs.events import Note, Progress, Tell

SHOWN_LAYERS = 10  # of the sensitivities; the file's notes have all


@dataclass(frozen=True)
class Trial:
    """A file that was run.

    Attributes:
        left: the part of the multiply-adds that is in floats, 0..1.
        megabytes: of the file, in MB (10^6 bytes).
        proof: what it is worth beside the model; None where there was nothing to run it on.
        floats: names of the layers that are left in floats; none for a file without 8 bits, where all are.
    """

    left: float
    megabytes: float
    proof: Proof | None
    floats: tuple[str, ...] = ()

    def line(self) -> str:
        """As a row of text: the share in floats, the size, and of each measure the value and what it lost."""
        measures = {} if self.proof is None else self.proof.measures
        told = ", ".join(f"{name} {file:.4f} ({file - model:+.4f})" for name, (model, file) in measures.items())
        return f"{self.left:6.1%} of the multiply-adds in floats: {self.megabytes:.1f} MB" + (told and f", {told}")


def in_8_bits(archive: Archive, data: Dataset, tell: Tell) -> Iterator[Candidate]:
    """A model in 8 bits, first all of it, then with more and more layers in floats: those that hurt most for what they
    save.

    Args:
        archive: the model in floats.
        data: whose pictures are looked at.
        tell: is given :class:`Progress`, and the layers that hurt most.

    Yields:
        A model for each share that may be left in floats.

    Raises:
        DataError: none of the pictures can be read.
    """

    def done(what: str, count: int, total: int) -> None:
        tell(Progress(what, count, total))

    calibration = calibrate(archive, data, done)
    ranked = measured(calibration, done)
    tell(Note(sensitivity_table(ranked)))
    yield from candidates(archive, calibration, ranked)


def sensitivity_table(ranked: Sequence[Sensitivity]) -> str:
    """The layers that hurt most for what they save, as lines of text."""
    worst = ranked[:SHOWN_LAYERS]
    wide = max((len(own.name) for own in worst), default=0)
    rows = [f"{own.name:<{wide}}  {own.share:6.2%}  {own.noise:.1e}" for own in worst]
    title = f"Of {len(ranked)} layers these hurt most in 8 bits (multiply-adds, noise in what their graph gives):"
    return "\n".join([title, *rows])
