"""What ``maskrcnn convert`` is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from maskrcnn.checks import at_least, new_folder
from maskrcnn.data.parsing.paths import refuse_missing
from maskrcnn.modalities.images.labels.formats import written_formats

TRACKS = {"youtube-vis": ".json", "cvat-video": ".xml", "mot": ".txt"}  # of videos, each with the ending of its file

if TYPE_CHECKING:
    Target = str
else:  # one of those that can be written
    Target = Literal[(*written_formats(), *TRACKS)]


@dataclass(frozen=True)
class ConvertOptions:
    """The labelled data, the format they are written in, and what becomes of their pictures."""

    data: Path
    """Labelled images; DATA:val is the split of that name. Or the tracks of a video: a json file of YouTube-VIS, as
    predict writes it, or CVAT's xml."""
    out: Path
    """Folder for the result, empty or new; `maskrcnn train OUT` then works."""
    to: Target
    """Format to write. coco holds everything; the others say what is lost. Of tracks: youtube-vis, cvat-video or
    mot."""
    max_pixels: int | None = None
    """Open no file of more pixels, voxels or samples than this: its header is asked before it is unpacked. By default
    what fits into free memory, and into 1.25 GiB where a file packs more than 64 of them into a byte."""
    link: bool = False
    """Give the images second names (hard links) instead of copying them."""
    outside: bool = False
    """Also take along pictures that lie outside the folder of their labels."""

    def check(self) -> None:
        """Raise UsageError or DataError for data that are not there and a folder that holds something."""
        at_least("max-pixels", self.max_pixels, 1)
        refuse_missing(self.data)
        new_folder(self.out, "the converted data")
