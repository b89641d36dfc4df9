"""The lists of a job's results, which grow as it goes: after each input they are whole, whatever ends the job then."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from maskrcnn.errors import UsageError
from maskrcnn.files import atomic_write, is_file
from maskrcnn.inference.results.names import safe_cells

LIST, TABLE, IMAGES = "predictions.json", "summary.csv", "images.json"


class GrowingFile:
    """A text file that is whole after each addition, at the cost of what is added alone.

    What is added is written over the file's end, together with the end, in one go. A file of that name is replaced.

    Args:
        beginning: of the text.
        end: what always stands last.
        length: bytes of a text without its end that stands there already and goes on; what follows it is cut off.
    """

    def __init__(self, path: Path, beginning: str, end: str = "", length: int | None = None) -> None:
        self.path, self.end = path, end.encode()
        if length is not None:
            self.cut(length)
            return
        with atomic_write(path) as beside:
            beside.write_bytes(_bytes(beginning) + self.end)
        self.length = len(_bytes(beginning))

    def add(self, text: str) -> None:
        """Put ``text`` before the end. Raises OSError where it cannot be written; the file is then as it was."""
        added = _bytes(text)
        try:
            self._write(added + self.end)
        except OSError:
            self.cut(self.length)
            raise
        self.length += len(added)

    def cut(self, length: int) -> None:
        """Take back what was added after the file's text had ``length`` bytes."""
        self.length = length
        self._write(self.end)

    def _write(self, data: bytes) -> None:
        """Write ``data`` behind the text, as the file's last bytes."""
        with self.path.open("r+b", buffering=0) as file:
            file.seek(self.length)
            rest = memoryview(data)
            while rest:
                rest = rest[file.write(rest) :]
            file.truncate()


class ResultLists:
    """``predictions.json``, an entry a line, and ``summary.csv`` in a folder. They are begun with the first addition;
    ``images.json``, a line for each input of which something is said as a whole, with the first such line.

    Args:
        columns: of the table.
    """

    def __init__(self, out_dir: Path, columns: Sequence[str]) -> None:
        self.out_dir, self.columns = out_dir, tuple(columns)
        self.list: GrowingFile | None = None
        self.table: GrowingFile | None = None
        self.count = 0  # entries in the list
        self.images: GrowingFile | None = None
        self.latest: Sequence[Mapping[str, Any]] = ()  # what was added last

    def mark(self) -> dict[str, int]:
        """How far the lists have grown; 0 where one is not begun."""
        lengths = {name: file.length if file else 0 for name, file in self._files().items()}
        return {**lengths, "entries": self.count}

    def go_on(self, mark: Mapping[str, int]) -> None:
        """Begin where lists that lie in the folder were at ``mark``; what was added after it is cut off.

        Raises:
            UsageError: one of them is not there, or shorter than it was.
        """
        for name in (LIST, TABLE, IMAGES):
            path, length = self.out_dir / name, mark.get(name, 0)
            if length and (not is_file(path) or path.stat().st_size < length):
                raise UsageError(f"{path} is not as it was left: begin anew with --overwrite, or name another --out.")
        end = "\n]\n"
        self.count = mark.get("entries", 0)
        if mark.get(LIST):
            self.list = GrowingFile(self.out_dir / LIST, "", end, mark[LIST])
        if mark.get(TABLE):
            self.table = GrowingFile(self.out_dir / TABLE, "", "", mark[TABLE])
        if mark.get(IMAGES):
            self.images = GrowingFile(self.out_dir / IMAGES, "", end, mark[IMAGES])

    def _files(self) -> dict[str, GrowingFile | None]:
        return {LIST: self.list, TABLE: self.table, IMAGES: self.images}

    def add(self, entries: Sequence[Mapping[str, Any]], rows: Iterable[Sequence[Any]]) -> None:
        """Put down what was found in one input.

        Raises:
            OSError: it cannot be written; both files are then as they were.
        """
        listed, table = self._begun()
        self.latest = entries
        if not entries:
            return
        before = listed.length
        lines = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries)
        listed.add(lines if self.count == 0 else ",\n" + lines)
        try:
            table.add(_csv(rows))
        except OSError:
            listed.cut(before)
            raise
        self.count += len(entries)

    def add_image(self, entry: Mapping[str, Any]) -> None:
        """Put down what is said of one input as a whole. Raises OSError where it cannot be written."""
        line = json.dumps(entry, ensure_ascii=False)
        if self.images is None:
            self.images = GrowingFile(self.out_dir / IMAGES, "[\n" + line, "\n]\n")
        else:
            self.images.add(",\n" + line)

    def rewrite_table(self, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Begin the table anew, with other columns."""
        self.columns = tuple(columns)
        self.table = GrowingFile(self.out_dir / TABLE, _csv([columns]) + _csv(rows))

    def entries(self) -> list[dict[str, Any]]:
        """What the list holds so far."""
        return json.loads(self.list.path.read_text(encoding="utf-8")) if self.list else []

    def close(self) -> None:
        """See that both files are there, even where nothing was looked at."""
        self._begun()

    def _begun(self) -> tuple[GrowingFile, GrowingFile]:
        if self.list is None:
            self.list = GrowingFile(self.out_dir / LIST, "[\n", "\n]\n")
        if self.table is None:
            self.table = GrowingFile(self.out_dir / TABLE, _csv([self.columns]))
        return self.list, self.table


def _csv(rows: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(safe_cells(row) for row in rows)
    return text.getvalue()


def _bytes(text: str) -> bytes:
    """UTF-8; what it cannot hold (half a surrogate pair in a name) as an escape, which json reads back."""
    return text.encode("utf-8", "backslashreplace")
