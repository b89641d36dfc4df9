"""Follows the objects of videos: reading, looking, drawing and writing at the same time, within bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from maskrcnn.checks import counted
from maskrcnn.errors import DataError, MaskRCNNError, UsageError
from maskrcnn.files import is_file, written_files
from maskrcnn.inference.predictor import Predictor
from maskrcnn.inference.results.in_step import WriteBehind
from maskrcnn.inference.results.journal import Journal
from maskrcnn.inference.results.names import FreeNames
from maskrcnn.jobs.events import FrameDrawn, InputDone, InputFailed, Note, Progress, Tell
from maskrcnn.jobs.options.clips import check_packages, seconds
from maskrcnn.jobs.options.predict import PredictFilesOptions
from maskrcnn.jobs.sequences.asked import check_asked
from maskrcnn.jobs.sequences.job import ClipJob
from maskrcnn.jobs.sequences.sinks import TABLE, sinks_of, written
from maskrcnn.tracking.running import RunningNumbers
from maskrcnn.tracking.tracker import Tracker
from maskrcnn.video.ahead import Ahead
from maskrcnn.video.follow import Detector, follow, track_options
from maskrcnn.video.frames import Droppable, FrameSink, TrackedFrame
from maskrcnn.video.reading.clip import Clip, Part
from maskrcnn.video.reading.open import Source
from maskrcnn.video.writing.spool import SUFFIX, Spool

RESERVED = ("predictions", "images")  # names of lists of pictures


@dataclass
class ClipsOutcome:
    """What became of videos.

    Attributes:
        objects: how many were followed in each video that was searched, by its path.
        frames: how many were looked at in all of them.
        names: by which their results are called.
        failures: a sentence for each that could not be searched.
    """

    objects: dict[str, int] = field(default_factory=dict)
    frames: int = 0
    names: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def part_of(options: PredictFilesOptions) -> Part:
    """Which frames are looked at."""
    start, end = seconds("from", options.from_), seconds("until", options.end_of_part)
    return Part(options.every, start or 0.0, end, options.fps)


def predict_clips(
    predictor: Predictor, sources: Sequence[Source], options: PredictFilesOptions, journal: Journal, tell: Tell
) -> ClipsOutcome:
    """Follow the objects of videos and write what was found.

    Args:
        predictor: of a model of pictures that finds objects.
        sources: the videos.
        options: what is asked for.
        journal: remembers each when it is done; its folder is that of the results.
        tell: is told of each video, and how far it is.

    Returns:
        How many objects each has, and a sentence for each that failed.

    Raises:
        UsageError: what reads videos is not installed, or the model finds no objects.
    """
    if not predictor.info.config.finds_objects:
        raise UsageError("The model tells the class of every pixel and finds no objects to follow.")
    check_packages()
    check_asked(options, predictor.info)
    tracking = track_options(options.score)
    predictor = predictor.with_options(score=min(tracking.doubtful, options.score), classes=tuple(options.classes))
    outcome, names = ClipsOutcome(), free_names(options, journal)
    if not journal.begun:
        journal.begin(with_lists=False)
    for source in sources:
        shown = journal.name_of(source.path)
        try:
            clip = source.open(part_of(options))
            with closing(clip):
                frames, objects = _follow_one(predictor, source, clip, names.take(source.stem), options, journal, tell)
        except MaskRCNNError as error:
            outcome.failures.append(str(error))
            tell(InputFailed(shown, str(error)))
            continue
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            sentence = f"{shown}: what was found in it could not be written ({where}{error.strerror or error})."
            outcome.failures.append(sentence)
            tell(InputFailed(shown, sentence))
            continue
        outcome.objects[shown] = objects
        outcome.frames += frames
        outcome.names.append(names.latest[0])
    return outcome


def free_names(options: PredictFilesOptions, journal: Journal) -> FreeNames:
    """Names of results, but for those that videos have from before."""
    endings = written(options)
    names = FreeNames(endings, [f"{name}{ending}" for name in RESERVED for ending in endings])
    before = [file for line in journal.past.lines for file in line.files if file.endswith(TABLE)]
    names.take_again(file.removesuffix(TABLE) for file in before)
    return names


def _follow_one(
    predictor: Predictor,
    source: Source,
    clip: Clip,
    name: str,
    options: PredictFilesOptions,
    journal: Journal,
    tell: Tell,
) -> tuple[int, int]:
    """Follow the objects of one video: how many frames and objects there were."""
    out = journal.out or options.out
    spool = Spool(out / f".{name}{SUFFIX}", {"settings": journal.settings, **_trace_of(source)})
    before = spool.done
    job = ClipJob(source, clip.about, predictor.info, options, out, name, spool)
    walk = Walk(job, predictor, clip, tell)
    with written_files() as files, _whole_or_not(walk.sinks):
        walk.run()
        if walk.done < before:  # the file is shorter than it was
            raise DataError(f"{source.path} has fewer frames than when it was begun: begin anew with --overwrite.")
        numbers = walk.numbers.known
        for sink in walk.sinks:
            sink.finish(numbers)
    shown = journal.name_of(source.path)
    for note in clip.about.notes:
        tell(Note(f"note: {note}"))
    journal.add(source.path, len(numbers), files)
    spool.remove()
    of = f" in {counted(walk.done, 'frame')}"
    tell(InputDone(shown, len(numbers), (), (f"object{of}", f"objects{of}")))
    return walk.done, len(numbers)


class Walk:
    """One video on its way through the model and the tracker into its sinks.

    Args:
        job: the video.
        predictor: finds its objects.
        clip: its frames.
        tell: is told how far it is.
    """

    def __init__(self, job: ClipJob, predictor: Predictor, clip: Clip, tell: Tell) -> None:
        self.job, self.clip, self.tell = job, clip, tell
        self.sinks = sinks_of(job)
        self.detector = Detector(predictor, job.options.max_detections, job.spool.saved())
        self.tracker = Tracker(2, track_options(job.options.score, job.options.detect_every))
        self.numbers = RunningNumbers()
        self.done = 0

    def run(self) -> None:
        """All frames; of a camera until somebody stops it."""
        about = self.clip.about
        with WriteBehind() as behind, Ahead(self.clip, newest=about.live) as frames:
            self.tell(Progress(self.job.name, 0, about.frames))
            try:
                for frame in follow(frames, self.detector, self.tracker, self.job.options.detect_every):
                    self.numbers.see(frame.ids, frame.confirmed)
                    behind.put(partial(self._add, frame), self._settle)
                    del frame
                    if (picture := self.job.latest.take()) is not None:
                        self.tell(FrameDrawn(self.job.name, picture))
            except KeyboardInterrupt:
                if not about.live or not self.tracker.frames:
                    so_far = f"{counted(self.tracker.frames, 'frame')} of {self.job.source.path} are done"
                    raise KeyboardInterrupt(f"stopped; {so_far}: go on with --skip-done.") from None

    def _add(self, frame: TrackedFrame) -> None:
        for sink in self.sinks:
            sink.add(frame)

    def _settle(self) -> None:
        self.done += 1
        total = self.clip.about.frames  # as the file's header says, which may be a few too few
        self.tell(Progress(self.job.name, self.done, max(self.done, total) if total else 0))


@contextmanager
def _whole_or_not(sinks: Sequence[FrameSink]) -> Iterator[None]:
    """Within the block, what ends it before its time leaves no part of a video."""
    try:
        yield
    except BaseException:
        for sink in sinks:
            if isinstance(sink, Droppable):
                sink.drop()
        raise


def _trace_of(source: Source) -> dict[str, object]:
    """By which a video is known again: its path and its size."""
    files = source.frames or ((source.path,) if is_file(source.path) else ())
    sizes = [file.stat().st_size for file in map(Path, files) if is_file(file)]
    return {"input": str(source.path), "bytes": sum(sizes), "files": len(files)}
