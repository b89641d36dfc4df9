"""Reads frames in a thread of its own, a few ahead of whoever looks at them."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Generic, TypeVar

Item = TypeVar("Item")
END = object()


class Ahead(Generic[Item]):
    """Walks over items that are made in another thread.

    Args:
        items: what it raises is raised where the item is due.
        most: that wait.
        newest: items that nobody has taken in time are dropped for newer ones, as of a camera; else they wait.
    """

    def __init__(self, items: Iterable[Item], most: int = 3, newest: bool = False) -> None:
        self.items, self.newest = items, newest
        self.waiting: queue.Queue[object] = queue.Queue(1 if newest else most)
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self._read, name="decode", daemon=True)

    def __enter__(self) -> Iterator[Item]:
        self.thread.start()
        return self._walk()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopped.set()
        while self.thread.is_alive():  # it may wait for room
            self._drop()
            self.thread.join(0.05)

    def _walk(self) -> Iterator[Item]:
        while (item := self.waiting.get()) is not END:
            if isinstance(item, _Failed):
                raise item.error
            yield item  # type: ignore[misc]
            del item

    def _read(self) -> None:
        last: object = END
        try:
            for item in self.items:
                if self.stopped.is_set():
                    return
                if self.newest:
                    self._drop()
                self.waiting.put(item)
                del item
        except BaseException as error:  # whatever it is, the caller is told
            last = _Failed(error)
        self.waiting.put(last)

    def _drop(self) -> None:
        with contextlib.suppress(queue.Empty):
            self.waiting.get_nowait()


class _Failed:
    """What was raised."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
