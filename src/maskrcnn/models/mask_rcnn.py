"""Mask R-CNN (He et al. 2017): the walk from images to detections; training has its own, ``losses/objective.py``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from torch import Tensor, nn

from maskrcnn.config import ModelConfig
from maskrcnn.models.fpn import Backbone
from maskrcnn.models.heads.box import BoxHead, detect
from maskrcnn.models.heads.closeup import CloseUpHead
from maskrcnn.models.heads.keypoint import KeypointHead
from maskrcnn.models.heads.mask import MaskHead
from maskrcnn.models.rpn import RPN, propose
from maskrcnn.structures import ImageBatch, Instances


class MaskRCNN(nn.Module):
    """The whole network, for images of ``config.ndim`` dimensions. Without a mask head it is Faster R-CNN.

    Attributes:
        heads: ``box``, and the heads that look at finished detections (``mask``, ``keypoint``).
    """

    def __init__(
        self,
        config: ModelConfig,
        backbone: Backbone,
        rpn: RPN,
        box_head: BoxHead,
        mask_head: MaskHead | None,
        keypoint_head: KeypointHead | CloseUpHead | None = None,
    ) -> None:
        super().__init__()
        self.config = config
        self.backbone = backbone
        self.rpn = rpn
        self.heads = nn.ModuleDict({"box": box_head})
        if mask_head is not None:
            self.heads["mask"] = mask_head
        if keypoint_head is not None:
            self.heads["keypoint"] = keypoint_head

    def forward(self, images: ImageBatch) -> list[Instances]:
        """Detections of each image, in coordinates of its (resized) input, with what further heads find of them."""
        features = self.backbone(images.tensor)
        detections = self.find(features, images)
        self.describe(features, detections)
        return detections

    def find(self, features: Sequence[Tensor], images: ImageBatch) -> list[Instances]:
        """The boxes, labels and scores of each image's objects."""
        anchors = self.rpn.anchors(features, images.tensor.shape[2:])
        logits, deltas = self.rpn(features)
        proposals = propose(logits, deltas, anchors, images.spatial_shapes, self.config.selection)
        box_head = cast(BoxHead, self.heads["box"])
        proposals, reading = box_head.join(features, proposals, images.spatial_shapes)
        class_logits, box_deltas = box_head(features, proposals, reading)
        return detect(class_logits, box_deltas, proposals, images.spatial_shapes, self.config.detection)

    def describe(self, features: Sequence[Tensor], detections: list[Instances]) -> None:
        """Give found objects what the further heads see of them."""
        for name, head in self.heads.items():
            if name != "box":
                outputs = head(features, [found.boxes for found in detections])
                cast(MaskHead | KeypointHead | CloseUpHead, head).attach(outputs, detections)
