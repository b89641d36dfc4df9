"""Mask R-CNN (He et al. 2017): the walk from images to detections; training has its own, ``losses/objective.py``."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import cast

from torch import Tensor, nn

from maskrcnn.config import DetectionConfig, ModelConfig
from maskrcnn.models.fpn import Backbone
from maskrcnn.models.head import Head, heads_of
from maskrcnn.models.heads.box import BoxHead, detect
from maskrcnn.models.rpn import RPN, propose
from maskrcnn.ops.nd import full
from maskrcnn.structures import ImageBatch, Instances

SECOND_STAGE = "box"  # the name of the head that makes proposals detections


class MaskRCNN(nn.Module):
    """The whole network, for images of ``config.ndim`` dimensions. Without further heads it is Faster R-CNN, without
    RPN and box head a fully convolutional network that says of whole images what its heads do.

    Args:
        rpn: the first stage; None: no objects are looked for.
        box_head: the second stage; None as ``rpn``.
        heads: those that look at finished detections or at whole images, by name.
    """

    def __init__(
        self,
        config: ModelConfig,
        backbone: Backbone,
        rpn: RPN | None,
        box_head: BoxHead | None,
        heads: Mapping[str, Head],
    ) -> None:
        super().__init__()
        self.config = config
        self.backbone = backbone
        self.rpn = cast(RPN, rpn)
        self.heads = nn.ModuleDict({**({} if box_head is None else {SECOND_STAGE: box_head}), **heads})
        for name, head in heads_of(self).items():
            head.name = name

    @property
    def box_head(self) -> BoxHead:
        return cast(BoxHead, self.heads[SECOND_STAGE])

    @property
    def finds_objects(self) -> bool:
        """Whether there are two stages that look for objects."""
        return SECOND_STAGE in self.heads

    def without(self, names: Collection[str]) -> MaskRCNN:
        """The same network, not a copy, that does not ask some of its further heads."""
        kept = {name: head for name, head in heads_of(self).items() if name not in names and name != SECOND_STAGE}
        return self.with_heads(kept)

    def with_heads(self, heads: Mapping[str, Head]) -> MaskRCNN:
        """The same network, not a copy, with other further heads."""
        box_head = self.box_head if self.finds_objects else None
        return MaskRCNN(self.config, self.backbone, self.rpn, box_head, heads).train(self.training)

    def forward(self, images: ImageBatch, detection: DetectionConfig | None = None) -> list[Instances]:
        """Detections of each image, in coordinates of its (resized) input, with what further heads find of them.

        Args:
            images: ``[B, C, *S]``, resized, with the extent of each.
            detection: which boxes are kept; None: as the model's config says.

        Returns:
            One :class:`Instances` an image, best scores first.
        """
        features = self.backbone(images.tensor)
        detections = self.find(features, images, detection)
        self.describe(features, images, detections)
        return detections

    def find(
        self, features: Sequence[Tensor], images: ImageBatch, detection: DetectionConfig | None = None
    ) -> list[Instances]:
        """The boxes, labels and scores of each image's objects; none where the model looks for none.

        Args:
            features: levels ``[B, C, *S / stride]``, finest first, and what else the backbone
                gives.
            images: ``[B, C, *S]``, that the features were made of.
            detection: which boxes are kept; None: as the model's config says.

        Returns:
            One :class:`Instances` an image, best scores first, in coordinates of its (resized)
            input.
        """
        if not self.finds_objects:
            return [Instances(images.tensor.new_zeros((0, 2 * self.config.ndim))) for _ in images.spatial_shapes]
        anchors = self.rpn.anchors(features, images.tensor.shape[2:])
        logits, deltas = self.rpn(features)
        proposals = propose(logits, deltas, anchors, images.spatial_shapes, self.config.selection)
        proposals, reading = self.box_head.join(features, proposals, images.spatial_shapes)
        class_logits, box_deltas = self.box_head(features, proposals, reading)
        return detect(class_logits, box_deltas, proposals, images.spatial_shapes, detection or self.config.detection)

    def classify(self, features: Sequence[Tensor], boxes: Sequence[Tensor]) -> list[Tensor]:
        """Of given boxes ``[R_b, 2D]`` of each image, the probability of every class: ``[R_b, K]``."""
        logits, _ = self.box_head(features, boxes)
        return list(full(logits).softmax(-1)[:, 1:].split([len(own) for own in boxes]))

    def describe(self, features: Sequence[Tensor], images: ImageBatch, detections: list[Instances]) -> None:
        """Give found objects what the further heads see of them.

        Args:
            features: levels ``[B, C, *S / stride]``, finest first, and what else the backbone
                gives.
            images: ``[B, C, *S]``, that the features were made of.
            detections: of each image, boxes in coordinates of its (resized) input; they are
                changed.
        """
        for head in heads_of(self).values():
            head.describe(features, images, detections)
