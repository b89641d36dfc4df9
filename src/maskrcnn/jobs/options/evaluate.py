"""What ``maskrcnn evaluate`` is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from maskrcnn.checkpoints.lookup import check_model_name
from maskrcnn.checks import at_least, no_file, usable_device
from maskrcnn.data.parsing.paths import refuse_missing
from maskrcnn.errors import UsageError
from maskrcnn.files import exists, why_missing
from maskrcnn.inference.tiling.options import OVERLAP, check_tiles
from maskrcnn.planning.recipe import SMALLEST_IMAGE
from maskrcnn.video.labelled.layout import has_labelled_videos
from maskrcnn.video.layout import SequenceFolder, sequences_in


@dataclass(frozen=True)
class EvaluateOptions:
    """The labelled data, the model, and how it looks at them."""

    data: Path
    """Labelled files of any kind that is read; DATA:val is the split of that name."""
    out: Path
    """Folder for metrics.json and report.html."""
    model: str | None = None
    """Shipped model or model file."""
    labels: str = ""
    """A table with a class, several (a;b) or a number for each file as a whole: FILE.csv or FILE.csv:COLUMN."""
    max_detections: int | None = None
    """Most detections counted in one image; published tables of COCO count 100."""
    image_size: int | None = None
    """Longer side in pixels that images are resized to for the model."""
    tile: str = "auto"
    """Cut images that are longer into overlapping tiles of this many pixels; auto: as the model says; off: never."""
    overlap: float = OVERLAP
    """Part of a tile that neighbours share."""
    bootstrap: int = 1000
    """Resamplings of the images for the intervals; 0 for none."""
    flip: bool = False
    """Look at the mirror image of each image too."""
    sharp: Literal["auto", "off"] = "auto"
    """Look at each object again from close up for a sharper mask, with models that can; off: never."""
    raw_masks: bool = False
    """Keep the islands of masks; else only the largest connected part of each object in a picture."""
    max_pixels: int | None = None
    """Open no file of more pixels, voxels or samples than this: its header is asked before it is unpacked. By default
    what fits into free memory, and into 1.25 GiB where a file packs more than 64 of them into a byte."""
    tracks: Path | None = None
    """Of sequences in MOTChallenge's layout: the tracks to judge, a file, or a folder with NAME.txt for each; else the
    sequences' own detections are followed."""
    device: str = "cpu"
    """cpu, cuda or mps."""
    batch: int = 4
    """Images that run together."""
    no_report: bool = False
    """Write no report.html, the page that says why objects are missed and what to do next."""

    def check(self) -> None:
        """Raise UsageError or DataError for options that cannot be followed and data that are not there."""
        at_least("max-pixels", self.max_pixels, 1)
        at_least("max-detections", self.max_detections, 1)
        at_least("image-size", self.image_size, SMALLEST_IMAGE)
        at_least("bootstrap", self.bootstrap, 0)
        at_least("batch", self.batch, 1)
        check_tiles(self.tile, self.overlap)
        if self.model is not None:
            check_model_name(self.model)
        refuse_missing(self.data)
        if self.tracks is not None and not exists(self.tracks):
            raise UsageError(why_missing(self.tracks))
        if self.tracks is not None and not self.sequences():
            raise UsageError(f"--tracks is for sequences in MOTChallenge's layout, which {self.data} does not have.")
        no_file(self.out)
        usable_device(self.device)

    def sequences(self) -> list[SequenceFolder]:
        """The sequences in MOTChallenge's layout that are to be judged, if the data are such."""
        return sequences_in(self.data)

    def of_videos(self) -> bool:
        """Whether the data are videos whose objects are numbered in every frame."""
        return has_labelled_videos(self.data)
