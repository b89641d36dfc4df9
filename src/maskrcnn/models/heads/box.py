"""The box head: what a box holds, and a better box (Faster R-CNN's second stage, with FPN's two linear layers)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from maskrcnn.config import BoxHeadConfig, DetectionConfig, ModelConfig
from maskrcnn.losses.box import box_losses
from maskrcnn.losses.teacher import teacher_loss
from maskrcnn.losses.terms import Term
from maskrcnn.models.class_field import ClassField, FieldReading
from maskrcnn.models.head import Head, LossInputs
from maskrcnn.models.nd import conv_norm, init_he, init_normal
from maskrcnn.models.pooling import PyramidPool
from maskrcnn.ops.box_coding import decode_boxes, default_weights
from maskrcnn.ops.boxes import are_larger, clip_boxes
from maskrcnn.ops.nd import channels_last, full
from maskrcnn.ops.nms import grouped_nms
from maskrcnn.structures import Instances


class BoxHead(Head):
    """(features, boxes) to class logits ``[R, K + 1]``, background first, and deltas ``[R, K or 1, 2D]``.

    Args:
        field: its logits of the K classes are added to the head's own; it reads the features beyond the pyramid.
        norm_eps: under the root of the norms, where the config has any.
    """

    def __init__(
        self,
        ndim: int,
        channels: int,
        num_classes: int,
        config: BoxHeadConfig,
        strides: Sequence[tuple[int, ...]],
        field: ClassField | None = None,
        norm_eps: float = 1e-5,
    ) -> None:
        super().__init__()
        if config.linears not in (1, 2):
            raise ValueError(f"a box head has one or two linear layers, not {config.linears}")
        self.ndim = ndim
        self.pool = PyramidPool(config.pool, strides)
        self.convs = nn.ModuleList(
            conv_norm(ndim, channels, channels, 3, config.norm, norm_eps) for _ in range(config.convs)
        )
        init_he(self)
        self.fc1 = nn.Linear(channels * config.pool.output_size**ndim, config.hidden)
        self.fc2 = nn.Linear(config.hidden, config.hidden) if config.linears == 2 else None
        self.unused = config.unused
        self.class_logits = nn.Linear(config.hidden, 1 + num_classes + config.unused)
        self.box_deltas = nn.Linear(config.hidden, 2 * ndim * (1 if config.class_agnostic else num_classes))
        for layer in (self.fc1, self.fc2):
            if layer is not None:
                nn.init.kaiming_uniform_(layer.weight, a=1)
                nn.init.zeros_(layer.bias)
        init_normal(self.class_logits, 0.01)
        init_normal(self.box_deltas, 0.001)
        self.field = field

    def read(self, features: Sequence[Tensor]) -> FieldReading | None:
        """What the field, if there is one, says of the images."""
        return None if self.field is None else self.field(features[-(2 if self.field.config.rescaled is None else 4) :])

    def join(
        self, features: Sequence[Tensor], proposals: Sequence[Tensor], spatial_shapes: Sequence[tuple[int, ...]]
    ) -> tuple[list[Tensor], FieldReading | None]:
        """Add the class field's own proposals to those of the RPN.

        Args:
            features: of the pyramid's levels.
            proposals: of each image, ``[P, 2D]``.
            spatial_shapes: of each image, tensor order.

        Returns:
            The proposals of each image, and what the field says, for :meth:`forward`; None without
            a field.
        """
        reading = self.read(features)
        return list(proposals) if reading is None else reading.join(proposals, spatial_shapes), reading

    def forward(
        self, features: Sequence[Tensor], boxes: Sequence[Tensor], reading: FieldReading | None = None
    ) -> tuple[Tensor, Tensor]:
        """Classify boxes and refine them.

        Args:
            features: of the pyramid's levels.
            boxes: of each image, ``[R_b, 2D]``.
            reading: the class field's, of these features, where it is known already.

        Returns:
            Logits ``[R, K + 1]`` and deltas ``[R, K or 1, 2D]``, images in a row.
        """
        pooled = self.pool(features, boxes)
        if len(self.convs):
            pooled = channels_last(pooled)
        for layer in self.convs:
            pooled = F.relu(layer(pooled), inplace=True)
        hidden = F.relu(self.fc1(pooled.flatten(1)))
        if self.fc2 is not None:
            hidden = F.relu(self.fc2(hidden))
        logits = with_background(self.class_logits(hidden), self.unused)
        deltas = self.box_deltas(hidden).unflatten(1, (-1, 2 * self.ndim))
        reading = reading or self.read(features)
        if reading is not None:
            logits = logits + F.pad(reading.at(boxes), (1, 0))
        return logits, deltas

    def losses(self, inputs: LossInputs) -> dict[str, Term]:
        """Class and box of the sampled proposals, and how far the classes are from a teacher's, if there is one."""
        boxes = [image.boxes for image in inputs.samples]
        logits, deltas = self(inputs.features, boxes, inputs.reading)
        losses = box_losses(logits, deltas, inputs.samples, inputs.targets, inputs.config, inputs.exhaustive)
        if inputs.teacher_output is not None:
            losses |= teacher_loss(logits, inputs.samples, *inputs.teacher_output)
        return losses

    def loss_names(self) -> tuple[str, ...]:
        return "loss_box_class", "loss_box"

    def class_layers(self, config: ModelConfig) -> dict[str, tuple[int, int]]:
        layers = {"class_logits": (1, 1)}  # background comes first
        if config.box_head.field is not None:
            layers |= {f"field.logits.{k}": (0, len(cells)) for k, cells in enumerate(config.box_head.field.cells)}
        if not config.box_head.class_agnostic:
            layers["box_deltas"] = (0, 2 * self.ndim)
        return layers


