"""A video's tracks as any of these files hold them."""

from __future__ import annotations

from dataclasses import dataclass, field

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Place:
    """Where an object is in one frame.

    Attributes:
        box: low corner and high corner, pixels.
        mask: COCO's compressed run lengths; None: only the box is known.
    """

    box: Box
    mask: bytes | None = None


@dataclass(frozen=True)
class LabelledTrack:
    """One object.

    Attributes:
        number: from 1.
        name: of its class.
        places: of each frame in which it is, counted from 0, in order.
    """

    number: int
    name: str
    places: dict[int, Place]


@dataclass
class LabelledVideo:
    """A video and its tracks.

    Attributes:
        name: of its file.
        size: height and width of a frame.
        length: frames.
        class_names: in the order of the file.
        tracks: of its objects.
        frame_names: of the files of its frames; empty where it is one file.
        notes: what was left out or mended, a sentence each.
    """

    name: str
    size: tuple[int, int]
    length: int
    class_names: tuple[str, ...]
    tracks: list[LabelledTrack] = field(default_factory=list)
    frame_names: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)
