"""Finds the objects in images, recordings or scans, and writes pictures, ``predictions.json`` and ``summary.csv``."""

from __future__ import annotations

import importlib
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from maskrcnn.checkpoints.lookup import load_model
from maskrcnn.config import ModelConfig
from maskrcnn.data.parsing.size_limit import at_most
from maskrcnn.drawing.style import DrawStyle
from maskrcnn.errors import UsageError
from maskrcnn.exchange.viewers import VIEWERS
from maskrcnn.files import is_file
from maskrcnn.inference.predictor import Predictor
from maskrcnn.inference.results.journal import Journal
from maskrcnn.inference.results.names import shown_path
from maskrcnn.inference.results.options import ResultOptions
from maskrcnn.inference.results.outcome import FileDone, Outcome
from maskrcnn.jobs.events import InputDone, InputFailed, Note, Progress, Tell, tell_nobody
from maskrcnn.jobs.inputs.expand import Spread, spread_out
from maskrcnn.jobs.options.clips import refuse_of_pictures
from maskrcnn.jobs.options.predict import PredictFilesOptions
from maskrcnn.jobs.results.beginning import begin
from maskrcnn.jobs.results.viewers import write_for_viewer
from maskrcnn.jobs.sequences.clips import ClipsOutcome, predict_clips
from maskrcnn.jobs.sequences.sinks import written
from maskrcnn.modalities.inputs import default_model, is_known, left_aside, refuse_options, wing_of_model
from maskrcnn.modalities.table import kinds
from maskrcnn.modalities.wing import Wing
from maskrcnn.modalities.words import is_of_pictures
from maskrcnn.video.reading.open import Source, sources_of, without


@dataclass(frozen=True)
class PredictOutcome:
    """What was found.

    Attributes:
        noun: what an input is called, such as image.
        nouns: what several are called.
        writes: what was written, in words.
        out: the folder of the results.
        objects: how many were found in each input that was searched, by its path.
        before: how many of these were searched by an earlier run that this one goes on with.
        failures: a sentence for each input that could not be searched.
        drafts: the folder of the drafts for a labelling tool, where they were asked for.
        found: what ``objects`` are, one and several.
        clips: how many objects were followed in each video that was searched, by its path.
        clips_before: how many of these were searched by an earlier run.
        clip_names: by which results of videos that were searched now are called.
        clip_writes: what each name is followed by.
    """

    noun: str
    nouns: str
    writes: tuple[str, ...]
    out: Path
    objects: dict[str, int]
    before: int
    failures: list[str]
    drafts: Path | None = None
    found: tuple[str, str] = ("object", "objects")
    clips: dict[str, int] = field(default_factory=dict)
    clips_before: int = 0
    clip_names: tuple[str, ...] = ()
    clip_writes: tuple[str, ...] = ()


def drafts_of() -> Any:
    """What writes drafts: it knows every format of labels, which predicting alone has no use for."""
    return importlib.import_module("maskrcnn.jobs.results.drafts")


