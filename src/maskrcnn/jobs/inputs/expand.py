"""From what a user names to files: patterns and lists are spread out, addresses fetched, standard input read."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from maskrcnn.data.parsing.fetching import MOST_BYTES, fetch_input
from maskrcnn.data.parsing.input_names import (
    STDIN,
    address_of,
    is_pattern,
    lines_of,
    list_in,
    matches,
    stream_of,
    why_not_named,
)
from maskrcnn.data.parsing.skipped import count_by_suffix
from maskrcnn.errors import DataError
from maskrcnn.files import atomic_write, is_folder

STDIN_NAME = "stdin"


@dataclass
class Spread:
    """Files that inputs stand for.

    Attributes:
        paths: files and folders.
        shown: what results call a file that lies elsewhere than where its user knows it: its address.
        failed: each input that cannot be had, with a sentence.
        skipped: files that match a pattern and that nothing looks at.
    """

    paths: list[Path] = field(default_factory=list)
    shown: dict[Path, str] = field(default_factory=dict)
    failed: list[tuple[Path | str, str]] = field(default_factory=list)
    skipped: list[Path] = field(default_factory=list)

    def sentences(self) -> list[str]:
        """Why inputs cannot be had, one each."""
        return [sentence for _, sentence in self.failed]

    def told(self, sentence: str) -> str:
        """A sentence with the names that the user knows."""
        for path, name in self.shown.items():
            sentence = sentence.replace(str(path), name)
        return sentence

    def aside(self) -> str:
        """A sentence about what matched a pattern and was skipped."""
        return count_by_suffix(self.skipped)


def spread_out(inputs: Iterable[Path], folder: Path, is_own: Callable[[Path], bool]) -> Spread:
    """Find the files that inputs stand for.

    Args:
        inputs: files, folders, patterns, text files of paths, addresses, ``-`` for standard input.
        folder: for what is fetched or read from standard input.
        is_own: whether a file that matches a pattern is one to look at.

    Returns:
        The files, each once, and what went wrong.
    """
    found = Spread()
    for path in inputs:
        _add(found, path, folder, is_own, deep=False)
    found.paths = list(dict.fromkeys(found.paths))
    return found


def _add(found: Spread, path: Path, folder: Path, is_own: Callable[[Path], bool], deep: bool) -> None:
    if reason := why_not_named(path):
        found.failed.append((path, reason))
    elif stream := stream_of(path):
        found.paths.append(path)
        if "://" in stream:  # in which a path has joined slashes
            found.shown[path] = stream
    elif str(path) == STDIN:
        _add_stdin(found, folder, is_own)
    elif address := address_of(path):
        try:
            place = folder / str(len(found.shown))
            fetched = fetch_input(address, place)
        except DataError as error:
            found.failed.append((address, str(error)))
            return
        found.paths.append(fetched)
        found.shown[fetched] = address
    elif is_pattern(path):
        for match in matches(path):
            (found.paths if is_folder(match) or is_own(match) else found.skipped).append(match)
    elif not deep and (listed := list_in(path)) is not None and not is_own(path):
        for line in listed:
            _add(found, line, folder, is_own, deep=True)
    else:
        found.paths.append(path)


def _add_stdin(found: Spread, folder: Path, is_own: Callable[[Path], bool]) -> None:
    """A list of paths, or one file."""
    if sys.stdin.isatty():
        found.failed.append(
            (STDIN, "Nothing is piped into -: as in `maskrcnn predict - < photo.jpg`, or `ls *.jpg | ...`.")
        )
        return
    data = sys.stdin.buffer.read(MOST_BYTES + 1)
    if not data or len(data) > MOST_BYTES:
        what = "Standard input is empty." if not data else f"Standard input holds more than {MOST_BYTES >> 20} MiB."
        found.failed.append((STDIN, what))
        return
    start = data[: 2**16]
    lines = lines_of(data.decode("utf-8", "surrogateescape"), Path()) if b"\0" not in start else None
    if lines is not None:
        for line in lines:
            _add(found, line, folder, is_own, deep=True)
        return
    path = folder / STDIN_NAME
    with atomic_write(path) as beside:
        beside.write_bytes(data)
    found.paths.append(path)
    found.shown[path] = STDIN_NAME
