"""Finds the objects in images, recordings or scans, and writes pictures, ``predictions.json`` and ``summary.csv``."""

from __future__ import annotations

from dataclasses import dataclass

from maskrcnn.checkpoints.lookup import load_model
from maskrcnn.data.parsing.size_limit import at_most
from maskrcnn.errors import UsageError
from maskrcnn.inference.predictor import Predictor
from maskrcnn.inference.results.options import ResultOptions
from maskrcnn.jobs.events import InputDone, Note, Tell, tell_nobody
from maskrcnn.jobs.options.predict import PredictFilesOptions
from maskrcnn.modalities.inputs import default_model, left_aside, refuse_options, wing_of_model


@dataclass(frozen=True)
class PredictOutcome:
    """What was found.

    Attributes:
        noun: what an input is called, such as image.
        nouns: what several are called.
        writes: what was written, in words.
        objects: how many were found in each input that was searched, by its path.
        failures: a sentence for each input that could not be searched.
    """

    noun: str
    nouns: str
    writes: tuple[str, ...]
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
        wing = wing_of_model(predictor.info)
        paths = wing.doors().find_files(inputs, options.out)
        aside = left_aside(inputs, paths, wing, options.out)
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
        wanted = ResultOptions(
            options.out,
            options.classes,
            options.max_detections,
            options.batch,
            options.label_maps,
            options.cutouts,
            options.explain_most if options.explain else 0,
        )
        tell_done = lambda path, objects: tell(InputDone(path, objects))  # noqa: E731
        done = wing.doors().predict(predictor, paths, wanted, tell_done)
    for note in [*done.notes, *([aside] if aside else [])]:
        tell(Note(f"note: {note}"))
    return PredictOutcome(wing.noun, wing.nouns, wing.writes, done.counts, failures + done.failures)
