"""Files whose labels stand in a table: opened for a training, and what of it their model remembers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from maskrcnn.checkpoints.ours import load_checkpoint, read_info, save_checkpoint
from maskrcnn.data.class_maps.tasks import WHOLE
from maskrcnn.data.dataset import Dataset
from maskrcnn.doctor.whole_files import leaks
from maskrcnn.errors import DataError
from maskrcnn.evaluation.whole import columns_of
from maskrcnn.files import exists
from maskrcnn.inference.predictor import Predictor
from maskrcnn.inference.whole_parts import NOTE, choose_thresholds, whole_evidence_of
from maskrcnn.jobs.options.train import TrainOptions
from maskrcnn.modalities.whole_files import open_whole_files
from maskrcnn.planning.plan import read_plan
from maskrcnn.planning.recipe import MEANINGS

MOST_FILES = 200  # of the validation files, to choose thresholds on


def table_of_labels(options: TrainOptions, out: Path) -> str:
    """The table of labels that a training asks for, or that its beginning or its plan named; empty: none.

    Args:
        options: as the user gave them.
        out: the folder of the training.
    """
    last = out / "last.safetensors"
    if options.recipe.labels not in MEANINGS:
        return options.recipe.labels
    if options.resume and exists(last):
        kept = read_info(last).notes.get("recipe", {})
        return str(kept.get("labels", "")) if kept.get("task") == WHOLE else ""
    if options.plan not in ("auto", "off"):
        said = str(read_plan(Path(options.plan)).get("labels", ""))
        return said if said not in MEANINGS else ""
    return ""


def open_labelled_files(
    paths: Sequence[Path], val: Path | None, table: str, say: Callable[[str], None]
) -> tuple[Dataset, Dataset | None]:
    """The files to learn from and those to judge on, both labelled in one table.

    Args:
        paths: to learn from.
        val: to judge on; None: some of the others are held out.
        table: of labels.
        say: is told what a model could learn instead of what is meant.

    Returns:
        Both data sets.

    Raises:
        DataError: as :func:`maskrcnn.modalities.whole_files.open_whole_files`.
    """
    data = open_whole_files(paths, table)
    judged = None if val is None else open_whole_files([val], table, fewest=1)
    if judged is not None and judged.kind != data.kind:
        raise DataError(f"{val} holds files of the kind {judged.kind}, and {paths[0]} of {data.kind}.")
    for leak in leaks(data):
        say(f"warning: {leak}")
    if judged is not None:
        same = {source.record().source for source in data.sources}
        both = [record.file_name for record in judged if record.source in same]
        data = replace(
            data, problems=[*data.problems, *([f"{len(both)} files are in both, the first {both[0]}."] if both else [])]
        )
    return data, judged


def remember_thresholds(best: Path, val: Dataset, device: str) -> list[float]:
    """Choose from which strength on a place is of a part, and write it into a checkpoint.

    Args:
        best: the checkpoint.
        val: files that it has not learned from.
        device: ``cpu``, ``cuda`` or ``mps``.

    Returns:
        A threshold for each of the model's labels.
    """
    network, info = load_checkpoint(best)
    predictor = Predictor(network, info, device)
    columns, evidence, labels = columns_of(predictor, val), [], []
    for index in range(min(len(val), MOST_FILES)):
        try:
            record = val[index]
            own = whole_evidence_of(predictor(val.read_image(record), record.spacing))
        except DataError:
            continue
        assert own is not None and record.file_labels is not None
        evidence.append(own)
        labels.append(record.file_labels)
    if not evidence or val.file_labels == "number":
        return []
    chosen = [0.0] * len(info.class_names)
    for column, value in zip(
        columns,
        choose_thresholds(
            [replace(own, scores=own.scores[:, columns], attention=own.attention[:, columns]) for own in evidence],
            labels,
        ),
    ):
        chosen[column] = value
    network.to("cpu")
    save_checkpoint(best, network, replace(info, notes={**info.notes, NOTE: {"threshold": chosen}}))
    return chosen
