"""Every finished stroke, on the disk before the next begins: an append-only journal in SQLite.

The journal knows objects as json alone, so that it serves whatever is labelled. A stroke is a list of changes, each the
id of an object and what it was and is. To undo a stroke is a new entry that says so; no entry is ever taken away, and
the state of an image is what its entries make of what was imported.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from maskrcnn.jobs.studio.strokes import (
    DO,
    REDO,
    STATUS,
    UNDO,
    Body,
    Change,
    ConflictError,
    FullError,
    ImageState,
    Stroke,
    as_text,
    changes_of,
    open_base,
    stack_up,
)

NAME = "studio.db"


class Journal:
    """The journal in a folder, which one process holds at a time. Its methods may be called by several threads.

    Args:
        folder: which is made where it is not there.

    Raises:
        UsageError: another process holds it, or nothing can be written there.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self._mutex = threading.RLock()
        self._lock, self._base = open_base(folder, self.path)
        self._depths: dict[str, tuple[list[int], list[int]]] = {}
        # Objects of images that nobody has worked on, as they came; the first entry writes them down.
        self._looked_at: dict[str, list[tuple[str, int, str, Any]]] = {}
        self._kept: list[str] = []
        self._last_id = max(self._number("SELECT MAX(id) FROM imported"), self._number("SELECT MAX(id) FROM objects"))
        self._last_id = max(self._last_id, int(self.fact("last_id") or 0))

    def close(self) -> None:
        """Let the folder go."""
        with self._mutex:
            self._base.close()
            self._lock.close()

    def fact(self, name: str) -> str | None:
        """What is kept under a name."""
        row = self._row("SELECT value FROM facts WHERE name = ?", name)
        return None if row is None else str(row[0])

    def set_fact(self, name: str, value: str) -> None:
        """Keep ``value`` under ``name``."""
        with self._writing() as base:
            base.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def ids_begin(self, first: int) -> None:
        """New objects get ids from ``first`` on at the least."""
        with self._mutex:
            self._last_id = max(self._last_id, first - 1)

    def new_ids(self, count: int) -> list[int]:
        """Ids that no object has or had."""
        with self._writing() as base:
            first = self._last_id + 1
            base.execute("INSERT OR REPLACE INTO facts VALUES ('last_id', ?)", (str(self._last_id + count),))
            self._last_id += count
        return list(range(first, first + count))

    def states(self) -> dict[str, ImageState]:
        """Of each image that was opened or touched."""
        rows = self.rows("SELECT image, status, seq, saved, count FROM images")
        return {row[0]: ImageState(*row[1:]) for row in rows}

    def state(self, image: str) -> ImageState | None:
        """Of one image; None where it was never opened."""
        row = self._row("SELECT status, seq, saved, count FROM images WHERE image = ?", image)
        return None if row is None else ImageState(*row)

    def add_image(self, image: str, status: str, objects: Sequence[tuple[int, Body, Any]]) -> None:
        """Take an image in with the objects that its labels have; nothing happens where it is there already.

        Args:
            image: its name.
            status: it begins with.
            objects: ids, bodies and the entries of the labels that they come from.
        """
        with self._writing() as base:
            if base.execute("SELECT 1 FROM images WHERE image = ?", (image,)).fetchone():
                return
            base.execute("INSERT INTO images VALUES (?, ?, 0, 0, ?)", (image, status, len(objects)))
            rows = [(image, number, as_text(body)) for number, body, _ in objects]
            base.executemany("INSERT INTO objects VALUES (?, ?, ?, 0)", rows)
            self._looked_at[image] = [(*row, raw) for row, (_, _, raw) in zip(rows, objects)]
            self._last_id = max([self._last_id, *(number for number, _, _ in objects)])

    def objects(self, image: str) -> dict[int, Body]:
        """The objects of an image, by id, in the order in which they came."""
        return {number: json.loads(body) for number, body in self.object_texts(image)}

    def object_texts(self, image: str) -> list[tuple[int, str]]:
        """The same as they are kept, each as json text: thousands are sent on without being read."""
        return self.rows("SELECT id, body FROM objects WHERE image = ? ORDER BY id", image)

    def has_objects(self, image: str, numbers: Iterable[int]) -> bool:
        """Whether an image has all of these."""
        query = "SELECT 1 FROM objects WHERE image = ? AND id = ?"
        return all(self._row(query, image, number) is not None for number in numbers)

    def imported(self, image: str) -> dict[int, tuple[Body, Any]]:
        """The objects that an image began with, and the entries of the labels that they come from."""
        with self._mutex:
            if image in self._looked_at:
                return {number: (json.loads(body), raw) for _, number, body, raw in self._looked_at[image]}
            rows = self._base.execute("SELECT id, body, raw FROM imported WHERE image = ?", (image,)).fetchall()
        return {number: (json.loads(body), json.loads(raw)) for number, body, raw in rows}

    def do(self, image: str, name: str, changes: Sequence[Change], who: str, base_seq: int, key: str = "") -> Stroke:
        """Write a stroke down.

        Args:
            image: that was taken in.
            name: of the stroke.
            changes: the objects that it changes.
            who: drew it.
            base_seq: the latest entry of the image that whoever drew it had seen.
            key: of the stroke's own: one that is written down already is not written down twice.

        Returns:
            The stroke.

        Raises:
            ConflictError: one of its objects was changed since by somebody else.
        """
        with self._writing() as base:
            before = base.execute("SELECT seq, name, changes FROM entries WHERE key = ?", (key,)).fetchone()
            if key and before:
                return Stroke(before[0], before[1], changes_of(before[2], "after"))
            for change in changes:
                row = base.execute("SELECT seq FROM objects WHERE image = ? AND id = ?", (image, change.id)).fetchone()
                gone = row is None and base_seq < self._touched(image, change.id)
                if (row is not None and row[0] > base_seq) or gone:
                    raise ConflictError("This object was changed in another window; it is shown as it is now.")
            return self._write(image, DO, name, None, changes, who, key)

    def undo(self, image: str, who: str, redo: bool = False) -> Stroke | None:
        """Take the latest stroke back, or, with ``redo``, the latest undoing of one.

        Args:
            image: that was taken in.
            who: asks for it.
            redo: do again what was undone.

        Returns:
            What that changed; None where there is nothing to take back.
        """
        with self._writing() as base:
            done, undone = self._stacks(image)
            stack = undone if redo else done
            if not stack:
                return None
            name, text = base.execute("SELECT name, changes FROM entries WHERE seq = ?", (stack[-1],)).fetchone()
            changes = changes_of(text, "after" if redo else "before")
            return self._write(image, REDO if redo else UNDO, name, stack[-1], changes, who, "")

    def set_status(self, image: str, status: str, who: str) -> int:
        """Say how far an image is.

        Args:
            image: that was taken in.
            status: ``todo``, ``draft`` or ``done``.
            who: says so.

        Returns:
            The number of the entry.
        """
        with self._writing():
            return self._write(image, STATUS, status, None, (), who, "").seq

    def set_saved(self, seqs: Mapping[str, int]) -> None:
        """Images stand in the labels as they were after these entries."""
        with self._writing() as base:
            rows = [(seq, image) for image, seq in seqs.items()]
            base.executemany("UPDATE images SET saved = ? WHERE image = ?", rows)

    def depth(self, image: str) -> tuple[int, int]:
        """How many strokes can be undone, and done again."""
        with self._mutex:
            done, undone = self._stacks(image)
        return len(done), len(undone)

    def _stacks(self, image: str) -> tuple[list[int], list[int]]:
        """Numbers of the strokes that can be undone, and of those that can be done again, the latest last."""
        if image not in self._depths:
            stacks: tuple[list[int], list[int]] = ([], [])
            rows = self._base.execute("SELECT seq, kind, target FROM entries WHERE image = ? ORDER BY seq", (image,))
            for seq, kind, target in rows:
                stack_up(stacks, seq, kind, target)
            self._depths[image] = stacks
        return self._depths[image]

    def _write(
        self, image: str, kind: str, name: str, target: int | None, changes: Sequence[Change], who: str, key: str
    ) -> Stroke:
        base, stacks = self._base, self._stacks(image)
        if image in self._looked_at:
            known = [(*row[:3], json.dumps(row[3])) for row in self._looked_at[image]]
            base.executemany("INSERT INTO imported VALUES (?, ?, ?, ?)", known)
            self._kept.append(image)
        written = []
        for change in changes:
            row = base.execute("SELECT body FROM objects WHERE image = ? AND id = ?", (image, change.id)).fetchone()
            before = None if row is None else json.loads(row[0])
            written.append({"id": change.id, "before": before, "after": change.after})
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        values = (now, who, image, kind, name, target, as_text(written), key or None)
        cursor = base.execute(
            "INSERT INTO entries (at, who, image, kind, name, target, changes, key) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            values,
        )
        seq = int(cursor.lastrowid or 0)
        stack_up(stacks, seq, kind, target)
        for change in changes:
            if change.after is None:
                base.execute("DELETE FROM objects WHERE image = ? AND id = ?", (image, change.id))
            else:
                row = (image, change.id, as_text(change.after), seq)
                base.execute("INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?)", row)
        status = name if kind == STATUS else None
        base.execute(
            "UPDATE images SET seq = ?, status = COALESCE(?, CASE status WHEN 'todo' THEN 'draft' ELSE status END), "
            "count = (SELECT COUNT(*) FROM objects WHERE image = ?) WHERE image = ?",
            (seq, status, image, image),
        )
        return Stroke(seq, name, tuple(changes))

    def _touched(self, image: str, number: int) -> int:
        """The latest entry that changed an object which is gone."""
        rows = self._base.execute("SELECT seq, changes FROM entries WHERE image = ? ORDER BY seq DESC", (image,))
        for seq, text in rows:
            if any(change["id"] == number for change in json.loads(text)):
                return int(seq)
        return 0

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: on the disk when the block ends, or not at all."""
        with self._mutex:
            try:
                self._base.execute("BEGIN IMMEDIATE")
                yield self._base
                self._base.execute("COMMIT")
                for image in self._kept:
                    del self._looked_at[image]
            except BaseException as error:
                self._depths.clear()
                if self._base.in_transaction:
                    self._base.execute("ROLLBACK")
                if isinstance(error, sqlite3.OperationalError):
                    raise FullError(f"{self.path} cannot be written ({error}): free some space.") from None
                raise
            finally:
                self._kept.clear()

    def rows(self, query: str, *values: Any) -> list[Any]:
        """What a question in SQL is answered, which changes nothing."""
        with self._mutex:
            return self._base.execute(query, values).fetchall()

    def _row(self, query: str, *values: Any) -> Any:
        with self._mutex:
            return self._base.execute(query, values).fetchone()

    def _number(self, query: str) -> int:
        return int((self._row(query) or (0,))[0] or 0)
