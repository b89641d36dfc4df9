"""Sinks that are given frames of which something was changed, once for all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from maskrcnn.video.frames import Droppable, FrameSink, TrackedFrame

Change = Callable[[TrackedFrame], TrackedFrame]


class Through:
    """One sink for several: frames go through changes first.

    Args:
        changes: in this order.
        sinks: are given what comes out.
    """

    def __init__(self, changes: Sequence[Change], sinks: Sequence[FrameSink]) -> None:
        self.changes, self.sinks = changes, sinks

    def add(self, frame: TrackedFrame) -> None:
        """Change the next frame and pass it on."""
        for change in self.changes:
            frame = change(frame)
        for sink in self.sinks:
            sink.add(frame)

    def finish(self, numbers: Mapping[int, int]) -> None:
        """Let all finish."""
        for sink in self.sinks:
            sink.finish(numbers)

    def drop(self) -> None:
        """Let go of what was begun."""
        for sink in self.sinks:
            if isinstance(sink, Droppable):
                sink.drop()
