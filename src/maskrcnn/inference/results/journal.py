"""What is done of a prediction, a line an input, so that one that was stopped can go on and two are never mixed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maskrcnn.errors import UsageError
from maskrcnn.files import RESULTS_MARK, atomic_write, is_file, resolved
from maskrcnn.schema import Misfit, restore

if TYPE_CHECKING:  # asking what a folder holds must not wait for torch
    from maskrcnn.inference.results.lists import ResultLists
    from maskrcnn.inference.results.names import FreeNames

LISTS = ("predictions.json", "summary.csv", "images.json")
ALL_DONE = '{"all": "done"}\n'
LONGEST = 2**26  # bytes of a journal that are read


@dataclass(frozen=True)
class Line:
    """What is remembered of an input.

    Attributes:
        input: its path, as it was named and then without links.
        objects: how many were found in it.
        names: under which it has results, see :class:`maskrcnn.inference.results.names.FreeNames`.
        files: that were written of it alone, relative to the folder.
        lists: how far the lists had grown then, see :class:`maskrcnn.inference.results.lists.ResultLists`.
    """

    input: tuple[str, str]
    objects: int
    names: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    lists: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Past:
    """What a folder of results says of the prediction that wrote them.

    Attributes:
        settings: of which its bytes depend: the model, options.
        lines: of the inputs that are done.
        finished: whether it came to its end.
    """

    settings: dict[str, Any] = field(default_factory=dict)
    lines: tuple[Line, ...] = ()
    finished: bool = False


class Journal:
    """Remembers each input when its results are written.

    Args:
        out: the folder of the results; None: nothing is kept.
        settings: what the bytes of the results depend on.
        past: of a prediction in that folder that goes on.
        shown: what results call a file that lies elsewhere than where its user knows it: its address.
    """

    def __init__(
        self,
        out: Path | None = None,
        settings: Mapping[str, Any] | None = None,
        past: Past | None = None,
        shown: Mapping[Path, str] | None = None,
    ) -> None:
        self.shown = dict(shown or {})
        self.out, self.settings, self.past = out, dict(settings or {}), past or Past()
        self.lists: ResultLists | None = None
        self.names: FreeNames | None = None
        self.begun = False
        self._before = {line.input[1] for line in self.past.lines}
        self._lists_before = self.past.lines[-1].lists if self.past.lines else {}

    def has(self, path: Path) -> bool:
        """Whether an input is done from before, however it is named now."""
        return self._identity(path) in self._before

    def name_of(self, path: Path) -> str:
        """What results call an input, as text that any file can hold; bytes of it that are no text are written as such
        (``\\xe9``)."""
        return self.shown.get(path, str(path)).encode("utf-8", "backslashreplace").decode()

    def _identity(self, path: Path) -> str:
        return self.shown.get(path) or str(resolved(path))

    @property
    def latest(self) -> Sequence[Mapping[str, Any]]:
        """What was last added to the list of objects."""
        return self.lists.latest if self.lists is not None else ()

    def follow(self, lists: ResultLists, names: FreeNames) -> None:
        """Remember how far these are after each input; where a prediction goes on, they begin where it was.

        Raises:
            UsageError: the lists are not as they were left.
        """
        self.lists, self.names = lists, names
        if self.past.lines:
            for line in self.past.lines:
                names.take_again(line.names)
            lists.go_on(self.past.lines[-1].lists)

    def begin(self, with_lists: bool = True) -> None:
        """Write the journal's head, and what is done already.

        Args:
            with_lists: whether what comes is added to lists, which must be followed where a prediction goes on.

        Raises:
            UsageError: lists that nobody follows.
        """
        self.begun = True
        if self.out is None:
            return
        if with_lists and self.past.lines and self.lists is None:
            raise UsageError(f"Files of this kind begin anew each time: leave --skip-done out, or empty {self.out}.")
        with atomic_write(self.out / RESULTS_MARK) as beside:
            head = json.dumps({"settings": self.settings})
            beside.write_text("".join(f"{line}\n" for line in [head, *map(_text, self.past.lines)]), encoding="utf-8")

    def add(self, path: Path, objects: int, files: Sequence[Path]) -> None:
        """Remember that an input is done.

        Args:
            path: of the input.
            objects: how many were found in it.
            files: that were written of it.
        """
        if self.out is None:
            return
        names = self.names.latest if self.names is not None else ()
        own = sorted({file.relative_to(self.out).as_posix() for file in files if file.name not in LISTS})
        lists = self.lists.mark() if self.lists is not None else self._lists_before
        if not self.begun:
            self.begin()
        self._append(
            _text(Line((self.name_of(path), self._identity(path)), objects, tuple(names), tuple(own), lists)) + "\n"
        )

    def close(self) -> None:
        """Remember that all is done."""
        if self.out is None or (self.past.finished and not self.begun):
            return
        if not self.begun and not self.past.lines:
            self.begin()
        self._append(ALL_DONE)

    def _append(self, text: str) -> None:
        assert self.out is not None
        with (self.out / RESULTS_MARK).open("ab") as file:
            file.write(text.encode("utf-8", "backslashreplace"))


def read_past(out: Path) -> Past | None:
    """What a folder says of the prediction in it; None where there is none, or nothing that can be understood."""
    path = out / RESULTS_MARK
    if not is_file(path) or path.stat().st_size > LONGEST:
        return None
    head, *lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    done: list[Line] = []
    try:
        settings = restore(json.loads(head)["settings"], dict[str, Any], "the journal")
        for text in lines[:-1]:  # the last is empty, or was cut off when it was written
            if text + "\n" == ALL_DONE:
                return Past(settings, tuple(done), True)
            done.append(restore(json.loads(text), Line, "the journal"))
    except (ValueError, Misfit, KeyError, TypeError):
        return None if not done else Past(settings, tuple(done))
    return Past(settings, tuple(done))


def remove_results(out: Path, past: Past | None) -> None:
    """Remove what a prediction has left in its folder: nothing that its journal does not name, nothing outside."""
    for line in past.lines if past is not None else ():
        for name in line.files:
            if ".." not in Path(name).parts and not Path(name).is_absolute():
                (out / name).unlink(missing_ok=True)
                if (out / name).parent != out:
                    with suppress(OSError):  # it holds something else
                        (out / name).parent.rmdir()
    for name in (*LISTS, RESULTS_MARK):
        (out / name).unlink(missing_ok=True)


def _text(line: Line) -> str:
    return json.dumps(asdict(line), ensure_ascii=True)
