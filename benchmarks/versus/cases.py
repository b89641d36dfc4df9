"""What is compared: each case is a pair of functions that do the same work, and a sentence on how far they agree."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / part) for part in ("tests", "tests/golden", "tools/golden")]

Arrays = Mapping[str, np.ndarray]
Work = Callable[[], Arrays]  # one timed run; what it found, to compare the sides by


@dataclass(frozen=True)
class Case:
    """One line of the table.

    Attributes:
        title: of the line.
        ours: prepares, outside the clock, what one run of ours needs, and returns the run.
        theirs: the same with torchvision (or pycocotools); None where they have nothing like it.
        agree: a phrase from both results.
        rounds: runs of each side that count, in turns; one more of each goes before.
        aim: the ratio asked for in the project's plan; None where there is none.
        in_children: the work is done by processes that the run starts; their memory counts.
    """

    title: str
    ours: Callable[[], Work]
    theirs: Callable[[], Work] | None
    agree: Callable[[Arrays, Arrays], str]
    rounds: int
    aim: float | None = None
    in_children: bool = False


def all_cases() -> dict[str, Case]:
    """By a short name, in the order of the table."""
    import coco_evaluation
    import mask_output
    import people
    import regions_of_interest
    import suppression
    import training_step

    import inference

    modules = (
        regions_of_interest,
        suppression,
        mask_output,
        inference,
        training_step,
        coco_evaluation,
        people,
    )
    return {name: case for module in modules for name, case in module.CASES.items()}


def largest_difference(ours: Arrays, theirs: Arrays) -> str:
    """Over all arrays of the two sides, against the largest value there."""
    off = max(float(np.abs(ours[name] - theirs[name]).max()) for name in theirs)
    largest = max(float(np.abs(values).max()) for values in theirs.values())
    return f"largest difference {off / largest:.0e} of the largest value"
