"""Mask R-CNN (He et al. 2017): the walk from images to detections; training has its own, ``losses/objective.py``."""

from __future__ import annotations

from typing import cast

from torch import nn

from maskrcnn.config import ModelConfig
from maskrcnn.models.fpn import Backbone
from maskrcnn.models.heads.box import BoxHead, detect
from maskrcnn.models.heads.mask import MaskHead
from maskrcnn.models.rpn import RPN, propose
from maskrcnn.structures import ImageBatch, Instances


class MaskRCNN(nn.Module):
    """The whole network, for images of ``config.ndim`` dimensions. Without a mask head it is Faster R-CNN.

    Attributes:
        heads: ``box``, and the heads that look at finished detections (``mask``).
    """

    def __init__(
        self, config: ModelConfig, backbone: Backbone, rpn: RPN, box_head: BoxHead, mask_head: MaskHead | None
    ) -> None:
        super().__init__()
        self.config = config
        self.backbone = backbone
        self.rpn = rpn
        self.heads = nn.ModuleDict({"box": box_head})
        if mask_head is not None:
            self.heads["mask"] = mask_head

    def forward(self, images: ImageBatch) -> list[Instances]:
        """Detections of each image, in coordinates of its (resized) input, with mask logits where there is a head."""
        features = self.backbone(images.tensor)
        anchors = self.rpn.anchors(features, images.tensor.shape[2:])
        logits, deltas = self.rpn(features)
        proposals = propose(logits, deltas, anchors, images.spatial_shapes, self.config.selection)
        class_logits, box_deltas = self.heads["box"](features, proposals)
        detections = detect(class_logits, box_deltas, proposals, images.spatial_shapes, self.config.detection)
        for name, head in self.heads.items():
            if name != "box":
                cast(MaskHead, head).attach(head(features, [found.boxes for found in detections]), detections)
        return detections
