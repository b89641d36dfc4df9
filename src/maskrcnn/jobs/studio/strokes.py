"""What stands in the journal of a project: strokes, the changes that they make, and how far each image is."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maskrcnn.errors import DataError, UsageError

LOCK = "studio.lock"
TODO, DRAFT, DONE = STATUSES = ("todo", "draft", "done")
ATTRIBUTES = ("crowd", "truncated", "difficult")
DO, UNDO, REDO, STATUS = "do", "undo", "redo", "status"
SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
    seq INTEGER PRIMARY KEY, at TEXT NOT NULL, who TEXT NOT NULL, image TEXT NOT NULL, kind TEXT NOT NULL,
    name TEXT NOT NULL, target INTEGER, changes TEXT NOT NULL, key TEXT UNIQUE);
CREATE INDEX IF NOT EXISTS entries_of_image ON entries (image, seq);
CREATE TABLE IF NOT EXISTS imported (
    image TEXT NOT NULL, id INTEGER NOT NULL, body TEXT NOT NULL, raw TEXT, PRIMARY KEY (image, id));
CREATE TABLE IF NOT EXISTS objects (
    image TEXT NOT NULL, id INTEGER NOT NULL, body TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (image, id));
CREATE TABLE IF NOT EXISTS images (
    image TEXT PRIMARY KEY, status TEXT NOT NULL, seq INTEGER NOT NULL, saved INTEGER NOT NULL, count INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TRIGGER IF NOT EXISTS no_update BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER IF NOT EXISTS no_delete BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'append only'); END;
"""
# Of images that nobody has worked on nothing is kept from one time to the next: their labels may be others by then.
FORGET = "".join(
    f"DELETE FROM {table} WHERE image IN (SELECT image FROM images WHERE seq = 0);\n"  # noqa: S608 - our own names
    for table in ("imported", "objects", "images")
)
Body = dict[str, Any]


class ConflictError(DataError):
    """Somebody else changed the same object in the meantime."""


class FullError(DataError):
    """Nothing can be written any more."""


@dataclass(frozen=True)
class Change:
    """What becomes of one object.

    Attributes:
        id: of the object.
        after: as it is from now on; None: it is gone.
    """

    id: int
    after: Body | None


@dataclass(frozen=True)
class ImageState:
    """What the journal knows of an image.

    Attributes:
        status: ``todo``, ``draft`` or ``done``.
        seq: the number of its latest entry; 0 without one.
        saved: the number of the entry up to which it stands in the labels.
        count: how many objects it has.
    """

    status: str
    seq: int = 0
    saved: int = 0
    count: int = 0


@dataclass(frozen=True)
class Stroke:
    """What an entry did.

    Attributes:
        seq: its number.
        name: of the stroke.
        changes: the objects that it changed, as they are now.
    """

    seq: int
    name: str
    changes: tuple[Change, ...]


def open_base(folder: Path, path: Path) -> tuple[sqlite3.Connection, sqlite3.Connection]:
    """Open the journal of a folder, which is made where it is not there, for this process alone.

    Args:
        folder: of the journal.
        path: of its file.

    Returns:
        The lock, held as long as it is open, and the journal.

    Raises:
        UsageError: another process holds it, or nothing can be written there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = sqlite3.connect(folder / LOCK, timeout=0.2, check_same_thread=False, isolation_level=None)
        lock.execute("BEGIN EXCLUSIVE")
        base = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        base.execute("PRAGMA journal_mode = WAL")
        base.execute("PRAGMA synchronous = FULL")
        base.executescript(SCHEMA + FORGET)
    except sqlite3.DatabaseError as error:
        if "locked" in str(error):
            raise UsageError(f"{folder} is open in another studio: close that one first.") from None
        raise UsageError(f"{path} cannot be used ({error}): name another folder with --journal.") from None
    except OSError as error:
        raise UsageError(f"{folder} cannot be used ({error.strerror}): name another with --journal.") from None
    return lock, base


def changes_of(text: str, side: str) -> tuple[Change, ...]:
    """The changes of an entry: what objects were ``before``, or are ``after``."""
    return tuple(Change(change["id"], change[side]) for change in json.loads(text))


def as_text(value: Any) -> str:
    """Json of which two are equal where what they hold is."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def stack_up(stacks: tuple[list[int], list[int]], seq: int, kind: str, target: int | None) -> None:
    """What an entry does to the strokes that can be undone, and done again.

    Args:
        stacks: numbers of both, the latest last; they are changed.
        seq: number of the entry.
        kind: of the entry.
        target: the stroke that it undoes or does again.
    """
    done, undone = stacks
    if kind == DO:
        done.append(seq)
        undone.clear()
    elif kind == UNDO:
        undone.append(done.pop())
    elif kind == REDO:
        done.append(undone.pop())
