"""What a user may name as an input beside files and folders, told from the name alone: nothing heavy is loaded."""

from __future__ import annotations

import glob
import os
import re
from pathlib import Path

from maskrcnn.data.parsing.paths import is_something
from maskrcnn.files import exists, is_file

STDIN = "-"
LIST_SUFFIX = ".txt"
LONGEST_LINE = 4096  # characters of a path
MOST_LINES = 10**6
ADDRESS = re.compile(r"(https?):/+", re.IGNORECASE)
STREAM = re.compile(r"(rtsps?|rtmps?|srt|udp|tcp|rtp):/+", re.IGNORECASE)
CAMERA = re.compile(r"(?:/dev/video)?(\d{1,3})")


def address_of(path: Path) -> str:
    """The address that a path is, in which :class:`Path` has joined slashes; empty for others."""
    text = str(path)
    return ADDRESS.sub(r"\1://", text, count=1) if ADDRESS.match(text) and not exists(path) else ""


def stream_of(path: Path) -> str:
    """The address of a stream that a path is, or the device of a camera: ``0`` is ``/dev/video0``; empty for others."""
    text = str(path)
    if STREAM.match(text) and not exists(path):
        return STREAM.sub(r"\1://", text, count=1)
    camera = CAMERA.fullmatch(text)
    own_file = camera is None or (exists(path) and not text.startswith("/dev/"))
    return "" if own_file or camera is None else f"/dev/video{camera[1]}"


def is_pattern(path: Path) -> bool:
    """Whether a path stands for all that match it: ``photos/*.jpg``, ``photos/**/*.jpg``."""
    return glob.has_magic(str(path)) and not exists(path)


def matches(pattern: Path) -> list[Path]:
    """What matches a pattern, sorted; ``**`` goes through folders, hidden ones are passed over."""
    text = os.path.expanduser(pattern)  # noqa: PTH111 - absolute patterns too
    return [Path(found) for found in sorted(glob.glob(text, recursive=True))]  # noqa: PTH207


def why_not_named(path: Path) -> str:
    """Why there is nothing under that name, a sentence; empty where there may be something."""
    if str(path) == STDIN or address_of(path) or stream_of(path) or is_something(path):
        return ""
    if is_pattern(path):
        return "" if matches(path) else f"No file matches {path}."
    return f"{path} does not exist."


def lines_of(text: str, beside: Path) -> list[Path] | None:
    """The paths and addresses of a list, one a line; None where ``text`` is no list: its first line names nothing.

    Args:
        text: of the list; blank lines and those that begin with ``#`` do not count.
        beside: the folder of the list, in which paths are looked for that are not found from the working folder.

    Returns:
        The paths.
    """
    lines = [line.strip() for line in text.splitlines()[:MOST_LINES]]
    lines = [line for line in lines if line and not line.startswith("#") and len(line) <= LONGEST_LINE]
    paths = [_placed(Path(line), beside) for line in lines]
    return paths if paths and not why_not_named(paths[0]) and str(paths[0]) != STDIN else None


def list_in(path: Path) -> list[Path] | None:
    """What a text file of paths names; None where it is none."""
    if path.suffix.lower() != LIST_SUFFIX or not is_file(path):
        return None
    return lines_of(path.read_text(encoding="utf-8", errors="surrogateescape"), path.parent)


def _placed(path: Path, beside: Path) -> Path:
    if why_not_named(path) and not path.is_absolute() and not why_not_named(beside / path):
        return beside / path
    return path
