"""What is written of a video: a list of sinks, each of which takes its frames. A further kind of result is a line."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from maskrcnn.jobs.options.clips import FORMATS
from maskrcnn.jobs.options.predict import PredictFilesOptions
from maskrcnn.jobs.sequences.asked import asked_endings, changes_of, counter_of, marks_of, pictures_of, records_of
from maskrcnn.jobs.sequences.job import ClipJob
from maskrcnn.video.frames import FrameSink, TrackedFrame
from maskrcnn.video.through import Through
from maskrcnn.video.writing.frame_files import write_coco_video, write_mot
from maskrcnn.video.writing.overlay import Overlay
from maskrcnn.video.writing.table import write_tracks_table
from maskrcnn.video.writing.youtube_vis import write_youtube_vis

TABLE = ".tracks.csv"


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
    spool, info, counter = job.spool.path, job.info, counter_of(job)
    marks = [*marks_of(counter), *([job.latest.keep] if job.watched else [])]
    overlay = Overlay(job.path(".mp4"), job.about, info, job.style, marks)
    sinks: list[FrameSink] = [job.spool, *([] if counter is None else [counter])]
    sinks.append(Through(changes_of(job), [overlay, *pictures_of(job)]))
    sinks += records_of(job)
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
    also = [f".{FORMATS[options.to]}"] if options.to in FORMATS else []
    return (".mp4", TABLE, ".json", *also, *asked_endings(options, options.cutouts))
