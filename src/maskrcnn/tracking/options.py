"""How objects are followed."""

from __future__ import annotations

from dataclasses import dataclass

from maskrcnn.checks import at_least, between


@dataclass(frozen=True)
class TrackOptions:
    """Settings of a tracker, chosen on scenes that ``benchmarks/crossings.py`` makes from seeds; but wide buffers, for
    which 0.2 did a little better there, are those of C-BIoU, since little in these scenes moves by most of its size."""

    sure: float = 0.4
    """Detections from this score on are matched first, and may begin an object that counts."""
    doubtful: float = 0.2
    """Detections from this score on may continue an object, but never begin one that counts."""
    buffer: float = 0.0
    """Boxes grow on each side by this part of their size before they are compared (C-BIoU); 0 did best."""
    wide_buffer: float = 0.5
    """The same for what is left when all else is matched: objects that were lost, or that moved by most of
    their size in a frame."""
    least: float = 0.4
    """Least overlap of grown boxes at which a sure detection continues an object."""
    least_doubtful: float = 0.4
    """The same for a doubtful detection, and only of objects that were seen in the last frame."""
    least_wide: float = 0.3
    """The same with wide buffers, of boxes alone."""
    mask_weight: float = 0.5
    """Part of the overlap that is that of masks, where both have one; the rest is that of grown boxes."""
    other_class: float = 0.5
    """What an overlap is worth where the detection is of another class than the object."""
    memory: int = 30
    """Frames after which an object that was not seen again is given up."""
    confirm: int = 4
    """Sure sightings after which an object counts."""

    def check(self) -> None:
        """Raise UsageError for settings out of range."""
        for name in ("sure", "doubtful", "least", "least_doubtful", "least_wide", "mask_weight", "other_class"):
            between(name.replace("_", "-"), getattr(self, name), 0, 1)
        for name in ("buffer", "wide_buffer", "memory"):
            at_least(name.replace("_", "-"), getattr(self, name), 0)
        at_least("confirm", self.confirm, 1)
