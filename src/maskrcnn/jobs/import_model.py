"""Writes a checkpoint of torchvision's or detectron2's as a model file of this package."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from maskrcnn.checkpoints.foreign.load import load_foreign
from maskrcnn.checkpoints.foreign.stage_comparison import compare_stages
from maskrcnn.checkpoints.ours import save_checkpoint
from maskrcnn.jobs.events import Note, Tell, tell_nobody
from maskrcnn.jobs.options.import_model import ImportOptions


@dataclass(frozen=True)
class ImportOutcome:
    """What was imported.

    Attributes:
        out: the model file.
        source: what the checkpoint is, such as ``torchvision's maskrcnn_resnet50_fpn``.
        class_names: of the model, in order.
        lines: what of the checkpoint went where, a sentence each.
    """

    out: Path
    source: str
    class_names: tuple[str, ...]
    lines: tuple[str, ...]


def import_model(options: ImportOptions, tell: Tell = tell_nobody) -> ImportOutcome:
    """Write another framework's checkpoint as a model file of ours.

    Args:
        options: the checkpoint, the file to write, and what the checkpoint does not say of itself.
        tell: is given a :class:`Note` for what was assumed.

    Returns:
        What the checkpoint is, and what of it fitted where.

    Raises:
        UsageError, CheckpointError: see :func:`maskrcnn.checkpoints.foreign.load.load_foreign`.
    """
    options.check()
    model, info, mapping = load_foreign(options.checkpoint, options.classes or None, options.norm_eps)
    if options.recorded is not None:
        compare_stages(model, options.recorded, mapping)
    save_checkpoint(options.target(), model, info)
    for note in mapping.notes:
        tell(Note(f"note: {note}"))
    return ImportOutcome(options.target(), mapping.source, info.class_names, tuple(mapping.lines()))
