"""Measures the objects of each file: those that a model finds, or those of label maps."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from maskrcnn.association.fields import AlignedFiles, Field
from maskrcnn.association.measures import MeasureTable, Objects, measure_objects, table_of
from maskrcnn.checkpoints.lookup import load_model
from maskrcnn.checks import few
from maskrcnn.errors import DataError, UsageError
from maskrcnn.files import is_folder
from maskrcnn.inference.predictor import Predictor
from maskrcnn.jobs.association.options import AssociateOptions
from maskrcnn.jobs.association.samples import standardised
from maskrcnn.jobs.events import InputFailed, Note, Progress, Tell
from maskrcnn.modalities.inputs import wing_of_model
from maskrcnn.modalities.wing import Wing

Finder = Callable[[Path, Field], Objects]


def measured(
    options: AssociateOptions, wing: Wing, files: AlignedFiles, paths: Sequence[Path], tell: Tell
) -> tuple[MeasureTable, list[int], list[str]]:
    """Measure the objects of each file.

    Args:
        options: the model, or the regions.
        wing: of the files.
        files: of the same.
        paths: of the files.
        tell: is given :class:`Progress` and what fails.

    Returns:
        The measures of the files that have all of them; which these are; and a sentence for each that failed.

    Raises:
        UsageError: a model of other files.
        DataError: no file can be measured, or too few have anything in common.
    """
    find = of_model(options, wing, tell) if options.model is not None else of_regions(options, wing, files)
    size, rows, kept, failures = (files.WORDS.size, files.WORDS.size_unit), [], [], []
    for number, path in enumerate(paths):
        try:
            found = files.read(path)
            objects = find(path, found)
        except DataError as error:
            failures.append(str(error))
            tell(InputFailed(path, str(error)))
            continue
        if options.standardise:
            found = dataclasses.replace(found, samples=standardised(found.samples))
        rows.append(measure_objects(found, objects, size))
        kept.append(number)
        tell(Progress("measuring", number + 1, len(paths)))
    if not rows:
        raise DataError(failures[0])
    table = table_of(rows)
    whole = np.isfinite(table.values).all(axis=1)
    if not whole.all():
        lacking = [paths[kept[k]].name for k in np.flatnonzero(~whole)]
        tell(Note(f"note: of {few(lacking)} something was not found that others have, so they are left out."))
        kept = [own for own, complete in zip(kept, whole) if complete]
        table = MeasureTable(table.names, table.values[whole])
    if not table.names or not kept:
        raise DataError("No measure of what was found differs between the files, so nothing can go with the label.")
    return table, kept, failures


def of_model(options: AssociateOptions, wing: Wing, tell: Tell) -> Finder:
    """The objects that a model finds, by class.

    Args:
        options: the model, and where it runs.
        wing: of the files.
        tell: is given a :class:`Note` where a model is fetched.

    Returns:
        What finds the objects of a file.

    Raises:
        UsageError: a model of other files, or one without masks.
    """
    assert options.model is not None
    predictor = Predictor(*load_model(options.model, lambda text: tell(Note(text))), device=options.device)
    own = wing_of_model(predictor.info)
    if own.noun != wing.noun:
        raise UsageError(f"{options.model} looks at {own.nouns}, and these are {wing.nouns}: name another --model.")

    def find(path: Path, found: Field) -> Objects:
        opened = wing.doors().open_one(predictor, path)
        seen = predictor(opened.samples, opened.spacing)
        regions = seen.regions
        if regions is None:
            raise UsageError(f"{options.model} finds boxes without masks, which have no size or shape to measure.")
        objects: dict[str, list[np.ndarray]] = {name: [] for name in predictor.class_names}
        for k, label in enumerate(seen.labels.tolist()):
            objects[predictor.class_names[label - 1]].append(regions.mask(k))
        return objects

    return find


def of_regions(options: AssociateOptions, wing: Wing, files: AlignedFiles) -> Finder:
    """The numbers of label maps: of one for all files, or of one for each.

    Args:
        options: the label map, or a folder of them.
        wing: of the files.
        files: of the same.

    Returns:
        What gives the regions of a file.
    """
    assert options.regions is not None
    labels_of = labels_beside(options.regions, wing) if is_folder(options.regions) else None
    shared = files.read_labels(options.regions) if labels_of is None else None

    def find(path: Path, found: Field) -> Objects:
        source = options.regions if labels_of is None else labels_of(path)
        numbers = files.read_labels(labels_of(path)) if shared is None and labels_of is not None else shared
        assert numbers is not None
        if numbers.shape != found.samples.shape[1:]:
            raise DataError(f"{path} has another shape than its regions in {source}: name label maps of its own shape.")
        return {f"region {k}": [numbers == k] for k in np.unique(numbers[numbers > 0]).tolist()}

    return find


def labels_beside(folder: Path, wing: Wing) -> Callable[[Path], Path]:
    """The file of a folder that has a file's name without suffixes."""
    stem_of = wing.doors().stem_of
    by_stem = {stem_of(path): path for path in wing.doors().find_own([folder])}

    def find(path: Path) -> Path:
        if stem_of(path) not in by_stem:
            raise DataError(f"{folder} has no label map for {path}: call it {stem_of(path)} too.")
        return by_stem[stem_of(path)]

    return find
