"""What is made of a video beside its tracks where it is asked for: counts, motion, pictures, and hidden pixels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PIL import Image

from maskrcnn.jobs.options.videos.results import ClipResultOptions
from maskrcnn.jobs.sequences.job import ClipJob
from maskrcnn.model_info import ModelInfo
from maskrcnn.video.counting.counter import Counter
from maskrcnn.video.counting.painting import paint_places
from maskrcnn.video.counting.places import Place, outside, read_lines, read_zones
from maskrcnn.video.frames import FrameSink
from maskrcnn.video.motion.capture import Capture, Files, check_motion
from maskrcnn.video.motion.one_euro import SmoothedKeypoints
from maskrcnn.video.motion.smoothing import SmoothOptions
from maskrcnn.video.privacy.background import GREEN
from maskrcnn.video.privacy.blur import Blur, check_blur
from maskrcnn.video.through import Change
from maskrcnn.video.views.best import BestViews
from maskrcnn.video.views.heat import HeatMap
from maskrcnn.video.views.timeline import Timeline
from maskrcnn.video.writing.alone import ObjectsAlone
from maskrcnn.video.writing.encode import MP4, PRORES, WEBM

Mark = Callable[[Image.Image, float], None]
COUNTS, EVENTS, HEAT, TIMELINE, CUTOUTS = ".counts.csv", ".events.csv", ".heat.jpg", ".timeline.png", ".cutouts"
ON_GREEN = ".green.mp4"
ALPHA = {"webm": (".alpha.webm", WEBM), "prores": (".alpha.mov", PRORES)}
OF_MOTION = {
    "csv": (".keypoints.csv",),
    "coco": (".keypoints.json",),
    "openpose": (".openpose",),
    "bvh": (".bvh",),
    "angles": (".angles.csv", ".angles"),
}


def check_asked(options: ClipResultOptions, info: ModelInfo) -> None:
    """Refuse what a model cannot give, before the first video is opened.

    Args:
        options: what is asked for.
        info: of the model.

    Raises:
        UsageError: with the flag.
        DataError: a zone that is none.
    """
    check_motion(options.motion, info)
    check_blur(options.blur, info.class_names)
    read_zones([Path(path) for path in options.zone], info.class_names)


def counter_of(job: ClipJob) -> Counter | None:
    """What counts at lines and in zones; None where none were named."""
    asked = job.options
    zones = read_zones([Path(path) for path in asked.zone], job.info.class_names)
    places: list[Place] = [*read_lines(asked.count), *zones]
    if not places:
        return None
    height, width = job.about.size
    for place in places:
        if outside(place, (width, height)):
            job.about.note(f"{place.name} lies outside of the picture, which has {width} x {height} pixels.")
    return Counter(places, job.info.class_names, (job.path(COUNTS), job.path(EVENTS)), asked.anchor)


def marks_of(counter: Counter | None) -> list[Mark]:
    """What is drawn of the counts."""
    return [] if counter is None else [lambda canvas, scale: paint_places(canvas, counter.now(), scale)]


def changes_of(job: ClipJob) -> list[Change]:
    """What becomes of frames before anything is drawn of them."""
    changes: list[Change] = [Blur(job.options.blur, job.info.class_names)] if job.options.blur else []
    return [*changes, SmoothedKeypoints()] if job.info.keypoint_names else changes


def pictures_of(job: ClipJob) -> list[FrameSink]:
    """What shows pixels of frames, and is given them with what is hidden."""
    asked, names = job.options, job.info.class_names
    sinks: list[FrameSink] = []
    if asked.cutouts:
        sinks.append(BestViews(job.path(CUTOUTS), names))
    if asked.heat_map:
        sinks.append(HeatMap(job.path(HEAT)))
    if asked.green:
        sinks.append(ObjectsAlone(job.path(ON_GREEN), job.about, MP4, GREEN))
    if asked.alpha:
        ending, form = ALPHA[asked.alpha]
        sinks.append(ObjectsAlone(job.path(ending), job.about, form))
    return sinks


def records_of(job: ClipJob) -> list[FrameSink]:
    """What is made of where objects are, without a pixel."""
    asked, sinks = job.options, list[FrameSink]()
    if asked.timeline:
        sinks.append(Timeline(job.path(TIMELINE), job.info.class_names, job.source.path.name, job.about.rate))
    if asked.motion:
        options = SmoothOptions(cutoff=asked.smooth, fill=asked.fill)
        sinks.append(Capture(Files(job.out, job.name), asked.motion, job.info, options, note=job.about.note))
    return sinks


def asked_endings(options: ClipResultOptions, cutouts: bool) -> list[str]:
    """The endings of what is asked for.

    Args:
        options: what is asked for.
        cutouts: whether best views are.

    Returns:
        Each begins with a dot; those of folders are among them.
    """
    wanted = {
        COUNTS: options.count or options.zone,
        EVENTS: options.count or options.zone,
        CUTOUTS: cutouts,
        HEAT: options.heat_map,
        TIMELINE: options.timeline,
        ON_GREEN: options.green,
    }
    endings = [ending for ending, asked in wanted.items() if asked]
    endings += [ALPHA[options.alpha][0]] if options.alpha else []
    return endings + [ending for form in options.motion for ending in OF_MOTION[form]]
