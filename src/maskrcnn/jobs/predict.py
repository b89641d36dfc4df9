"""Finds the objects in images, recordings or scans, and writes pictures, ``predictions.json`` and ``summary.csv``."""

from __future__ import annotations

import hashlib
import importlib
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from maskrcnn.checkpoints.lookup import find_model_file, load_model
from maskrcnn.checks import counted
from maskrcnn.data.parsing.size_limit import at_most
from maskrcnn.drawing.style import DrawStyle
from maskrcnn.errors import UsageError
from maskrcnn.exchange.viewers import VIEWERS
from maskrcnn.files import RESULTS_MARK, exists, is_file, resolved
from maskrcnn.inference.predictor import Predictor
from maskrcnn.inference.results.journal import Journal, Past, read_past, remove_results
from maskrcnn.inference.results.lists import LIST, TABLE
from maskrcnn.inference.results.names import shown_path
from maskrcnn.inference.results.options import ResultOptions
from maskrcnn.inference.results.outcome import FileDone, Outcome
from maskrcnn.jobs.events import InputDone, InputFailed, Note, Progress, Tell, tell_nobody
from maskrcnn.jobs.inputs.expand import Spread, spread_out
from maskrcnn.jobs.options.predict import OUT, PredictFilesOptions
from maskrcnn.jobs.results.viewers import write_for_viewer
from maskrcnn.modalities.inputs import default_model, is_known, left_aside, refuse_options, wing_of_model
from maskrcnn.modalities.table import kinds


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
        inputs, failures = spread.paths, [sentence for _, sentence in spread.failed]
        if not inputs:
            raise UsageError(" ".join(failures) or f"There is nothing to look at; {spread.aside()}")
        name = options.model or default_model(inputs, options.out)
        predictor = Predictor(*load_model(name, lambda text: tell(Note(text))), device=options.device)
        wing = wing_of_model(predictor.info)
        paths = wing.doors().find_files(inputs, options.out)
        aside = " ".join(filter(None, [left_aside(inputs, paths, wing, options.out), spread.aside()]))
        if not paths:
            nothing = f"There are no {wing.nouns} in {', '.join(map(str, options.inputs))}; {aside}".rstrip("; ")
            raise UsageError(" ".join(failures) or (nothing if aside else f"{nothing}."))
        predictor = predictor.with_options(
            score=options.score,
            image_size=options.image_size,
            tile=options.tile,
            overlap=options.overlap,
            flip=options.flip,
            sharp=options.sharp != "off",
            raw_masks=options.raw_masks,
        )
        refuse_options(wing, options)
        if options.to and writes_maps(predictor, options):
            raise UsageError("--to is for objects: the class of every pixel is written as NAME.classes.png.")
        journal = begin(options, paths, name, spread.shown)
        left = [path for path in paths if not journal.has(path)]
        for missing, sentence in spread.failed:
            tell(InputFailed(missing, sentence))
        folder_out = journal.out or options.out
        if options.to and options.to not in VIEWERS:
            drafts_of().draft_folder(folder_out, options.to)
        what = ("class", "classes") if writes_maps(predictor, options) else ("object", "objects")
        done = Outcome()
        if left:
            done = wing.doors().predict(
                predictor, left, result_options(options, journal), Counted(tell, len(paths), len(left), spread, what)
            )
        journal.close()
        before = {line.input[0]: line.objects for line in journal.past.lines}
        counts, drafts = before | done.counts, None
        names = {path: journal.name_of(path) for path in paths}
        if options.to and (drawn := {shown_path(names[p]): p for p in paths if names[p] in counts and is_file(p)}):
            if options.to in VIEWERS:
                viewed = write_for_viewer(folder_out, options.to, predictor.info, drawn)
                tell(Note(f"Files for {options.to} are in {viewed}."))
            else:
                done.failures += drafts_of().write_drafts(folder_out, options.to, predictor.info, drawn).failures
                drafts = folder_out / options.to
    for note in done.notes:
        tell(Note(f"note: {note}"))
    if aside:
        tell(Note(aside))
    told = [spread.told(sentence) for sentence in done.failures]
    failures += told
    return PredictOutcome(wing.noun, wing.nouns, wing.writes, folder_out, counts, len(before), failures, drafts, what)


def writes_maps(predictor: Predictor, options: PredictFilesOptions) -> bool:
    """Whether the classes of pixels are written, and no objects."""
    is_picture = kinds()[predictor.info.notes.get("kind", "image")].is_picture
    return is_picture and (options.semantic or not predictor.info.config.finds_objects)


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


def begin(options: PredictFilesOptions, paths: Sequence[Path], model: str, shown: Mapping[Path, str]) -> Journal:
    """The journal of a prediction: of a new one, or of one that goes on.

    A folder holds the results of one prediction. Where every file of the one before is among ``paths``, it is done
    anew in its place; else another folder has to be named, unless none was.

    Args:
        options: the folder, and whether to go on or to begin anew.
        paths: of the files.
        model: its name or file.
        shown: what results call files that were fetched.

    Returns:
        The journal; its folder is the one that is written into.

    Raises:
        UsageError: the folder holds something else.
    """
    settings = {"model": _trace_of(model), **options.settings()}
    out = options.out
    for number in count(2):
        past = read_past(out)
        if options.skip_done:
            _refuse_other_settings(out, past, settings)
            return Journal(out, settings, past, shown)
        done = {line.input[1] for line in past.lines} if past is not None else set()
        if options.overwrite or not _holds_results(out):
            break
        if past is not None and past.finished and done <= {shown.get(path) or str(resolved(path)) for path in paths}:
            break
        if options.out is not OUT:
            raise UsageError(_refusal(out, past))
        if past is not None and not past.finished:
            raise UsageError(_refusal(out, past))
        out = OUT.with_name(f"{OUT.name}-{number}")
    remove_results(out, past)
    return Journal(out, settings, shown=shown)


def _holds_results(out: Path) -> bool:
    return any(exists(out / name) for name in (RESULTS_MARK, LIST, TABLE))


def _refusal(out: Path, past: Past | None) -> str:
    if past is None or past.finished:
        what = "results of other files" if past is not None else "results of an earlier run"
        return f"{out} holds {what}: name another folder with --out, or --overwrite to remove them."
    return (
        f"{out} holds a run that was stopped after {counted(len(past.lines), 'input')}: go on with --skip-done, begin "
        "anew with --overwrite, or name another folder with --out."
    )


def _refuse_other_settings(out: Path, past: Past | None, settings: dict[str, Any]) -> None:
    if past is None:
        if _holds_results(out):
            raise UsageError(f"{out} does not say which files are done in it: begin anew with --overwrite.")
        return
    for name, value in settings.items():
        if past.lines and past.settings.get(name) != value:
            flag = f"--{name.replace('_', '-')}"
            was = past.settings.get(name)
            told = "of another model" if name == "model" else f"with another {flag} (it was {was}, not {value})"
            raise UsageError(f"What is done in {out} is {told}: ask for the same, or name another folder.")


def _trace_of(model: str) -> list[Any]:
    """By which a model is known again: the name of its file, its size and its end."""
    path = find_model_file(model)
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 2**16))
        return [path.name, size, hashlib.sha256(file.read()).hexdigest()[:16]]
