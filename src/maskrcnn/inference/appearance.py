"""A model that also says what objects look like, so that they are known again."""

from __future__ import annotations

from maskrcnn.models.head import heads_of
from maskrcnn.models.heads.appearance import AppearanceHead
from maskrcnn.models.mask_rcnn import SECOND_STAGE, MaskRCNN
from maskrcnn.structures import APPEARANCE


def telling_appearance(model: MaskRCNN) -> MaskRCNN:
    """The same network, not a copy, that also gives ``outputs["appearance"]``, ``[N, C]``, of what it finds: rows of
    numbers that are alike where objects look alike. The head that tells stands last, so that it knows the masks."""
    heads = {name: head for name, head in heads_of(model).items() if name != SECOND_STAGE}
    return model.with_heads(heads | {APPEARANCE: AppearanceHead(model.backbone.strides)})
