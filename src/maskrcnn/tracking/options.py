"""How objects are followed."""

from __future__ import annotations

from dataclasses import dataclass

from maskrcnn.checks import at_least, between

PARTS = (
    *("sure", "doubtful", "least", "least_doubtful", "least_wide", "least_alike", "mask_weight", "appearance"),
    *("appearance_wide", "double", "eased", "other_class"),
)  # of 1


@dataclass(frozen=True)
class TrackOptions:
    """Settings of a tracker. Those of motion were chosen on scenes that ``benchmarks/crossings.py`` makes from
    seeds; those of masks and appearance, and how much must overlap, on videos composed of three sequences of DAVIS
    (breakdance, car-shadow and libby). Wide buffers are those of C-BIoU."""

    sure: float = 0.4
    """Detections from this score on are matched first, and may begin an object that counts."""
    doubtful: float = 0.2
    """Detections from this score on may continue an object, but never begin one that counts."""
    buffer: float = 0.0
    """Boxes grow on each side by this part of their size before they are compared (C-BIoU); 0 did best."""
    wide_buffer: float = 0.5
    """The same for what is left when all else is matched: objects that were lost, or that moved by most of
    their size in a frame."""
    appearance: float = 0.3
    """Part of the overlap that is how alike both look, where the network says what they look like."""
    appearance_wide: float = 0.5
    """The same with wide buffers."""
    least: float = 0.4
    """Least overlap of grown boxes at which a sure detection continues an object."""
    least_doubtful: float = 0.4
    """The same for a doubtful detection, and only of objects that were seen in the last frame."""
    eased: float = 0.1
    """Both are less by this where the network says what objects look like, since looks make up for places then."""
    double: float = 0.6
    """A detection with this part of its mask inside of that of a surer one is doubtful, whatever its score."""
    least_wide: float = 0.3
    """The same with wide buffers, of boxes alone."""
    least_alike: float = 0.5
    """Least likeness at which a sure detection continues an object that was lost, where no box meets."""
    reach: float = 3.0
    """How far from where it is expected such a detection may lie, in sizes of the object."""
    mask_weight: float = 0.3
    """Part of the overlap that is that of masks, where both have one; the rest is that of grown boxes."""
    other_class: float = 0.5
    """What an overlap is worth where the detection is of another class than the object."""
    memory: int = 30
    """Frames after which an object that was not seen again is given up."""
    confirm: int = 4
    """Sure sightings after which an object counts."""

    def check(self) -> None:
        """Raise UsageError for settings out of range."""
        for name in PARTS:
            between(name.replace("_", "-"), getattr(self, name), 0, 1)
        for name in ("buffer", "wide_buffer", "reach", "memory"):
            at_least(name.replace("_", "-"), getattr(self, name), 0)
        at_least("confirm", self.confirm, 1)
