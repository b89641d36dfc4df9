"""Another framework's tensors under our names: one table, and a report of what fitted where.

What every converter shares. A converter is a :class:`NameTable`, a way to tell the model's config from its tensors, and
nothing else; ``torchvision.py`` is one, and ``foreign.py`` finds the right one for a file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from maskrcnn.checkpoints.config_check import check_numbers, empty_tensors
from maskrcnn.config import ModelConfig
from maskrcnn.errors import CheckpointError
from maskrcnn.models.build import build_model
from maskrcnn.models.mask_rcnn import MaskRCNN
from maskrcnn.schema import one_line

# What the tensors of a model belong to, by the beginning of their names, in the order in which data walk through.
STAGES = {
    "body": "backbone.body.",
    "FPN": "backbone.fpn.",
    "RPN": "rpn.",
    "box head": "heads.box.",
    "mask head": "heads.mask.",
    "keypoint head": "heads.keypoint.",
    "surface head": "heads.surface.",
}
NAMED = 3  # keys that a sentence names before it only counts
LONGEST_NAME = 100  # characters of a key that a sentence repeats

Transform = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class NameTable:
    """How another framework's names become ours.

    Attributes:
        source: what the names are of, for sentences: ``torchvision``.
        names: regular expressions of the beginnings of its names, and what takes their place: ``{k}`` is group k of the
            expression, ``{k-1}`` the same counted from 0. The first that fits is taken; what follows it is kept.
        ignored: whole names that have no use here.
        transforms: what is done to the tensor of one of our names, such as leaving out the rows of the background.
    """

    source: str
    names: tuple[tuple[str, str], ...]
    ignored: str = r"(?!)"  # fits nothing
    transforms: Mapping[str, Transform] = field(default_factory=dict)

    def our_name(self, name: str) -> str | None:
        """Our name of one of the tensors; None where the table has none."""
        for pattern, ours in self.names:
            found = re.match(pattern, name)
            if found:
                return _fill(ours, found.groups()) + name[found.end() :]
        return None

    def their_name(self, ours: str) -> str:
        """What the framework calls one of our tensors, as far as the table can be read backwards; else our name."""
        for pattern, template in self.names:
            found = re.match(re.sub(r"\\\{\d(-1|\\-1)?\\\}", r"(\\d+)", re.escape(template)), ours)
            if found:
                name = _unfill(pattern, template, found.groups()) + ours[found.end() :]
                if self.our_name(name) == ours:
                    return name
        return ours


@dataclass
class Renamed:
    """Tensors under our names, and what became of the others."""

    tensors: dict[str, Tensor] = field(default_factory=dict)
    came_from: dict[str, str] = field(default_factory=dict)  # our name to theirs
    unknown: list[str] = field(default_factory=list)  # names that the table does not have
    ignored: int = 0  # how many are known to have no use here


@dataclass
class ImportedStage:
    """One stage of a converted model."""

    stage: str
    tensors: int  # that were filled
    parameters: int  # values in them
    difference: float | None = None  # the largest against a recorded output of the same stage; None: none was recorded


@dataclass
class ImportSummary:
    """What a conversion did, stage by stage."""

    source: str  # the kind of file: "torchvision's maskrcnn_resnet50_fpn"
    stages: list[ImportedStage]
    ignored: int = 0  # tensors that have no use here, such as counters of batches
    notes: list[str] = field(default_factory=list)  # one sentence each: what was assumed

    def lines(self) -> list[str]:
        """For printing: a line a stage."""
        lines = []
        for s in self.stages:
            line = f"{s.stage:14}{s.tensors:5} tensors {s.parameters:12,} values"
            lines.append(line + (f"   largest difference {s.difference:.1e}" if s.difference is not None else ""))
        if self.ignored:
            lines.append(f"{'not used':14}{self.ignored:5} tensors")
        return lines


def rename(tensors: Mapping[str, Tensor], table: NameTable) -> Renamed:
    """All ``tensors`` under our names, with the table's transforms done."""
    renamed = Renamed()
    for name, value in tensors.items():
        ours = table.our_name(name)
        if re.fullmatch(table.ignored, name):
            renamed.ignored += 1
        elif ours is None:
            renamed.unknown.append(name)
        else:
            transform = table.transforms.get(ours)
            renamed.tensors[ours] = value if transform is None else transform(value)
            renamed.came_from[ours] = name
    return renamed


