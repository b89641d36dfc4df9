"""What a command makes sure of before its long work begins, so that a slip costs a second and not an hour."""

from __future__ import annotations

import os
from pathlib import Path

from maskrcnn.errors import UsageError

DEVICES = ("cpu", "cuda", "mps")


def at_least(flag: str, value: float | None, low: float) -> None:
    """Refuse a flag that is too small; None is a flag that was not given."""
    if value is not None and not value >= low:  # not >= rather than <, for the sake of nan
        raise UsageError(f"--{flag} must be at least {low}, not {value}.")


def between(flag: str, value: float, low: float, high: float) -> None:
    """Refuse a flag that is out of range."""
    if not low <= value <= high:
        raise UsageError(f"--{flag} must lie between {low} and {high}, not {value}.")


def usable_device(device: str) -> None:
    """Refuse a device that this machine does not have."""
    import torch  # here, so that `maskrcnn --help` does not wait for it

    if device.partition(":")[0] not in DEVICES:
        raise UsageError(f"--device must be one of {', '.join(DEVICES)}, not {device}.")
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).strip().partition("\n")[0].rstrip(".")
        raise UsageError(f"--device {device} cannot be used on this machine ({reason}); leave it out.") from None


def result_folder(out: Path) -> None:
    """Make the folder for results, or refuse one that cannot be written to."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise UsageError(f"{out} is a file: name a folder for the results with --out.") from None
    if not os.access(out, os.W_OK):
        raise UsageError(f"Nothing may be written into {out}: name another folder with --out.")
