"""What a prediction over files writes, and of which objects."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from maskrcnn.drawing.style import DrawStyle
from maskrcnn.inference.results.journal import Journal


@dataclass(frozen=True)
class ResultOptions:
    """What is written of what is found in files.

    Attributes:
        out: the folder for it.
        classes: names of the classes to keep; empty: all.
        max_detections: best objects of a file that are kept; None: all that the model gives.
        batch: images that are read and run together; recordings and scans come one by one.
        label_maps: also write maps of object numbers and of class numbers, of images.
        cutouts: also write each object as a file of its own, into ``cutouts/``.
        explain_most: objects of an image whose evidence is drawn too, into ``NAME_evidence.png``; 0: none.
        style: how objects are drawn over pictures.
        semantic: write the class of every pixel instead of objects.
        probabilities: with it, write the probability of every class of every pixel too.
        surface: also write where on its surface each object is seen, of images.
        texture: path of a picture that is laid on the objects there; empty: none.
        journal: remembers what is done; by default nothing is kept.
    """

    out: Path
    classes: tuple[str, ...] = ()
    max_detections: int | None = None
    batch: int = 1
    label_maps: bool = False
    cutouts: bool = False
    explain_most: int = 0
    style: DrawStyle = DrawStyle()
    semantic: bool = False
    probabilities: bool = False
    surface: bool = False
    texture: str = ""
    journal: Journal = field(default_factory=Journal, compare=False)
