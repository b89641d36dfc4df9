"""The measures of scans with one object of each class: Dice and the error of the volume."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from maskrcnn.data.dataset import Dataset
from maskrcnn.evaluation.fields import UNKNOWN, FieldResult
from maskrcnn.modalities.volumes.find import stem_of
from maskrcnn.modalities.volumes.measures.dice import ClassDice, dice_by_class, one_object_a_class
from maskrcnn.structures import Instances, Record

HIPPOCAMPUS = ["anterior", "posterior"]  # classes of the Medical Segmentation Decathlon's task 4, whatever their case
# Isensee et al. 2021, on that task: the mean of both classes.
NNUNET = "nnU-Net: about 0.89 mean Dice on this data"


def field_measures(
    dataset: Dataset,
    records: Sequence[Record],
    detections: Sequence[Instances],
    by_lead: Sequence[Sequence[Instances]] | None = None,
) -> FieldResult:
    """``classes/<class>/dice`` and ``classes/<class>/volume_error`` of scans with one object of a class at most; an
    empty result for others. Those of the hippocampus have the same under ``hippocampus/``, with class names in lower
    case.

    Args:
        dataset: says the names of the classes.
        records: those that could be read, in file coordinates.
        detections: of each, with all scores, under the data set's labels, on the CPU.
        by_lead: of no use here: a scan is seen with all its channels.

    Returns:
        Numbers by name, and a table of them; empty where none apply.
    """
    if not records or not one_object_a_class(records):
        return FieldResult()
    of_hippocampus = sorted(map(str.casefold, dataset.class_names)) == HIPPOCAMPUS
    classes = dice_by_class(records, detections, dataset.class_names)
    metrics: dict[str, float | None] = {}
    for own in classes:
        metrics |= own.measures(f"classes/{own.name}")
        if of_hippocampus:
            metrics |= own.measures(f"hippocampus/{own.name.casefold()}")
    stems = [stem_of(Path(record.file_name)) for record in records]
    return FieldResult(metrics, _dice_table(classes, stems, NNUNET if of_hippocampus else None))


def _dice_table(classes: Sequence[ClassDice], stems: Sequence[str], caption: str | None) -> Table:
    table = Table(title="Dice and volume of each class, shown at a score of 0.5", caption=caption)
    table.add_column("class")
    for heading in ("scans", "Dice", "sd", "worst", "volume\ndifference %", "volume\nerror %"):
        table.add_column(heading, justify="right")
    table.add_column("worst scan", overflow="fold")
    for own in classes:
        count = len(own.records)
        if count == 0:
            table.add_row(own.name, "0", *[UNKNOWN] * 6)
            continue
        worst = int(own.dice.argmin())
        table.add_row(
            own.name,
            str(count),
            f"{own.dice.mean():.3f}",
            f"{own.dice.std(ddof=1):.3f}" if count > 1 else UNKNOWN,
            f"{own.dice[worst]:.3f}",
            f"{100 * own.difference.mean():+.1f}",
            f"{100 * abs(own.difference).mean():.1f}",
            stems[own.records[worst]],
        )
    return table
