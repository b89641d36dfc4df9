"""One video and what is asked for of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from maskrcnn.drawing.style import DrawStyle
from maskrcnn.jobs.options.predict import PredictFilesOptions
from maskrcnn.model_info import ModelInfo
from maskrcnn.video.reading.clip import About
from maskrcnn.video.reading.open import Source
from maskrcnn.video.writing.spool import Spool
from maskrcnn.video.writing.youtube_vis import Video


class Latest:
    """The last picture that was drawn of a video, from the thread that draws for another one that shows it."""

    def __init__(self) -> None:
        self.picture: Image.Image | None = None

    def keep(self, picture: Image.Image, scale: float) -> None:
        """Take a picture as it is: a mark of the overlay, the last one, see :class:`Overlay`."""
        self.picture = picture

    def take(self) -> Image.Image | None:
        """The picture, once; None where no other one was drawn since."""
        picture, self.picture = self.picture, None
        return picture


@dataclass(frozen=True)
class ClipJob:
    """One video and what is made of it.

    Attributes:
        source: where its frames come from.
        about: what is known of it.
        info: of the model.
        options: what is asked for.
        out: the folder of the results.
        name: by which they are called there.
        spool: its frames as they were found.
        latest: what was drawn last, where that is watched.
    """

    source: Source
    about: About
    info: ModelInfo
    options: PredictFilesOptions
    out: Path
    name: str
    spool: Spool
    latest: Latest = field(default_factory=Latest)

    @property
    def watched(self) -> bool:
        """Whether frames are shown while they come."""
        return self.about.live and not self.options.no_window

    def path(self, ending: str) -> Path:
        """The file of the results that is called by the video's name and ``ending``."""
        return self.out / f"{self.name}{ending}"

    @property
    def video(self) -> Video:
        """What files of tracks say of it."""
        about = self.about
        return Video(self.source.path.name, about.size, about.rate, about.names)

    @property
    def style(self) -> DrawStyle:
        """How objects are drawn."""
        asked = self.options
        return DrawStyle(asked.colour, not asked.no_boxes, not asked.no_labels, asked.line_width, asked.scale)
