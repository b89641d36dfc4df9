"""Which parts of files go with a label of the whole file: maps, regions with their p, a picture and a page."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from maskrcnn.association.analysis import Answer, Question, analyse
from maskrcnn.association.design import Design
from maskrcnn.association.permutations import Maps
from maskrcnn.association.values import Values
from maskrcnn.checks import counted, listed, result_folder
from maskrcnn.errors import DataError
from maskrcnn.jobs.association.labels import Known, known_files
from maskrcnn.jobs.association.objects import labels_beside, measured
from maskrcnn.jobs.association.options import AssociateOptions
from maskrcnn.jobs.association.samples import Reader, middle_cuts, read_samples
from maskrcnn.jobs.association.written import Setting, Told, write_maps, write_measures
from maskrcnn.jobs.events import InputFailed, Note, Progress, Tell, tell_nobody
from maskrcnn.modalities.aligned import aligned_files, find_aligned
from maskrcnn.modalities.wing import Wing


@dataclass(frozen=True)
class AssociateOutcome:
    """What goes with a label.

    Attributes:
        sentence: the result.
        lines: of the first regions or measures that were found, one each.
        found: how many there are.
        files: how many it is of.
        failures: a sentence for each file that could not be read, and each row without a file.
        page: the report.
    """

    sentence: str
    lines: tuple[str, ...]
    found: int
    files: int
    failures: tuple[str, ...]
    page: Path


def associate(options: AssociateOptions, tell: Tell = tell_nobody) -> AssociateOutcome:
    """Test which parts of files go with a label, confounders taken out, and write what was found into ``options.out``.

    A linear model at each sample (or of each measure of an object), tested by permuting the residuals of the
    confounders (Freedman and Lane 1983), p corrected for all samples at once.

    Args:
        options: the files, the table of labels, and how it is tested.
        tell: is given :class:`Progress`, what is left out, and what fails.

    Returns:
        What was found.

    Raises:
        UsageError: options that cannot be followed.
        DataError: a table or files with which nothing can be tested, or files that do not lie alike.
    """
    options.check()
    wing, paths = find_aligned(options.inputs, options.out, options.table)
    known = known_files(options, paths, wing.doors().stem_of)
    try:
        known.design(range(len(known.paths)))  # before anything long begins
    except DataError as error:
        raise DataError(" ".join([str(error), *known.left_out])) from None
    for sentence in known.left_out:
        tell(Note(f"note: {sentence}"))
    for sentence in known.missing:
        tell(InputFailed(options.table, sentence))
    result_folder(options.out)
    test = _of_measures if options.of_measures else _of_samples
    return test(options, wing, known, tell)


def question_of(options: AssociateOptions) -> Question:
    """How it is tested."""
    return Question(options.correction, options.p, options.cluster_p, options.permutations, options.seed)


def _of_samples(options: AssociateOptions, wing: Wing, known: Known, tell: Tell) -> AssociateOutcome:
    files = aligned_files(wing)
    cuts = {}
    if options.align is not None:
        cuts = middle_cuts(files, known.paths, labels_beside(options.align, wing), tell)
    with tempfile.TemporaryDirectory(prefix=".samples-", dir=options.out) as folder:
        read, values = read_samples(Reader(files, options, cuts), known.paths, Path(folder), tell)
        with values:
            design = known.design(read.kept)
            answer = analyse(values, read.maps, design, question_of(options), _progress(options, tell))
            setting = _setting(options, known, read.kept, design, answer, files.WORDS.sample)
            told = write_maps(files, read, values, answer, setting)
    return _outcome(setting, told, known, read.failures)


def _of_measures(options: AssociateOptions, wing: Wing, known: Known, tell: Tell) -> AssociateOutcome:
    files = aligned_files(wing)
    table, kept, failures = measured(options, wing, files, known.paths, tell)
    design = known.design(kept)
    question = question_of(options)
    if question.correct != "fdr":  # a measure has no neighbours
        question = dataclasses.replace(question, correct="voxels")
    with Values(len(kept), len(table.names), options.out) as values:
        centre = table.values.mean(axis=0)  # float32 is then precise enough for any unit
        values.array[:] = table.values - centre
        maps = Maps(np.ones((len(table.names), 1), dtype=bool))
        answer = analyse(values, maps, design, question, _progress(options, tell))
        setting = _setting(options, known, kept, design, answer, "measure")
        setting = dataclasses.replace(setting, correct=question.correct)
        told = write_measures(table, values, answer, setting)
    return _outcome(setting, told, known, failures)


def _progress(options: AssociateOptions, tell: Tell) -> Callable[[int], None]:
    return lambda count: tell(Progress("permuting", count, options.permutations))


def _setting(
    options: AssociateOptions, known: Known, kept: Sequence[int], design: Design, answer: Answer, sample: str
) -> Setting:
    if not answer.tested:
        raise DataError("Nothing that is looked at differs between the files beyond what --adjust names.")
    label, classes = known.shown(kept)
    return Setting(
        options.out,
        known.by,
        options.confounders,
        design,
        options.correction,
        options.p,
        options.permutations,
        sample,
        label,
        tuple(classes),
        known.variables(kept),
    )


def _outcome(setting: Setting, told: Told, known: Known, failures: Sequence[str]) -> AssociateOutcome:
    taken = f", {listed(setting.adjust, 'and')} taken out" if setting.adjust else ""
    files = counted(len(setting.label), "file")
    return AssociateOutcome(
        f"{told.sentence} ({files}{taken}).",
        told.lines,
        told.found,
        len(setting.label),
        (*known.missing, *failures),
        told.page,
    )
