"""Finds the objects in images, recordings or scans, and writes pictures, ``predictions.json`` and ``summary.csv``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from maskrcnn.checkpoints.lookup import load_model
from maskrcnn.checks import only_for_pictures
from maskrcnn.data.parsing.size_limit import at_most
from maskrcnn.errors import UsageError
from maskrcnn.inference.predictor import Predictor
from maskrcnn.inference.results.outcome import Outcome
from maskrcnn.jobs.events import InputDone, Note, Tell, tell_nobody
from maskrcnn.jobs.options.predict import PredictFilesOptions
from maskrcnn.modalities.images.predict import predict_files
from maskrcnn.modalities.inputs import default_model, find_inputs, left_aside
from maskrcnn.modalities.signals.predict import predict_signals
from maskrcnn.modalities.volumes.predict import predict_volumes


@dataclass(frozen=True)
class PredictOutcome:
    """What was found.

    Attributes:
        noun: what an input is called: image, recording or scan.
        objects: how many were found in each input that was searched, by its path.
        failures: a sentence for each input that could not be searched.
    """

    noun: str
    objects: dict[str, int]
    failures: list[str]


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
    with at_most(options.max_pixels):
        inputs, failures = options.inputs_there(), options.inputs_missing()
        name = options.model or default_model(inputs, options.out)
        predictor = Predictor(*load_model(name, lambda text: tell(Note(text))), device=options.device)
        paths, noun = find_inputs(inputs, predictor.info, exclude=options.out)
        aside = left_aside(inputs, paths, noun, options.out)
        if not paths:
            nothing = f"There are no {noun}s in {', '.join(map(str, options.inputs))}; {aside}".rstrip("; ")
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
        done = _search(predictor, paths, noun, options, tell)
    for note in [*done.notes, *([aside] if aside else [])]:
        tell(Note(f"note: {note}"))
    return PredictOutcome(noun, done.counts, failures + done.failures)


def _search(
    predictor: Predictor, paths: Sequence[Path], noun: str, options: PredictFilesOptions, tell: Tell
) -> Outcome:
    """The loop for files of this kind."""

    def done(path: Path, objects: int) -> None:
        tell(InputDone(path, objects))

    out, classes, cap = options.out, options.classes, options.max_detections
    if noun == "scan":
        only_for_pictures(explain=options.explain, image_size=options.image_size)
        return predict_volumes(predictor, paths, out, classes, cap, done, options.cutouts)
    if noun == "recording":
        only_for_pictures(
            label_maps=options.label_maps,
            explain=options.explain,
            flip=options.flip,
            image_size=options.image_size,
        )
        return predict_signals(predictor, paths, out, classes, cap, done, options.cutouts)
    most = options.explain_most if options.explain else 0
    batch, label_maps = options.batch, options.label_maps
    return predict_files(predictor, paths, out, classes, cap, batch, label_maps, done, most, options.cutouts)
