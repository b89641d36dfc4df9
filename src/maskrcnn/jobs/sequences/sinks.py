"""What is written of a video: a list of sinks, each of which takes its frames. A further kind of result is a line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from maskrcnn.drawing.style import DrawStyle
from maskrcnn.jobs.options.clips import FORMATS
from maskrcnn.jobs.options.predict import PredictFilesOptions
from maskrcnn.model_info import ModelInfo
from maskrcnn.video.frames import FrameSink, TrackedFrame
from maskrcnn.video.reading.clip import About
from maskrcnn.video.reading.open import Source
from maskrcnn.video.writing.frame_files import write_coco_video, write_mot
from maskrcnn.video.writing.overlay import Overlay
from maskrcnn.video.writing.spool import Spool
from maskrcnn.video.writing.table import write_tracks_table
from maskrcnn.video.writing.youtube_vis import Video, write_youtube_vis

TABLE = ".tracks.csv"


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
    """

    source: Source
    about: About
    info: ModelInfo
    options: PredictFilesOptions
    out: Path
    name: str
    spool: Spool

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


class AtTheEnd:
    """A file that is made when all frames are known. It is a :class:`maskrcnn.video.frames.FrameSink`.

    Args:
        write: is given the number of each object that counts, by the tracker's number.
    """

    def __init__(self, write: Callable[[Mapping[int, int]], object]) -> None:
        self.write = write

    def add(self, frame: TrackedFrame) -> None:
        """Nothing: it is in the spool."""

    def finish(self, numbers: Mapping[int, int]) -> None:
        """Write the file."""
        self.write(numbers)


def sinks_of(job: ClipJob) -> list[FrameSink]:
    """What takes the frames of a video, in this order; the spool comes first, and files are made of it at the end."""
    spool, info = job.spool.path, job.info
    sinks: list[FrameSink] = [job.spool, Overlay(job.path(".mp4"), job.about, info, job.style)]
    sinks.append(AtTheEnd(lambda numbers: write_tracks_table(job.path(TABLE), spool, numbers, info.class_names)))
    sinks.append(AtTheEnd(lambda numbers: write_youtube_vis(job.path(".json"), spool, numbers, job.video, info)))
    if job.options.to in FORMATS:
        path = job.path(f".{FORMATS[job.options.to]}")
        if job.options.to == "mot":
            sinks.append(AtTheEnd(lambda numbers: write_mot(path, spool, numbers)))
        else:
            sinks.append(AtTheEnd(lambda numbers: write_coco_video(path, spool, numbers, job.video, info)))
    return sinks


def written(options: PredictFilesOptions) -> tuple[str, ...]:
    """The endings of everything that is written of a video."""
    return (".mp4", TABLE, ".json", *([f".{FORMATS[options.to]}"] if options.to in FORMATS else []))