def predict(options: PredictFilesOptions, tell: Tell = tell_nobody) -> PredictOutcome:
    """Find the objects in files and write what was found into ``options.out``.

    Args:
        options: the files, the model and what is written.
        tell: is given an :class:`InputDone` for each input, and a :class:`Note` for what was mended or left aside.

    Returns:
        How many objects each input holds, and a sentence for each input that failed.

    Raises:
        UsageError: options that cannot be followed, or no input that the model looks at.
        CheckpointError: the model's file is damaged.
    """
    options.check()
    with at_most(options.max_pixels), tempfile.TemporaryDirectory(prefix="maskrcnn-") as folder:
        spread = spread_out(options.inputs, Path(folder), is_known)
        inputs = spread.paths
        if not inputs:
            raise UsageError(" ".join(spread.sentences()) or f"There is nothing to look at; {spread.aside()}")
        videos = sources_of(inputs, options.out, options.video)
        inputs = without(inputs, videos)
        name = options.model or default_model(inputs, options.out)
        predictor = Predictor(*load_model(name, lambda text: tell(Note(text))), device=options.device)
        wing = wing_of_model(predictor.info)
        refuse_videos(wing, videos, spread)
        paths = wing.doors().find_files(inputs, options.out)
        seen = [*paths, *(video.path for video in videos)]
        aside = " ".join(filter(None, [left_aside(inputs, seen, wing, options.out), spread.aside()]))
        if not seen:
            nothing = f"There are no {wing.nouns} in {', '.join(map(str, options.inputs))}; {aside}".rstrip("; ")
            raise UsageError(" ".join(spread.sentences()) or (nothing if aside else f"{nothing}."))
        predictor = predictor.with_options(
            score=options.score,
            image_size=options.image_size,
            tile=options.tile,
            overlap=options.overlap,
            flip=options.flip,
            sharp=options.sharp != "off",
            raw_masks=options.raw_masks,
            surface=options.surface or only_surface(predictor.info.config),
        )
        refuse_options(wing, options)
        if not paths:
            refuse_of_pictures(options)
        if not videos:
            options.refuse_of_clips()
        to = options.to_of_pictures
        if to and writes_maps(predictor, options):
            raise UsageError("--to is for objects: the class of every pixel is written as NAME.classes.png.")
        journal = begin(options, seen, name, spread.shown)
        left = [path for path in paths if not journal.has(path)]
        for missing, sentence in spread.failed:
            tell(InputFailed(missing, sentence))
        folder_out = journal.out or options.out
        if paths and to and to not in VIEWERS:
            drafts_of().draft_folder(folder_out, to)
        what = ("class", "classes") if writes_maps(predictor, options) else ("object", "objects")
        done = Outcome()
        if left:
            done = wing.doors().predict(
                predictor, left, result_options(options, journal), Counted(tell, len(paths), len(left), spread, what)
            )
        ahead = [video for video in videos if not journal.has(video.path)]
        clips = predict_clips(predictor, ahead, options, journal, tell) if ahead else ClipsOutcome()
        journal.close()
        before = {line.input[0]: line.objects for line in journal.past.lines}
        shown = {journal.name_of(video.path) for video in videos}
        clips_before = {path: before.pop(path) for path in [*before] if path in shown}
        counts, drafts = before | done.counts, None
        names = {path: journal.name_of(path) for path in paths}
        if to and (drawn := {shown_path(names[p]): p for p in paths if names[p] in counts and is_file(p)}):
            if to in VIEWERS:
                viewed = write_for_viewer(folder_out, to, predictor.info, drawn)
                tell(Note(f"Files for {to} are in {viewed}."))
            else:
                done.failures += drafts_of().write_drafts(folder_out, to, predictor.info, drawn).failures
                drafts = folder_out / to
    for note in done.notes:
        tell(Note(f"note: {note}"))
    if aside:
        tell(Note(aside))
    failures = [*spread.sentences(), *(spread.told(sentence) for sentence in [*done.failures, *clips.failures])]
    found = PredictOutcome(wing.noun, wing.nouns, wing.writes, folder_out, counts, len(before), failures, drafts, what)
    return replace(
        found,
        clips=clips_before | clips.objects,
        clips_before=len(clips_before),
        clip_names=tuple(clips.names),
        clip_writes=written(options),
    )


def refuse_videos(wing: Wing, videos: list[Source], spread: Spread) -> None:
    """Take videos away from a model of other files.

    Args:
        wing: of the files that the model looks at.
        videos: is emptied where these are no pictures.
        spread: what was named; videos that were are failures there, those of folders are not.
    """
    if is_of_pictures(wing):
        return
    named = [video.path for video in videos if video.path in spread.paths]
    videos.clear()
    for path in named:
        spread.failed.append((path, f"{path} is a video, and the model looks at {wing.nouns}: name another --model."))


def writes_maps(predictor: Predictor, options: PredictFilesOptions) -> bool:
    """Whether the classes of pixels are written, and no objects."""
    is_picture = kinds()[predictor.info.notes.get("kind", "image")].is_picture
    config = predictor.info.config
    return is_picture and (options.semantic or not (config.finds_objects or config.whole_head))


def only_surface(config: ModelConfig) -> bool:
    """Whether a surface is all that the model tells of an object beside its box."""
    return config.surface_head is not None and config.mask_head is None and config.keypoint_head is None


def result_options(options: PredictFilesOptions, journal: Journal) -> ResultOptions:
    """What writers are asked for."""
    return ResultOptions(
        journal.out or options.out,
        options.classes,
        options.max_detections,
        options.batch,
        options.label_maps,
        options.cutouts,
        options.explain_most if options.explain else 0,
        DrawStyle(
            options.colour,
            not options.no_boxes,
            not options.no_labels,
            options.line_width,
            options.scale,
            options.page_seconds,
        ),
        options.semantic,
        options.probabilities,
        options.surface,
        options.texture,
        journal,
    )


class Counted:
    """Tells of each input what became of it, and how far the job is.

    Args:
        tell: is given the events.
        total: inputs of the job.
        left: those that are not done yet.
        spread: knows what files are called that were fetched.
        noun: what is found, one and several.
    """

    def __init__(self, tell: Tell, total: int, left: int, spread: Spread, noun: tuple[str, str]) -> None:
        self.spread, self.noun = spread, noun
        self.tell, self.total, self.done = tell, total, total - left
        tell(Progress("searching", self.done, total))

    def __call__(self, file: FileDone) -> None:
        self.done += 1
        path = self.spread.shown.get(file.path, file.path)
        if file.failure:
            self.tell(InputFailed(path, self.spread.told(file.failure)))
        else:
            self.tell(InputDone(path, file.objects, file.entries, self.noun))
        self.tell(Progress("searching", self.done, self.total))
