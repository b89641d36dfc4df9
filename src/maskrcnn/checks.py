"""Checks of what a user asks for, made before long work begins, and the words for numbers and times in sentences."""

from __future__ import annotations

import difflib
import importlib
import os
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from maskrcnn.errors import DataError, UsageError
from maskrcnn.files import exists, is_folder, resolved

CLIPS = "clips such as 7_jackson_12.wav"
MODEL_SUFFIX = ".safetensors"
DEVICES = ("cpu", "cuda", "mps")
UNITS = {"h": 3600, "m": 60, "min": 60, "s": 1}  # seconds
NAMED = 3  # of many names
LIKE = 0.65  # of 1: how much a word must be like another to be meant


def at_least(flag: str, value: float | None, low: float) -> None:
    """Refuse a value that is too small.

    Args:
        flag: the name of its setting, as on the command line, without dashes.
        value: None: it was not given.
        low: the smallest that is allowed.

    Raises:
        UsageError: with the flag, the limit and the value.
    """
    if value is not None and not value >= low:  # not >= rather than <, for the sake of nan
        raise UsageError(f"--{flag} must be at least {low}, not {value}.")


def between(flag: str, value: float, low: float, high: float) -> None:
    """Refuse a value that is out of range.

    Args:
        flag: the name of its setting, as on the command line, without dashes.
        value: as it was given.
        low: the smallest that is allowed.
        high: the largest that is allowed.

    Raises:
        UsageError: with the flag, the range and the value.
    """
    if not low <= value <= high:
        raise UsageError(f"--{flag} must lie between {low} and {high}, not {value}.")


def device_named(device: str | int) -> str:
    """A device as torch names it: ``cuda:0`` for ``0``, and for the first of ``0,1``; others stay as they are."""
    number = re.fullmatch(r"\s*\[?\s*(\d+)\s*(,\s*\d+\s*)*\]?\s*", str(device))
    return f"cuda:{number[1]}" if number else {"gpu": "cuda"}.get(str(device), str(device))


def usable_device(device: str) -> None:
    """Refuse a device that this machine does not have; every machine has a CPU."""
    if device == "cpu":
        return
    if device.partition(":")[0] not in DEVICES:
        raise UsageError(f"--device must be one of {', '.join(DEVICES)}, not {device}.")
    import torch  # here, so that no slip has to wait for it

    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).strip().partition("\n")[0].rstrip(".")
        raise UsageError(f"--device {device} cannot be used on this machine ({reason}); leave it out.") from None


def result_folder(out: Path) -> None:
    """Make the folder for results, or refuse one that cannot be written to."""
    no_file(out)
    out.mkdir(parents=True, exist_ok=True)
    if not os.access(out, os.W_OK):
        raise UsageError(f"Nothing may be written into {out}: name another folder with --out.")


def no_file(out: Path) -> None:
    """Refuse to write results into what is not a folder."""
    if exists(out) and not is_folder(out):
        raise UsageError(f"{out} is a file: name a folder for the results with --out.")


def not_a_folder(out: Path) -> None:
    """Refuse to write a file in the place of a folder."""
    if is_folder(out):
        raise UsageError(f"{out} is a folder: name a file with --out.")


def new_folder(out: Path, what: str) -> None:
    """Refuse to write ``what`` into a folder that holds something, or in the place of a file."""
    if exists(out) and not is_folder(out):
        raise UsageError(f"{out} is a file; name a folder for {what}.")
    if is_folder(out) and any(out.iterdir()):
        raise UsageError(f"{out} holds something already; name an empty or a new folder for {what}.")


def existing_folder(path: Path, what: str) -> None:
    """Refuse what is no folder of ``what``."""
    if not is_folder(path):
        raise DataError(f"{path} is no folder; name one with {what}.")


def model_file(path: Path) -> None:
    """Refuse the name of a model to write that is none."""
    if path.suffix != MODEL_SUFFIX:
        raise UsageError(f"{path} is no name for a model file: it must end in {MODEL_SUFFIX}.")


def not_among_inputs(out: Path, inputs: Sequence[Path]) -> None:
    """Refuse to write results among the images they come from, which they could replace."""
    folders = {resolved(path) if is_folder(path) else resolved(path).parent for path in inputs}
    if resolved(out) in folders:
        raise UsageError(f"The images lie in {out} itself, where results are written: name another folder with --out.")


def needed_package(module: str, to: str, extra: str, package: str = "") -> Any:
    """A module of one of the package's extras, imported when it is first needed.

    Args:
        module: to import.
        to: what it is needed for, to stand behind "to".
        extra: that brings it.
        package: its name in the registry, where that is not the module's.

    Returns:
        The module.

    Raises:
        UsageError: it is not installed; the sentence names the extra.
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        name = package or module.partition(".")[0]
        raise UsageError(f"To {to}, {name} must be installed: pip install 'maskrcnn[{extra}]'.") from None


@contextmanager
def memory_explained() -> Iterator[None]:
    """Within the block, running out of memory is a sentence for the user."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        words = str(error).lower()
        if not (isinstance(error, MemoryError) or "out of memory" in words or "can't allocate memory" in words):
            raise
        raise UsageError("There is not enough memory for this; try a smaller --image-size or --batch.") from None


def closest(word: str, words: Collection[str]) -> str:
    """The one of ``words`` that is most like ``word``; empty where none is like it."""
    near = difflib.get_close_matches(word.lower(), {name.lower(): name for name in words}, 1, LIKE)
    return next((name for name in words if near and name.lower() == near[0]), "")


def gib(size: float) -> str:
    """``1.5 GiB`` for a number of bytes."""
    return f"{size / 2**30:.1f} GiB"


def duration(seconds: float) -> str:
    """``40 s``, ``12 min`` or ``1 h 5 min``."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    whole = round(seconds / 60)
    return f"{whole} min" if whole < 60 else f"{whole // 60} h {whole % 60} min"


def parse_time(text: str) -> float:
    """Seconds of ``2h``, ``90m``, ``1h30m``, ``45s``. Raises UsageError for anything else."""
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*(h|min|m|s)", text.strip().lower())
    if not parts or re.sub(r"\d+(?:\.\d+)?\s*(h|min|m|s)|\s", "", text.strip().lower()):
        raise UsageError(f"--time takes hours, minutes or seconds, as in 2h, 90m or 1h30m, not {text}.")
    seconds = sum(float(number) * UNITS[unit] for number, unit in parts)
    if seconds < 1:
        raise UsageError(f"--time must be at least a second, not {text}.")
    return seconds


def counted(number: int, noun: str, plural: str = "") -> str:
    """``1 object``, ``2 objects``.

    Args:
        number: how many there are.
        noun: what one is called.
        plural: what several are called, where that takes more than an s.

    Returns:
        Both, to stand in a sentence.
    """
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def listed(words: Sequence[str], last: str) -> str:
    """``a, b and c``.

    Args:
        words: what is listed, at least one.
        last: the word before the last of several.

    Returns:
        The list, to stand in a sentence.
    """
    return f" {last} ".join([*([", ".join(words[:-1])] if len(words) > 1 else []), words[-1]])


def few(names: Sequence[str]) -> str:
    """A few of many names."""
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
