"""The parts of a network that become graphs; what lies between them is glue that chooses, sorts and suppresses.

| graph | from | to |
|---|---|---|
| ``body`` | image ``[1, C, *S]`` | what the body makes of it, finest first |
| ``pyramid`` | those | the levels; of each level the RPN's logits ``[1, A]``; of each its deltas ``[1, A, 2D]`` |
| ``field`` | the body's last two outputs | the class field's logits ``[1, A, K]`` and boxes ``[1, A, 2D]`` |
| ``box`` | levels, boxes of each level, the field's logits and boxes where there is one | class logits and deltas |
| ``mask`` | levels, boxes of each level | mask logits ``[R, K or 1, *M]`` |
| ``keypoint`` | the same, or close-ups ``[R, C, *S]`` | heatmap logits ``[R, P, *M]`` |
| ``closeup_mask`` | close-ups with box and mask, ``[R, C + 2, *S]`` | mask logits ``[R, *M]`` |
| ``semantic`` | levels, and the body's first resolution where the head reads it | logits ``[1, C, *G]`` |

Rows of boxes and extents of images are open. Each graph keeps no more inputs than it reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from maskrcnn.config import ModelConfig
from maskrcnn.errors import UsageError
from maskrcnn.export.folding import folded, needs_whole_strides
from maskrcnn.export.pooling import LevelPool
from maskrcnn.models.class_field import ClassField, FieldReading
from maskrcnn.models.head import heads_of
from maskrcnn.models.heads.box import BoxHead
from maskrcnn.models.heads.closeup import CloseUpHead
from maskrcnn.models.heads.closeup_mask import GIVEN, CloseUpMaskHead
from maskrcnn.models.heads.keypoint import KeypointHead
from maskrcnn.models.heads.mask import MaskHead
from maskrcnn.models.heads.semantic import SemanticHead
from maskrcnn.models.mask_rcnn import SECOND_STAGE, MaskRCNN
from maskrcnn.models.rpn import RPN

KNOWN = (BoxHead, MaskHead, KeypointHead, CloseUpHead, CloseUpMaskHead, SemanticHead)
EXAMPLE_STEPS = (3, 5, 4)  # whole strides of the coarsest level that an example has along each axis: no two alike, and
# none 1, which torch.export would take for good
EXAMPLE_ROWS = 3  # boxes on the finest level, one more on each coarser one

Example = Any  # a tensor or a list of them


@dataclass(frozen=True)
class Graph:
    """A part of a network, with an example of what it is given.

    Attributes:
        name: of its file.
        module: that computes it.
        examples: arguments; a list of tensors is one argument.
        inputs: names of the tensors among them, in order.
        outputs: names of what it gives.
        open_axes: of each argument the axes whose extents are open.
    """

    name: str
    module: nn.Module
    examples: tuple[Example, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    open_axes: tuple[tuple[int, ...], ...]


def graphs_of(model: MaskRCNN) -> Iterator[Graph]:
    """The graphs of a model, one after another.

    Args:
        model: of any number of dimensions; stays as it is.

    Raises:
        UsageError: the model has a part that is not exported.
    """
    check_exportable(model)
    config = model.config
    network = cast(MaskRCNN, folded(model))
    whole, rows = tuple(range(2, 2 + config.ndim)), (0,)
    image = _example_image(config, network.backbone.strides[-2])
    body, found = network.backbone.body, network.finds_objects
    asked = {"first": True} if network.backbone.gives_first else {}
    with torch.no_grad():
        made = body(image, **asked)
        first, outputs = (made[:1], made[1:]) if asked else ([], made)
        levels = network.backbone.fpn(outputs)
    steps = range(len(outputs))
    names = tuple(f"c{k}" for k in steps)
    yield Graph("body", _Body(body, bool(asked)), (image,), ("image",), ("first",) * len(first) + names, (whole,))
    own = tuple(f"{part}{k}" for part in ("level", "logits", "deltas") for k in range(len(levels)))
    told = own if found else own[: len(levels)]
    pyramid = _Pyramid(network.backbone.fpn, network.rpn if found else None)
    yield Graph("pyramid", pyramid, (list(outputs),), names, told, (whole,))
    pooled = len(set(network.backbone.strides[:-1]))
    seen, boxes = list(levels[:pooled]), _example_boxes(config.ndim, pooled)
    given = (*(f"level{k}" for k in range(pooled)), *(f"boxes{k}" for k in range(pooled)))
    for name, head in heads_of(network).items():
        if isinstance(head, BoxHead):
            yield from _of_box_head(head, outputs, seen, boxes, given, whole)
        elif isinstance(head, (MaskHead, KeypointHead)):
            head.pool = LevelPool(head.pool)  # type: ignore[assignment]
            yield Graph(name, _Pooled(head), (seen, boxes), given, ("logits",), (whole, rows))
        elif isinstance(head, CloseUpHead):
            cuts = torch.zeros(2, config.in_channels, *head.size)
            yield Graph(name, head.closeup, (cuts,), ("closeups",), ("logits",), (rows,))
        elif isinstance(head, CloseUpMaskHead):
            cuts = torch.zeros(2, config.in_channels + GIVEN, *head.size)
            yield Graph(name, head.segmenter, (cuts,), ("closeups",), ("logits",), (rows,))
        elif isinstance(head, SemanticHead):
            head.first = -1
            read = [*levels[: head.levels], *(first if head.own.finer else ())]
            known = (*(f"level{k}" for k in range(head.levels)), *(("first",) if head.own.finer else ()))
            yield Graph(name, _Pooled(head), (read,), known, ("logits",), (whole,))


def _of_box_head(
    head: BoxHead,
    outputs: Sequence[Tensor],
    seen: list[Tensor],
    boxes: list[Tensor],
    given: tuple[str, ...],
    whole: tuple[int, ...],
) -> Iterator[Graph]:
    """The second stage, after the class field if it has one."""
    head.pool = LevelPool(head.pool)  # type: ignore[assignment]
    told = ("class_logits", "box_deltas")
    if head.field is None:
        yield Graph(SECOND_STAGE, _Pooled(head), (seen, boxes), given, told, (whole, (0,)))
        return
    ndim, last, names = head.ndim, list(outputs[-2:]), (f"c{len(outputs) - 2}", f"c{len(outputs) - 1}")
    yield Graph("field", _Field(head.field), (last,), names, ("field_logits", "field_boxes"), (whole,))
    with torch.no_grad():
        logits, places = _Field(head.field)(last)
    field = ([logits.contiguous(), places.contiguous()],)
    if ndim * 2 != places.shape[-1]:
        raise AssertionError(f"boxes of {places.shape[-1]} numbers in {ndim} dimensions")
    yield Graph(
        SECOND_STAGE,
        _BoxWithField(head),
        (seen, boxes, *field),
        (*given, "field_logits", "field_boxes"),
        told,
        (whole, (0,), (1,)),
    )


def check_exportable(model: MaskRCNN) -> None:
    """Refuse a model of which a graph would not say what it says.

    Raises:
        UsageError: it has a head of somebody else's, or layers whose padding depends on the extent of an image.
    """
    strangers = [name for name, head in heads_of(model).items() if not isinstance(head, KNOWN)]
    if strangers:
        raise UsageError(f"The head {strangers[0]} is not one of this package's own, so it cannot be exported.")
    body, divisor = model.backbone.body, model.config.preprocess.size_divisor
    extents = [divisor] * model.config.ndim
    if needs_whole_strides(body) and any(e % s for e, s in zip(extents, model.backbone.strides[-2])):
        raise UsageError(
            f"The model's body pads as TensorFlow does, so images must be a multiple of its stride long, not of "
            f"{divisor} (size_divisor); such a model cannot be exported."
        )


def _example_image(config: ModelConfig, stride: Sequence[int]) -> Tensor:
    """An image of a few whole strides, and of what the config pads to."""
    divisor, field = config.preprocess.size_divisor, config.box_head.field
    coarser = 2 ** len(field.extras) if field is not None and config.finds_objects else 1
    extents = [max(step, divisor) * count * coarser for step, count in zip(stride, EXAMPLE_STEPS)]
    return torch.zeros(1, config.in_channels, *extents)


def _example_boxes(ndim: int, levels: int) -> list[Tensor]:
    return [torch.tensor([[4.0] * ndim + [20.0] * ndim]).repeat(EXAMPLE_ROWS + k, 1) for k in range(levels)]


class _Body(nn.Module):
    def __init__(self, body: nn.Module, first: bool) -> None:
        super().__init__()
        self.body, self.first = body, first

    def forward(self, image: Tensor) -> list[Tensor]:
        outputs: list[Tensor] = self.body(image, first=True) if self.first else self.body(image)
        return outputs


class _Pyramid(nn.Module):
    def __init__(self, fpn: nn.Module, rpn: RPN | None) -> None:
        super().__init__()
        self.fpn, self.rpn = fpn, rpn

    def forward(self, outputs: list[Tensor]) -> list[Tensor]:
        levels: list[Tensor] = self.fpn(outputs)
        if self.rpn is None:
            return levels
        logits, deltas = self.rpn(levels)
        return [*levels, *logits, *deltas]


class _Field(nn.Module):
    def __init__(self, field: ClassField) -> None:
        super().__init__()
        self.field = field

    def forward(self, outputs: list[Tensor]) -> tuple[Tensor, Tensor]:
        logits, boxes = self.field.look(outputs)
        return logits, boxes.reshape(1, -1, boxes.shape[-1])


class _Pooled(nn.Module):
    """A head that is called as it is: with features, and with boxes by level."""

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.head = head

    def forward(self, levels: list[Tensor], boxes: list[Tensor] | None = None) -> Any:
        return self.head(levels) if boxes is None else self.head(levels, boxes)


class _BoxWithField(nn.Module):
    def __init__(self, head: BoxHead) -> None:
        super().__init__()
        self.head = head

    def forward(self, levels: list[Tensor], boxes: list[Tensor], field: list[Tensor]) -> tuple[Tensor, Tensor]:
        assert self.head.field is not None
        logits, places = field
        reading = _ByLevel(logits, places, self.head.field.config)
        answer: tuple[Tensor, Tensor] = self.head(levels, boxes, reading)
        return answer


class _ByLevel(FieldReading):
    """A reading of one image at boxes that are sorted by level."""

    def at(self, boxes: Sequence[Tensor]) -> Tensor:
        return super().at([torch.cat(list(boxes))])