def with_background(logits: Tensor, unused: int) -> Tensor:
    """``[R, K + 1]`` from logits ``[R, 1 + K + unused]``: what is of no class is background, with the sum of their
    probabilities; those of the K classes stay as they are."""
    if unused == 0:
        return logits
    nothing = torch.cat([logits[:, :1], logits[:, -unused:]], 1).logsumexp(1, keepdim=True)
    return torch.cat([nothing, logits[:, 1:-unused]], 1)


@torch.no_grad()
def detect(
    logits: Tensor,
    deltas: Tensor,
    proposals: Sequence[Tensor],
    spatial_shapes: Sequence[tuple[int, ...]],
    config: DetectionConfig,
) -> list[Instances]:
    """Make detections of what the box head said of all proposals.

    Args:
        logits: ``[R, K + 1]``.
        deltas: ``[R, K or 1, 2D]``.
        proposals: of each image, ``[R_b, 2D]``.
        spatial_shapes: of each image, tensor order.
        config: thresholds and caps.

    Returns:
        The final boxes of each image, best score first.
    """
    counts = [len(p) for p in proposals]
    scores = full(logits).softmax(-1)[:, 1:].split(counts)
    split_deltas = full(deltas).split(counts)
    return [_detect_one(*image, config) for image in zip(scores, split_deltas, proposals, spatial_shapes)]


def _detect_one(
    scores: Tensor, deltas: Tensor, proposals: Tensor, spatial_shape: tuple[int, ...], config: DetectionConfig
) -> Instances:
    """One image: scores ``[P, K]``, deltas ``[P, K or 1, 2D]``, proposals ``[P, 2D]``."""
    found = refine(scores, deltas, proposals, spatial_shape, config)
    return suppress(found, config)[: config.max_detections]


def refine(
    scores: Tensor, deltas: Tensor, proposals: Tensor, spatial_shape: tuple[int, ...], config: DetectionConfig
) -> Instances:
    """Make a box of each pair of proposal and class that passes the threshold, before any of them
    is suppressed.

    Args:
        scores: ``[R, K]``, probabilities of the classes without background.
        deltas: ``[R, K or 1, 2D]``.
        proposals: ``[R, 2D]``.
        spatial_shape: of the image, tensor order.
        config: the threshold and the least size.

    Returns:
        The boxes with their labels and scores.
    """
    # Only these pairs are decoded.
    row, column = (scores > config.score_threshold).nonzero(as_tuple=True)
    own = deltas[row, column if deltas.shape[1] > 1 else torch.zeros_like(column)]
    boxes = decode_boxes(own, proposals[row], default_weights(proposals.shape[1] // 2))
    boxes = clip_boxes(boxes, spatial_shape)
    large = are_larger(boxes, config.min_box_size)
    return Instances(boxes[large], column[large] + 1, scores[row, column][large])


def suppress(found: Instances, config: DetectionConfig) -> Instances:
    """The boxes that no better one of their class stands for, best first."""
    return found[grouped_nms(found.boxes, found.scores, found.labels, config.nms_threshold)]
