"""What pictures are, without loading what reads them."""

from __future__ import annotations

from pathlib import Path

from maskrcnn.modalities.images.labels.formats import label_formats
from maskrcnn.modalities.wing import Kind, Wing


def list_label_sets() -> str:
    """What there is to see of each format of labels."""
    return ", ".join(known.brief for known in label_formats())


def names_pictures(folder: Path) -> bool:
    """Whether a file of labels in ``folder`` names pictures."""
    from maskrcnn.modalities.images.labels.named_pictures import names_pictures  # reads some of the files

    return names_pictures(folder)


WING = Wing(
    noun="image",
    placeholder="PHOTOS",
    order=30,
    looked_for=list_label_sets,
    names_files=names_pictures,
    refused_options=("page_seconds",),
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
