"""How the commands speak to their user, and the types that several of them share."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console
from tyro.conf import arg

from maskrcnn.pretrained import DEFAULT_MODEL

console = Console(stderr=True, highlight=False, soft_wrap=True, markup=False, emoji=False)

Data = Annotated[Path, tyro.conf.Positional, arg(metavar="DATA")]
DEFAULT_HINT = f"(default: {DEFAULT_MODEL}; of ECG records ecg, of sound spoken-digits)"
MaxPixels = Annotated[int | None, arg(metavar="INT", help_behavior_hint="(default: what memory allows)")]
ModelsOwn = Annotated[int | None, arg(metavar="INT", help_behavior_hint="(default: the model's own)")]


def say(sentence: str) -> None:
    """Tell the user something, apart from the results on standard output; of several processes, the first speaks."""
    if os.environ.get("RANK", "0") == "0":
        console.print(sentence)


def tell_problems(problems: list[str], at_most: int = 10) -> None:
    """Name what was wrong with a data set, without filling the screen."""
    for problem in problems[:at_most]:
        say(f"note: {problem}")
    if len(problems) > at_most:
        say(f"note: and {len(problems) - at_most} more faults.")


def tell_data_problems(paths: Sequence[Path], problems: list[str]) -> None:
    """What was wrong with data to train on, and who says more."""
    tell_problems(problems)
    if problems:
        say(f"More about the data, and what to do: maskrcnn doctor {paths[0] if len(paths) == 1 else 'DATA'}")


def tell_failures(failures: list[str]) -> int:
    """Name the inputs that failed; the exit code that follows."""
    for failure in failures:
        say(f"failed: {failure}")
    return 1 if failures else 0
