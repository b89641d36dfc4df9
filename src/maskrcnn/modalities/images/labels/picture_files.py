"""Find the picture that a label file names, however the tool and the system that it ran on wrote the name.

Names come with the slashes of Windows, with folders of another machine, with one folder too many or too few, as part of
an address, in another spelling of Unicode, and with another case than the file's.
"""

from __future__ import annotations

import math
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from maskrcnn.data.parsing.numbers import whole_number
from maskrcnn.errors import DataError
from maskrcnn.files import exists, is_file
from maskrcnn.modalities.images.labels.folders import MOST_FILES, plain_path, split_word
from maskrcnn.modalities.images.read.find import is_image
from maskrcnn.modalities.images.read.pictures import image_shape

MOST_STATED = 2**28  # pixels of a stated size that is believed of a picture that cannot be read
ADDRESS = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]+://[^/]*/")  # of a server or a store, with its name
LOCAL_FILE = re.compile(r"^.*[?&]d=")  # Label Studio: /data/local-files/?d=folder/x.png
NO_PICTURES = frozenset({".json", ".xml", ".csv", ".txt", ".yaml", ".yml"})  # some files of labels name themselves
DRIVE = re.compile(r"^[A-Za-z]:$")
RESIZED = 0.02  # part by which sides may differ and still be of one size, or one shape


class PictureFinder:
    """Looks for pictures in a few folders, likeliest first, and, for names that are in none of them, below another.

    Args:
        roots: folders that names may begin in.
        below: a folder whose subfolders are searched as well; None: no further search.
        split: a word such as ``val`` that the labels are of: pictures of other splits are not taken for theirs.
    """

    def __init__(self, roots: Iterable[Path], below: Path | None = None, split: str = "") -> None:
        self.roots = list(dict.fromkeys(roots))
        self._below = below
        self._split = split_word(split)
        self._index: dict[str, list[tuple[tuple[str, ...], Path]]] | None = None
        self._claims: dict[Path, str] = {}
        self._renamed: list[tuple[str, Path]] = []

    def find(self, name: str) -> Path | None:
        """The file that ``name`` means, or None. A picture that has been found under another name is not given again,
        unless ``name`` is exactly its own."""
        if not name.strip():
            return None
        exact = self.exact(name)
        if exact is not None:
            return exact
        for parts in _readings(name):
            found = self._below_roots(parts)
            if found is None and (found := self._searched(parts)) is not None:
                self._renamed.append((name, found))
            if found is not None and self._claims.setdefault(found, name) == name:
                return found
        return None

    def exact(self, name: str) -> Path | None:
        """The file of exactly that name in the first of the roots that has it."""
        path = _first_file(root / name for root in self.roots)
        if path is not None:
            self._claims.setdefault(path, name)
        return path

    def remarks(self) -> list[str]:
        """A sentence if pictures were found under other names or folders than the labels give."""
        if not self._renamed:
            return []
        name, path = self._renamed[0]
        return [
            f"Pictures of another spelling or folder count as those that the labels name ({len(self._renamed)}), such "
            f"as {path} for {name}."
        ]

    def looked_for(self, name: str) -> str:
        """Where a picture of this name was looked for, as the end of a sentence."""
        last = next((parts[-1] for parts in _readings(name)), name)
        below = "" if self._below is None else f" nor anywhere below {self._below}"
        return f"{name} is neither {' nor '.join(str(root / last) for root in self.roots[:3])}{below}"

    def _below_roots(self, parts: Sequence[str]) -> Path | None:
        """The file of the longest end of the path that is there."""
        ends = (PurePosixPath(*parts[k:]) for k in range(len(parts)))
        return _first_file(root / end for end in ends for root in self.roots)

    def _searched(self, parts: Sequence[str]) -> Path | None:
        """The only file of that name, or, of several, the only one whose folders agree best."""
        if self._index is None:
            self._index = _index_pictures([*self.roots, *([] if self._below is None else [self._below])], self._below)
        folded = tuple(map(_fold, parts))
        wanted = {word for word in (self._split, *map(split_word, folded[:-1])) if word}
        ranked: dict[int, list[Path]] = {}
        for own, path in self._index.get(folded[-1], []):
            words = {word for word in map(split_word, own[:-1]) if word}
            if not words or not wanted or words & wanted:
                ranked.setdefault(_common_end(own, folded), []).append(path)
        best = ranked[max(ranked)] if ranked else []
        return best[0] if len(best) == 1 else None


def find_place(name: str, roots: Sequence[Path]) -> Path | None:
    """The file or folder that ``name`` means, by the longest end of its path that is in one of ``roots``."""
    exact = next((root / name for root in roots if _exists(root / name)), None)
    if exact is not None:
        return exact
    for parts in _readings(name):
        ends = (PurePosixPath(*parts[k:]) for k in range(len(parts)))
        found = next((root / end for end in ends for root in roots if _exists(root / end)), None)
        if found is not None:
            return found
    return None