def build_filled(
    config: ModelConfig, renamed: Renamed, table: NameTable, path: object, kind: str
) -> tuple[MaskRCNN, ImportSummary]:
    """Build a model and copy every tensor into it, see :func:`fill`.

    Nothing is built before names and shapes are known to be those of the model.

    Args:
        config: of the model.
        renamed: the tensors under our names.
        table: from their names to ours.
        path: of the file, for sentences.
        kind: what the file was taken for.

    Returns:
        The model, and how many tensors there were of each stage.

    Raises:
        CheckpointError: see :func:`fill`.
    """
    check_fit(empty_tensors(config, path), renamed, table, path, kind)
    model = build_model(config)
    return model, fill(model, renamed, table, path, kind)


def fill(model: nn.Module, renamed: Renamed, table: NameTable, path: object, kind: str) -> ImportSummary:
    """Copy every tensor into a model.

    Args:
        model: that is filled.
        renamed: the tensors under our names.
        table: from their names to ours.
        path: the file, for sentences.
        kind: what the file was taken for, such as ``torchvision's maskrcnn_resnet50_fpn``.

    Returns:
        How many tensors there were of each stage.

    Raises:
        CheckpointError: tensors are missing, left over or of another shape (names the first, as the file has them), or
            hold no finite numbers.
    """
    own = model.state_dict()
    check_fit(own, renamed, table, path, kind)
    for name in own:
        check_numbers(path, renamed.came_from[name], renamed.tensors[name])
    with torch.no_grad():
        for name, value in own.items():
            value.copy_(renamed.tensors[name])
    return ImportSummary(kind, count_stages(own), renamed.ignored)


def check_fit(own: Mapping[str, Tensor], renamed: Renamed, table: NameTable, path: object, kind: str) -> None:
    """Compare names, shapes and kinds of numbers with those of a model's own tensors.

    Args:
        own: tensors of the model, perhaps without memory.
        renamed: the file's tensors under our names.
        table: from their names to ours.
        path: of the file, for sentences.
        kind: what the file was taken for.

    Raises:
        CheckpointError: tensors are missing, left over, of another shape or whole numbers.
    """
    missing = [table.their_name(name) for name in own if name not in renamed.tensors]
    left_over = renamed.unknown + [renamed.came_from[name] for name in renamed.tensors if name not in own]
    reshaped = [
        f"{renamed.came_from[name]} {list(value.shape)} for {list(own[name].shape)}"
        for name, value in renamed.tensors.items()
        if name in own and own[name].shape != value.shape
    ]
    whole = [
        f"{renamed.came_from[name]} {value.dtype}".replace("torch.", "")
        for name, value in renamed.tensors.items()
        if name in own and own[name].is_floating_point() and not value.is_floating_point()
    ]
    parts = [
        f"{len(names)} of its tensors {'is' if len(names) == 1 else 'are'} {what} ({_first(names)})"
        for names, what in (
            (missing, "missing"),
            (left_over, "left over"),
            (reshaped, "of another shape"),
            (whole, "no fractions"),
        )
        if names
    ]
    if parts:
        raise CheckpointError(
            f"{path} looks like {kind}, but does not fit it: {', '.join(parts)}; it is cut off, or another model."
        )


def count_stages(tensors: Mapping[str, Tensor]) -> list[ImportedStage]:
    """How many tensors and values each stage has; a stage without any is left out."""
    reports = []
    for stage, prefix in STAGES.items():
        of_stage = [value for name, value in tensors.items() if name.startswith(prefix)]
        if of_stage:
            reports.append(ImportedStage(stage, len(of_stage), sum(value.numel() for value in of_stage)))
    return reports


def without_rows(first: int) -> Transform:
    """A transform that leaves out the first rows, which belong to the background."""
    return lambda value: value[first:]


def _fill(template: str, groups: Sequence[str]) -> str:
    """Put groups into ``{k}``, or ``{k-1}`` for counting from 0."""
    return re.sub(r"\{(\d)(-1)?\}", lambda m: str(int(groups[int(m[1])]) - (1 if m[2] else 0)), template)


def _unfill(pattern: str, template: str, numbers: Sequence[str]) -> str:
    """The plainest name that ``pattern`` fits and that ``template`` makes the numbers from."""
    places = re.findall(r"\{(\d)(-1)?\}", template)
    groups = {int(k): int(number) + bool(shift) for (k, shift), number in zip(places, numbers)}
    name = re.sub(r"\(\?:([^()]*)\)\?", r"\1", pattern)  # what may be there is
    name = re.sub(r"\[(.)[^\]]*\]", r"\1", name)  # the first of several characters
    count = iter(range(len(groups)))
    name = re.sub(r"\([^()]*\)", lambda _: str(groups.get(next(count), 0)), name)
    return name.replace("\\", "")


def _first(names: Sequence[str]) -> str:
    return ", ".join(one_line(name, LONGEST_NAME) for name in names[:NAMED]) + (", ..." if len(names) > NAMED else "")
