"""What pictures are, without loading what reads them."""

from __future__ import annotations

from maskrcnn.modalities.wing import Kind, Wing

WING = Wing(
    noun="image",
    placeholder="PHOTOS",
    order=30,
    names_left_aside=False,
    kinds=(
        Kind(
            name="image",
            words="a picture",
            ndim=2,
            variant="mobilenet_v2_fpn",
            is_picture=True,
            unit="pixels",
            batch=8,
        ),
    ),
)
