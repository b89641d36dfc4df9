"""The flags of a command, and the one that is meant by another word."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from typing import Any

from maskrcnn.apps.cli.words.habits import FILES, HABITS, SAID
from maskrcnn.checks import closest


def defaults_of(record: Any) -> dict[str, Any]:
    """The defaults of a command's flags by their names, without dashes; positional arguments are among them."""
    defaults: dict[str, Any] = {}
    for field in dataclasses.fields(record):
        own = field.default
        defaults |= defaults_of(own) if dataclasses.is_dataclass(own) else {_flag(field.name): own}
    return defaults


def flags_of(record: Any) -> set[str]:
    """The names of a command's flags, without dashes; positional arguments are among them."""
    return set(defaults_of(record))


def meant(flag: str, known: Collection[str]) -> str:
    """What is meant by a flag that is not there.

    Args:
        flag: without dashes.
        known: the flags that are there.

    Returns:
        One of them with dashes, perhaps with its value (``--to yolo``), or a sentence; empty where nothing is near.
    """
    flag = _flag(flag).lower()
    if flag in FILES:
        return "name the files without a flag"
    if flag in known:
        return f"--{flag}"
    ours = next((name for name in HABITS.get(flag, ()) if name.partition(" ")[0] in known), "")
    if not ours and flag in SAID:
        return SAID[flag]
    ours = ours or closest(flag, known)
    return f"--{ours}" if ours else ""


def _flag(name: str) -> str:
    return name.strip("_").replace("_", "-")