def drawn_shape(picture: Path, height: object, width: object, name: str) -> tuple[tuple[int, int], list[str]]:
    """``(height, width)`` of the frame that labels were drawn in, and a sentence if what is stated cannot be it.

    That is the picture's own size, or, where that is stated, the size that it has unturned. A picture of the same
    proportions and another size was resized: the stated size is kept, so that reading the picture refuses it.

    Args:
        picture: the file.
        height: as the labels state it, of any type; None: not stated.
        width: in the same way.
        name: of the picture, for the sentence.

    Returns:
        Height and width, and sentences.

    Raises:
        DataError: where neither the picture nor what is stated says a size.
    """
    height, width = (None if whole_number(side) == 0 else side for side in (height, width))  # 0: not known
    stated = _stated_shape(height, width)
    try:
        own = image_shape(picture)
    except DataError:
        if stated is None:
            raise
        return stated, []  # reading the picture names the fault
    if stated == own or height is None or width is None:
        return own, []
    claim = f"{name} is {own[1]} x {own[0]} pixels, but its labels say {_short(width)} x {_short(height)}"
    if stated is not None:
        if stated == image_shape(picture, upright=False):
            return stated, []
        across, down = stated[1] / own[1], stated[0] / own[0]
        if abs(across / down - 1) < RESIZED < abs(across - 1):
            return stated, [f"{claim}: it was resized and cannot be used; use the picture that was labelled."]
    return own, [f"{claim}: its own size counts, so look whether its labels lie where they should."]


def _stated_shape(height: object, width: object) -> tuple[int, int] | None:
    rows, columns = whole_number(height), whole_number(width)
    if rows is None or columns is None or rows < 1 or columns < 1 or rows * columns > MOST_STATED:
        return None
    return rows, columns


def _short(value: object) -> str:
    """At most a few letters, whatever it is."""
    if isinstance(value, int):
        return str(value) if abs(value) < 10**12 else f"10^{math.log10(abs(value)):.0f}"
    return f"{value:.6g}" if isinstance(value, float) else repr(value)[:20] if value is not None else "nothing"


def _readings(name: str) -> Iterator[list[str]]:
    """The folders and the name, likeliest reading first, without those of a machine or a server."""
    seen = []
    for text in (name, unquote(name)):
        text = LOCAL_FILE.sub("", ADDRESS.sub("", text.replace("\\", "/"), count=1), count=1)
        parts = [part for part in text.split("/") if part not in ("", ".") and not DRIVE.match(part)]
        while ".." in parts:
            parts = parts[parts.index("..") + 1 :]
        if parts and parts not in seen:
            seen.append(parts)
            yield parts
    asked = name.partition("?")[0]
    if asked != name and ADDRESS.match(name):
        yield from _readings(asked)


def _first_file(paths: Iterable[Path]) -> Path | None:
    return next((path for path in paths if _is_file(path)), None)


def _exists(path: Path) -> bool:
    try:
        return exists(path)
    except (OSError, ValueError):
        return False


def _is_file(path: Path) -> bool:
    if path.suffix.lower() in NO_PICTURES:
        return False
    try:
        return is_file(path)
    except (OSError, ValueError):  # a name that is too long, or no text
        return False


def _index_pictures(folders: Sequence[Path], below: Path | None) -> dict[str, list[tuple[tuple[str, ...], Path]]]:
    """Pictures by their folded names, each with its folded path; those in the folders themselves and below one."""
    index: dict[str, list[tuple[tuple[str, ...], Path]]] = {}
    seen: set[str] = set()
    for folder in folders:
        for path in _pictures_in(folder, deep=folder == below):
            key = str(plain_path(path))
            if key not in seen:
                seen.add(key)
                parts = tuple(map(_fold, path.relative_to(folder).parts))
                index.setdefault(parts[-1], []).append((parts, path))
    return index


def _pictures_in(folder: Path, deep: bool) -> list[Path]:
    """The pictures of a folder, perhaps with its subfolders; none of one that is too large to be looked through, for
    the only picture of a name would not be known to be the only one."""
    count, found = 0, []
    for place, subfolders, names in os.walk(folder):  # passes over what may not be read, and follows no links
        subfolders[:] = sorted(name for name in subfolders if not name.startswith(".")) if deep else []
        count += len(names)
        if count > MOST_FILES:
            return []
        found += [Path(place, name) for name in sorted(names) if is_image(name) and not name.startswith(".")]
    return found


def _fold(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def _common_end(first: Sequence[str], second: Sequence[str]) -> int:
    count = 0
    for a, b in zip(reversed(first), reversed(second)):
        if a != b:
            break
        count += 1
    return count
