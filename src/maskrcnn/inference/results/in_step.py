"""Reading the next input and writing the last one while the network looks at the one between.

One thread reads, one writes, and the network stays with the caller, so the order of results and every byte of them are
those of one thing after another. At most three inputs are in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Generic, TypeVar

Item = TypeVar("Item")
Read = TypeVar("Read")


class ReadAhead(Generic[Item, Read]):
    """Walks over items with what ``read`` gives for each; the next one is read meanwhile.

    Args:
        items: in their order.
        read: is called in a thread of its own, with one item after another. What it raises is raised where its item
            is due.
    """

    def __init__(self, items: Sequence[Item], read: Callable[[Item], Read]) -> None:
        self.items, self.read = items, read
        self.pool = ThreadPoolExecutor(1, "read")

    def __enter__(self) -> Iterator[tuple[Item, Read]]:
        return self._walk()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.pool.shutdown(wait=False, cancel_futures=True)

    def _walk(self) -> Iterator[tuple[Item, Read]]:
        ahead: Future[Read] | None = self.pool.submit(self.read, self.items[0]) if self.items else None
        for k, item in enumerate(self.items):
            assert ahead is not None
            read = ahead.result()
            ahead = self.pool.submit(self.read, self.items[k + 1]) if k + 1 < len(self.items) else None
            yield item, read
            del read  # else it would stay until the next one has been read


class WriteBehind:
    """Runs one piece of work after another in a thread of its own, at most one behind.

    What was begun is always finished, whatever ends the block, Ctrl-C too: an interrupt reaches the caller's thread
    alone, so nothing is left half written.
    """

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(1, "write")
        self.begun: tuple[Future[object], Callable[[], None]] | None = None

    def __enter__(self) -> WriteBehind:
        return self

    def put(self, work: Callable[[], object], then: Callable[[], None]) -> None:
        """Wait for the work before this one, and begin it.

        Args:
            work: runs in the thread. What it raises is raised by the next ``put``, or at the end.
            then: is called when it is done, in the caller's thread.
        """
        self._settle()
        self.begun = self.pool.submit(work), then

    def tell(self, then: Callable[[], None]) -> None:
        """Call ``then`` in its turn: when the work before it is done."""
        self._settle()
        then()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._settle()
        except Exception:
            if error is None:  # else the first error is the one to tell
                raise
        finally:
            self.pool.shutdown(wait=True)

    def _settle(self) -> None:
        if self.begun is not None:
            future, then = self.begun
            future.exception()  # waits; an interrupt while waiting leaves it to be settled at the end
            self.begun = None
            future.result()
            then()
